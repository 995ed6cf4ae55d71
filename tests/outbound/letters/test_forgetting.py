"""Who is forgotten leaves no letter behind: neither in the store nor in an archive that is taken afterwards."""

from typing import Any

import pytest

from crm.documents.store import StoreError
from crm.privacy.holders import Person
from outbound.letters import privacy, queries
from tests.cast import Cast
from tests.outbound.letters.press import LETTERS, Press

pytestmark = pytest.mark.integration


def test_an_erasure_takes_the_files_and_leaves_what_they_cost(press: Press, cast: Cast) -> None:
    campaign = press.run(cast.mario, *press.people(1), plan=LETTERS)
    batch = press.ask(campaign)
    press.jobs_done()
    (his,) = [one for one in press.letters(batch) if one.contact_id == cast.mario]
    assert his.sha256 is not None
    mario = Person(cast.empoli, (cast.mario,))

    def copied(session: Any) -> list[Any]:
        return [section for holder in privacy.HOLDERS for section in holder.export(session, mario)]

    (*_, letters) = press.work(copied)
    assert letters.contents == ((f"{his.id}.pdf", his.sha256),)
    press.work(lambda s: [holder.erase(s, mario) for holder in privacy.HOLDERS])
    press.jobs_done()
    with pytest.raises(StoreError):
        press.store.read(cast.empoli, his.sha256, most=100_000)
    (row,) = [one for one in press.letters(batch) if one.contact_id == cast.mario]
    assert (row.lines, row.sha256, row.cents) == ([], None, 110)
    assert [one.contact_id for one in press.work(lambda s: list(queries.every(s, batch)))] != [cast.mario]
    assert len(press.work(lambda s: list(queries.every(s, batch)))) == 1

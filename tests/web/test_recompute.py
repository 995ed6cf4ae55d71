"""`filodiretto recompute-levels`: what differs is printed with its cause, and kept only for a reason."""

from datetime import date
from typing import Any

import pytest

from crm.core.db import Database, Scope
from crm.core.errors import FieldError
from crm.levels.closing import close_due, closed
from tests.cast import Cast
from tests.crm.reports.conftest import GOLDEN, TENTH, Call, play
from tests.web.conftest import let_in
from web.levels.recompute import recompute_levels
from web.levels.terminal import ContractError
from web.levels.view import days_of

pytestmark = pytest.mark.integration
OCTOBER = date(2026, 10, 1), date(2026, 10, 31)


def test_a_closed_month_is_judged_again_and_written_only_on_purpose(
    client: Any, database: Database, cast: Cast, capsys: pytest.CaptureFixture[str]
) -> None:
    play(database, cast, *GOLDEN)
    close_due(database, days_of)

    def judged(**asked: Any) -> tuple[bool, str]:
        same = recompute_levels(
            database, **{"contract": "Toscana", "ente": None, "begins": OCTOBER[0], "reason": None} | asked
        )
        return same, capsys.readouterr().out

    same, told = judged()
    assert same
    assert told.count("version 1: equal") == 3  # the contract and its two enti
    play(database, cast, Call(TENTH, 7, 8))
    same, told = judged()
    assert not same
    assert "2026-10-06 received mobile: 4 → 5 (late)" in told  # of the whole contract
    assert "written" not in told
    assert judged(begins=date(2026, 9, 30))[0]  # of no period
    with pytest.raises(FieldError):
        judged(reason="  ")
    for wrong in ({"contract": "Lazio"}, {"ente": "X000"}):
        with pytest.raises(ContractError):
            judged(**wrong)
    same, told = judged(reason="Chiamata saputa dopo.")
    assert not same
    assert told.count("written as version 2") == 2  # Vinci's is as it was
    assert judged()[0]
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        kept = closed(session, cast.contract, *OCTOBER, ente_id=cast.empoli)
        assert kept is not None
        assert kept.version == 2
    let_in(client, "vera")
    page = client.get("/levels", params={"contract": cast.contract, "begins": "2026-10-01"}).text
    assert "ricalcolato: versione 2 (Chiamata saputa dopo.)" in page.replace("\n", "")

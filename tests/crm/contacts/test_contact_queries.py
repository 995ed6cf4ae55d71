"""Finding a taxpayer by whatever he says, within the scope."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import func, select, text, update

from crm.collection.importer import import_feed
from crm.contacts import queries, service
from crm.contacts.models import Contact, NameStump
from crm.contacts.queries import ContactKey
from crm.core.db import Database, Scope
from crm.core.errors import NotFoundError
from crm.positions import queries as positions
from tests.crm.conftest import WriteFeed

pytestmark = pytest.mark.integration

_WAITS_FOR_A_LOCK = text(
    "SELECT FROM pg_locks JOIN pg_database ON pg_database.oid = database"
    " WHERE datname = current_database() AND locktype = 'advisory' AND NOT granted"
)


@pytest.fixture
def enti(db: Database, write_feed: WriteFeed, records: dict[str, dict[str, Any]]) -> list[int]:
    """Mario Rossi in Empoli, and in Scandicci, too."""
    empoli = import_feed(db, write_feed(records["rossi"], records["tari"]))
    scandicci = import_feed(db, write_feed(records["rossi"], header={"ente": "B962"}, name="other"))
    return [empoli.ente_id, scandicci.ente_id]


def test_the_words_of_names_are_filed_once(
    db: Database, write_feed: WriteFeed, records: dict[str, dict[str, Any]]
) -> None:
    with db.begin(Scope.nothing()) as session:
        for _ in range(2):
            service.learn_words(session, {"ROSSI", "MARIO"})
        filed = session.execute(select(NameStump.word, func.count()).group_by(NameStump.word)).all()
    assert sorted(map(tuple, filed)) == [("MARIO", 6), ("ROSSI", 5)]


def test_words_of_names_go_once_nobody_has_them_any_more(db: Database, enti: list[int]) -> None:
    def forget() -> set[str]:
        with db.begin(Scope.of_enti(enti)) as session:
            service.forget_words(session)
        with db.begin(Scope.nothing()) as session:
            return set(session.execute(select(NameStump.word)).scalars())

    def erase(ente_id: int) -> None:
        with db.begin(Scope.of_enti([ente_id])) as session:
            nobody = {"surname": "Persona cancellata", "given_name": None, "name_key": "", "given_key": None}
            session.execute(update(Contact).values(nobody))

    with db.begin(Scope.nothing()) as session:
        service.learn_words(session, {"GHEZZANI"})  # of somebody who is gone
    assert forget() == {"MARIO", "ROSSI"}
    erase(enti[0])
    assert forget() == {"MARIO", "ROSSI"}  # the other ente has him
    erase(enti[1])
    assert forget() == set()


def test_a_word_that_a_feed_finds_filed_is_there_when_the_feed_has_written(db: Database, enti: list[int]) -> None:
    with db.begin(Scope.nothing()) as session:
        service.learn_words(session, {"GHEZZANI"})  # of somebody who is gone

    def forget() -> int:
        with db.begin(Scope.of_enti(enti)) as session:
            return service.forget_words(session)

    def is_waiting() -> bool:
        with db.begin(Scope.nothing()) as session:
            return session.execute(_WAITS_FOR_A_LOCK).first() is not None

    with ThreadPoolExecutor() as others:
        with db.begin(Scope.of_enti(enti)) as feed:
            service.learn_words(feed, {"GHEZZANI"})
            feed.execute(update(Contact).where(Contact.ente_id == enti[0]).values(name_key="GHEZZANI MARIO"))
            gone = others.submit(forget)
            while not is_waiting():
                assert not gone.done()
        assert gone.result(timeout=30) == 0
    with db.begin(Scope.nothing()) as session:
        assert "GHEZZANI" in set(session.execute(select(NameStump.word)).scalars())


def test_the_scope_bounds_every_read(db: Database, enti: list[int]) -> None:
    with db.begin(Scope.of_enti(enti)) as session:
        both = [queries.get(session, one) for one in session.scalars(select(Contact.id).order_by(Contact.ente_id))]
        everywhere = queries.reached_at(session, "+393331234567")
    assert [view.ente_id for view in both] == sorted(enti)
    assert {key.ente_id for key in everywhere} == set(enti)
    with db.begin(Scope.of_enti([enti[1]])) as session:
        only = [queries.get(session, one) for one in session.scalars(select(Contact.id))]
        assert [view.ente_id for view in only] == [enti[1]]
        assert queries.reached_at(session, "+393331234567") == [ContactKey(enti[1], only[0].id)]
        with pytest.raises(NotFoundError):
            queries.get(session, both[0].id)
        assert queries.get(session, only[0].id) == only[0]


def test_positions_are_read_with_their_contact(db: Database, enti: list[int]) -> None:
    with db.begin(Scope.of_enti(enti)) as session:
        (debt,) = positions.by_notice(session, "301000000000012373")
        assert positions.of_contact(session, [debt.contact_id]) == [debt]
        assert positions.of_contact(session, []) == []
        assert queries.get(session, debt.contact_id).name == "Mario Rossi"
    assert (debt.residual_cents, debt.payments, debt.instalments) == (81200, (), ())

"""What a feed told and was refused: whoever it is about is no more up to date than what is stored of him says."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select, update

from crm.collection import queries
from crm.collection.importer import import_feed
from crm.collection.models import MAX_REMARKS, ImportRefusal, ImportRun
from crm.contacts.models import Contact
from crm.core.db import Database, Scope
from tests.crm.conftest import WriteFeed

pytestmark = pytest.mark.integration
Records = dict[str, dict[str, Any]]
NURSERY = {
    "record": "taxpayer", "codice_fiscale": "00975370487", "partita_iva": "00975370487",
    "business_name": "Vivai D'Amico S.r.l.",
}  # fmt: skip
FIRST, SECOND, THIRD = (datetime(2026, 1, day, 5, tzinfo=UTC) for day in (10, 11, 12))


class Ente:
    """Empoli, its feeds of three mornings, and what may be said of whom."""

    def __init__(self, db: Database, write_feed: WriteFeed) -> None:
        self.db, self.write, self.id = db, write_feed, 0

    def reads(self, at: datetime, *lines: dict[str, Any] | bytes, mode: str = "incremental") -> None:
        header = {"as_of": at.isoformat(), "mode": mode}
        done = import_feed(self.db, self.write(*lines, header=header, name=f"{at:%d}{mode}"))
        self.id = done.ente_id

    def heard(self) -> datetime | None:
        with self.db.begin(Scope.of_enti([self.id])) as session:
            return queries.heard(session, [self.id]).get(self.id)

    def unanswered(self, surname: str) -> bool:
        with self.db.begin(Scope.of_enti([self.id])) as session:
            his = session.scalars(select(Contact.id).where(Contact.surname == surname)).all()
            return self.id in queries.unanswered(session, his)

    def told_of(self) -> list[tuple[str | None, str | None, str | None]]:
        columns = (ImportRefusal.of, ImportRefusal.key, ImportRefusal.codice_fiscale)
        with self.db.begin(Scope.of_enti([self.id])) as session:
            return [tuple(row) for row in session.execute(select(*columns).order_by(ImportRefusal.id))]


@pytest.fixture
def ente(db: Database, write_feed: WriteFeed, records: Records) -> Ente:
    """Mario Rossi with his debt, and the nursery, as of the first morning."""
    made = Ente(db, write_feed)
    made.reads(FIRST, records["rossi"], records["tari"], NURSERY)
    return made


def test_a_refused_position_keeps_its_taxpayer_from_being_up_to_date_until_it_is_told_again(
    ente: Ente, records: Records
) -> None:
    ente.reads(SECOND, records["tari"] | {"year": "duemila"})
    assert ente.heard() == SECOND
    assert (ente.unanswered("Rossi"), ente.unanswered("Vivai D'Amico S.r.l.")) == (True, False)
    assert ente.told_of() == [("position", records["tari"]["reference"], records["rossi"]["codice_fiscale"])]
    ente.reads(THIRD, records["tari"])
    assert not ente.unanswered("Rossi")


def test_a_new_position_that_was_refused_counts_too(ente: Ente, records: Records) -> None:
    ente.reads(SECOND, records["tari"] | {"reference": "NEW", "colour": "red"})
    assert ente.unanswered("Rossi")
    ente.reads(THIRD, records["tari"])  # another one of his
    assert ente.unanswered("Rossi")
    ente.reads(THIRD, records["tari"] | {"reference": "NEW"}, {"record": "end", "taxpayers": 0, "positions": 1})
    assert not ente.unanswered("Rossi")


def test_of_a_position_without_a_readable_code_the_reference_tells_whose_it_is(ente: Ente, records: Records) -> None:
    ente.reads(SECOND, records["tari"] | {"codice_fiscale": "???"})
    assert ente.unanswered("Rossi")
    assert ente.told_of() == [("position", records["tari"]["reference"], None)]


def test_a_refused_taxpayer_is_as_he_was(ente: Ente, records: Records) -> None:
    ente.reads(SECOND, NURSERY | {"business_name": ""})
    assert ente.unanswered("Vivai D'Amico S.r.l.")
    ente.reads(THIRD, NURSERY)
    assert not ente.unanswered("Vivai D'Amico S.r.l.")


def test_a_line_that_says_nothing_of_whom_it_is_about_leaves_everybody_as_he_was(ente: Ente, records: Records) -> None:
    ente.reads(SECOND, b'{"record": \n')
    assert ente.heard() == FIRST
    ente.reads(THIRD, records["tari"])
    assert ente.heard() == THIRD


def test_more_refusals_than_are_listed_leave_everybody_as_he_was_until_a_full_feed(
    ente: Ente, records: Records
) -> None:
    ente.reads(SECOND, records["tari"] | {"year": "duemila"})
    with ente.db.begin(Scope.of_enti([ente.id])) as session:
        session.execute(update(ImportRun).where(ImportRun.as_of == SECOND).values(refused=MAX_REMARKS + 1))
    assert ente.heard() is None
    end = {"record": "end", "taxpayers": 2, "positions": 1}
    ente.reads(THIRD, records["rossi"], records["tari"], NURSERY, end, mode="full")
    assert ente.heard() == THIRD

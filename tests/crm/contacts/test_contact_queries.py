"""Finding a taxpayer by whatever he says, within the scope."""

from typing import Any

import pytest
from sqlalchemy import func, select

from crm.collection.importer import import_feed
from crm.contacts import queries, service
from crm.contacts.models import NameStump
from crm.contacts.queries import ContactKey
from crm.core.db import Database, Scope
from crm.core.errors import NotFoundError
from crm.positions import queries as positions
from tests.crm.conftest import WriteFeed

pytestmark = pytest.mark.integration
VIVAI = {
    "record": "taxpayer", "codice_fiscale": "00975370487", "partita_iva": "00975370487",
    "business_name": "Vivai D'Amico S.r.l.", "phones": ["+39 0571 700123"],
}  # fmt: skip


@pytest.fixture
def enti(db: Database, write_feed: WriteFeed, records: dict[str, dict[str, Any]]) -> list[int]:
    """Mario Rossi and the nursery in Empoli; Mario Rossi in Scandicci, too."""
    empoli = import_feed(db, write_feed(records["rossi"], records["tari"], VIVAI))
    scandicci = import_feed(db, write_feed(records["rossi"], header={"ente": "B962"}, name="other"))
    return [empoli.ente_id, scandicci.ente_id]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("rssmra80a01d403t", ["Mario Rossi", "Mario Rossi"]),
        ("00975370487", ["Vivai D'Amico S.r.l."]),
        ("3010 0000 0000 0123 73", ["Mario Rossi"]),
        ("333/1234567", ["Mario Rossi", "Mario Rossi"]),
        ("0571-700123", ["Mario Rossi", "Mario Rossi", "Vivai D'Amico S.r.l."]),
        ("rossi", ["Mario Rossi", "Mario Rossi"]),
        ("Rossi mar", ["Mario Rossi", "Mario Rossi"]),
        ("vivai damico", ["Vivai D'Amico S.r.l."]),
        ("r", []), ("", []), ("%", []), ("ross\x00i' OR 1=1", []),
    ],
)  # fmt: skip
def test_one_box_finds(db: Database, enti: list[int], text: str, names: list[str]) -> None:
    with db.begin(Scope.of_enti(enti)) as session:
        assert [view.name for view in queries.search(session, text)] == names


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("mario ros", ["Mario Rossi"]), ("mario rosi", ["Mario Rossi"]), ("rosis mario", ["Mario Rossi"]),
        ("Rosssi", ["Mario Rossi"]), ("mairo rossi", ["Mario Rossi"]), ("vivaio damico", ["Vivai D'Amico S.r.l."]),
        ("rsi mario", []), ("mairo rosi", []), ("rossi maria elena", []),
    ],
)  # fmt: skip
def test_a_name_is_found_in_either_order_and_with_one_slip(
    db: Database, enti: list[int], text: str, names: list[str]
) -> None:
    with db.begin(Scope.of_enti(enti[:1])) as session:
        assert [view.name for view in queries.search(session, text)] == names


def test_whoever_is_written_as_typed_comes_before_whoever_is_one_slip_away(
    db: Database, write_feed: WriteFeed, records: dict[str, dict[str, Any]]
) -> None:
    other = records["rossi"] | {"codice_fiscale": "RSOMRA80A01D403S", "surname": "Roso"}
    ente = import_feed(db, write_feed(records["rossi"], other)).ente_id
    with db.begin(Scope.of_enti([ente])) as session:
        assert [view.surname for view in queries.search(session, "roso")] == ["Roso"]
        assert [view.surname for view in queries.search(session, "rosso")] == ["Roso", "Rossi"]


def test_the_words_of_names_are_filed_once(
    db: Database, write_feed: WriteFeed, records: dict[str, dict[str, Any]]
) -> None:
    with db.begin(Scope.nothing()) as session:
        for _ in range(2):
            service.learn_words(session, {"ROSSI", "MARIO"})
        filed = session.execute(select(NameStump.word, func.count()).group_by(NameStump.word)).all()
    assert sorted(map(tuple, filed)) == [("MARIO", 6), ("ROSSI", 5)]


def test_the_scope_bounds_every_read(db: Database, enti: list[int]) -> None:
    with db.begin(Scope.of_enti(enti)) as session:
        both = queries.by_codice_fiscale(session, "RSSMRA80A01D403T")
        everywhere = queries.reached_at(session, "+393331234567")
    assert [view.ente_id for view in both] == sorted(enti)
    assert {key.ente_id for key in everywhere} == set(enti)
    with db.begin(Scope.of_enti([enti[1]])) as session:
        only = queries.by_reach(session, "+393331234567")
        assert [view.ente_id for view in only] == [enti[1]]
        assert queries.reached_at(session, "+393331234567") == [ContactKey(enti[1], only[0].id)]
        assert queries.search(session, "vivai") == []
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

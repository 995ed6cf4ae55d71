"""The one box: whatever is typed, by whoever may see him."""

from string import ascii_uppercase
from typing import Any

import pytest
from stdnum.it import codicefiscale

from crm.access.models import Role
from crm.access.permissions import Held, Principal
from crm.collection.importer import import_feed
from crm.contacts import merging, service
from crm.contacts.models import Contact
from crm.contacts.search import Results, search, similar
from crm.core.db import Database, Scope
from tests.cast import Cast
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


def names_of(results: Results) -> list[str]:
    """Who was found, in order."""
    return [one.name for one in results.people]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("rssmra80a01d403t", ["Mario Rossi", "Mario Rossi"]),
        ("rssmra 80", ["Mario Rossi", "Mario Rossi"]), ("RSSMRA80A01D403", ["Mario Rossi", "Mario Rossi"]),
        ("rssmra81", []),
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
        assert names_of(search(session, text)) == names


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
        assert names_of(search(session, text)) == names


@pytest.fixture
def oddly_filed(db: Database, write_feed: WriteFeed, records: dict[str, dict[str, Any]]) -> Scope:
    """Names as collection systems hold them: particles apart and joined, two names, two surnames."""
    names = [
        ("D' ANGELO", "ANNA"), ("D'Angelo", "Bruno"), ("DANGELO", "CARLO"), ("DE LUCA", "DARIO"), ("DELUCA", "ELENA"),
        ("DELLA VALLE", "FABIO"), ("ROSSI", "MARIA GRAZIA"), ("ROSSI BIANCHI", "MARIO"),
    ]  # fmt: skip
    people = [
        records["rossi"] | {"codice_fiscale": code_of(number), "surname": surname, "given_name": given}
        for number, (surname, given) in enumerate(names)
    ]
    return Scope.of_enti([import_feed(db, write_feed(*people)).ente_id])


@pytest.mark.parametrize(
    "text",
    [
        "Impianti Pucci & Figli S.a.s.", "impianti pucci e figli", "Pucci & Figli", "pucci e figli", "Pucci Figli sas",
        "pucci", "Puci & figli",
    ],
)  # fmt: skip
def test_a_company_is_found_as_people_say_it(db: Database, write_feed: WriteFeed, text: str) -> None:
    pucci = VIVAI | {"business_name": "Impianti Pucci & Figli S.a.s."}
    scope = Scope.of_enti([import_feed(db, write_feed(pucci)).ente_id])
    with db.begin(scope) as session:
        assert names_of(search(session, text)) == [pucci["business_name"]]


def code_of(number: int) -> str:
    """One valid codice fiscale after another."""
    plain = f"RSSMRA{80 + number}A01D403"
    return plain + codicefiscale.calc_check_digit(plain)


@pytest.mark.parametrize(
    ("text", "given"),
    [
        ("D' Angelo", {"ANNA", "Bruno", "CARLO"}), ("d'angelo", {"ANNA", "Bruno", "CARLO"}),
        ("dangelo", {"ANNA", "Bruno", "CARLO"}), ("d angelo", {"ANNA", "Bruno", "CARLO"}),
        ("bruno d'angelo", {"Bruno"}), ("anna dangelo", {"ANNA"}),
        ("de luca", {"DARIO", "ELENA"}), ("deluca", {"DARIO", "ELENA"}), ("elena de luca", {"ELENA"}),
        ("dario deluca", {"DARIO"}), ("dellavalle f", {"FABIO"}), ("fabio della valle", {"FABIO"}),
        ("maria rossi", {"MARIA GRAZIA"}), ("rossi maria", {"MARIA GRAZIA"}), ("rossi mario", {"MARIO"}),
        ("mario rossi", {"MARIO"}), ("rossi maria grazia", {"MARIA GRAZIA"}),
    ],
)  # fmt: skip
def test_a_name_is_found_however_it_is_filed(db: Database, oddly_filed: Scope, text: str, given: set[str]) -> None:
    with db.begin(oddly_filed) as session:
        found = [one.given_name for one in search(session, text).people]
    assert set(found[: len(given)]) == given  # whoever is one slip away comes after


def test_no_word_uses_up_what_is_looked_for_with_a_slip(
    db: Database, write_feed: WriteFeed, records: dict[str, dict[str, Any]]
) -> None:
    ente = import_feed(db, write_feed(records["rossi"])).ente_id
    with db.begin(Scope.of_enti([ente])) as session:
        near = {f"MARI{a}" for a in ascii_uppercase} | {f"{a}ARIO" for a in ascii_uppercase}
        service.learn_words(session, near | {f"MAR{a}O" for a in ascii_uppercase})
        assert names_of(search(session, "mario rosis")) == ["Mario Rossi"]


def test_whoever_is_written_as_typed_comes_before_whoever_is_one_slip_away(
    db: Database, write_feed: WriteFeed, records: dict[str, dict[str, Any]]
) -> None:
    other = records["rossi"] | {"codice_fiscale": "RSOMRA80A01D403S", "surname": "Roso"}
    ente = import_feed(db, write_feed(records["rossi"], other)).ente_id
    with db.begin(Scope.of_enti([ente])) as session:
        assert names_of(search(session, "roso")) == ["Mario Roso"]
        assert names_of(search(session, "rosso")) == ["Mario Roso", "Mario Rossi"]


def test_names_a_slip_away_follow_those_who_are_named_as_typed(
    db: Database, write_feed: WriteFeed, records: dict[str, dict[str, Any]]
) -> None:
    other = records["rossi"] | {"codice_fiscale": "RSOMRA80A01D403S", "surname": "Rosso"}
    ente = import_feed(db, write_feed(records["rossi"], other)).ente_id
    with db.begin(Scope.of_enti([ente])) as session:
        found = search(session, "rosso mario")
        assert (names_of(found), found.slips) == (["Mario Rosso"], True)
        assert names_of(similar(session, "rosso mario")) == ["Mario Rossi"]
        nobody, number = search(session, "rosse mario"), search(session, "RSOMRA80A01D403S")
        assert {*names_of(nobody)} == {"Mario Rosso", "Mario Rossi"}  # looked for at once: nobody is named so
        assert (nobody.slips, number.slips) == (False, False)


def test_whoever_was_called_comes_first_and_other_contracts_not_at_all(db: Database, enti: list[int]) -> None:
    with db.begin(Scope.of_enti(enti)) as session:
        for first in (enti, enti[::-1]):
            assert [one.ente_id for one in search(session, "rossi m", first=first[0]).people] == first
        assert [one.ente_id for one in search(session, "mario ross", among=enti[1:]).people] == enti[1:]
        assert search(session, "00975370487", among=enti[1:]).people == ()
        assert search(session, "rossi", among=[]).people == ()


def test_nobody_is_found_past_the_scope(db: Database, enti: list[int]) -> None:
    with db.begin(Scope.of_enti(enti[1:])) as session:
        for typed in ("vivai", "00975370487", "3010 0000 0000 0123 73", "2024/118"):
            assert search(session, typed).people == (), typed
        assert search(session, "rossi", among=enti).people == search(session, "rossi").people


def test_so_many_are_shown_and_the_rest_are_said_to_be_there(db: Database, enti: list[int]) -> None:
    with db.begin(Scope.of_enti(enti)) as session:
        one, both = search(session, "rossi", limit=1), search(session, "rossi", limit=2)
    assert (len(one.people), one.more, len(both.people), both.more) == (1, True, 2, False)


def test_a_merged_contact_is_shown_once_as_the_one_that_stands_for_him(database: Database, cast: Cast) -> None:
    sara = Principal(cast.sara, "Sara", "it", frozenset({Held(Role.SUPERVISOR, None, cast.contract)}))
    with database.begin(Scope.of_contract(cast.contract)) as session:
        twin = Contact(
            ente_id=cast.empoli, codice_fiscale="BNCMRA62A01D403Y", kind="natural", surname="BIANCHI",
            given_name="MARIO G", name_key="BIANCHI MARIO G", given_key="MARIO G BIANCHI", language="it",
            as_of=session.info["now"], digest="x",
        )  # fmt: skip
        session.add(twin)
        session.flush()
        service.learn_words(session, {"BIANCHI", "MARIO"})
        assert names_of(search(session, "bianchi")) == ["MARIO BIANCHI", "MARIO G BIANCHI"]
        merged = merging.merge(session, sara, kept_id=cast.mario, merged_id=twin.id, reason="Lo stesso codice")
        for typed in ("bianchi", "mario g bianchi", "bianci mario g"):
            assert [one.id for one in search(session, typed).people] == [cast.mario], typed
        merging.undo(session, sara, merge_id=merged)
        assert [one.id for one in search(session, "mario g bianchi").people] == [twin.id]

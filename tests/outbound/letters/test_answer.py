"""What an answer says as a letter."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.contacts.addresses import Address
from crm.core.errors import InvalidError
from outbound.letters import answer
from outbound.letters.address import amiss
from outbound.letters.answer import Asked, Draft
from outbound.letters.content import Sender
from outbound.letters.postage import Weight, parcel

HOME = Address("Via Roma 1", "50053", "Empoli", "FI")
DRAFT = Draft("Mario Bianchi", HOME, "Risposta", "Gentile Signore,\n\nla sua richiesta è accolta.")
SENDER = Sender("Comune di Empoli", "01329160483", sector="Ufficio tributi", line="800 000 000")
ASKED = Asked("2026/118", date(2026, 11, 8), "40/2026", date(2026, 11, 9))


def fields(draft: Draft) -> set[str]:
    try:
        answer.check(draft)
    except InvalidError as error:
        return {one.field for one in error.parts}
    return set()


def test_it_names_the_request_and_its_protocol_and_asks_for_no_money() -> None:
    said = answer.written(
        "L1-000001-00", SENDER, ASKED, to=DRAFT.lines, subject="Risposta", body="Uno\ndue\n\n\nTre ",
        day=date(2026, 12, 11),
    )  # fmt: skip
    assert said["references"] == (
        "Richiesta n. 2026/118 dell'8 novembre 2026, protocollo n. 40/2026 del 9 novembre 2026"
    )
    assert said["paragraphs"] == ["Uno\ndue", "Tre"]
    assert (said["rows"], said["notices"], said["how"]) == ([], [], [])
    assert said["to"] == ["MARIO BIANCHI", "VIA ROMA 1", "50053 EMPOLI FI"]
    assert said["day"] == "11 dicembre 2026"
    assert said["call"].endswith("Dica il numero 2026/118.")
    assert said["signature"] == ["Comune di Empoli", "Ufficio tributi"]


def test_without_a_protocol_or_a_number_to_call_neither_is_named() -> None:
    said = answer.written(
        "x", replace(SENDER, line=""), Asked("2026/1", date(2026, 11, 2)), to=(), subject="", body="",
        day=ASKED.received_on,
    )  # fmt: skip
    assert said["references"].endswith("2026/1 del 2 novembre 2026")
    assert said["call"] == ""


@pytest.mark.parametrize(
    ("address", "wrong"),
    [
        (HOME, []), (replace(HOME, street="Via Roma"), ["street"]), (replace(HOME, street="Via Roma SNC"), []),
        (replace(HOME, street=None, town=None), ["street", "town"]), (replace(HOME, postcode="5005"), ["postcode"]),
        (replace(HOME, postcode="00000"), ["postcode"]), (Address("Rue X", None, "Paris", None, "FR"), []),
    ],
)  # fmt: skip
def test_a_bad_address_is_said_field_by_field(address: Address, wrong: list[str]) -> None:
    assert [one.field for one in amiss(address)] == wrong
    assert fields(replace(DRAFT, address=address)) == set(wrong)


def test_what_lacks_or_is_too_long_is_said_at_its_field() -> None:
    assert fields(replace(DRAFT, name="", subject="", body="")) == {"name", "subject", "body"}
    assert fields(replace(DRAFT, body="a\n" * 70)) == {"body"}
    assert fields(replace(DRAFT, subject="x" * 121, name="x" * 89)) == {"subject", "name"}


@given(st.integers(1, 3), st.booleans())
def test_an_answer_of_three_pages_goes_at_the_lowest_price(pages: int, duplex: bool) -> None:
    assert parcel(pages, duplex=duplex).weight is Weight.G20

"""An ente's gate as a form has it: what is refused, and that what is taken can always be passed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.core.errors import InvalidError
from crm.files.gate import USUAL, Check, missing, usual
from crm.files.questions import LONGEST, MOST, Row, key_of, parse_gate

PLACE = Row("1", "Dove ha la seconda casa?", "other")


def wrong(rows: dict[int, Row], needed: str = "1") -> list[str]:
    with pytest.raises(InvalidError) as caught:
        parse_gate(rows, needed)
    return [part.field for part in caught.value.parts]


def test_the_order_is_that_of_the_places_and_a_row_without_words_is_none() -> None:
    rows = {0: Row("2", " Data  di nascita ", "born"), 1: Row("1", "Dove abita?", "address"), 2: Row("", "  ", "x")}
    own, needed = parse_gate(rows | {3: Row("", "In fondo", "other")}, "2")
    assert [one.text for one in own] == ["Dove abita?", "Data di nascita", "In fondo"]
    assert [one.checks for one in own] == [Check.ADDRESS, Check.BORN, Check.OTHER]
    assert needed == 2
    assert own[1].key == "born"  # worded as usual, it is the usual one


def test_the_usual_questions_are_nobodys_own() -> None:
    as_they_are = {place: Row(str(place + 1), one.text, one.checks.value) for place, one in enumerate(USUAL)}
    assert parse_gate(as_they_are, "3") == ((), 3)
    assert parse_gate({}, "3") == ((), 3)
    as_they_are[0] = Row("9", USUAL[0].text, "name")
    assert len(parse_gate(as_they_are, "3")[0]) == len(USUAL)  # in another order they are


@pytest.mark.parametrize(
    ("rows", "needed", "fields"),
    [
        ({0: PLACE}, "", ["needed"]),
        ({0: PLACE}, "0", ["needed"]),
        ({0: PLACE}, "due", ["needed"]),
        ({0: PLACE}, "-1", ["needed"]),
        ({0: PLACE}, "²", ["needed"]),
        ({0: PLACE}, "2", ["needed"]),
        ({0: PLACE, 1: Row("2", "Quando è nato?", "born")}, "2", ["needed"]),  # no company could answer both
        ({}, "5", ["needed"]),
        ({0: PLACE, 4: Row("2", PLACE.words.upper(), "act")}, "1", ["words-4"]),
        ({2: Row("1", "x" * (LONGEST + 1), "other")}, "1", ["words-2"]),
        ({0: PLACE, 1: Row("1", "Chi è?", "fingerprint")}, "1", ["checks-1"]),
        ({0: PLACE, 1: Row("primo", "Chi è?", "name")}, "1", ["place-1"]),
        ({0: PLACE, 1: Row("100", "Chi è?", "name")}, "1", ["place-1"]),
        ({n: Row("", f"Domanda {n}", "other") for n in range(MOST + 1)}, "1", [f"words-{MOST}"]),
    ],
)
def test_what_is_wrong_stands_at_its_field(rows: dict[int, Row], needed: str, fields: list[str]) -> None:
    assert wrong(rows, needed) == fields


def test_a_question_worded_anew_is_another_one() -> None:
    assert key_of("Dove abita?", Check.ADDRESS) != key_of("Dove abita?", Check.OTHER)
    assert key_of("Dove abita?", Check.ADDRESS) != key_of("Dove abita", Check.ADDRESS)


ROWS = st.dictionaries(
    st.integers(0, 11),
    st.builds(
        Row, st.sampled_from(["", "1", "2", "99", "boh"]), st.text(max_size=30), st.sampled_from([*Check, "made-up"])
    ),
)


@given(ROWS, st.sampled_from(["1", "2", "3", "10", "", "x"]))
def test_whoever_answers_everything_that_a_company_is_asked_gets_in(rows: dict[int, Row], needed: str) -> None:
    try:
        own, wanted = parse_gate(rows, needed)
    except InvalidError:
        return
    gate = usual(own, wanted)
    asked = [one.key for one in gate.questions if one.checks is not Check.BORN]
    assert len({one.key for one in gate.questions}) == len(gate.questions) <= MOST
    assert missing(gate, asked) == 0 < missing(gate, [])

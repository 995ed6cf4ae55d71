"""What may be proposed: checked, normalised, compared."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.contacts.models import PersonKind
from crm.core.errors import InvalidError
from crm.proposals.subjects import DAYS, Subject, comparable, parse, shown, subjects_of

TODAY = date(2026, 11, 21)


def wrong(subject: Subject, **fields: str) -> dict[str, str]:
    with pytest.raises(InvalidError) as refusal:
        parse(subject, fields, today=TODAY)
    return {part.field: str(part) for part in refusal.value.parts}


def test_a_phone_in_any_writing_is_one_number() -> None:
    values = [parse(Subject.PHONE, {"value": text}, today=TODAY) for text in ("0571 700123", "+39 0571/700123")]
    assert values == [{"value": "+390571700123"}] * 2


def test_what_is_no_phone_mailbox_or_day_is_said_at_its_field() -> None:
    assert set(wrong(Subject.PHONE, value="12")) == {"value"}
    assert set(wrong(Subject.PEC, value="mario.rossi")) == {"value"}
    assert set(wrong(Subject.BORN_ON, value="31-12-1970")) == {"value"}
    assert "futuro" in wrong(Subject.DECEASED_ON, value="2026-11-22")["value"]
    assert "passato" in wrong(Subject.BORN_ON, value="1899-12-31")["value"]
    assert set(wrong(Subject.SURNAME, value="Rossi\u202egol.exe")) == {"value"}


def test_an_address_says_each_part_that_is_wrong() -> None:
    found = wrong(Subject.RESIDENCE, street="Via Roma 1", postcode="5005", province="Firenze")
    assert set(found) == {"town", "postcode", "province"}


def test_an_address_abroad_has_its_own_postcodes() -> None:
    fields = {"street": "Rue de Rome 3", "town": "Paris", "postcode": "75008 CX", "country": "fr"}
    value = parse(Subject.DOMICILE, fields, today=TODAY)
    assert shown(value) == "Rue de Rome 3, 75008 CX Paris, FR"


def test_the_same_address_written_otherwise_is_the_same() -> None:
    one = parse(Subject.RESIDENCE, {"street": "Via Roma, 1", "town": "Empoli"}, today=TODAY)
    other = parse(Subject.RESIDENCE, {"street": "VIA ROMA 1", "town": "empoli"}, today=TODAY)
    assert comparable(one) == comparable(other)


def test_a_person_has_no_seat_and_a_company_is_not_born() -> None:
    assert Subject.SEAT not in subjects_of(PersonKind.NATURAL)
    assert Subject.BORN_ON not in subjects_of(PersonKind.LEGAL)


@given(st.sampled_from(list(Subject)), st.dictionaries(st.sampled_from(["value", "street", "town"]), st.text()))
def test_whatever_is_typed_is_a_value_or_a_sentence_and_stands_when_typed_again(
    subject: Subject, fields: dict[str, str]
) -> None:
    try:
        value = parse(subject, fields, today=TODAY)
    except InvalidError:
        return
    if value is not None:
        assert parse(subject, dict(value), today=TODAY) == value
        assert shown(value)
        if subject in DAYS:
            assert date.fromisoformat(value["value"]) <= TODAY

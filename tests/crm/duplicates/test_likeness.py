"""Who may be one person, and who surely is not: fathers and sons, twins, homonyms."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.contacts.models import PersonKind
from crm.duplicates.likeness import Facts, Likeness, Why, likeness, plain_code

PHONE = "+393480000001"
MARIO = Facts("BNCMRA62A01D403X", PersonKind.NATURAL, "BIANCHI MARIO", None, date(1962, 1, 1), frozenset({PHONE}))
WORKSHOP = Facts("01234567890", PersonKind.LEGAL, "OFFICINA BIANCHI MARIO", "01234567890", None, frozenset())


def why(one: Facts, other: Facts) -> set[Why]:
    found = likeness(one, other)
    return set(found.why) if found else set()


@pytest.mark.parametrize(("other", "reasons"), [
    (replace(MARIO, codice_fiscale="BNCMRA62A01D40PK", phones=frozenset()), {Why.NAME_AND_BIRTH, Why.OMOCODIA}),
    (replace(MARIO, codice_fiscale="BNCMRA62A01D612Y", phones=frozenset()), {Why.NAME_AND_BIRTH}),
    (replace(MARIO, codice_fiscale="BNCMRA62A01D404Z", phones=frozenset()), {Why.NAME_AND_BIRTH, Why.NEAR_CODE}),
    (replace(MARIO, name="BIANCI MARIO"), {Why.NEAR_NAME_AND_BIRTH, Why.OMOCODIA, Why.NAME_AND_PHONE}),
    (replace(MARIO, name="MARIO BIANCHI", phones=frozenset()), {Why.NAME_AND_BIRTH, Why.OMOCODIA}),
    (replace(MARIO, born_on=None), {Why.NAME_AND_BIRTH, Why.OMOCODIA, Why.NAME_AND_PHONE}),
])  # fmt: skip
def test_one_person_written_twice(other: Facts, reasons: set[Why]) -> None:
    assert why(MARIO, other) == reasons


@pytest.mark.parametrize("other", [
    replace(MARIO, codice_fiscale="BNCMRA92A01D403B", born_on=date(1992, 1, 1)),  # his son, of the same name
    replace(MARIO, codice_fiscale="BNCMRA92A01D403B", born_on=None),  # whose birth date his code alone tells
    replace(MARIO, codice_fiscale="BNCMRC62A01D403Z", name="BIANCHI MARCO"),  # his twin
    replace(MARIO, codice_fiscale="BNCMRA62A41D403Y", name="BIANCHI MARIA"),  # his twin sister
    replace(MARIO, codice_fiscale="VRDGNN62A01D403Z", name="VERDI GIANNI"),  # who shares his telephone
    replace(WORKSHOP, partita_iva="09876543210", codice_fiscale="09876543210"),  # called as he is, no more
])  # fmt: skip
def test_two_persons(other: Facts) -> None:
    assert likeness(MARIO, other) is None


def test_a_sole_trader_is_found_by_his_partita_iva_or_his_name_and_telephone() -> None:
    trader = replace(MARIO, partita_iva="01234567890")
    assert why(trader, WORKSHOP) == {Why.PARTITA_IVA_AS_CODE}
    assert why(MARIO, replace(WORKSHOP, phones=MARIO.phones)) == {Why.NAME_AND_PHONE}
    other_code = replace(WORKSHOP, codice_fiscale="09876543210")
    assert why(trader, other_code) == {Why.SAME_PARTITA_IVA}


def test_companies_are_alike_by_name_and_something_more() -> None:
    near = replace(WORKSHOP, codice_fiscale="01234567809", partita_iva=None)
    assert why(WORKSHOP, near) == {Why.NEAR_CODE}
    assert likeness(WORKSHOP, replace(near, codice_fiscale="09876543210")) is None


def test_omocodia_replaces_digits_alone() -> None:
    assert plain_code("BNCMRASNALMDQLPX") == plain_code("BNCMRA62A01D403K")


DATES = st.none() | st.dates(date(1930, 1, 1), date(2006, 12, 31))
NAMES = st.sampled_from(["BIANCHI MARIO", "BIANCI MARIO", "MARIO BIANCHI", "NERI GINA", "OFFICINA BIANCHI MARIO"])
CODES = st.sampled_from(["BNCMRA62A01D403X", "BNCMRA62A01D40PK", "BNCMRA92A01D403B", "NREGNI50A41M059X"])
PHONES = st.frozensets(st.sampled_from([PHONE, "+390571000009"]))
PEOPLE = st.builds(Facts, CODES, st.just(PersonKind.NATURAL), NAMES, st.none() | st.just("01234567890"), DATES, PHONES)
COMPANIES = st.builds(
    Facts, st.sampled_from(["01234567890", "01234567809"]), st.just(PersonKind.LEGAL), NAMES,
    st.none() | st.just("01234567890"), st.none(), PHONES,
)  # fmt: skip
ANYBODY = PEOPLE | COMPANIES


@given(ANYBODY, ANYBODY)
def test_it_does_not_matter_who_is_compared_with_whom(one: Facts, other: Facts) -> None:
    forth, back = likeness(one, other), likeness(other, one)
    assert (forth and (set(forth.why), forth.score)) == (back and (set(back.why), back.score))
    assert forth is None or 1 <= forth.score <= 100


@given(PEOPLE, PEOPLE)
def test_two_birth_dates_are_two_persons(one: Facts, other: Facts) -> None:
    if one.born_on and other.born_on and one.born_on != other.born_on:
        assert likeness(one, other) is None


@given(st.lists(st.sampled_from(Why), unique=True, min_size=1), st.sampled_from(Why))
def test_one_more_reason_never_makes_it_less_likely(reasons: list[Why], more: Why) -> None:
    assert Likeness((*reasons, more)).score >= Likeness(tuple(reasons)).score

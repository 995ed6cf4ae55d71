"""Phones, codes and names: however they are written, they mean one thing."""

import pytest
from codicefiscale import codicefiscale as library
from hypothesis import given
from hypothesis import strategies as st

from crm.contacts.codice_fiscale import parse_codice_fiscale, parse_partita_iva, person_kind
from crm.contacts.models import PersonKind
from crm.contacts.names import KEY_LENGTH, MOST_WAYS, fold, given_key, name_key, search_key, ways
from crm.contacts.phone import WITHHELD_NUMBERS, CallerKind, caller_kind, to_e164, typed_number
from crm.core.errors import InvalidError

numbers = st.from_regex(r"3[34][0-9]{8}|0571[1-9][0-9]{5}", fullmatch=True)


signs_between = st.lists(st.sampled_from(" ./-"), min_size=12, max_size=12)


@given(numbers, signs_between, st.sampled_from(["", "+39", "0039 ", "+39 "]))
def test_any_writing_of_a_number_is_the_same_number(digits: str, signs: list[str], prefix: str) -> None:
    """Rule: one writing of numbers."""
    written = prefix + digits[0] + "".join(a + b for a, b in zip(signs, digits[1:], strict=False))
    assert to_e164(written) == "+39" + digits


@given(st.text(max_size=60))
def test_no_text_breaks_the_reading_of_a_number(text: str) -> None:
    number = to_e164(text)
    assert number is None or to_e164(number) == number


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        ("+390571700123", CallerKind.LANDLINE),
        ("+393331234567", CallerKind.MOBILE),
        ("+4915112345678", CallerKind.FOREIGN),
        ("+378054988", CallerKind.FOREIGN),
        *((number, CallerKind.WITHHELD) for number in ("anonymous", "", None, *sorted(WITHHELD_NUMBERS))),
    ],
)
def test_what_a_number_says_of_its_telephone(number: str | None, kind: CallerKind) -> None:
    assert caller_kind(number) is kind


def test_every_omocodia_is_valid() -> None:
    for code in library.decode("RSSMRA80A01D403T")["omocodes"]:
        assert parse_codice_fiscale(f" {code[:6]} {code[6:].lower()} ") == code
        assert person_kind(code) is PersonKind.NATURAL


@given(st.text(max_size=20))
def test_no_text_breaks_the_reading_of_a_code(text: str) -> None:
    for parse in (parse_codice_fiscale, parse_partita_iva):
        try:
            code = parse(text)
        except InvalidError:
            continue
        assert parse(code) == code


def test_a_company_has_eleven_digits() -> None:
    assert parse_codice_fiscale("01329160483") == "01329160483"
    assert parse_partita_iva("IT 00975370487") == "00975370487"
    assert person_kind("01329160483") is PersonKind.LEGAL


@pytest.mark.parametrize(
    "names",
    [
        ("D'Amico", "d’amico", "DAMICO", "D`Amico"),
        ("Niccolò", "NICCOLO'", "niccolo"),
        ("Degl'Innocenti  Rossi", "Deglinnocenti-Rossi"),
    ],
)
def test_names_that_read_alike_share_a_key(names: tuple[str, ...]) -> None:
    assert len({fold(name) for name in names}) == 1


NAMES = st.text(max_size=300) | st.lists(st.sampled_from([*"AESRLNC&.", "Pucci", "di"]), max_size=99).map(" ".join)


@given(NAMES, st.none() | st.text(max_size=100))
def test_a_key_is_stable_and_fits(surname: str, given_name: str | None) -> None:
    for key in (name_key(surname, given_name), given_key(surname, given_name) or ""):
        assert len(key) <= KEY_LENGTH
        assert fold(key) == search_key(key) == key


@pytest.mark.parametrize(
    "names",
    [
        ("Pucci & Figli", "Pucci e figli", "PUCCI FIGLI"),
        ("Pucci S.n.c.", "pucci snc", "PUCCI S. N. C."),
        ("Vivai S.r.l.s.", "vivai srls"),
        ("Arno Soc. coop. s.c.a r.l.", "arno soc coop scarl"),
    ],
)
def test_companies_that_sound_alike_share_a_key(names: tuple[str, ...]) -> None:
    assert len({name_key(name) for name in names}) == 1


@pytest.mark.parametrize(
    ("company", "called"),
    [
        ("Impianti Pucci & Figli S.a.s.", "PUCCI FIGLI SAS"), ("Vivai S.r.l.", None), ("Vivai", None), ("", None),
        ("Di Nardo Costruzioni S.p.A.", "COSTRUZIONI SPA"), ("Bar San Marco", "SAN MARCO"), ("E", None), ("La", None),
    ],
)  # fmt: skip
def test_a_company_is_called_by_what_comes_after_its_first_word(company: str, called: str | None) -> None:
    assert given_key(company, None) == called


def test_half_a_number_is_none_when_typed_and_what_a_gestionale_has_stays() -> None:
    assert typed_number("0571 12") is None
    assert to_e164("0571 12") == "+39057112"
    assert typed_number("0571 7001") == "+3905717001"
    assert typed_number("+41 44 668 18 00") == "+41446681800"


@pytest.mark.parametrize(
    ("typed", "filed"),
    [
        ("DE LUCA", "DELUCA"), ("DELUCA MARIO", "DE LUCA MARIO"), ("D ANGELO", "DANGELO"), ("DANGELO", "D ANGELO"),
        ("MARIO DELLAVALLE", "MARIO DELLA VALLE"), ("MARIA ROSSI", "ROSSI MARIA"),
        ("MARIO DE LUCA", "DELUCA MARIO"), ("DE LA CRUZ", "DELACRUZ"),
    ],
)  # fmt: skip
def test_a_name_is_looked_for_in_each_way_in_which_it_may_be_filed(typed: str, filed: str) -> None:
    assert filed in ways(typed)


@given(st.text(alphabet="ADELSN ", max_size=60).map(fold))
def test_what_was_typed_is_looked_for_first_and_nothing_is_lost_of_it(key: str) -> None:
    found = ways(key)
    assert found[0] == key
    assert len(set(found)) == len(found) <= MOST_WAYS
    assert {"".join(sorted(one.replace(" ", ""))) for one in found} == {"".join(sorted(key.replace(" ", "")))}

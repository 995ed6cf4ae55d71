"""The notice number's rule, shared by the import and the IVR."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.core.errors import InvalidError
from crm.positions.notice import check_digits, is_mistyped, is_old, parse_notice_number

bases = st.from_regex(r"3[0-9]{15}", fullmatch=True)


def test_the_number_of_the_specification() -> None:
    assert parse_notice_number("301000000000012373") == "301000000000012373"


@given(bases, st.sampled_from(["", " ", "-", "."]))
def test_a_number_is_read_in_any_grouping(base: str, sign: str) -> None:
    number = base + check_digits(base)
    assert parse_notice_number(sign.join(number[i : i + 4] for i in range(0, 18, 4))) == number
    assert not is_old(number)


@given(bases, st.integers(1, 17), st.integers(1, 9))
def test_one_wrong_digit_is_noticed(base: str, place: int, by: int) -> None:
    number = base + check_digits(base)
    wrong = number[:place] + str((int(number[place]) + by) % 10) + number[place + 1 :]
    with pytest.raises(InvalidError):
        parse_notice_number(wrong)


@pytest.mark.parametrize("text", ["", "12373", "3" * 19, "901000000000012373", "3010000000000123AB", "٣" * 18])
def test_what_is_no_number(text: str) -> None:
    with pytest.raises(InvalidError, match="Il codice avviso"):
        parse_notice_number(text)


@pytest.mark.parametrize("aux", "012")
def test_old_notices_are_taken_unchecked(aux: str) -> None:
    number = aux + "0" * 17
    assert parse_notice_number(number) == number
    assert is_old(number)


@given(st.text(max_size=30))
def test_no_text_breaks_it(text: str) -> None:
    with contextlib.suppress(InvalidError):
        assert len(parse_notice_number(text)) == 18


def test_a_notice_number_with_a_digit_wrong_is_told_from_one_that_nobody_has() -> None:
    first_16 = "3010000000000001"
    right = first_16 + check_digits(first_16)
    assert not is_mistyped(right)
    assert is_mistyped(right[:-1] + str((int(right[-1]) + 1) % 10))
    assert not any(map(is_mistyped, ("", "rossi", "0571 700123", "0" * 18)))

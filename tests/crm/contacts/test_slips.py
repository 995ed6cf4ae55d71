"""One slip of the finger, and how it is found."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.contacts.slips import is_slip, stumps

WORDS = st.text("ABCDE", min_size=1, max_size=7)


@pytest.mark.parametrize(
    ("typed", "meant", "near"),
    [
        ("ROSI", "ROSSI", True), ("ROSSSI", "ROSSI", True), ("ROSSO", "ROSSI", True), ("ORSSI", "ROSSI", True),
        ("ROSSI", "ROSSI", False), ("RSOIS", "ROSSI", False), ("ROS", "ROSSI", False), ("BIANCHI", "ROSSI", False),
        ("", "A", True), ("AB", "BA", True), ("ABC", "CBA", False),
    ],
)  # fmt: skip
def test_one_slip_and_no_more(typed: str, meant: str, near: bool) -> None:
    assert is_slip(typed, meant) is near
    assert is_slip(meant, typed) is near


def slips(word: str) -> set[str]:
    """Every word one slip away, by doing each."""
    left = {word[:i] + word[i + 1 :] for i in range(len(word))}
    added = {word[:i] + letter + word[i:] for i in range(len(word) + 1) for letter in "ABCDE"}
    mistaken = {word[:i] + letter + word[i + 1 :] for i in range(len(word)) for letter in "ABCDE"}
    swapped = {word[:i] + word[i + 1] + word[i] + word[i + 2 :] for i in range(len(word) - 1)}
    return (left | added | mistaken | swapped) - {word}


@given(WORDS)
def test_whatever_one_slip_makes_is_near_and_shares_a_stump(word: str) -> None:
    for slip in slips(word):
        assert is_slip(slip, word)
        assert stumps(slip) & stumps(word)


@given(WORDS, WORDS)
def test_what_no_slip_makes_is_not_near(one: str, other: str) -> None:
    assert is_slip(one, other) == (other in slips(one))

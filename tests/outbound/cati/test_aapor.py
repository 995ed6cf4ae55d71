"""AAPOR's rates, by hand and by property."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as some

from outbound.cati.aapor import Cases, Disposition, Group, Rate, Rates, rates

# Worked by hand from the formulas of the Standard Definitions (10th edition, 2023, pages on outcome rates):
# I 400, P 50, R 200 (150 + 50), NC 100 (40 + 60), O 50, UH 300 (100 + 200), UR 60, UO 40, NE 200.
# N = 800, U = 400, e = 800 / 1000 = 0.8, N + U = 1200, N + eU = 1120, I+P+R+O = 700, I+P+R = 650.
BY_HAND = {
    Disposition.COMPLETE: 400, Disposition.PARTIAL: 50, Disposition.HOUSEHOLD_REFUSAL: 150, Disposition.BREAK_OFF: 50,
    Disposition.NEVER_AVAILABLE: 40, Disposition.MACHINE_OF_HOUSEHOLD: 60, Disposition.LANGUAGE: 50,
    Disposition.BUSY: 100, Disposition.NO_ANSWER: 200, Disposition.UNKNOWN_RESPONDENT: 60,
    Disposition.UNKNOWN_OTHER: 40, Disposition.NOT_WORKING: 120, Disposition.BUSINESS: 80,
}  # fmt: skip


@pytest.mark.parametrize(
    ("rate", "expected"),
    [
        (Rate.RR1, "0.3333"), (Rate.RR2, "0.3750"), (Rate.RR3, "0.3571"), (Rate.RR4, "0.4018"), (Rate.RR5, "0.5000"),
        (Rate.RR6, "0.5625"), (Rate.COOP1, "0.5714"), (Rate.COOP2, "0.6429"), (Rate.COOP3, "0.6154"),
        (Rate.COOP4, "0.6923"), (Rate.REF1, "0.1667"), (Rate.REF2, "0.1786"), (Rate.REF3, "0.2500"),
        (Rate.CON1, "0.5833"), (Rate.CON2, "0.6250"), (Rate.CON3, "0.8750"),
    ],
)  # fmt: skip
def test_every_rate_by_hand(rate: Rate, expected: str) -> None:
    found = rates(Cases.of(BY_HAND))
    value = found[rate]
    assert found.e == Fraction(4, 5)
    assert value is not None
    assert f"{float(value):.4f}" == expected


def test_another_e_is_used_and_told() -> None:
    found = rates(Cases.of(BY_HAND), e=Fraction(1, 2))
    assert found.e == Fraction(1, 2)
    assert found[Rate.RR3] == Fraction(400, 1000)
    with pytest.raises(ValueError):
        rates(Cases.of(BY_HAND), e=Fraction(3, 2))


def test_nothing_to_divide_by_is_no_rate() -> None:
    found = rates(Cases.of({}))
    assert found.e is None
    assert set(found.values.values()) == {None}
    untried = rates(Cases.of({Disposition.NOT_ATTEMPTED: 10}))
    assert (untried[Rate.RR1], untried[Rate.RR3], untried[Rate.COOP1]) == (Fraction(0), None, None)


def test_each_disposition_belongs_to_its_sum() -> None:
    assert Disposition.RESPONDENT_REFUSAL.group is Group.R
    assert Disposition.NO_INTERVIEWER.group is Group.O
    assert Disposition.TECHNICAL.group is Group.UH
    assert {one.group for one in Disposition} == set(Group)
    with pytest.raises(ValueError):
        Cases.of({Disposition.BUSY: -1})


COUNTS = some.dictionaries(some.sampled_from(Disposition), some.integers(0, 10_000))
ORDERED = (
    (Rate.RR1, Rate.RR3, Rate.RR5), (Rate.RR2, Rate.RR4, Rate.RR6), (Rate.RR1, Rate.RR2), (Rate.RR3, Rate.RR4),
    (Rate.RR5, Rate.RR6), (Rate.COOP1, Rate.COOP3), (Rate.COOP1, Rate.COOP2), (Rate.COOP3, Rate.COOP4),
    (Rate.REF1, Rate.REF2, Rate.REF3), (Rate.CON1, Rate.CON2, Rate.CON3), (Rate.RR2, Rate.CON1), (Rate.REF1, Rate.CON1),
)  # fmt: skip


def known(found: Rates, names: tuple[Rate, ...]) -> list[Fraction]:
    return [value for name in names if (value := found[name]) is not None]


@given(COUNTS, some.none() | some.fractions(0, 1))
def test_rates_are_shares_and_in_order(counts: dict[Disposition, int], e: Fraction | None) -> None:
    found = rates(Cases.of(counts), e=e)
    assert all(value is None or 0 <= value <= 1 for value in found.values.values())
    for names in ORDERED:
        values = known(found, names)
        assert values == sorted(values)


@given(COUNTS)
def test_with_everybody_eligible_the_careful_rates_are_the_first(counts: dict[Disposition, int]) -> None:
    found = rates(Cases.of(counts), e=Fraction(1))
    assert (found[Rate.RR3], found[Rate.RR4]) == (found[Rate.RR1], found[Rate.RR2])
    none = rates(Cases.of(counts), e=Fraction(0))
    assert (none[Rate.RR3], none[Rate.REF2]) == (none[Rate.RR5], none[Rate.REF3])

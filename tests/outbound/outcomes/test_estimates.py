"""What was collected of whom, and against whom it is compared: the arithmetic agrees with counting by hand."""

from datetime import date, timedelta
from math import isclose

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outbound.results.estimates import Cell, Spell, cohort, cohorts, curve, wilson

MONDAY = date(2026, 11, 2)
LATER = date(2027, 6, 1)


def day(n: int) -> date:
    return MONDAY + timedelta(days=n)


def test_a_week_s_share_is_that_of_those_who_paid_after_they_were_tried() -> None:
    cells = [
        Cell(day(0), day(3), 30), Cell(day(0), day(40), 10), Cell(day(0), None, 60),
        Cell(None, day(5), 10), Cell(None, None, 90), Cell(day(0), day(-1), 5),
    ]  # fmt: skip
    (found,) = cohorts(cells, days=30, known_on=LATER)
    assert (found.first, found.people, found.before, found.days) == (MONDAY, 105, 5, 30)
    assert found.tried is not None
    assert found.untried is not None
    assert (found.tried.share, found.tried.people) == (pytest.approx(0.3), 100)
    assert (found.untried.share, found.untried.people) == (pytest.approx(0.1), 100)
    assert (found.tried.low, found.tried.high) == pytest.approx(wilson(0.3, 100))


def test_whoever_is_tried_later_is_compared_until_then_and_no_longer() -> None:
    cells = [Cell(day(0), None, 10), Cell(day(7), day(8), 50), Cell(None, None, 50)]
    first, second = cohorts(cells, days=14, known_on=LATER)
    assert first.untried is not None
    assert first.untried.share == 0  # who paid on the eighth day had been tried by then
    assert (second.tried.share, second.untried.share) == (1, 0)  # type: ignore[union-attr]


def test_both_are_followed_for_as_long_as_the_payments_are_known() -> None:
    found = cohort([Cell(day(0), None, 1), Cell(None, day(9), 1)], day(0), day(6), days=30, known_on=day(4))
    assert found.days == 4
    assert found.untried is not None
    assert found.untried.share == 0


def test_of_nobody_nothing_is_estimated() -> None:
    assert cohorts([Cell(None, None, 100)], days=30, known_on=LATER) == []
    alone = cohort([Cell(day(0), day(1), 4)], day(0), day(6), days=30, known_on=LATER)
    assert (alone.tried.share, alone.untried) == (1, None)  # type: ignore[union-attr]
    unknown = cohort([Cell(day(3), None, 4)], day(0), day(6), days=30, known_on=day(1))
    assert (unknown.days, unknown.tried) == (None, None)


def test_kaplan_and_meier_of_the_textbook() -> None:
    """Six followed: one pays on the 1st day, one is lost after the 2nd, one pays on the 3rd."""
    found = curve([Spell(9, 1, 1), Spell(2, None, 1), Spell(9, 3, 1), Spell(9, None, 3)], 5)
    assert found.shares[1] == pytest.approx(1 / 6)
    assert found.shares[3] == pytest.approx(1 - 5 / 6 * 3 / 4)
    assert found.variances[3] == pytest.approx((5 / 6 * 3 / 4) ** 2 * (1 / 30 + 1 / 12))


people = st.lists(
    st.builds(
        Cell, st.none() | st.integers(0, 20).map(day), st.none() | st.integers(0, 60).map(day), st.integers(1, 3)
    ),
    max_size=12,
)  # fmt: skip


@given(people, st.integers(0, 40))
@settings(max_examples=200)
def test_followed_to_the_end_it_is_counting(cells: list[Cell], days: int) -> None:
    for found in cohorts(cells, days=days, known_on=LATER):
        mine = [
            one
            for one in cells
            if one.tried_on is not None and found.first <= one.tried_on <= found.last
            and (one.paid_on is None or one.paid_on >= one.tried_on)
        ]  # fmt: skip
        whole = sum(one.people for one in mine)
        assert found.people - found.before == whole
        if found.tried is None or found.days is None:
            assert whole == 0
            continue
        within = [one for one in mine if one.paid_on is not None and (one.paid_on - one.tried_on).days <= found.days]  # type: ignore[operator]
        assert isclose(found.tried.share, sum(one.people for one in within) / whole, abs_tol=1e-9)
        for one in (found.tried, found.untried):
            assert one is None or 0 <= one.low <= one.share <= one.high <= 1


@given(people, st.integers(0, 40))
def test_the_untried_of_one_day_are_counted_as_by_hand(cells: list[Cell], days: int) -> None:
    """Where nobody is tried later, the estimate of the untried is their plain share."""
    never = [Cell(None, one.paid_on, one.people) for one in cells]
    found = cohort([*never, Cell(MONDAY, None, 1)], MONDAY, MONDAY, days=days, known_on=LATER)
    there = sum(one.people for one in never)
    paid = sum(one.people for one in never if one.paid_on is not None and (one.paid_on - MONDAY).days <= days)
    if not there:
        assert found.untried is None
        return
    assert found.untried is not None
    assert isclose(found.untried.share, paid / there, abs_tol=1e-9)


@given(st.floats(0, 1), st.integers(1, 10_000))
def test_an_interval_holds_its_share(share: float, size: int) -> None:
    low, high = wilson(share, size)
    assert 0 <= low <= share <= high <= 1

"""Service levels and means, against the figures of the definitions."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.levels import formulas
from crm.levels.metering import Counts, Measured, contribution
from crm.levels.terms import EVER, Denominator, Formula, Terms, in_force

# 1000 answered, 860 of them within 20 s; 60 abandoned, 10 within 5 s, 20 within 20 s.
EXAMPLE = Counts(
    received=1_200, entered=1_060, answered=1_000, lost=60, answered_within=860, abandoned=60, abandoned_within=20,
    abandoned_short=10,
)  # fmt: skip
TERMS = Terms(within_ms=20_000, short_ms=5_000)
NINE = datetime(2026, 11, 20, 9, tzinfo=UTC)


def call(waited_ms: int, *, served: bool) -> Measured:
    return Measured(received=True, entered=True, served=served, ended=True, waited_ms=waited_ms)


def per_mille(share: Decimal | None) -> int | None:
    return None if share is None else round(share * 1000)


@pytest.mark.parametrize(
    ("formula", "tenths"),
    [(Formula.A, 811), (Formula.B, 819), (Formula.C, 827), (Formula.D, 830), (Formula.E, 860)],
)
def test_the_five_service_levels_of_the_example(formula: Formula, tenths: int) -> None:
    """Metric: service level."""
    assert per_mille(formulas.service_level(EXAMPLE, formula)) == tenths


@pytest.mark.parametrize("formula", Formula)
def test_the_example_counted_call_by_call_gives_the_same(formula: Formula) -> None:
    """Metric: service level. Each threshold is met by calls exactly on it, and missed by calls a millisecond over."""
    calls = (
        [call(20_000, served=True)] * 860 + [call(20_001, served=True)] * 140
        + [call(5_000, served=False)] * 10 + [call(5_001, served=False)] * 5 + [call(20_000, served=False)] * 5
        + [call(20_001, served=False)] * 40
    )  # fmt: skip
    counted = sum((contribution(one, TERMS) for one in calls), Counts())
    assert formulas.service_level(counted, formula) == formulas.service_level(EXAMPLE, formula)
    assert (counted.abandoned, counted.lost, counted.entered) == (60, 60, 1_060)


@pytest.mark.parametrize("formula", Formula)
def test_of_nothing_there_is_no_share(formula: Formula) -> None:
    """Metric: nothing of nothing."""
    assert formulas.service_level(Counts(), formula) is None


def test_where_all_gave_up_at_once_the_formulas_that_leave_them_out_have_nothing_to_say() -> None:
    counted = contribution(call(2_000, served=False), TERMS)
    levels = {formula.value: formulas.service_level(counted, formula) for formula in Formula}
    assert levels == {"A": Decimal(0), "B": None, "C": None, "D": Decimal(1), "E": None}


def test_the_other_figures_have_no_value_without_calls_either() -> None:
    """Metric: nothing of nothing."""
    none = (
        formulas.abandon_rate, formulas.mean_wait_ms, formulas.mean_abandoned_wait_ms, formulas.mean_handling_ms,
    )  # fmt: skip
    assert [figure(Counts()) for figure in none] == [None] * 4
    assert formulas.occupancy(0, 0) is None
    assert formulas.outbound_per_hour(7, 0) is None
    assert formulas.longest_wait_ms([], NINE) is None


def test_a_minute_and_forty_nine_is_not_averaged_as_forty_nine_seconds() -> None:
    """Rule: golden figures."""
    counted = contribution(call(109_000, served=True), TERMS) + contribution(call(109_000, served=True), TERMS)
    assert formulas.mean_wait_ms(counted) == 109_000


def test_the_wait_of_the_abandoned_is_shown_apart_and_left_out_of_nothing_it_belongs_to() -> None:
    """Rule: golden figures. Metric: abandon rate. Metric: ASA."""
    calls = (call(10_000, served=True), call(50_000, served=False), call(70_000, served=False))
    counted = sum((contribution(one, TERMS) for one in calls), Counts())
    assert formulas.mean_wait_ms(counted) == 10_000
    assert formulas.mean_abandoned_wait_ms(counted) == 60_000
    assert per_mille(formulas.abandon_rate(counted)) == 667
    assert formulas.waiting_over(counted, Decimal("0.2")).share == Decimal(2) / 3
    assert per_mille(formulas.abandon_rate(EXAMPLE)) == 57  # of those that entered, not of those received


def test_handling_is_talk_hold_and_wrap_up_of_the_handled() -> None:
    """Metric: AHT."""
    counted = Counts(received=4, entered=4, answered=3, handled=2, talk_ms=300_000, hold_ms=20_000, wrap_up_ms=80_000)
    assert formulas.mean_handling_ms(counted) == 200_000


def test_occupancy_is_what_calls_took_of_the_time_for_them() -> None:
    """Metric: occupancy. 300 s talk, 20 s hold and 80 s wrap-up, 100 s ready: 400 of 500."""
    assert formulas.occupancy(300_000 + 20_000 + 80_000, available_ms=100_000) == Decimal("0.8")
    assert formulas.occupancy(0, available_ms=100_000) == 0


def test_outbound_attempts_are_counted_per_hour_that_was_staffed() -> None:
    """Metric: outbound per hour.

    75 in the hour and a half in which somebody was there and contacts could be called: the fifty of the tender.
    """
    assert formulas.outbound_per_hour(75, staffed_ms=90 * 60_000) == 50


def test_the_longest_wait_is_of_whoever_waits_now() -> None:
    """Metric: longest wait."""
    waiting = [NINE - timedelta(seconds=3), NINE - timedelta(seconds=75), NINE + timedelta(seconds=1)]
    assert formulas.longest_wait_ms(waiting, NINE) == 75_000


waits = st.lists(st.tuples(st.integers(0, 90_000), st.booleans()), max_size=30)


@given(waits)
def test_leaving_out_or_crediting_what_was_given_up_early_never_lowers_a_service_level(
    each: list[tuple[int, bool]],
) -> None:
    counted = sum((contribution(call(ms, served=served), TERMS) for ms, served in each), Counts())
    a, b, c, d, _ = (formulas.service_level(counted, formula) for formula in Formula)
    assert a is None or ((b is None or a <= b) and (c is None or b is None or b <= c))
    assert a is None or (d is not None and a <= d <= 1)


def test_a_call_is_measured_by_the_terms_of_the_hour_in_which_it_arrived() -> None:
    first = Terms(EVER)
    changed = Terms(NINE, Formula.E, within_ms=30_000, denominator=Denominator.ENTERED)
    later = Terms(NINE + timedelta(hours=2), Formula.B)
    versions = (first, changed, later)
    assert in_force(versions, NINE - timedelta(microseconds=1)) is first
    assert in_force(versions, NINE) is changed
    assert in_force(versions, NINE + timedelta(hours=5)) is later
    assert in_force((), NINE).formula is Formula.A

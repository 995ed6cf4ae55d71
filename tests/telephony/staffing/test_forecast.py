"""Forecasts and their error, over histories of which the truth is known."""

from datetime import date, timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telephony.staffing.accuracy import Error, backtest, by_hour, measured
from telephony.staffing.forecast import NOTHING, QUARTERS, Driver, Expected, Past, learn
from telephony.staffing.known_days import Kind, Known, drivers_of, imu, notable

MONDAY = date(2026, 11, 2)
OPEN = frozenset(range(36, 72))  # from nine to six
WEEKDAYS = (1.4, 1.1, 1.0, 0.9, 0.6)
NEVER: frozenset[Driver] = frozenset()


def day(total: float, dice: Random | None = None, drivers: frozenset[Driver] = NEVER) -> Past:
    """A day whose mornings are twice its afternoons."""
    shares = [2 if n < 54 else 1 for n in sorted(OPEN)]
    means = dict(zip(sorted(OPEN), (total * one / sum(shares) for one in shares), strict=True))
    calls = (means.get(n, 0.0) for n in range(QUARTERS))
    return Past(tuple(round(one if dice is None else max(0, dice.gauss(one, one**0.5))) for one in calls), drivers)


def weeks(count: int, level: float = 360, dice: Random | None = None) -> dict[date, Past]:
    """Weekdays until the Sunday before `MONDAY`; at weekends the lines are closed."""
    days = (MONDAY - timedelta(days=n) for n in range(7 * count, 0, -1))
    return {on: day(level * WEEKDAYS[on.weekday()], dice) if on.weekday() < 5 else Past((0,) * QUARTERS) for on in days}


def test_a_steady_week_is_foretold_as_it_was() -> None:
    model = learn(weeks(6), MONDAY)
    for n, factor in enumerate(WEEKDAYS):
        told = model.expect(MONDAY + timedelta(days=n), OPEN)
        assert told.total == pytest.approx(360 * factor, rel=0.06)
        assert sum(told.expected[36:54]) > 1.8 * sum(told.expected[54:72])
        assert all(low <= one <= high for low, one, high in zip(told.low, told.expected, told.high, strict=True))


def test_closed_quarter_hours_have_no_calls_and_a_shorter_day_has_fewer() -> None:
    model = learn(weeks(6), MONDAY)
    whole = model.expect(MONDAY, OPEN)
    assert all(whole.expected[n] == 0 for n in range(QUARTERS) if n not in OPEN)
    morning = model.expect(MONDAY, frozenset(range(36, 54)))
    assert morning.expected[40] == whole.expected[40]
    assert morning.total < whole.total
    assert model.expect(MONDAY, frozenset()) == NOTHING


def test_on_a_weekday_on_which_nobody_ever_called_nobody_is_expected() -> None:
    model = learn(weeks(6), MONDAY)
    assert model.expect(MONDAY + timedelta(days=5), OPEN).total == 0
    young = learn(weeks(2), MONDAY)  # too short a time to say so
    assert young.expect(MONDAY + timedelta(days=5), OPEN).total > 0


def test_the_last_weeks_count_most() -> None:
    history = weeks(8, 200) | {on: one for on, one in weeks(2, 400).items() if on >= MONDAY - timedelta(days=14)}
    told = learn(history, MONDAY).expect(MONDAY, OPEN).total
    assert 1.4 * 300 < told < 1.4 * 400


def test_a_due_date_does_what_it_did_before_and_a_thing_never_seen_does_nothing() -> None:
    history = weeks(8)
    due = MONDAY - timedelta(days=28)
    for n in range(5):
        on = due + timedelta(days=n)
        history[on] = day(2 * 360 * WEEKDAYS[on.weekday()], drivers=frozenset({Driver.OVERDUE}))
    model = learn(history, MONDAY)
    assert 1.5 < model.effects[Driver.OVERDUE] < 2
    usual, after = (model.expect(MONDAY, OPEN, drivers) for drivers in (NEVER, {Driver.OVERDUE}))
    assert after.total == pytest.approx(usual.total * model.effects[Driver.OVERDUE])
    assert usual.total == pytest.approx(1.4 * 360, rel=0.06)  # those days did not raise the others
    assert model.expect(MONDAY, OPEN, {Driver.NOTICES}).total == usual.total
    assert after.drivers == ((Driver.OVERDUE, model.effects[Driver.OVERDUE]),)


def test_without_history_nothing_is_foretold() -> None:
    model = learn({}, MONDAY)
    assert (model.days, model.expect(MONDAY, OPEN)) == (0, NOTHING)


def test_a_forecast_knows_nothing_of_what_came_after_it() -> None:
    history = weeks(6)
    later = history | {MONDAY + timedelta(days=n): day(9999) for n in range(5)}
    assert learn(later, MONDAY) == learn(history, MONDAY)


@given(st.dictionaries(st.integers(1, 60), st.integers(0, 500), max_size=40), st.integers(0, 6))
@settings(deadline=None, max_examples=30)
def test_whatever_came_what_is_expected_is_never_negative_nor_endless(totals: dict[int, int], ahead: int) -> None:
    history = {MONDAY - timedelta(days=n): day(total) for n, total in totals.items()}
    told = learn(history, MONDAY).expect(MONDAY + timedelta(days=ahead), OPEN, set(Driver))
    assert all(0 <= low <= one <= high < 1e6 for low, one, high in zip(told.low, told.expected, told.high, strict=True))


def test_tried_on_the_past_it_beats_last_week_and_its_interval_holds() -> None:
    dice = Random(7)
    history = weeks(12, dice=dice)
    told = backtest(history, dict.fromkeys(history, OPEN), MONDAY)
    found = measured(told, history)
    assert found.days == 20
    assert found.wape is not None
    assert found.naive_wape is not None
    assert found.wape < found.naive_wape
    assert found.share_within is not None
    assert 0.7 < found.share_within < 0.92
    assert abs(found.bias) < 0.05 * found.calls


def test_the_error_counts_calls_in_the_wrong_hour_once_each() -> None:
    came = Past((0,) * 36 + (3, 0, 0, 1) + (6, 0, 0, 0) + (0,) * 52)
    told = Expected((0.0,) * 36 + (4.0, 0, 0, 0) + (5.0, 0, 0, 0) + (0.0,) * 52, (0.0,) * 96, (9.0,) * 96)
    found = measured({MONDAY: told}, {MONDAY: came})
    assert found == Error(10, 1.0, -1.0, 3, 3, None, 1)
    assert (found.wape, found.naive_wape) == (0.1, None)
    assert by_hour(came.calls)[9:11] == [4, 6]
    assert measured({}, {}).wape is None


def test_the_imu_s_due_dates_are_put_off_to_a_working_day() -> None:
    def is_working(on: date) -> bool:
        return on.weekday() < 5

    assert [one.day for one in imu(2026, is_working)] == [date(2026, 6, 16), date(2026, 12, 16)]
    assert [one.day for one in imu(2029, is_working)] == [
        date(2029, 6, 18),
        date(2029, 12, 17),
    ]  # of a Saturday, a Sunday


def test_days_around_a_due_date_are_told_apart() -> None:
    due = Known(date(2026, 12, 16), Kind.DUE)

    def why(offset: int) -> frozenset[Driver]:
        return drivers_of(due.day + timedelta(days=offset), [due], lambda _: False)

    assert [why(n) for n in (-5, -4, 0, 1, 5, 6, 20, 21)] == [
        NEVER, {Driver.DUE_SOON}, {Driver.DUE_SOON}, {Driver.OVERDUE}, {Driver.OVERDUE}, {Driver.OVERDUE_LATER},
        {Driver.OVERDUE_LATER}, NEVER,
    ]  # fmt: skip
    notices = Known(date(2026, 11, 3), Kind.NOTICES)
    assert drivers_of(date(2026, 11, 13), [notices], lambda _: False) == {Driver.NOTICES}
    assert drivers_of(date(2026, 11, 14), [notices], lambda _: False) == NEVER
    # The Monday after a Friday that was a holiday.
    assert drivers_of(MONDAY, [], lambda on: on == MONDAY - timedelta(days=3)) == {Driver.AFTER_HOLIDAY}


def test_only_days_with_unusually_many_acts_are_noted() -> None:
    acts = {MONDAY + timedelta(days=n): 10 for n in range(30)} | {date(2026, 12, 31): 400}
    assert notable(acts, Kind.DUE) == [Known(date(2026, 12, 31), Kind.DUE, "", 400)]
    assert notable({MONDAY: 5}, Kind.DUE) == notable({}, Kind.DUE) == []

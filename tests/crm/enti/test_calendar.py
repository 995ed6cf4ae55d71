"""When lines are open: hours, holidays, closures, and the two days a year that have another length."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm.core.clock import ROME
from crm.enti.calendar import (
    ClosedBecause,
    ClosedSpell,
    Feasts,
    Hours,
    Opening,
    Timetable,
    Week,
    closing,
    held_at,
    is_holiday,
    is_metered,
    next_opening,
    opening,
    spans,
    woven,
)

MORNINGS = tuple(Hours(weekday, time(8, 30), time(13)) for weekday in range(5))
OFFICE = Timetable((*MORNINGS, Hours(1, time(15), time(17, 30))))
ALWAYS = Timetable(tuple(Hours(weekday, time(0), time(0)) for weekday in range(7)), observes_holidays=False)
OPEN = Opening(is_open=True)


def rome(month: int, day: int, hour: int = 0, minute: int = 0, *, year: int = 2026) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=ROME).astimezone(UTC)


def closed(because: ClosedBecause, opens_at: datetime | None, reason: str | None = None) -> Opening:
    return Opening(is_open=False, because=because, reason=reason, opens_at=opens_at)


@pytest.mark.parametrize(
    ("instant", "is_open"),
    [
        (rome(11, 20, 8, 29), False),
        (rome(11, 20, 8, 30), True),
        (rome(11, 20, 12, 59), True),
        (rome(11, 20, 13, 0), False),  # closing time is exclusive
        (rome(11, 24, 16), True),  # a Tuesday afternoon
        (rome(11, 25, 16), False),
        (rome(11, 21, 10), False),  # Saturday
    ],
)
def test_hours_are_roman_time(instant: datetime, is_open: bool) -> None:
    assert opening(OFFICE, instant).is_open is is_open


def test_on_friday_afternoon_the_line_opens_on_monday() -> None:
    assert opening(OFFICE, rome(11, 20, 14)) == closed(ClosedBecause.HOURS, rome(11, 23, 8, 30))


def test_between_morning_and_afternoon_it_opens_the_same_day() -> None:
    assert opening(OFFICE, rome(11, 24, 14)).opens_at == rome(11, 24, 15)


@pytest.mark.parametrize(("month", "day", "utc_hour"), [(3, 27, 7), (3, 30, 6), (10, 23, 6), (10, 26, 7)])
def test_half_past_eight_stays_half_past_eight_when_the_clocks_change(month: int, day: int, utc_hour: int) -> None:
    opens = datetime(2026, month, day, utc_hour, 30, tzinfo=UTC)
    assert opening(OFFICE, opens) == OPEN
    assert not opening(OFFICE, opens - timedelta(microseconds=1)).is_open


def test_a_line_open_all_sunday_is_open_for_every_hour_that_sunday_has() -> None:
    sundays = Timetable((Hours(6, time(0), time(0)),), observes_holidays=False)
    for midnight, hours in ((rome(3, 29), 23), (rome(10, 25), 25), (rome(11, 22), 24)):
        assert opening(sundays, midnight) == OPEN
        assert opening(sundays, midnight + timedelta(hours=hours, microseconds=-1)) == OPEN
        assert not opening(sundays, midnight + timedelta(hours=hours)).is_open
        assert not opening(sundays, midnight - timedelta(microseconds=1)).is_open


def test_midnight_closes_the_day_it_ends() -> None:
    evenings = Timetable((Hours(4, time(18), time(0)),))
    assert opening(evenings, rome(11, 20, 23, 59)) == OPEN
    assert not opening(evenings, rome(11, 21)).is_open


def test_at_midnight_the_day_is_rome_s_and_not_greenwich_s() -> None:
    mondays = Timetable((Hours(0, time(0), time(0)),))
    assert opening(mondays, datetime(2026, 11, 22, 23, 30, tzinfo=UTC)) == OPEN  # 00:30 on Monday in Rome
    assert not opening(mondays, datetime(2026, 11, 23, 23, 30, tzinfo=UTC)).is_open


@pytest.mark.parametrize(
    ("year", "month", "day"),
    [(2026, 1, 1), (2026, 1, 6), (2026, 4, 6), (2025, 4, 25), (2026, 5, 1), (2026, 6, 2), (2025, 8, 15),
     (2027, 11, 1), (2026, 12, 8), (2026, 12, 25)],
)  # fmt: skip
def test_a_public_holiday_is_no_working_day(year: int, month: int, day: int) -> None:
    found = opening(OFFICE, rome(month, day, 10, year=year))
    assert (found.is_open, found.because) == (False, ClosedBecause.HOLIDAY)
    assert found.opens_at is not None


def test_after_liberation_day_on_a_friday_the_line_opens_on_monday() -> None:
    assert opening(OFFICE, rome(4, 25, 10, year=2025)).opens_at == rome(4, 28, 8, 30, year=2025)


def test_since_2026_saint_francis_is_everybody_s_holiday() -> None:
    """Law 151 of 8 October 2025."""
    assert is_holiday(OFFICE, rome(10, 4, 12).date())
    assert not is_holiday(OFFICE, rome(10, 4, 12, year=2025).date())


def test_each_ente_keeps_its_own_patron() -> None:
    empoli = Timetable(OFFICE.hours, patron=(11, 30))  # Saint Andrew, a Monday in 2026
    assert opening(empoli, rome(11, 30, 10)) == closed(ClosedBecause.HOLIDAY, rome(12, 1, 8, 30))
    assert opening(OFFICE, rome(11, 30, 10)) == OPEN


def test_a_line_that_keeps_no_holidays_keeps_no_patron_either() -> None:
    assert opening(Timetable(ALWAYS.hours, observes_holidays=False, patron=(11, 30)), rome(11, 30, 10)) == OPEN
    assert opening(ALWAYS, rome(12, 25, 3)) == OPEN


def test_a_closure_until_noon_reopens_at_noon() -> None:
    shut = Timetable(OFFICE.hours, (ClosedSpell(rome(11, 20, 9), rome(11, 20, 12), "Assemblea"),))
    assert opening(shut, rome(11, 20, 8, 59)) == OPEN
    assert opening(shut, rome(11, 20, 9)) == closed(ClosedBecause.CLOSURE, rome(11, 20, 12), "Assemblea")
    assert opening(shut, rome(11, 20, 12)) == OPEN


def test_a_closure_over_closing_time_reopens_the_next_working_day() -> None:
    shut = Timetable(OFFICE.hours, (ClosedSpell(rome(11, 20, 9), rome(11, 20, 20), "Guasto"),))
    assert opening(shut, rome(11, 20, 10)).opens_at == rome(11, 23, 8, 30)


def test_a_closure_that_nobody_agreed_to_is_still_metered() -> None:
    shut = Timetable(
        OFFICE.hours,
        (
            ClosedSpell(rome(11, 20, 9), rome(11, 20, 12), "Guasto", agreed=False),
            ClosedSpell(rome(11, 20, 11), rome(11, 20, 12), "Assemblea"),
        ),
    )
    hours = {hour: is_metered(shut, rome(11, 20, hour)) for hour in (7, 10, 11, 12, 23)}
    assert hours == {7: False, 10: True, 11: False, 12: True, 23: False}


def test_nobody_knows_when_an_open_ended_closure_ends() -> None:
    shut = Timetable(OFFICE.hours, (ClosedSpell(rome(11, 20, 9), None, "Guasto"),))
    assert opening(shut, rome(11, 20, 10)) == closed(ClosedBecause.CLOSURE, None, "Guasto")
    assert next_opening(shut, rome(11, 20, 7)) == rome(11, 20, 8, 30)  # it has not begun


def test_two_closures_in_a_row_are_one() -> None:
    spells = (
        ClosedSpell(rome(11, 20, 9), rome(11, 20, 11), "Prima"),
        ClosedSpell(rome(11, 20, 11), rome(11, 20, 12), "Seconda"),
    )
    assert next_opening(Timetable(OFFICE.hours, spells), rome(11, 20, 10)) == rome(11, 20, 12)


def test_a_line_without_hours_never_opens() -> None:
    assert opening(Timetable(()), rome(11, 20, 10)) == closed(ClosedBecause.HOURS, None)


clocks = st.times().map(lambda clock: clock.replace(microsecond=0))
stretches = st.builds(Hours, st.integers(0, 6), clocks, clocks | st.just(time(0)))
instants = st.datetimes(datetime(2025, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC))
near = st.integers(-40 * 1440, 40 * 1440).map(lambda minutes: timedelta(minutes=minutes))


@st.composite
def cases(draw: st.DrawFn) -> tuple[Timetable, datetime]:
    instant = draw(instants)
    closures = [
        ClosedSpell(instant + start, None if length is None else instant + start + abs(length), "")
        for start, length in draw(st.lists(st.tuples(near, st.none() | near), max_size=3))
    ]
    patron = draw(st.none() | st.just((instant.month, instant.day)))
    hours = tuple(draw(st.lists(stretches, max_size=8)))
    since = sorted(draw(st.lists(near, max_size=2)))
    later = tuple(Week(instant + one, tuple(draw(st.lists(stretches, max_size=8)))) for one in since)
    before = tuple(
        Feasts(instant + one, draw(st.booleans()), patron) for one in sorted(draw(st.lists(near, max_size=1)))
    )
    return (
        Timetable(hours, tuple(closures), draw(st.booleans()), patron, later=later, feasts_before=before), instant
    )  # fmt: skip


@given(cases())
@settings(max_examples=300)
def test_a_line_is_open_exactly_when_its_next_opening_is_now(case: tuple[Timetable, datetime]) -> None:
    """Rule: tested calendar."""
    timetable, instant = case
    found = opening(timetable, instant)
    upcoming = next_opening(timetable, instant)
    assert found.is_open == (upcoming == instant)
    if not found.is_open:
        assert found.opens_at == upcoming
        assert found.because is not None


@given(cases(), near)
@settings(max_examples=300)
def test_hours_hold_from_their_instant_until_others_follow(case: tuple[Timetable, datetime], later: timedelta) -> None:
    """Rule: tested calendar. Whatever was written afterwards, or is to come, an instant has the hours of its time."""
    timetable, instant = case[0], case[1] + later
    held = (Week(datetime.min.replace(tzinfo=UTC), timetable.hours), *timetable.later)
    alone = replace(timetable, hours=held_at(held, instant), later=())
    assert opening(timetable, instant).is_open == opening(alone, instant).is_open
    assert is_metered(timetable, instant) == is_metered(alone, instant)


def test_shorter_hours_written_in_the_afternoon_take_nothing_from_the_morning() -> None:
    shortened = replace(OFFICE, hours=ALWAYS.hours, later=(Week(rome(11, 20, 15), MORNINGS),))
    assert list(spans(shortened, rome(11, 20, 12).date(), 1)) == [(rome(11, 20), rome(11, 20, 15))]
    assert closing(shortened, rome(11, 20, 12).date()) == rome(11, 20, 15)
    longer = replace(OFFICE, hours=MORNINGS, later=(Week(rome(11, 20, 10), ALWAYS.hours),))
    assert list(spans(longer, rome(11, 20, 12).date(), 1)) == [(rome(11, 20, 8, 30), rome(11, 21))]  # and not in two


def test_a_patron_that_is_put_right_holds_from_the_next_day() -> None:
    moved = replace(OFFICE, patron=(11, 30), feasts_before=(Feasts(rome(11, 20, 9), True, (6, 24)),))
    assert is_holiday(moved, rome(6, 24, 12).date())
    assert is_holiday(moved, rome(11, 30, 12).date())
    kept = replace(OFFICE, feasts_before=(Feasts(rome(12, 8, 9), False),))
    assert [is_holiday(kept, rome(12, day, 12).date()) for day in (8, 25)] == [False, True]


def test_an_entes_own_hours_replace_its_contracts_for_as_long_as_there_are_any() -> None:
    common = [Week(rome(1, 1), MORNINGS), Week(rome(5, 1), ALWAYS.hours)]
    own = [Week(rome(3, 1), OFFICE.hours), Week(rome(9, 1), ())]
    found = woven(common, own)
    assert [one.since for one in found] == [rome(1, 1), rome(3, 1), rome(5, 1), rome(9, 1)]
    assert [one.hours for one in found] == [MORNINGS, OFFICE.hours, OFFICE.hours, ALWAYS.hours]


changes = st.sampled_from([datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 10, 25, 1, tzinfo=UTC)])
around = st.integers(-30 * 60, 30 * 60).map(lambda minutes: timedelta(minutes=minutes))


@given(changes, around, st.lists(stretches, max_size=8))
@settings(max_examples=300)
def test_around_a_change_of_clocks_a_line_is_open_by_the_clock_on_the_wall(
    change: datetime, later: timedelta, hours: list[Hours]
) -> None:
    """Rule: tested calendar. Whatever the offset, what counts is what a clock in Rome says."""
    wall = (change + later).astimezone(ROME)

    def within(one: Hours) -> bool:
        ends = one.closes if one.closes != time(0) else time.max
        return one.weekday == wall.weekday() and one.opens <= wall.time() < ends

    found = opening(Timetable(tuple(hours), observes_holidays=False), change + later)
    assert found.is_open == any(map(within, hours))


def test_an_hour_that_is_skipped_opens_nothing_late_and_one_that_comes_twice_is_open_twice() -> None:
    """Rule: tested calendar."""
    spring, autumn = date(2026, 3, 29), date(2026, 10, 25)

    def on(day: date, opens: time, closes: time) -> list[tuple[datetime, datetime]]:
        return list(spans(Timetable((Hours(6, opens, closes),), observes_holidays=False), day, 1))

    one_utc = datetime(2026, 3, 29, 1, tzinfo=UTC)
    assert on(spring, time(2, 30), time(9)) == [(one_utc, rome(3, 29, 9))]
    assert on(spring, time(2), time(2, 45)) == []
    twice = datetime(2026, 10, 25, 1, tzinfo=UTC)
    half, ends = timedelta(minutes=30), rome(10, 25, 1)
    assert on(autumn, time(1), time(2, 30)) == [(ends, twice - half), (twice, twice + half)]
    assert on(autumn, time(1), time(3)) == [(ends, rome(10, 25, 3))]


@given(cases(), st.floats(0, 1))
@settings(max_examples=300)
def test_it_opens_when_it_said_it_would_and_not_before(case: tuple[Timetable, datetime], share: float) -> None:
    """Rule: tested calendar."""
    timetable, instant = case
    upcoming = next_opening(timetable, instant)
    if upcoming is not None:
        assert opening(timetable, upcoming) == OPEN
        before = min(instant + (upcoming - instant) * share, upcoming - timedelta(microseconds=1))
        assert before < instant or not opening(timetable, before).is_open

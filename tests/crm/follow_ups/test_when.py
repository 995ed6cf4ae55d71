"""When a follow-up is due: quick choices, hours, days on which nobody works."""

from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.core.clock import ROME, in_rome
from crm.core.errors import InvalidError
from crm.enti.calendar import ClosedSpell, Hours, Timetable
from crm.follow_ups.when import Day, Due, Lateness, due, lateness

OFFICE = Timetable(tuple(Hours(weekday, time(9), time(18)) for weekday in range(5)))
ALWAYS = Timetable(tuple(Hours(weekday, time(0), time(0)) for weekday in range(7)), observes_holidays=False)
FRIDAY = datetime(2026, 11, 20, 10, 0, tzinfo=ROME)


def when(day: Day, *, chosen: date | None = None, hour: time | None = None, now: datetime = FRIDAY) -> Due:
    return due(day, chosen=chosen, hour=hour, now=now, timetable=OFFICE)


def at(month: int, day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=ROME)


@pytest.mark.parametrize(("found", "expected"), [
    (when(Day.TODAY), Due(at(11, 20, 18), at_work=True)),
    (when(Day.TODAY, hour=time(12, 30)), Due(at(11, 20, 12, 30), at_work=True)),
    (when(Day.TODAY, hour=time(20)), Due(at(11, 20, 20), at_work=False)),
    (when(Day.TOMORROW), Due(at(11, 23, 18), at_work=True)),  # tomorrow is Saturday: the next day of work
    (when(Day.WEEK), Due(at(11, 27, 18), at_work=True)),
    (when(Day.CHOSEN, chosen=date(2026, 11, 22)), Due(at(11, 22, 18), at_work=False)),  # a Sunday, as was asked
    (when(Day.CHOSEN, chosen=date(2026, 12, 8), hour=time(10)), Due(at(12, 8, 10), at_work=False)),  # a holiday
])  # fmt: skip
def test_what_is_meant(found: Due, expected: Due) -> None:
    assert found == expected


@pytest.mark.parametrize(("day", "chosen", "hour", "field"), [
    (Day.TODAY, None, time(9), "hour"),
    (Day.CHOSEN, None, None, "chosen"),
    (Day.CHOSEN, date(2026, 11, 1), None, "chosen"),
    (Day.CHOSEN, date(2029, 11, 1), None, "chosen"),
])  # fmt: skip
def test_what_cannot_be_meant(day: Day, chosen: date | None, hour: time | None, field: str) -> None:
    with pytest.raises(InvalidError) as refused:
        when(day, chosen=chosen, hour=hour)
    assert refused.value.field == field


@pytest.mark.parametrize(("chosen", "hour", "refused"), [
    (date(2026, 11, 23), time(3), True), (date(2026, 11, 22), time(10), True), (date(2026, 11, 28), time(10), False),
    (date(2026, 11, 23), time(8), False), (date(2026, 11, 23), time(21, 1), True), (date(2026, 11, 22), None, False),
])  # fmt: skip
def test_people_are_called_back_at_hours_at_which_people_are_called(
    chosen: date, hour: time | None, refused: bool
) -> None:
    try:
        due(Day.CHOSEN, chosen=chosen, hour=hour, now=FRIDAY, timetable=OFFICE, calls=True)
        found = ""
    except InvalidError as error:
        found = error.field
    assert found == ("hour" if refused else "")


def test_when_the_day_is_over_today_is_too_late() -> None:
    with pytest.raises(InvalidError):
        when(Day.TODAY, now=at(11, 20, 18, 1))


def test_lines_that_never_close_end_the_day_a_minute_before_midnight() -> None:
    found = due(Day.TODAY, chosen=None, hour=None, now=FRIDAY, timetable=ALWAYS)
    assert found == Due(at(11, 20, 23, 59), at_work=True)


def test_a_closure_shortens_the_day_but_one_without_end_does_not_end_all_days() -> None:
    afternoon = ClosedSpell(at(11, 20, 13), at(11, 21, 0), "Guasto")
    until_reopened = ClosedSpell(at(11, 20, 9), None, "Allarme")
    for closures, ends in (((afternoon,), at(11, 20, 13)), ((until_reopened,), at(11, 20, 18))):
        table = Timetable(OFFICE.hours, closures)
        assert due(Day.TODAY, chosen=None, hour=None, now=FRIDAY, timetable=table).at == ends


@given(st.sampled_from([Day.TOMORROW, Day.WEEK]), st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)))
def test_a_quick_choice_is_a_day_of_work_ahead(day: Day, now: datetime) -> None:
    instant = now.replace(tzinfo=ROME)
    found = due(day, chosen=None, hour=None, now=instant, timetable=OFFICE)
    assert found.at_work
    assert found.at > instant
    assert in_rome(found.at).weekday() < 5
    assert lateness(found.at, instant) not in {Lateness.OVERDUE, Lateness.TODAY}


@pytest.mark.parametrize(("length", "expected"), [
    (timedelta(0), Lateness.OVERDUE), (timedelta(hours=13), Lateness.TODAY), (timedelta(hours=14), Lateness.TOMORROW),
    (timedelta(days=2), Lateness.SOON), (timedelta(days=7), Lateness.SOON), (timedelta(days=8), Lateness.LATER),
])  # fmt: skip
def test_lateness_counts_roman_days(length: timedelta, expected: Lateness) -> None:
    assert lateness(FRIDAY + length, FRIDAY) is expected

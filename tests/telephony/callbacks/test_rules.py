"""When a caller is called back: not at night, not on Sundays, not while the line is closed, not for ever."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.core.clock import ROME
from crm.enti.calendar import ClosedSpell, Hours, Timetable
from telephony.callbacks.rules import (
    MOST_ATTEMPTS,
    STEP,
    Aside,
    GiveUp,
    Offer,
    Standing,
    callable_number,
    expiry,
    may_call,
    next_hour,
    next_step,
)

OFFICE = Timetable(tuple(Hours(day, time(8), time(18)) for day in range(5)), observes_holidays=False)
ALWAYS = Timetable(tuple(Hours(day, time(0), time(0)) for day in range(7)), observes_holidays=False)
DAILY = Timetable(tuple(Hours(day, time(8), time(20)) for day in range(7)), observes_holidays=False)
ANY_HOUR = replace(ALWAYS, called_back=ALWAYS.hours)
SUNDAYS = replace(ALWAYS, called_back=(Hours(6, time(10), time(12)),))
INSTANTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))


def rome(day: int, hour: int, minute: int = 0) -> datetime:
    """November 2026: the 20th is a Friday."""
    return datetime(2026, 11, day, hour, minute, tzinfo=ROME)


@pytest.mark.parametrize(
    ("table", "instant", "may"),
    [
        (OFFICE, rome(20, 9), True), (OFFICE, rome(20, 8, 59), False), (OFFICE, rome(20, 17, 59), True),
        (OFFICE, rome(20, 18), False), (OFFICE, rome(21, 12), False), (ALWAYS, rome(21, 19, 59), True),
        (ALWAYS, rome(21, 20), False), (ALWAYS, rome(22, 12), False), (ANY_HOUR, rome(22, 23, 59), True),
        (SUNDAYS, rome(22, 10), True), (SUNDAYS, rome(22, 12), False), (SUNDAYS, rome(23, 10), False),
    ],
)  # fmt: skip
def test_people_are_called_by_day_and_while_somebody_is_there(table: Timetable, instant: datetime, may: bool) -> None:
    assert may_call(table, instant) is may


def test_the_next_hour_is_after_the_night_the_sunday_and_the_closure() -> None:
    assert next_hour(OFFICE, rome(20, 18)) == rome(23, 9)
    assert next_hour(ALWAYS, rome(21, 21)) == rome(23, 9)
    shut = Timetable(OFFICE.hours, (ClosedSpell(rome(23, 0), rome(23, 11), "Assemblea"),), observes_holidays=False)
    assert next_hour(shut, rome(20, 18)) == rome(23, 11)
    assert next_hour(Timetable(()), rome(20, 12)) is None


@given(INSTANTS)
def test_the_next_hour_is_one_at_which_people_are_called(instant: datetime) -> None:
    found = next_hour(OFFICE, instant)
    assert found is not None
    assert may_call(OFFICE, found)
    if may_call(OFFICE, instant):
        assert found == instant


def test_he_is_called_by_the_end_of_the_next_day_of_service() -> None:
    assert expiry(OFFICE, rome(20, 17, 55)) == rome(23, 18)
    assert expiry(OFFICE, rome(23, 10)) == rome(24, 18)


@given(INSTANTS, st.integers(0, MOST_ATTEMPTS), st.integers(-60, 60))
def test_every_callback_ends(now: datetime, attempts: int, pause_min: int) -> None:
    """Whatever has happened, it is offered, put aside for a while or given up; looked at again, time goes on."""
    standing = Standing(expiry(OFFICE, now), attempts, now + timedelta(minutes=pause_min))
    at = now
    for _ in range(1_000):
        step = next_step(standing, OFFICE, at)
        if isinstance(step, GiveUp):
            break
        assert at < step.until <= standing.expires_at
        if isinstance(step, Offer):
            assert may_call(OFFICE, at)
            assert attempts < MOST_ATTEMPTS
        at = step.until
    assert isinstance(step, GiveUp)
    assert attempts == MOST_ATTEMPTS or at == standing.expires_at


@given(INSTANTS, st.sampled_from([OFFICE, ALWAYS, DAILY]))
def test_nobody_is_given_up_who_was_never_called(now: datetime, table: Timetable) -> None:
    """Asked for on a Saturday evening where the line is open on Sundays too, on which nobody is called."""
    standing, at = Standing(expiry(table, now)), now
    while not isinstance(step := next_step(standing, table, at), Offer):
        assert isinstance(step, Aside)
        at = step.until


def test_between_two_attempts_he_is_left_alone() -> None:
    standing = Standing(rome(23, 18), 1, rome(20, 10, 15))
    assert next_step(standing, OFFICE, rome(20, 10)) == Aside(rome(20, 10, 15))
    assert next_step(standing, OFFICE, rome(20, 10, 15)) == Offer(rome(20, 10, 15) + STEP)


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("3480000001", "+393480000001"), ("0571700700", "+390571700700"), ("899123456", None), ("800123456", None),
        ("112", None), ("", None), ("+4915112345678", None), ("348", None),
    ],
)  # fmt: skip
def test_only_telephones_that_cost_no_more_are_called(typed: str, number: str | None) -> None:
    assert callable_number(typed) == number

"""When a caller is called back, and when that is given up. Pure.

He asked for it himself, so that it is no unwanted call; still nobody is called at an hour at which people are not
called, nor while the line's people are not there. What he waits for is his place, which he keeps meanwhile.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from crm.contacts.phone import CallerKind, caller_kind, typed_number
from crm.core.clock import business_day, start_of_day
from crm.enti.calendar import Timetable, calls_back, closing, next_opening, opening

MOST_ATTEMPTS = 3
AGAIN_AFTER = timedelta(minutes=15)  # whoever did not answer is called again
LONGEST_FAREWELL, LONGEST_MESSAGE = timedelta(seconds=20), timedelta(seconds=150)  # then his line is free
STEP = timedelta(minutes=15)  # how closely the next hour for it is looked for
DAY = timedelta(days=1)
AHEAD = 14  # days


@dataclass(frozen=True, slots=True)
class Standing:
    """What has become of a callback so far."""

    expires_at: datetime
    attempts: int = 0
    not_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class Offer:
    """An operator may take it now; it is looked at again at this instant."""

    until: datetime


@dataclass(frozen=True, slots=True)
class Aside:
    """Nobody takes it before this instant."""

    until: datetime


@dataclass(frozen=True, slots=True)
class GiveUp:
    """He is called no more."""


def next_step(standing: Standing, table: Timetable, now: datetime) -> Offer | Aside | GiveUp:
    """What is to be done with a callback now."""
    if now >= standing.expires_at or standing.attempts >= MOST_ATTEMPTS:
        return GiveUp()
    if standing.not_before is not None and now < standing.not_before:
        return Aside(min(standing.not_before, standing.expires_at))
    if not may_call(table, now):
        return Aside(min(next_hour(table, now) or standing.expires_at, standing.expires_at))
    return Offer(min(now + STEP, standing.expires_at))


def may_call(table: Timetable, instant: datetime) -> bool:
    """Whether people may be called at this instant, and the line is open."""
    return calls_back(table, instant) and opening(table, instant).is_open


def next_hour(table: Timetable, instant: datetime) -> datetime | None:
    """The next instant at which somebody may be called, to the quarter of an hour; none within a fortnight."""
    at: datetime | None = instant
    for _ in range(AHEAD * 96):
        at = next_opening(table, at) if at is not None else None
        if at is None or at > instant + AHEAD * DAY:
            return None
        if may_call(table, at):
            return at
        at += STEP - timedelta(minutes=at.minute % 15, seconds=at.second, microseconds=at.microsecond)
    return None


def expiry(table: Timetable, asked: datetime) -> datetime:
    """He is called by the end of the next day on which people are called, tomorrow at the earliest."""
    tomorrow = start_of_day(business_day(asked) + DAY)
    opens = next_hour(table, tomorrow)
    closes = closing(table, business_day(opens)) if opens else None
    return closes or asked + DAY


def callable_number(typed: str) -> str | None:
    """A number that can be called back, in E.164: an Italian telephone, and none whose calls cost more."""
    number = typed_number(typed)
    if caller_kind(number) not in {CallerKind.LANDLINE, CallerKind.MOBILE} or number is None:
        return None
    return number if number.startswith(("+390", "+393")) else None

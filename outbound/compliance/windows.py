"""When a rule lets somebody be reached: each is the way from an instant to the next that it allows. Pure.

Hours of law and code (UNIREC), of an ente, of a campaign, of the person himself; how often in a day and in seven days.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

from crm.core.clock import ROME, business_day, start_of_day
from crm.enti.calendar import Hours, Timetable, next_opening
from outbound.compliance.rules import Ended, Person, Reason, Rules

# Monday to Friday 8:30-21:00, Saturday 8:30-15:00, never on holidays (UNIREC).
LAW = (*(Hours(weekday, time(8, 30), time(21)) for weekday in range(5)), Hours(5, time(8, 30), time(15)))
WEEK = timedelta(days=7)  # any seven days, which is stricter than the calendar's
ONE_DAY = timedelta(days=1)
HORIZON = timedelta(days=120)  # beyond which nobody is planned
NEVER = datetime.max.replace(tzinfo=UTC)
Clear = Callable[[datetime], datetime]  # the first instant, from one on, at which a rule lets him be reached
_PARTS = (time(13), time(17, 30))  # where the morning ends, and the afternoon
_VARIED = timedelta(days=4)  # after which any hour will do: where a campaign has no others, too


def cleared(pauses: list[tuple[Reason, Clear]], at: datetime) -> datetime:
    """The first instant at which no pause holds. Each rule only moves forward, so the end is the least such instant."""
    moment = at
    while moment - at <= HORIZON:
        later = max((clear(moment) for _, clear in pauses), default=moment)
        if later == moment:
            return moment
        if later >= NEVER:
            return NEVER
        moment = later
    return NEVER


def opening(window: Timetable, at: datetime) -> datetime:
    """The first instant, from this one on, at which it is open."""
    return next_opening(window, at) or NEVER


def hours_of(person: Person, rules: Rules) -> tuple[Timetable, ...]:
    """The campaign's hours for him: each of these windows must be open."""
    return (rules.business_windows if person.business else ()) or rules.windows


def within(hours: tuple[Hours, ...], rules: Rules) -> Timetable:
    """These hours, on no holiday of whatever calendar the campaign's windows have."""
    patron = next((one.patron for one in rules.windows if one.patron), None)
    return Timetable(hours, patron=patron)


def own_hours(line: Timetable, hours: tuple[Hours, ...]) -> Timetable:
    """A week of hours in the calendar of an ente, that of its `line`: its holidays and shut days hold, its longer days
    do not.
    """
    shut = tuple(one for one in line.special if one.opens is None)
    return replace(line, hours=hours, later=(), closures=(), special=shut)


def conversations(person: Person) -> list[datetime]:
    """When he was spoken with, by telephone or at his door, in their order."""
    calls = (one.at for one in person.attempts if one.ended is Ended.SPOKEN)
    return sorted((*calls, *(one.at for one in person.visits if one.spoken)))


def after_days(happened: list[datetime], most: int, at: datetime) -> datetime:
    """The first instant on a day on which fewer than `most` happened."""
    day = business_day(at)
    if sum(business_day(one) == day for one in happened) < most:
        return at
    return start_of_day(day + ONE_DAY)


def after_weeks(happened: list[datetime], most: int, at: datetime) -> datetime:
    """The first instant before which, in seven days, fewer than `most` happened."""
    recent = [one for one in happened if at - WEEK < one]
    return at if len(recent) < most else recent[-most] + WEEK


def at_another_time(tried: datetime, at: datetime) -> datetime:
    """The first instant in another part of the day than that in which he was not found."""
    if at >= tried + _VARIED or _part(at) != _part(tried):
        return at
    day = business_day(at)
    ends = (*(datetime.combine(day, one, ROME) for one in _PARTS), start_of_day(day + ONE_DAY))
    return min(ends[_part(at)].astimezone(UTC), tried + _VARIED)


def _part(at: datetime) -> int:
    return sum(at.astimezone(ROME).time() >= one for one in _PARTS)

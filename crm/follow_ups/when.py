"""When a follow-up is due. Pure: what was chosen and the centre's timetable in, an instant out."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from crm.core.clock import ROME, in_rome
from crm.core.errors import InvalidError
from crm.enti.calendar import HORIZON_DAYS, Timetable, closing, opening

FARTHEST = timedelta(days=2 * 365)
END_OF_WORK = time(18)  # of a day on which the lines are closed
CALLS_FROM, CALLS_UNTIL, SUNDAY = time(8), time(21), 6
LAST_MINUTE = time(23, 59)  # of a day on which they never close


class Day(StrEnum):
    TODAY = "today"
    TOMORROW = "tomorrow"
    WEEK = "week"  # in seven days
    CHOSEN = "chosen"


class Lateness(StrEnum):
    """Where an instant lies, as seen from now."""

    OVERDUE = "overdue"
    TODAY = "today"
    TOMORROW = "tomorrow"
    SOON = "soon"  # within seven days
    LATER = "later"


@dataclass(frozen=True, slots=True)
class Due:
    """An instant, and whether the centre is at work then."""

    at: datetime
    at_work: bool


def due(
    day: Day, *, chosen: date | None, hour: time | None, now: datetime, timetable: Timetable, calls: bool = False
) -> Due:  # fmt: skip
    """The instant meant. Without an hour it is the end of that day's opening.

    *Tomorrow* and *in a week* mean the first day of work from then on; a day that was chosen, or an hour, is taken as
    it is, even if the centre is closed. Raises `InvalidError` for what is past or too far, and, when somebody is to be
    called (`calls`) at an hour, for one at which people are not called.
    """
    # When somebody closes the lines until he reopens them, nobody means all days to come.
    timetable = replace(timetable, closures=tuple(one for one in timetable.closures if one.ends_at is not None))
    on = _day(day, chosen, in_rome(now).date(), timetable)
    ends = closing(timetable, on)
    at = _instant(on, hour) if hour is not None else _end(on, ends)
    if at <= now:
        field = "hour" if hour is not None else "chosen" if day is Day.CHOSEN else "day"
        raise InvalidError("Questo momento è già passato: scegline uno più avanti.", field=field)
    if at > now + FARTHEST:
        raise InvalidError("Al massimo due anni da oggi: scegli una data più vicina.", field="chosen")
    if calls and hour is not None and not may_call(at):
        raise InvalidError("Si chiama dal lunedì al sabato, dalle 8 alle 21: scegli un'altra ora.", field="hour")
    return Due(at, ends is not None if hour is None else opening(timetable, at).is_open)


def may_call(at: datetime) -> bool:
    """Whether people may be called at home at an instant: from Monday to Saturday, from 8 to 21."""
    local = in_rome(at)
    return local.weekday() != SUNDAY and CALLS_FROM <= local.time() <= CALLS_UNTIL


def lateness(due_at: datetime, now: datetime) -> Lateness:
    """Where an instant lies; days are Roman ones."""
    if due_at <= now:
        return Lateness.OVERDUE
    days = (in_rome(due_at).date() - in_rome(now).date()).days
    if days < 2:
        return Lateness.TOMORROW if days else Lateness.TODAY
    return Lateness.SOON if days <= 7 else Lateness.LATER


def _day(day: Day, chosen: date | None, today: date, timetable: Timetable) -> date:
    match day:
        case Day.TODAY:
            return today
        case Day.TOMORROW:
            return _first_of_work(today + timedelta(days=1), timetable)
        case Day.WEEK:
            return _first_of_work(today + timedelta(days=7), timetable)
        case Day.CHOSEN:
            if chosen is None:
                raise InvalidError("Scegli il giorno.", field="chosen")
            return chosen


def _first_of_work(day: date, timetable: Timetable) -> date:
    """The first day from this one on with the lines open; this one when there is none in sight."""
    days = (day + timedelta(days=offset) for offset in range(HORIZON_DAYS))
    return next((one for one in days if closing(timetable, one) is not None), day)


def _end(on: date, ends: datetime | None) -> datetime:
    if ends is None:
        return _instant(on, END_OF_WORK)
    return ends if in_rome(ends).date() == on else _instant(on, LAST_MINUTE)


def _instant(day: date, hour: time) -> datetime:
    return datetime.combine(day, hour.replace(tzinfo=None), tzinfo=ROME).astimezone(UTC)

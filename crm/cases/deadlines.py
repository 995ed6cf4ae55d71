"""When a step of a case is due: terms in days of the calendar or in working days, paused and extended. Pure.

A term of so many days is over at the end, in Rome, of its last day; the day from which it runs does not count itself
(art. 155 c.p.c.), whatever hour it was and however long that day, or the last, was. Days on which it rests do not
count. A last day that is no working day is not put off: the contracts do not say so.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from crm.core.clock import business_day, start_of_day
from crm.enti.days import Patron, is_working_day
from crm.follow_ups.when import Lateness, lateness

DAY = timedelta(days=1)
Counts = Callable[[date], bool]


@dataclass(frozen=True, slots=True)
class Rest:
    """A term does not run from `since` until, and without, the day on which it goes on; none: it still rests."""

    since: date
    until: date | None = None

    def covers(self, day: date) -> bool:
        """Whether a day does not count."""
        return self.since <= day and (self.until is None or day < self.until)


@dataclass(frozen=True, slots=True)
class Span:
    """How long a term is. `working`: in working days of the ente's calendar."""

    days: int
    working: bool = False


def counting(span: Span, patron: Patron | None) -> Counts:
    """Which days a term counts on an ente's calendar."""
    if span.working:
        return lambda day: is_working_day(day, patron)
    return lambda _: True


def last_day(since: date, days: int, counts: Counts, rests: Collection[Rest] = ()) -> date | None:
    """The last day of a term that runs from `since`; none while it rests and no last day can be told.

    A term of no days is over on the day from which it runs.
    """
    day = since
    while days > 0:
        day += DAY
        if any(one.until is None and one.since <= day for one in rests):
            return None
        days -= counts(day) and not any(one.covers(day) for one in rests)
    return day


def taken(since: date, until: date, counts: Counts, rests: Collection[Rest] = ()) -> int:
    """How many days of a term that runs from `since` have passed with the end of `until`."""
    days = (since + DAY * n for n in range(1, (until - since).days + 1))
    return sum(counts(day) and not any(one.covers(day) for one in rests) for day in days)


def end_of(day: date) -> datetime:
    """The instant at which a day in Rome is over, be it of 23, 24 or 25 hours."""
    return start_of_day(day + DAY)


def due_at(since: datetime, span: Span, patron: Patron | None, rests: Collection[Rest] = ()) -> datetime | None:
    """The instant until which a step is in time; none while the term rests."""
    last = last_day(business_day(since), span.days, counting(span, patron), rests)
    return None if last is None else end_of(last)


def shown_day(due: datetime) -> date:
    """The last day of a term that is over at an instant."""
    return business_day(due - timedelta(microseconds=1))


def how_late(due: datetime, now: datetime) -> Lateness:
    """Where a term's last day lies, as seen from now: what is due at midnight is due on the day before."""
    return lateness(due - timedelta(microseconds=1), now)

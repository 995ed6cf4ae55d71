"""Which reports are due, and when they are told of. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from crm.core.clock import ROME, business_day, start_of_day
from crm.enti.calendar import Timetable, is_holiday
from crm.levels.agreement import Period
from crm.levels.closing import SETTLED

LOOKED_BACK = {Period.MONTH: 3, Period.QUARTER: 2, Period.YEAR: 1}  # periods, for a system that was away
TOLD_AT = time(8)  # in Rome
TOLD_WITHIN = timedelta(days=31)  # after the period: of an older one nobody is told
SATURDAY = 5


@dataclass(frozen=True, slots=True)
class Span:
    """A month, quarter or year by its first day and the first one after it."""

    period: Period
    first: date
    after: date

    @property
    def last(self) -> date:
        """Its last day."""
        return self.after - timedelta(days=1)


def settled(now: datetime) -> Iterator[Span]:
    """The latest periods of each kind that are over, and whose last calls have been told."""
    for period, most in LOOKED_BACK.items():
        first, after = period.around(business_day(now))
        while start_of_day(after) + SETTLED > now:
            first, after = period.before(first)
        for _ in range(most):
            yield Span(period, first, after)
            first, after = period.before(first)


def span(period: Period, day: date) -> Span:
    """The period of a kind that a day is in."""
    return Span(period, *period.around(day))


def told_at(timetable: Timetable, after: date) -> datetime:
    """When the ente is told: at eight in the morning of its first working day after the period (Anci Toscana 4.1.1)."""
    day = after
    while day.weekday() >= SATURDAY or is_holiday(timetable, day):
        day += timedelta(days=1)
    return datetime.combine(day, TOLD_AT, tzinfo=ROME).astimezone(UTC)

"""Whether an office gives numbers now, and if not, when again. Pure: its hours in, what the kiosk says out."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from crm.agendas.plan import Open
from crm.agendas.times import DAY
from crm.core.clock import business_day

EARLY = timedelta(minutes=30)  # before it opens: whoever is at the door may take his number
LOOKED_AHEAD = 60  # days


class Without(StrEnum):
    """Why there is no number."""

    CLOSED = "closed"
    FULL = "full"  # as many as the service gives a day
    NOT_TODAY = "not_today"  # no desk does it for the rest of the day


@dataclass(frozen=True, slots=True)
class Reception:
    """How an office receives now. `opens_at` is when numbers are given again; none: not as far as its agenda goes."""

    open: bool
    opens_at: datetime | None
    without: Mapping[int, Without]  # services for which there is no number

    def why_not(self, service_id: int) -> Without | None:
        """Why there is no number for a service; none where there is one."""
        return self.without.get(service_id) if self.open else Without.CLOSED


def reception(
    hours: Callable[[date], Collection[Open]], services: Iterable[tuple[int, int | None]], given: Mapping[int, int],
    now: datetime,
) -> Reception:  # fmt: skip
    """`hours`: when the desks are open on a day; `services`: each with how many numbers a day it gives, none for any;
    `given`: how many it gave today.
    """
    left = [one for one in hours(business_day(now)) if one.when.end > now]
    return Reception(
        any(one.when.start - EARLY <= now for one in left), _opens_at(hours, left, now),
        {one: why for one, most in services if (why := _without(one, most, given, left)) is not None},
    )  # fmt: skip


def _without(service_id: int, most: int | None, given: Mapping[int, int], left: Collection[Open]) -> Without | None:
    if not any(one.serves(service_id) for one in left):
        return Without.NOT_TODAY
    return Without.FULL if most is not None and given.get(service_id, 0) >= most else None


def _opens_at(
    hours: Callable[[date], Collection[Open]], left: Collection[Open], now: datetime
) -> datetime | None:  # fmt: skip
    if later := [one.when.start for one in left if one.when.start > now]:
        return min(later)
    today = business_day(now)
    for days in range(1, LOOKED_AHEAD + 1):
        if opened := hours(today + days * DAY):
            return min(one.when.start for one in opened)
    return None

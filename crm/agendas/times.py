"""Stretches of time, and instants of clocks that hang in Rome. Pure."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

from crm.core.clock import ROME

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
NOON = 13  # the hour in Rome with which afternoons begin


def is_morning(at: datetime) -> bool:
    """Whether an instant is one of a morning in Rome."""
    return at.astimezone(ROME).hour < NOON


class Stretch(NamedTuple):
    """From an instant (UTC) until before another."""

    start: datetime
    end: datetime

    @property
    def minutes(self) -> int:
        """How long it takes."""
        return (self.end - self.start) // MINUTE

    def overlaps(self, other: "Stretch") -> bool:
        """Whether the two have a moment in common."""
        return self.start < other.end and other.start < self.end

    def holds(self, other: "Stretch") -> bool:
        """Whether the other lies within it."""
        return self.start <= other.start and other.end <= self.end


def instant(day: date, clock: time) -> datetime:
    """When a clock in Rome shows a time of a day, in UTC.

    In the night in which an hour is left out, a time in it is the moment at which the clock jumps; in the night in
    which one is there twice, it is the first of the two.
    """
    local = datetime.combine(day, clock, tzinfo=ROME)
    if local.astimezone(UTC).astimezone(ROME).time() == clock:
        return local.astimezone(UTC)
    after = local
    while after.astimezone(UTC).astimezone(ROME).replace(tzinfo=None) != after.replace(tzinfo=None):
        after = (after.replace(second=0, microsecond=0)) + MINUTE
    return after.astimezone(UTC)


def stretch(day: date, opens: time, closes: time) -> Stretch:
    """From one time of a day to another; 00:00 as its end is the midnight after."""
    return Stretch(instant(day, opens), instant(day + DAY if closes == time(0) else day, closes))


def without(one: Stretch, holes: Iterable[Stretch]) -> list[Stretch]:
    """What is left of a stretch."""
    left = [one] if one.start < one.end else []
    for hole in holes:
        left = [
            part
            for each in left
            for part in (
                (Stretch(each.start, min(each.end, hole.start)), Stretch(max(each.start, hole.end), each.end))
                if each.overlaps(hole)
                else (each,)
            )
            if part.start < part.end
        ]
    return left

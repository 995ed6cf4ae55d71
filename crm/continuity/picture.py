"""How the service stands, as everybody may know it: now, and day by day. Pure; it names nobody."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from crm.continuity.models import Cause
from crm.continuity.spells import LONG, OURS, Outage
from crm.core.clock import business_day, start_of_day

DAYS = 90


class State(StrEnum):
    GOOD = "good"
    NOTICE = "notice"  # it answers, and something is said of it
    CARRIER = "carrier"  # pages answer, calls do not come
    DOWN = "down"
    UNKNOWN = "unknown"


class Shade(StrEnum):
    """How a day was."""

    GOOD = "good"
    NEAR = "near"  # interrupted, for no longer than the contracts let it
    BROKEN = "broken"  # interrupted for longer
    UNKNOWN = "unknown"  # nobody measured


@dataclass(frozen=True, slots=True)
class Day:
    """A day in Rome: how long the service was interrupted."""

    day: date
    shade: Shade
    lost: timedelta


def state(outages: Iterable[Outage], *, is_there: bool, said: bool) -> State:
    """How it stands now, the gravest first."""
    causes = {one.cause for one in outages if one.ended_at is None}
    if causes & OURS or not is_there:
        return State.DOWN
    if Cause.CARRIER in causes:
        return State.CARRIER
    return State.NOTICE if said else State.GOOD


def days(outages: Iterable[Outage], *, measured_since: datetime | None, now: datetime) -> list[Day]:
    """The last days up to today. An interruption over midnight belongs to each of its days, with its part there."""
    outages, today = list(outages), business_day(now)
    return [_day(today - timedelta(days=back), outages, measured_since, now) for back in reversed(range(DAYS))]


def _day(day: date, outages: list[Outage], measured_since: datetime | None, now: datetime) -> Day:
    begins, ends = start_of_day(day), start_of_day(day + timedelta(days=1))
    if measured_since is None or measured_since >= ends:
        return Day(day, Shade.UNKNOWN, timedelta())
    spans = sorted((max(one.began_at, begins), min(one.spell(now).ends_at, ends)) for one in outages)
    lost, reached = timedelta(), begins
    for start, end in spans:  # what overlaps counts once
        if end > max(start, reached):
            lost += end - max(start, reached)
            reached = end
    if not lost:
        return Day(day, Shade.GOOD, lost)
    return Day(day, Shade.BROKEN if lost > LONG else Shade.NEAR, lost)

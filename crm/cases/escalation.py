"""Who is told that a term runs out, and when: its owner first, then a supervisor, both before it is over. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

OWNERS_DAYS, SUPERVISORS_DAYS = timedelta(days=3), timedelta(days=1)


class Told(StrEnum):
    OWNER = "owner"
    SUPERVISOR = "supervisor"


@dataclass(frozen=True, slots=True)
class Warnings:
    """From when each of them is to know."""

    owner: datetime
    supervisor: datetime


def warnings(since: datetime, due: datetime) -> Warnings:
    """The owner is told when half of the time is over, at the earliest three days before the end; the supervisor when
    three quarters are, at the earliest one day before.
    """
    length = due - since
    return Warnings(max(since + length / 2, due - OWNERS_DAYS), max(since + length * 3 / 4, due - SUPERVISORS_DAYS))


def now_told(since: datetime, due: datetime, now: datetime, *, before: frozenset[Told]) -> frozenset[Told]:
    """Whom to tell now, of those who were not told `before`."""
    at = warnings(since, due)
    whom = {one for one, when in ((Told.OWNER, at.owner), (Told.SUPERVISOR, at.supervisor)) if when <= now}
    return frozenset(whom - before)

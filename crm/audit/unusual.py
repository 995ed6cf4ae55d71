"""When reading is unusual. Pure: the files somebody opened without a call, or his searches, in; what is remarkable
about them out.

A file counts once a day however often it was opened. Files opened in a call, or for one, do not count: the caller is
the reason. Absolute limits hold for everybody; below them a day is compared with the person's own and with his
colleagues', so that a desk clerk's usual day raises nothing and an agent's first such day does.

Who opens no file may still read on by searching alone. Searches have one limit, calls or not: the log does not say for
whom they were.
"""

from collections import Counter, deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from crm.audit.models import ReadingRule

HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Limits:
    """Files without a call. `least`: fewer in a day are never unusual; `times`: how many usual days it takes.

    `searches`: in an hour, that showed taxpayers of one ente. Boxes search while people type, so that a name takes
    about five: the limit is a name a minute.
    """

    hour: int = 40
    day: int = 150
    least: int = 15
    times: int = 3
    searches: int = 300


@dataclass(frozen=True, slots=True)
class Opening:
    """A file opened without a call."""

    at: datetime
    ente_id: int
    contact_id: int


@dataclass(frozen=True, slots=True)
class Searched:
    """A minute of somebody's searches that showed taxpayers of an ente: how many, and when it was over."""

    at: datetime
    ente_id: int
    searches: int


@dataclass(frozen=True, slots=True)
class Remark:
    """What is unusual: so many files or searches, where `usual` is the most that would not have been."""

    rule: ReadingRule
    count: int
    usual: int


def remarks(
    today: Sequence[Opening], *, own: Collection[int], colleagues: Collection[int], limits: Limits
) -> list[Remark]:
    """What is unusual about a person's day so far.

    `own`: how many files he opened on each of his earlier days; `colleagues`: the same of those who hold the same
    role, all their days. Days on which somebody opened none are left out: they say nothing about a usual day.
    """
    found = []
    hour = busiest_hour(today)
    if hour > limits.hour:
        found.append(Remark(ReadingRule.HOUR, hour, limits.hour))
    files = len({(one.ente_id, one.contact_id) for one in today})
    if files > limits.day:
        found.append(Remark(ReadingRule.DAY, files, limits.day))
    usual = max(limits.least, limits.times * max(_typical(own), _typical(colleagues)))
    if files > usual:
        found.append(Remark(ReadingRule.UNUSUAL, files, usual))
    return found


def searched(today: Iterable[Searched], *, limits: Limits) -> dict[int, Remark]:
    """The enti among whose taxpayers somebody searched too often within any 60 minutes."""
    most: Counter[int] = Counter()
    inside: Counter[int] = Counter()
    hour: deque[Searched] = deque()
    for one in sorted(today, key=lambda one: one.at):
        hour.append(one)
        inside[one.ente_id] += one.searches
        while hour[0].at <= one.at - HOUR:
            gone = hour.popleft()
            inside[gone.ente_id] -= gone.searches
        most[one.ente_id] = max(most[one.ente_id], inside[one.ente_id])
    return {
        ente_id: Remark(ReadingRule.SEARCHES, count, limits.searches)
        for ente_id, count in most.items()
        if count > limits.searches
    }


def busiest_hour(openings: Sequence[Opening]) -> int:
    """The most different files within any 60 minutes."""
    ordered = sorted(openings, key=lambda one: one.at)
    inside: dict[tuple[int, int], int] = {}
    most = start = 0
    for one in ordered:
        inside[one.ente_id, one.contact_id] = inside.get((one.ente_id, one.contact_id), 0) + 1
        while ordered[start].at <= one.at - HOUR:
            gone = (ordered[start].ente_id, ordered[start].contact_id)
            inside[gone] -= 1
            if not inside[gone]:
                del inside[gone]
            start += 1
        most = max(most, len(inside))
    return most


def by_ente(openings: Sequence[Opening]) -> Mapping[int, int]:
    """How many different files of each ente."""
    return {
        ente: len({one.contact_id for one in openings if one.ente_id == ente})
        for ente in {one.ente_id for one in openings}
    }


def _typical(days: Collection[int]) -> int:
    return int(median(days)) if days else 0

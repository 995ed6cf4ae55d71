"""When lines are open and nobody is planned to be there, pure: stretches of time in, stretches of time out.

A stretch is from an instant until another, which it leaves out; instants are UTC. Calls in such a time count for the
levels like all others (Anci Toscana 8 and 4.1.1: lines are open for longer than operators are asked for).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from crm.levels.series import place_of
from telephony.staffing.forecast import Expected

QUARTER = timedelta(minutes=15)
Span = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Gap:
    """Lines are open, and nobody is planned. `asked`: the contract wants somebody there. `calls` are those expected;
    none where nothing is foretold.
    """

    since: datetime
    until: datetime
    asked: bool
    calls: float | None = None

    @property
    def length(self) -> timedelta:
        return self.until - self.since


def union(spans: Iterable[Span]) -> list[Span]:
    """The same time in stretches that neither touch nor overlap, in order; empty ones left out."""
    found: list[Span] = []
    for since, until in sorted(one for one in spans if one[0] < one[1]):
        if found and since <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], until)
        else:
            found.append((since, until))
    return found


def without(spans: Iterable[Span], taken: Iterable[Span]) -> list[Span]:
    """What is in the first and not in the second, in order."""
    found: list[Span] = []
    away = union(taken)
    for since, until in union(spans):
        at = since
        for gone, back in away:
            if back <= at or gone >= until:
                continue
            if gone > at:
                found.append((at, gone))
            at = max(at, back)
        if at < until:
            found.append((at, until))
    return found


def both(spans: Iterable[Span], others: Iterable[Span]) -> list[Span]:
    """What is in the first and in the second, in order."""
    first = union(spans)
    return without(first, without(first, others))


def gaps(opens: Iterable[Span], planned: Iterable[Span], asked: Iterable[Span] | None) -> list[Gap]:
    """Where lines are open and nobody planned, in order. `asked`: when the contract wants operators; none: always."""
    empty = without(opens, planned)
    wanted = empty if asked is None else both(empty, asked)
    found = [Gap(*one, asked=True) for one in wanted] + [Gap(*one, asked=False) for one in without(empty, wanted)]
    return sorted(found, key=lambda one: one.since)


def calls_in(span: Span, told: Expected) -> float:
    """How many calls are expected in a stretch of one day; those of a quarter hour come evenly."""
    since, until = span
    at, calls = since, 0.0
    while at < until:
        next_quarter = at + QUARTER - timedelta(minutes=at.minute % 15, seconds=at.second, microseconds=at.microsecond)
        end = min(until, next_quarter)
        calls += told.expected[place_of(at)] * ((end - at) / QUARTER)
        at = end
    return calls


def total(found: Iterable[Gap]) -> timedelta:
    """How long somebody is missing whom the contract wants there."""
    return sum((one.length for one in found if one.asked), timedelta())

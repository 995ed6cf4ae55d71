"""Where agents' time went, from the facts about them. Pure.

An instant counts to its whole millisecond, downwards; so the durations of an interval add up to the interval, and
however it is cut, to the same sums.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from itertools import chain, pairwise
from operator import itemgetter

from crm.levels.metering import quarter_of
from telephony.agents.models import Activity
from telephony.agents.presence import Stated

QUARTER = timedelta(minutes=15)
_OUT = frozenset({Activity.OFFLINE, Activity.AWAY})
_EPOCH, _MS = datetime(1970, 1, 1, tzinfo=UTC), timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Times:
    """Milliseconds by what they went into. Out of service is what remains of an interval."""

    ready_ms: int = 0
    ringing_ms: int = 0
    talking_ms: int = 0
    holding_ms: int = 0
    wrap_up_ms: int = 0
    paused_ms: int = 0
    away_ms: int = 0

    def __add__(self, other: "Times") -> "Times":
        return Times(*(getattr(self, name) + getattr(other, name) for name in MEASURES))

    def __bool__(self) -> bool:
        return any(getattr(self, name) for name in MEASURES)

    @property
    def busy_ms(self) -> int:
        """Talk, hold and wrap-up."""
        return self.talking_ms + self.holding_ms + self.wrap_up_ms

    @property
    def served_ms(self) -> int:
        """In service: for calls, or on a pause."""
        return self.ready_ms + self.ringing_ms + self.busy_ms + self.paused_ms


MEASURES = tuple(one.name for one in fields(Times))
OCCUPIED = ("ready_ms", "talking_ms", "holding_ms", "wrap_up_ms")  # what occupancy is made of


def durations(facts: Iterable[Stated], since: datetime, until: datetime) -> dict[Activity, int]:
    """How long one agent did each thing from an instant to another, in milliseconds.

    `facts` are his, in the order of their coming, from the last one before the interval on. Of before his first fact
    nothing is known: he was out of service.
    """
    spent = dict.fromkeys(Activity, 0)
    for activity, start, end in _stretches(facts, since, until):
        spent[activity] += _ms(end) - _ms(start)
    return spent


def by_quarter(facts: Iterable[Stated], since: datetime, until: datetime) -> dict[datetime, Times]:
    """The same by quarter hours, each known by its start; those that he was out of service all the time left out."""
    spent: dict[datetime, Times] = {}
    for activity, start, end in _stretches(facts, since, until):
        if activity is Activity.OFFLINE:
            continue
        for quarter, first, last in _cut(start, end):
            here = Times(**{f"{activity.value}_ms": _ms(last) - _ms(first)})
            spent[quarter] = spent.get(quarter, Times()) + here
    return {quarter: one for quarter, one in spent.items() if one}


def staffed_ms(
    agents: Iterable[Iterable[Stated]], windows: Iterable[tuple[datetime, datetime]]
) -> int:  # fmt: skip
    """For how long at least one of some agents was in service within windows that do not overlap."""
    each = [list(his) for his in agents]
    total = 0
    for since, until in windows:
        reached = since
        served = (one for his in each for one in _stretches(his, since, until) if one[0] not in _OUT)
        for _, start, end in sorted(served, key=itemgetter(1)):
            total += max(0, _ms(end) - _ms(max(start, reached)))
            reached = max(reached, end)
    return total


def _stretches(
    facts: Iterable[Stated], since: datetime, until: datetime
) -> Iterator[tuple[Activity, datetime, datetime]]:  # fmt: skip
    """What was done in an interval, from when to when."""
    before, after = Stated(since, Activity.OFFLINE), Stated(until, Activity.OFFLINE)
    for fact, following in pairwise(chain((before,), facts, (after,))):
        start, end = max(fact.at, since), min(following.at, until)
        if start < end:
            yield fact.activity, start, end


def _cut(start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime, datetime]]:
    quarter = quarter_of(start)
    while quarter < end:
        following = quarter + QUARTER
        yield quarter, max(start, quarter), min(end, following)
        quarter = following


def _ms(instant: datetime) -> int:
    return (instant - _EPOCH) // _MS

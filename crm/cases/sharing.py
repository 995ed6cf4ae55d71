"""Who gets which case: whoever knows its topic and has the most room, what is due first before all. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from crm.cases.lifecycle import Topic


class Left(StrEnum):
    """Why nobody gets a case."""

    NOBODY_KNOWS = "nobody_knows"  # its topic
    ALL_FULL = "all_full"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A case that nobody has. `may`: those who may work for its ente."""

    id: int
    topic: Topic
    due_at: datetime | None
    may: frozenset[int]


@dataclass(frozen=True, slots=True)
class Hand:
    """Somebody who works on cases of some topics. `load`: how many he has; `most`: at once."""

    id: int
    topics: frozenset[Topic]
    load: int
    most: int


@dataclass(frozen=True, slots=True)
class Shared:
    """What came of it: who gets each case, those that nobody gets, and how many each has then."""

    given: Mapping[int, int]
    left: Mapping[int, Left]
    load: Mapping[int, int]


def share(waiting: Collection[Waiting], hands: Collection[Hand]) -> Shared:
    """Share cases out; the same facts give the same plan, in whatever order they come.

    Each goes to whoever has, of those who may, the smallest share of what he can have at once; of two alike, to whom
    fewer topics are known.
    """
    load = {one.id: one.load for one in hands}
    given: dict[int, int] = {}
    left: dict[int, Left] = {}
    for case in sorted(waiting, key=lambda one: (one.due_at is None, one.due_at, one.id)):
        knowing = [one for one in hands if case.topic in one.topics and one.id in case.may]
        free = [one for one in knowing if load[one.id] < one.most]
        if not free:
            left[case.id] = Left.ALL_FULL if knowing else Left.NOBODY_KNOWS
            continue
        best = min(free, key=lambda one: (load[one.id] / one.most, len(one.topics), one.id))
        given[case.id] = best.id
        load[best.id] += 1
    return Shared(given, left, load)

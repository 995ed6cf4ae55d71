"""An answer that goes by post: until it is handed over it is none. Pure.

A message counts as the answer when it is owed, a letter on the day on which whoever posts it has it: that is when the
step *reply* is taken. What was done with the case meanwhile decides whether it still may leave.
"""

from collections.abc import Collection
from enum import StrEnum

from crm.cases.lifecycle import MACHINES, Deed, State, Topic, possible

ANSWERED = frozenset({Deed.REPLY, Deed.CARRIED_OUT})
LEADS_ON = frozenset(step.deed for steps in MACHINES.values() for step in steps)


class Fate(StrEnum):
    """What becomes of a letter that has not left."""

    LEAVES = "leaves"
    WAITS = "waits"  # the terms rest: for the next batch
    OVERTAKEN = "overtaken"  # it answers a case that has gone on without it
    HEAVY = "heavy"  # for the prices of the post


class PostSays(StrEnum):
    """What the post says of a letter that has left."""

    DELIVERED = "delivered"
    RETURNED = "returned"


def is_again(before: Deed | None) -> bool:
    """Whether a letter carries once more an answer that was given. `before`: what last led its case on before it."""
    return before in ANSWERED


def fate(topic: Topic, state: State, *, since: Collection[Deed], rests: bool, again: bool = False) -> Fate:
    """Whether a letter may leave. `since`: what was done with its case after it was written; `again`: it answers
    nothing, and only goes where the one before did not arrive.
    """
    if again:
        return Fate.LEAVES if LEADS_ON.isdisjoint(since) else Fate.OVERTAKEN
    if not LEADS_ON.isdisjoint(since) or all(one.deed is not Deed.REPLY for one in possible(topic, state)):
        return Fate.OVERTAKEN
    return Fate.WAITS if rests else Fate.LEAVES

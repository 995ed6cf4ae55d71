"""What is different in an agent's round when it is published again. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

NOTICED_S = 600  # an hour that moved by less is the same to whoever walks the round


class Change(StrEnum):
    ADDED = "added"
    REMOVED = "removed"
    EARLIER = "earlier"
    LATER = "later"


@dataclass(frozen=True, slots=True)
class Changed:
    """A visit of an agent that he did not have, has no more, or has at another hour."""

    change: Change
    practice_id: int


def changes(before: Mapping[int, int], now: Mapping[int, int]) -> Sequence[Changed]:
    """From the one round to the other; each says when which practice's visit begins, in seconds after midnight."""
    found = [Changed(Change.REMOVED, one) for one in before if one not in now]
    for practice_id, begins in now.items():
        if (was := before.get(practice_id)) is None:
            found.append(Changed(Change.ADDED, practice_id))
        elif abs(begins - was) >= NOTICED_S:
            found.append(Changed(Change.EARLIER if begins < was else Change.LATER, practice_id))
    return found

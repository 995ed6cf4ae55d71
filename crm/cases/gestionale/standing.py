"""Where the collection system stands with what a case was granted, debt by debt and as a whole. Pure."""

from collections.abc import Collection
from enum import StrEnum

from crm.cases.lifecycle import Deed
from crm.proposals.lifecycle import State


class Progress(StrEnum):
    OWED = "owed"  # it goes with the next feed of proposals
    SENT = "sent"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    SEEN = "seen"  # the collection system's own feed shows it


def progress(state: State, *, seen: bool) -> Progress:
    """Where one debt stands; what the feed shows is done, whatever was answered."""
    if seen:
        return Progress.SEEN
    match state:
        case State.EXPORTED:
            return Progress.SENT
        case State.ACKNOWLEDGED:
            return Progress.ACCEPTED
        case State.REJECTED | State.REFUSED | State.WITHDRAWN:
            return Progress.REFUSED
        case _:
            return Progress.OWED


def follows(news: Collection[State], states: Collection[State]) -> Deed | None:
    """What follows for the case from answers that are `news`, when its debts stand so by now: one that was refused is
    enough to decide again, and only all of them are accepted.
    """
    if State.REJECTED in news:
        return Deed.REJECTED
    if State.ACKNOWLEDGED in news and all(one is State.ACKNOWLEDGED for one in states):
        return Deed.ACCEPTED
    return None

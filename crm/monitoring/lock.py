"""Whether the work of a single person may be looked at. Pure.

L. 300/1970, art. 4, c. 1: means that allow workers to be watched from afar are used under an agreement with their
unions, or an authorisation of the Ispettorato. C. 3: what is gathered may be used once they have been told how they
may be watched. So everything here is locked until the agreement is entered, allows this use, holds today, and the
person has confirmed that he has read what it says. INL circular 4/2017 counts the states of single operators in real
time among such means; the tools they work with (c. 2) are not in question here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class Use(StrEnum):
    """What an agreement may allow."""

    LISTENING = "listening"  # to conversations under way: listen, whisper, take part
    RECORDINGS = "recordings"  # hear recorded conversations to judge the work
    SCORES = "scores"  # score single conversations, and keep the scores
    FIGURES = "figures"  # times, states and figures of single workers


class AgreementKind(StrEnum):
    UNION = "union"
    INSPECTORATE = "inspectorate"


class Lock(StrEnum):
    """Why something is locked."""

    NONE = "none"  # no agreement was ever entered
    NOT_YET = "not_yet"  # the first one begins later
    OVER = "over"
    WITHDRAWN = "withdrawn"
    LEFT_OUT = "left_out"  # it holds, and does not allow this
    NOT_READ = "not_read"  # the worker has not confirmed that he has read it


@dataclass(frozen=True, slots=True)
class Agreement:
    """A version of a contract's agreement. `valid_until`: its last day; without one it holds until withdrawn."""

    id: int
    kind: AgreementKind
    signed_on: date
    reference: str
    uses: frozenset[Use]
    valid_from: date
    valid_until: date | None
    withdrawn: bool
    told: str  # what the workers are told: what is watched, how, what for
    keep_months: int  # for how long scores are kept


def current(versions: Sequence[Agreement], on: date) -> Agreement | None:
    """The version that counts on a day: the one entered last of those whose first day has come.

    An older one never comes back when a newer is over or withdrawn.
    """
    begun = [one for one in versions if one.valid_from <= on]
    return max(begun, key=lambda one: one.id, default=None)


def locked(versions: Sequence[Agreement], use: Use, on: date) -> Lock | None:
    """Why this use is locked on a day, whoever is concerned; none: it is open as to those who have read."""
    if not versions:
        return Lock.NONE
    one = current(versions, on)
    if one is None:
        return Lock.NOT_YET
    if one.withdrawn:
        return Lock.WITHDRAWN
    if one.valid_until is not None and one.valid_until < on:
        return Lock.OVER
    return None if use in one.uses else Lock.LEFT_OUT


def locked_for(versions: Sequence[Agreement], use: Use, on: date, *, has_read: bool) -> Lock | None:
    """Why this use is locked as to one worker, who has read the version that counts or not."""
    return locked(versions, use, on) or (None if has_read else Lock.NOT_READ)

"""Which practices may be in a day's rounds, and who may make their visits. Pure.

A mandate is personal: once it is accepted its agent alone may come. A practice that nobody has may be planned with
whoever could have it, and is in no published round before he has accepted.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from outbound.field.practices.lifecycle import Limits, State


class Refusal(StrEnum):
    """Why a practice is in no round of a day."""

    CLOSED = "closed"
    FROZEN = "frozen"
    NOT_VALID = "not_valid"  # its mandate is not, on that day
    NO_VISITS_LEFT = "no_visits_left"  # its mandate allows no more
    NOT_YET = "not_yet"  # a visit is possible later
    NOT_ALLOWED = "not_allowed"  # something stands against a visit
    NOBODY = "nobody"  # no agent who could have it works that day


@dataclass(frozen=True, slots=True)
class Given:
    """A mandate that was given and not ended. `visits`: how many were made by it."""

    agent: int
    accepted: bool
    limits: Limits
    visits: int = 0


@dataclass(frozen=True, slots=True)
class Case:
    """A practice on a day. `allowed`: whether the rules of visits stand for nothing against it; `could`: agents of the
    plan who may act for its ente and whom no tie excludes; `after`: the day on which a visit is possible again.
    """

    state: State
    given: Given | None
    could: frozenset[int]
    allowed: bool = True
    after: date | None = None


def refusal(case: Case, day: date) -> Refusal | None:
    """Why it may not be in a round of that day; none: it may."""
    if case.state in (State.CLOSED, State.FROZEN):
        return Refusal.CLOSED if case.state is State.CLOSED else Refusal.FROZEN
    if case.given is not None:
        if not case.given.limits.covers(day):
            return Refusal.NOT_VALID
        if case.given.visits >= case.given.limits.most_visits:
            return Refusal.NO_VISITS_LEFT
    if case.after is not None and case.after > day:
        return Refusal.NOT_YET
    if not case.allowed:
        return Refusal.NOT_ALLOWED
    return None if visitors(case) else Refusal.NOBODY


def visitors(case: Case) -> frozenset[int]:
    """Who may make the visit."""
    return case.could if case.given is None else case.could & {case.given.agent}


def publishable(case: Case, day: date, agent: int) -> bool:
    """Rule: nobody is sent to a door without a mandate that he has accepted and that is valid on the day."""
    given = case.given
    return (
        given is not None and given.accepted and given.agent == agent and refusal(case, day) is None
    )  # fmt: skip


def proposed(cases: Collection[tuple[int, Case]], day: date) -> list[int]:
    """Which practices a new plan begins with, by id: those that may be visited and that somebody has accepted."""
    return [
        key
        for key, case in cases
        if case.given is not None and case.given.accepted and refusal(case, day) is None
    ]  # fmt: skip

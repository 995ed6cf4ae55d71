"""When an alert is raised and when it is over. Pure: what was measured, and when; no clock, no session.

A threshold that is crossed to and fro must not raise one alert a minute: it has to stay over for as long as the rule
says, and an alert is over only once the figure has been within its threshold for `CALM` without a break.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

CALM = timedelta(minutes=1)


class AlertKind(StrEnum):
    """What a threshold is about."""

    WAITING = "waiting"  # more callers wait than so many
    LONGEST = "longest"  # somebody waits for longer than so many seconds
    LEVEL = "level"  # a level of the contract is missed today
    SPENDABLE = "spendable"  # fewer calls than so many may still go wrong in the period
    READY = "ready"  # fewer agents than so many are ready, while the lines are open
    CARRIER = "carrier"  # the carrier has not answered for longer than so many seconds
    WALL = "wall"  # a screen on a wall has not been seen for longer than so many seconds
    UNSTAFFED = "unstaffed"  # for more minutes than so many lines will be open with nobody on shift


TOO_FEW = frozenset({AlertKind.SPENDABLE, AlertKind.READY})  # the others are of too much
OF_A_LEVEL = frozenset({AlertKind.LEVEL, AlertKind.SPENDABLE})
OF_A_QUEUE = frozenset({AlertKind.WAITING, AlertKind.LONGEST, AlertKind.READY})  # may be of one alone
OF_A_LINE = frozenset({AlertKind.WAITING, AlertKind.LONGEST})  # may be of one number


class Verdict(StrEnum):
    """What becomes of an alert at a look."""

    NOTHING = "nothing"
    RAISE = "raise"
    CLEAR = "clear"


@dataclass(frozen=True, slots=True)
class State:
    """Between two looks: whether an alert stands, since when the figure is over, since when within, its threshold."""

    raised: bool = False
    over_since: datetime | None = None
    calm_since: datetime | None = None


def is_over(kind: AlertKind, measured: Decimal, threshold: Decimal) -> bool:
    """Whether a figure passes its threshold; as much as the threshold does not. A level is missed or is not: of it the
    threshold says nothing."""
    if kind is AlertKind.LEVEL:
        return measured > 0
    return measured < threshold if kind in TOO_FEW else measured > threshold


def step(
    state: State, kind: AlertKind, threshold: Decimal, after: timedelta, measured: Decimal, now: datetime
) -> tuple[State, Verdict]:
    """What a look makes of a rule that wants the figure over its threshold for `after`."""
    if is_over(kind, measured, threshold):
        since = state.over_since or now
        if not state.raised and now - since >= after:
            return State(raised=True, over_since=since), Verdict.RAISE
        return State(state.raised, since), Verdict.NOTHING
    since = state.calm_since or now
    if state.raised and now - since >= CALM:
        return State(raised=False), Verdict.CLEAR
    return State(state.raised, None, since if state.raised else None), Verdict.NOTHING

"""How a contract's figures are computed, pure: the formula of its service level, its thresholds, its denominator.

Versioned: a call is measured by the terms that were in force in the hour in which it arrived. Whoever shows a figure
shows its terms beside it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

EVER = datetime(1970, 1, 1, tzinfo=UTC)


class Formula(StrEnum):
    """The service levels in use. `T` and the short abandon's threshold belong to the terms."""

    A = "A"  # answered within T / (answered + abandoned)
    B = "B"  # as A, without the short abandons
    C = "C"  # as A, without those abandoned within T
    D = "D"  # those abandoned within T count as answered within T
    E = "E"  # answered within T / answered


class Denominator(StrEnum):
    """What the shares of a contract's calls are shares of."""

    RECEIVED = "received"
    ENTERED = "entered"  # the queue


@dataclass(frozen=True, slots=True)
class Terms:
    """Within T and short are inclusive, over is strict, all in milliseconds. In force from the start of an hour."""

    valid_from: datetime = EVER
    formula: Formula = Formula.A
    within_ms: int = 20_000
    short_ms: int = 5_000
    over_ms: int = 40_000
    denominator: Denominator = Denominator.RECEIVED


USUAL = Terms()


def in_force(versions: Iterable[Terms], instant: datetime) -> Terms:
    """The terms by which a call that arrived then is measured; versions by their instant, the first from ever."""
    current: Terms | None = None
    for one in versions:
        if current is None or one.valid_from <= instant:
            current = one
    return current or USUAL

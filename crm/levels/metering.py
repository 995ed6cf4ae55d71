"""What one call adds to the counters, pure.

A call's contribution follows from where it stands; a change of the counters is the difference of two
contributions, so whatever is learnt later (its ente, a second wait) corrects the figures exactly.
"""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Counts:
    """The measures that add up. `waited_over` includes the abandoned; `wait_ms` is of the answered alone."""

    received: int = 0
    entered: int = 0
    answered: int = 0
    lost: int = 0
    waited_over: int = 0
    wait_ms: int = 0

    def __sub__(self, other: "Counts") -> "Counts":
        return Counts(*(getattr(self, name) - getattr(other, name) for name in MEASURES))

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(*(getattr(self, name) + getattr(other, name) for name in MEASURES))

    def __bool__(self) -> bool:
        return any(getattr(self, name) for name in MEASURES)


MEASURES = tuple(Counts.__dataclass_fields__)


@dataclass(frozen=True, slots=True)
class Measured:
    """A call as the meter sees it. `waited_ms` is none while it has never finished waiting."""

    received: bool
    entered: bool
    served: bool
    ended: bool
    waited_ms: int | None


@dataclass(frozen=True, slots=True)
class Account:
    """Where a call is counted. `quarter` is the start of the quarter hour in which it arrived."""

    contract_id: int
    ente_id: int | None
    queue_id: int | None
    quarter: datetime


def contribution(call: Measured, threshold_ms: int) -> Counts:
    """What a call adds to the counters: nothing unless it was received within the metering hours.

    The wait is compared strictly: 40.000 s has not waited over 40 s. Lost: asked for an operator, never reached
    one (Anci Toscana, service levels).
    """
    if not call.received:
        return Counts()
    waited = call.waited_ms or 0
    done = call.served or (call.entered and call.ended)
    return Counts(
        received=1,
        entered=int(call.entered),
        answered=int(call.served),
        lost=int(call.entered and call.ended and not call.served),
        waited_over=int(done and waited > threshold_ms),
        wait_ms=waited if call.served else 0,
    )


def quarter_of(instant: datetime) -> datetime:
    """The start of the quarter hour to which an instant belongs."""
    return instant.replace(minute=instant.minute // 15 * 15, second=0, microsecond=0)

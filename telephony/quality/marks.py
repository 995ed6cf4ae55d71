"""Where in the sound of a conversation its moments are. Pure.

While an agent leaves something out, and while the caller is on hold, nothing is recorded: the sound is without it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from telephony.calls.recorded import PAUSED, RESUMED
from telephony.calls.story import IDENTIFIED, PASSED


class Moment(StrEnum):
    IDENTIFIED = "identified"
    HELD = "held"
    BACK = "back"
    LEFT_OUT = "left_out"
    CONSULTED = "consulted"
    PASSED = "passed"


KINDS = {
    IDENTIFIED: Moment.IDENTIFIED, "HoldAsked": Moment.HELD, "BackAsked": Moment.BACK, PAUSED: Moment.LEFT_OUT,
    "ConsultAsked": Moment.CONSULTED, **dict.fromkeys(PASSED, Moment.PASSED),
}  # fmt: skip
HOLD, OUT = "hold", "out"  # why nothing is recorded
STOPS = {"HoldAsked": HOLD, "ConsultAsked": HOLD, PAUSED: OUT}
GOES_ON = {"BackAsked": HOLD, "TogetherAsked": HOLD, RESUMED: OUT}


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment, so many seconds from the beginning of the sound."""

    moment: Moment
    second: int


def marks(events: Iterable[tuple[str, datetime]], began_at: datetime, seconds: int) -> list[Mark]:
    """The moments within a sound that began then and is so long."""
    found: list[Mark] = []
    silent, stopped = timedelta(), began_at
    why: set[str] = set()
    for kind, at in events:
        if at < began_at:
            continue
        if kind in KINDS:
            heard = (stopped if why else at) - began_at - silent
            found.append(Mark(KINDS[kind], min(max(int(heard.total_seconds()), 0), seconds)))
        if kind in STOPS:
            stopped = stopped if why else at
            why.add(STOPS[kind])
        elif GOES_ON.get(kind) in why:
            why.remove(GOES_ON[kind])
            silent += timedelta() if why else at - stopped
    return found

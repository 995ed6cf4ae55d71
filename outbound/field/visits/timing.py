"""When something happened, as told by a telephone whose clock may be wrong. Pure.

How far its clock is off is measured when it is in touch. What it told since its page was opened is reckoned by how
long ago that is, which no clock that is set anew can change.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

OFF_BY_MORE = timedelta(minutes=5)  # from where on a clock is called wrong


@dataclass(frozen=True, slots=True)
class Told:
    """An instant as the telephone has it: its clock, and milliseconds since its page `run` was opened."""

    at: datetime
    run: str
    elapsed_ms: int


@dataclass(frozen=True, slots=True)
class Touch:
    """The telephone in touch with us: what it says of now, and our clock."""

    told: Told
    at: datetime

    @property
    def off(self) -> timedelta:
        """How far its clock is ahead."""
        return self.told.at - self.at


def instant(told: Told, touch: Touch) -> datetime:
    """When it was, by our clock; never later than the touch, as nothing is told before it happened."""
    if told.run == touch.told.run:
        ago = timedelta(milliseconds=max(0, touch.told.elapsed_ms - told.elapsed_ms))
        return touch.at - ago
    return min(told.at - touch.off, touch.at)


def clock_off(touch: Touch) -> bool:
    """Whether its clock is wrong now."""
    return abs(touch.off) > OFF_BY_MORE


def clock_moved(told: Told, touch: Touch) -> bool:
    """Whether its clock was set between what it told and the touch, or told of what is still to come."""
    by_clock = told.at - touch.off
    return abs(by_clock - instant(told, touch)) > OFF_BY_MORE

"""Who may have a time, and until when he may change it. Pure.

The notice is kept at its minute: with two hours' notice, 11:00 can be had at 9:00, and at 9:00:00.000001 no more.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from crm.core.clock import business_day


class Channel(StrEnum):
    """Where somebody makes an appointment."""

    WEB = "web"
    PHONE = "phone"
    DESK = "desk"


class Gone(StrEnum):
    """Why somebody cannot have a time."""

    PAST = "past"
    TOO_SOON = "too_soon"
    TOO_FAR = "too_far"
    CLOSED = "closed"  # the desks are not open then, or do not do this
    TAKEN = "taken"
    QUOTA = "quota"  # what this channel may give away of the day is given


@dataclass(frozen=True, slots=True)
class Limits:
    """What a service asks. `cutoff`: until how long before it an appointment is moved or cancelled by the citizen.

    `per_day`, `ahead`: how many of a service one person has, on a day and at all; `moves`: how often he moves one.
    """

    notice: timedelta
    horizon_days: int
    cutoff: timedelta
    per_day: int
    ahead: int
    moves: int


def against(start: datetime, limits: Limits, channel: Channel, *, now: datetime) -> Gone | None:
    """What stands against a start, whatever is free. At the desk people are there already: no notice is asked."""
    if start < now:
        return Gone.PAST
    if channel is not Channel.DESK and start < now + limits.notice:
        return Gone.TOO_SOON
    if (business_day(start) - business_day(now)).days > limits.horizon_days:
        return Gone.TOO_FAR
    return None


def may_change(start: datetime, limits: Limits, *, now: datetime) -> bool:
    """Whether the citizen himself may still move or cancel what begins then; at the minute of the cut-off he may."""
    return now <= start - limits.cutoff and now < start


def has_room(share: int | None, *, capacity: int, given: int, wanted: int) -> bool:
    """Whether a channel may give away `wanted` more minutes of a day that has `capacity`, `given` by it so far.

    `share` is in per cent of the capacity; none: all of it.
    """
    return share is None or (given + wanted) * 100 <= capacity * share

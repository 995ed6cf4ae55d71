"""How long somebody waited, and how long he was served, from what happened with his turn. Pure.

He waits from when he is due: a walk-in when he takes his ticket, an appointment at its time, or when he comes if he is
late; until the call after which he was served, or, of whoever did not come, until the last call. Who did not come when
he was called and is there again did not wait meanwhile; a call that was taken back changes nothing. Being served is the
sum of what lies between the beginning and the end, or the passing on, at each desk.

A deed that was a mistake is taken back by a later event, and is then as if it had never been. Where the desk served
others before somebody saw the mistake (`apart`), what lies between was nobody's service.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple


class Deed(StrEnum):
    """What happened with a turn."""

    ARRIVED = "arrived"
    CALLED = "called"
    RECALLED = "recalled"
    SERVED = "served"  # he came to the desk
    DONE = "done"
    MISSED = "missed"  # he did not come when called
    BACK = "back"  # he waits again: a call or an absence that was a mistake
    PASSED_ON = "passed_on"  # he waits for another service or desk
    CLOSED = "closed"  # the day ended before he was served to an end
    RETRACTED = "retracted"  # the deed before it was a mistake


ZERO = timedelta()


@dataclass(frozen=True, slots=True)
class Times:
    """`waited` is none until he was called; `served` none until he was served to an end."""

    waited: timedelta | None = None
    served: timedelta | None = None


class Happened(NamedTuple):
    """A deed and when. `apart`, of a retraction: the desk called others before the mistake was seen."""

    deed: Deed
    at: datetime
    apart: bool = False


@dataclass(frozen=True, slots=True)
class _SoFar:
    due: datetime | None = None
    waited: timedelta | None = None
    served: timedelta | None = None
    since: datetime | None = None
    away: datetime | None = None  # since when he was called in vain
    came: bool = False
    missed: bool = False


def times(happened: Iterable[Happened], *, starts_at: datetime | None = None) -> Times:
    """The times of a turn of which this happened, in order. `starts_at`: of its appointment."""
    found, before = _SoFar(), list[tuple[Happened, _SoFar]]()
    for one in happened:
        if one.deed is not Deed.RETRACTED:
            before.append((one, found))
            found = _after(found, one.deed, one.at, starts_at)
        elif before:
            mistake, found = before.pop()
            if one.apart and found.since is not None:
                found = replace(found, since=found.since + (one.at - mistake.at))
    return Times(found.waited, found.served)


def _after(so: _SoFar, deed: Deed, at: datetime, starts_at: datetime | None) -> _SoFar:
    match deed:
        case Deed.ARRIVED:
            return replace(so, due=at if starts_at is None else max(at, starts_at))
        case Deed.CALLED if so.due is not None and not so.came:
            return replace(so, waited=max(at - so.due, ZERO), away=max(at, so.due))
        case Deed.MISSED:
            return replace(so, missed=True)
        case Deed.BACK if so.missed and so.due is not None and so.away is not None and not so.came:
            return replace(so, due=so.due + max(at - so.away, ZERO), missed=False)
        case Deed.SERVED:
            return replace(so, since=at, came=True)
        case Deed.DONE | Deed.PASSED_ON if so.since is not None:
            return replace(so, served=(so.served or ZERO) + (at - so.since), since=None)
        case Deed.CLOSED:
            return replace(so, served=None)  # nor counted among those who were
    return so

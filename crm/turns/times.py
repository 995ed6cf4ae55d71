"""How long somebody waited, and how long he was served, from what happened with his turn. Pure.

He waits from when he is due: a walk-in when he takes his ticket, an appointment at its time, or when he comes if he is
late; until the call after which he was served, or, of whoever did not come, until the last call. Who did not come when
he was called and is there again did not wait meanwhile; a call that was taken back changes nothing. Being served is the
sum of what lies between the beginning and the end, or the passing on, at each desk.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


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


ZERO = timedelta()


@dataclass(frozen=True, slots=True)
class Times:
    """`waited` is none until he was called; `served` none until he was served to an end."""

    waited: timedelta | None = None
    served: timedelta | None = None


def times(happened: Iterable[tuple[Deed, datetime]], *, starts_at: datetime | None = None) -> Times:
    """The times of a turn of which this happened, in order. `starts_at`: of its appointment."""
    due: datetime | None = None
    waited: timedelta | None = None
    served: timedelta | None = None
    since: datetime | None = None
    away: datetime | None = None  # since when he was called in vain
    came = missed = False
    for deed, at in happened:
        match deed:
            case Deed.ARRIVED:
                due = at if starts_at is None else max(at, starts_at)
            case Deed.CALLED if due is not None and not came:
                waited, away = max(at - due, ZERO), max(at, due)
            case Deed.MISSED:
                missed = True
            case Deed.BACK if missed and due is not None and away is not None and not came:
                due, missed = due + max(at - away, ZERO), False
            case Deed.SERVED:
                since, came = at, True
            case Deed.DONE | Deed.PASSED_ON if since is not None:
                served, since = (served or ZERO) + (at - since), None
            case Deed.CLOSED:
                served = None  # nor counted among those who were
            case _:
                pass
    return Times(waited, served)

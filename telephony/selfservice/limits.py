"""How many wrong factors are borne before nobody is told anything any more. Pure; who may try again is not told so.

A caller and a notice are judged by the same failures, each by its own measure. Whoever withholds his number shares
one measure with all who do; and what fails all over an ente at once, from numbers that are not what they seem, stops it
there.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LONGEST = DAY  # a failure is remembered for so long


@dataclass(frozen=True, slots=True)
class Limit:
    """So many failures in so much time, and the next attempt is not looked at."""

    most: int
    within: timedelta


CALLER = (Limit(5, HOUR), Limit(10, DAY))
NOTICE = (Limit(5, HOUR), Limit(10, DAY))
WITHHELD = (Limit(20, HOUR), Limit(60, DAY))
ENTE = (Limit(200, HOUR), Limit(500, DAY))
CODES = (Limit(3, DAY),)  # codes sent about a notice: they cost money, and ring


def reached(happened: Iterable[datetime], limits: Sequence[Limit], at: datetime) -> bool:
    """Whether one of the limits is reached at this instant."""
    happened = list(happened)
    return any(sum(one > at - limit.within for one in happened) >= limit.most for limit in limits)

"""What speaks for a doubt about a visit: shown to the supervisor beside it; nothing is refused or lost for it. Pure."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

EARTH_M = 6_371_000  # mean radius
FAR_M = 500  # from the door, beyond what the position may be wrong by
FASTEST_KMH = 130  # between two doors: the limit of the motorways (art. 142 CdS)
NEAR_M = 1_000  # within which speed tells nothing, positions being as they are


class Sign(StrEnum):
    CLOCK_OFF = "clock_off"  # the telephone's clock was wrong when it told
    CLOCK_MOVED = "clock_moved"  # it was set between the visit and the telling, or the visit was in the future
    TOO_EXACT = "too_exact"  # an accuracy of nothing, which no receiver has
    SAME_POINT = "same_point"  # to the last digit where he was before another door
    TOO_FAST = "too_fast"  # nobody travels so
    FAR = "far"  # from where the practice is placed
    TWICE = "twice"  # the same practice was visited at the same time from another telephone
    NO_MANDATE = "no_mandate"  # none that was accepted covers that day
    TOO_MANY = "too_many"  # more visits than the mandate allows
    OVER = "over"  # the practice was closed, frozen or another's by then: nothing followed from the outcome
    NOT_DONE = "not_done"  # what should have followed could not be written: somebody has to
    MISSING = "missing"  # of what the telephone counted before it, something has not arrived


@dataclass(frozen=True, slots=True)
class Fix:
    """Where he checked in, in degrees, give or take metres, and when."""

    latitude: float
    longitude: float
    accuracy_m: int
    at: datetime


def metres(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Between two points in degrees, on a sphere."""
    (lat_a, lon_a), (lat_b, lon_b) = (tuple(map(math.radians, one)) for one in (a, b))
    half = math.sin((lat_b - lat_a) / 2) ** 2 + math.cos(lat_a) * math.cos(lat_b) * math.sin((lon_b - lon_a) / 2) ** 2
    return 2 * EARTH_M * math.asin(math.sqrt(min(1.0, half)))


def of_position(fix: Fix, door: tuple[float, float] | None, elsewhere: Fix | None) -> Iterator[Sign]:
    """Signs of a position. `door`: where the practice is; `elsewhere`: his last check-in at another door."""
    here = (fix.latitude, fix.longitude)
    if fix.accuracy_m <= 0:
        yield Sign.TOO_EXACT
    if door is not None and metres(here, door) - fix.accuracy_m > FAR_M:
        yield Sign.FAR
    if elsewhere is None:
        return
    there = (elsewhere.latitude, elsewhere.longitude)
    if here == there:
        yield Sign.SAME_POINT
    way = metres(here, there) - fix.accuracy_m - elsewhere.accuracy_m
    took = abs(fix.at - elsewhere.at)
    if way > NEAR_M and way > FASTEST_KMH * 1000 * (took / timedelta(hours=1)):
        yield Sign.TOO_FAST

"""How far it is from one place to another and how long it takes, by coordinates alone. Pure.

The straight line over the globe, times a factor for the streets, at a pace that is slower inside a town. Whoever has
measured times and distances gives a matrix instead.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import asin, cos, radians, sin, sqrt

EARTH_M = 6_371_009  # mean radius (IUGG)
HOUR_S = 3600


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is, in degrees (WGS 84). `area`: its town, within which the pace is that of a town."""

    latitude: float
    longitude: float
    area: str = ""


@dataclass(frozen=True, slots=True)
class Pace:
    """How streets are longer than the straight line, and how fast one gets on, parking included (km/h)."""

    detour: float = 1.35
    town_kmh: float = 20.0
    country_kmh: float = 45.0


@dataclass(frozen=True, slots=True)
class Leg:
    """From a place to a place."""

    seconds: int
    metres: int


NOWHERE = Leg(0, 0)
Measured = Mapping[tuple[str, str], Leg]  # by the names of both places, in that direction


def straight_m(one: Place, other: Place) -> float:
    """Metres along the great circle (haversine)."""
    a, b = radians(one.latitude), radians(other.latitude)
    across = radians(other.longitude - one.longitude)
    h = sin((b - a) / 2) ** 2 + cos(a) * cos(b) * sin(across / 2) ** 2
    return 2 * EARTH_M * asin(min(1.0, sqrt(h)))


def leg(one: Place, other: Place, pace: Pace) -> Leg:
    """By the straight line and the pace; whole seconds and metres."""
    metres = straight_m(one, other) * pace.detour
    kmh = pace.town_kmh if one.area.casefold() == other.area.casefold() else pace.country_kmh
    return Leg(round(metres * HOUR_S / (kmh * 1000)), round(metres))


def legs(names: Sequence[str], places: Sequence[Place | None], pace: Pace, measured: Measured) -> list[list[Leg]]:
    """From each to each: as measured where somebody did, nothing where one of the two is no place."""
    return [
        [
            NOWHERE if a is None or b is None or i == j else measured.get((names[i], names[j])) or leg(a, b, pace)
            for j, b in enumerate(places)
        ]
        for i, a in enumerate(places)
    ]

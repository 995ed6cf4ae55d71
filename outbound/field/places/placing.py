"""Where an address is, by the civic numbers of its town, and how surely. Pure.

Exactly the number; else the nearest of the same street; else the middle of the street; else it is not placed, and
somebody places it by hand.
"""

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import StrEnum

from outbound.field.places.streets import Civic, Located, alike

EARTH_M = 6_371_000.0  # mean radius
NEAR = 40  # numbers away, at the most, that a neighbour tells where a door is
NEAR_M = 3_000  # metres away, of a road that counts kilometres
SUGGESTED = 8


class Placed(StrEnum):
    """How a practice was placed."""

    CIVIC = "civic"  # at its number
    NEAR = "near"  # at the nearest number of its street
    STREET = "street"  # in the middle of its street
    BY_HAND = "by_hand"
    NOWHERE = ""


@dataclass(frozen=True, slots=True)
class Point:
    """Degrees (WGS 84)."""

    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True)
class Street:
    """A street as the register has it."""

    id: int
    key: str
    name: str
    centre: Point


@dataclass(frozen=True, slots=True)
class Place:
    """Where an address is; `at` is none where it could not be placed. `street`: the one that was meant."""

    placed: Placed
    at: Point | None = None
    street: Street | None = None
    civic: Civic = field(default_factory=Civic)  # the number that stands for it

    @classmethod
    def nowhere(cls) -> "Place":
        """Nobody knows where."""
        return cls(Placed.NOWHERE)


class Town:
    """The streets of a town, to be looked up by what addresses say."""

    def __init__(self, streets: Iterable[Street]) -> None:
        self._by_key = {one.key: one for one in streets}
        self._by_last: dict[str, list[Street]] = defaultdict(list)
        for one in self._by_key.values():
            self._by_last[one.key.split(" ")[-1] if one.key else ""].append(one)

    def street(self, key: str) -> Street | None:
        """The street that is meant: written so, or the only one that may be written so."""
        if not key or key in self._by_key:
            return self._by_key.get(key)
        some = [one for one in self._by_last.get(key.rsplit(" ", maxsplit=1)[-1], ()) if alike(key, one.key)]
        return some[0] if len(some) == 1 else None

    def suggestions(self, key: str) -> list[Street]:
        """Those whose names are nearest to it, the nearest first: for whoever places it by hand."""
        near = get_close_matches(key, self._by_key, n=SUGGESTED, cutoff=0.6)
        last = self._by_last.get(key.rsplit(" ", maxsplit=1)[-1], ())
        same = sorted(one.key for one in last if one.key not in near)
        return [self._by_key[one] for one in [*near, *same][:SUGGESTED]]


Numbers = Mapping[tuple[int, str], Point]  # of a street, by number and suffix


def place(address: Located, street: Street | None, numbers: Numbers) -> Place:
    """Where an address is in its street, whose numbers are these."""
    if street is None:
        return Place.nowhere()
    civic = address.civic
    if civic.number is None or not numbers:
        return Place(Placed.STREET, street.centre, street)
    if exactly := numbers.get((civic.number, civic.suffix)):
        return Place(Placed.CIVIC, exactly, street, civic)
    number, suffix = min(numbers, key=lambda one: _distance(civic, *one))
    most = NEAR_M if civic.suffix == "KM" else NEAR
    if (suffix == "KM") != (civic.suffix == "KM") or abs(number - civic.number) > most:
        return Place(Placed.STREET, street.centre, street)
    return Place(Placed.NEAR, numbers[number, suffix], street, Civic(number, suffix))


def _distance(civic: Civic, number: int, suffix: str) -> tuple[bool, bool, int, bool, bool, int, str]:
    """Numbers are compared as doors stand: the same side of the street first, unless it is the same number."""
    wanted = civic.number or 0
    other_kind = (suffix == "KM") != (civic.suffix == "KM")
    away = abs(number - wanted)
    other_side = civic.suffix != "KM" and (number - wanted) % 2 == 1
    return other_kind, away > NEAR, away + other_side * 2, other_side, suffix != "", number, suffix


def middle(points: Collection[Point]) -> Point:
    """The mean of some points. Raises `ValueError` of none."""
    if not points:
        raise ValueError("no points")
    n = len(points)
    return Point(sum(one.latitude for one in points) / n, sum(one.longitude for one in points) / n)


def metres(a: Point, b: Point) -> float:
    """How far two points are apart, as the crow flies: great circle, on a sphere."""
    lat_a, lat_b = math.radians(a.latitude), math.radians(b.latitude)
    half_lat, half_lon = (lat_b - lat_a) / 2, math.radians(b.longitude - a.longitude) / 2
    chord = math.sin(half_lat) ** 2 + math.cos(lat_a) * math.cos(lat_b) * math.sin(half_lon) ** 2
    return 2 * EARTH_M * math.asin(min(1.0, math.sqrt(chord)))

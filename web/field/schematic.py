"""Rounds drawn without a map: places in their proportions, a line and a shape for each agent. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, radians

from outbound.field.places.placing import Point as Where
from outbound.field.rounds.places import Place

WIDTH, HEIGHT, MARGIN = 900, 560, 28
SHAPES = ("circle", "square", "diamond", "triangle", "hexagon", "pentagon", "star", "drop")


@dataclass(frozen=True, slots=True)
class Point:
    """A place on the drawing, and what stands in it."""

    x: float
    y: float
    label: str
    title: str


@dataclass(frozen=True, slots=True)
class Line:
    """A round: `kind` says its shape and its colour; `path`: through all its places, from its start to its end."""

    letter: str
    name: str
    kind: int
    points: tuple[Point, ...]
    path: str
    start: Point | None


@dataclass(frozen=True, slots=True)
class Way:
    """A round to be drawn: where it starts and ends, its doors with their label and title."""

    letter: str
    name: str
    kind: int
    start: Place | None
    end: Place | None
    doors: Sequence[tuple[Place, str, str]]


@dataclass(frozen=True, slots=True)
class Drawing:
    """The whole. `left`: places that are in no round; `km`: what a tenth of the width is."""

    lines: tuple[Line, ...]
    left: tuple[Point, ...]
    km: float


def letter_of(place: int) -> str:
    """The letter of an agent by his place in the plan: A to Z, then AA."""
    return chr(65 + place) if place < 26 else letter_of(place // 26 - 1) + letter_of(place % 26)


def drawn(ways: Sequence[Way], left: Sequence[tuple[Place, str, str]]) -> Drawing | None:
    """The drawing; none where nothing has a place."""
    ends = [place for way in ways if way.doors for place in (way.start, way.end) if place is not None]
    places = [*ends, *(one for way in ways for one, _, _ in way.doors), *(one for one, _, _ in left)]
    if not places:
        return None
    scale = Scale(places)

    def point(place: Place, label: str, title: str) -> Point:
        return Point(*scale.at(place), label, title)

    lines = tuple(
        Line(
            way.letter, way.name, way.kind % len(SHAPES), tuple(point(*one) for one in way.doors),
            " ".join(f"{x},{y}" for x, y in map(scale.at, _along(way))),
            None if way.start is None else point(way.start, way.letter, way.name),
        )
        for way in ways
        if way.doors
    )  # fmt: skip
    return Drawing(lines, tuple(point(*one) for one in left), scale.km)


def _along(way: Way) -> list[Place]:
    return [one for one in (way.start, *(door for door, _, _ in way.doors), way.end) if one is not None]


class Scale:
    """Degrees onto the drawing: as wide as it is high, the east shortened by the latitude."""

    def __init__(self, places: Sequence[Place | Where]) -> None:
        self.shrink = cos(radians(sum(one.latitude for one in places) / len(places)))
        self.west = min(one.longitude for one in places) * self.shrink
        self.north = max(one.latitude for one in places)
        wide = max(one.longitude for one in places) * self.shrink - self.west
        high = self.north - min(one.latitude for one in places)
        room = WIDTH - 2 * MARGIN, HEIGHT - 2 * MARGIN
        self.factor = min(room[0] / max(wide, 1e-4), room[1] / max(high, 1e-4))
        self.left = (WIDTH - wide * self.factor) / 2
        self.top = (HEIGHT - high * self.factor) / 2
        self.km = 111.2 * WIDTH / 10 / self.factor

    def at(self, place: Place | Where) -> tuple[float, float]:
        """Where a place is, in units of the drawing."""
        x = self.left + (place.longitude * self.shrink - self.west) * self.factor
        y = self.top + (self.north - place.latitude) * self.factor
        return round(x, 1), round(y, 1)

"""A town drawn without a map, from its streets' first and last numbers: to point at a place among them. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from outbound.field.places.queries import Line
from web.field.schematic import Scale

MOST_NAMED, LETTER, HIGH = 60, 5.5, 14  # streets; units of the drawing that a name takes


@dataclass(frozen=True, slots=True)
class Street:
    """A street on the drawing. `at`: where its name stands; none: there is no room for it."""

    name: str
    path: str
    at: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Town:
    """The whole, and the scale by which a place on it is found again."""

    streets: tuple[Street, ...]
    scale: Scale


def town(lines: Sequence[Line]) -> Town | None:
    """The drawing of these streets, named as far as there is room, the first ones first; none of none."""
    if not lines:
        return None
    scale = Scale([one for line in lines for one in (line.first, line.centre, line.last)])
    named: list[tuple[float, float, float]] = []
    made = []
    for line in lines:
        points = first, centre, last = scale.at(line.first), scale.at(line.centre), scale.at(line.last)
        half = len(line.name) * LETTER / 2
        spots = (centre, _between(first, centre), _between(centre, last)) if len(named) < MOST_NAMED else ()
        at = next(
            (
                (x, y) for x, y in spots
                if all(abs(x - u) > half + other or abs(y - v) > HIGH for u, v, other in named)
            ),
            None,
        )  # fmt: skip
        named += [(*at, half)] if at else []
        made.append(Street(line.name, " ".join(f"{x},{y}" for x, y in points), at))
    return Town(tuple(made), scale)


def _between(one: tuple[float, float], other: tuple[float, float]) -> tuple[float, float]:
    return round((one[0] + other[0]) / 2, 1), round((one[1] + other[1]) / 2, 1)

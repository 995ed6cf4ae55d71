"""A day of an office as a table: a row for each time at which something begins, a column for each place. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Generic, TypeVar

from crm.agendas.plan import Open
from crm.agendas.slots import Seat
from crm.agendas.times import Stretch

T = TypeVar("T")


class What(StrEnum):
    """What a stretch of a place is."""

    GIVEN = "given"
    FREE = "free"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Given(Generic[T]):
    """A stretch of a place that somebody has."""

    seat: Seat
    when: Stretch
    what: T


@dataclass(frozen=True, slots=True)
class Cell(Generic[T]):
    """A stretch of a column. `rows`: how many it takes. `outside`: given while the desk is not open."""

    what: What
    when: Stretch
    rows: int
    given: T | None = None
    outside: bool = False


@dataclass(frozen=True, slots=True)
class Row(Generic[T]):
    """What begins at an instant, column by column; none where something goes on."""

    at: datetime
    cells: tuple[Cell[T] | None, ...]


def table(seats: Sequence[Seat], opened: Sequence[Open], given: Sequence[Given[T]]) -> list[Row[T]]:
    """The day's rows. What is given of one place does not overlap."""
    open_at = {
        seat: sorted(one.when for one in opened if one.desk_id == seat.desk_id and seat.place < one.places)
        for seat in seats
    }
    edges = sorted(
        {edge for some in open_at.values() for one in some for edge in (one.start, one.end)}
        | {edge for one in given if one.seat in open_at for edge in (one.when.start, one.when.end)}
    )
    columns = [_column(edges, open_at[seat], [one for one in given if one.seat == seat]) for seat in seats]
    return [Row(at, tuple(column.get(at) for column in columns)) for at in edges[:-1]]


def seats_of(desks: Sequence[int], opened: Sequence[Open], given: Sequence[Given[T]]) -> list[Seat]:
    """The columns of a day: each place that a desk has or that somebody has, in the order of the desks."""
    most = dict.fromkeys(desks, 0)
    for one in opened:
        most[one.desk_id] = max(most.get(one.desk_id, 0), one.places)
    for each in given:
        most[each.seat.desk_id] = max(most.get(each.seat.desk_id, 0), each.seat.place + 1)
    return [Seat(desk, place) for desk, places in most.items() for place in range(places)]


def _column(edges: Sequence[datetime], opened: Sequence[Stretch], given: Sequence[Given[T]]) -> dict[datetime, Cell[T]]:
    cells: dict[datetime, Cell[T]] = {}
    at = 0
    while at < len(edges) - 1:
        start = edges[at]
        one = next((one for one in given if one.when.start == start), None)
        what = What.GIVEN if one else _standing(opened, edges[at], edges[at + 1])
        end = at + 1
        if one is not None:
            while edges[end] < one.when.end:
                end += 1
        else:
            begins = {each.when.start for each in given}
            while (
                end < len(edges) - 1 and edges[end] not in begins
                and _standing(opened, edges[end], edges[end + 1]) is what
            ):  # fmt: skip
                end += 1
        when = Stretch(start, edges[end])
        outside = one is not None and not any(each.holds(when) for each in opened)
        cells[start] = Cell(what, when, end - at, one.what if one else None, outside)
        at = end
    return cells


def _standing(opened: Sequence[Stretch], start: datetime, end: datetime) -> What:
    return What.FREE if any(each.holds(Stretch(start, end)) for each in opened) else What.CLOSED

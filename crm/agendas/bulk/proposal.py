"""New times for many appointments at once, nearest first. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID

from crm.agendas.plan import Open
from crm.agendas.slots import Measures, Seat, Taken, by_seat, free
from crm.agendas.times import Stretch, without


@dataclass(frozen=True, slots=True)
class Wanted:
    """An appointment that needs another time, not before `earliest`."""

    id: UUID
    starts_at: datetime
    measures: Measures
    earliest: datetime


@dataclass(frozen=True, slots=True)
class Aim:
    """A time and the desk that has it."""

    starts_at: datetime
    desk_id: int


@dataclass(frozen=True, slots=True)
class DayFor:
    """A day of the office: when it is open, and what is given away."""

    day: date
    opened: Sequence[Open]
    taken: Sequence[Taken]


def cleared(opened: Iterable[Open], hole: Stretch, desk_id: int | None) -> list[Open]:
    """What is left open once a desk (none: all of them) is emptied for a while."""
    return [
        replace(one, when=part)
        for one in opened
        for part in (without(one.when, [hole]) if desk_id in {None, one.desk_id} else [one.when])
    ]


def proposed(wanted: Iterable[Wanted], days: Sequence[DayFor]) -> dict[UUID, Aim]:
    """A time for each, as near to its old one as those before it leave; where there is none, it is not in it.

    Who comes first chooses first. No two of them get a seat at the same time, nor one that is taken.
    """
    taken = {one.day: list(one.taken) for one in days}
    found: dict[UUID, Aim] = {}
    for one in sorted(wanted, key=lambda each: (each.starts_at, each.id)):
        best = _nearest(one, days, taken)
        if best is not None:
            start, seat, day = best
            found[one.id] = Aim(start, seat.desk_id)
            taken[day].append(Taken(seat, Stretch(start, start + one.measures.duration + one.measures.buffer)))
    return found


def _nearest(one: Wanted, days: Sequence[DayFor], taken: dict[date, list[Taken]]) -> tuple[datetime, Seat, date] | None:
    """Days are looked at from the nearest on, until one begins further away than what was found."""
    best: tuple[datetime, Seat, date] | None = None
    own = one.starts_at.date()
    for each in sorted(days, key=lambda other: abs(other.day - own)):
        if best is not None and (abs(each.day - own).days - 1) * 86_400 > abs(best[0] - one.starts_at).total_seconds():
            break
        for time in free(0, each.opened, by_seat(taken[each.day]), one.measures):
            if time.starts_at >= one.earliest and (
                best is None or _far(time.starts_at, one) < _far(best[0], one)
            ):  # fmt: skip
                best = (time.starts_at, time.seats[0], each.day)
    return best


def _far(start: datetime, one: Wanted) -> tuple[float, datetime]:
    return abs((start - one.starts_at).total_seconds()), start

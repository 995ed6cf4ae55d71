"""Which times are free. Pure: what is open, what is taken and a service's measures in, starts out.

Nothing of it is stored: a template changes and the free times with it, while what somebody has stays where it is.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from crm.agendas.plan import Open
from crm.agendas.times import Stretch

MOST_NEAR = 5  # alternatives to a time that is gone
MOST_TOLD, MOST_A_DAY, APART = 9, 3, timedelta(hours=1)  # of times that are told somebody: one for each digit


@dataclass(frozen=True, slots=True)
class Measures:
    """How much time a service takes: at the desk, after it until the next, and how far its starts are apart."""

    service_id: int
    duration: timedelta
    buffer: timedelta
    step: timedelta


class Seat(NamedTuple):
    """A place at a desk, given to one person at a time."""

    desk_id: int
    place: int = 0


class Taken(NamedTuple):
    """A seat that somebody has; `when` goes on until the next may have it."""

    seat: Seat
    when: Stretch
    appointment_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Free:
    """A time at which somebody could come to an office, and the seats there are for it."""

    office_id: int
    starts_at: datetime
    ends_at: datetime
    seats: tuple[Seat, ...]


def starts(
    opened: Iterable[Open], taken: Mapping[Seat, Sequence[Stretch]], measures: Measures
) -> Iterator[tuple[datetime, Seat]]:
    """Every start, on the grid of each open stretch, at each seat that is free for duration and buffer.

    The service ends within the stretch; its buffer may end after it. `taken`: of each seat, in their order.
    """
    duration, held, step = measures.duration, measures.duration + measures.buffer, measures.step
    for one in opened:
        if not one.serves(measures.service_id):
            continue
        last = one.when.end - duration
        for place in range(one.places):
            seat = Seat(one.desk_id, place)
            busy = [other for other in taken.get(seat, ()) if other.end > one.when.start]
            at, start = 0, one.when.start
            while start <= last:
                while at < len(busy) and busy[at].end <= start:
                    at += 1
                if at == len(busy) or start + held <= busy[at].start:
                    yield start, seat
                start += step


def by_seat(taken: Iterable[Taken]) -> dict[Seat, list[Stretch]]:
    """What is taken of each seat, in order."""
    found: dict[Seat, list[Stretch]] = {}
    for one in taken:
        found.setdefault(one.seat, []).append(one.when)
    for stretches in found.values():
        stretches.sort()
    return found


def free(
    office_id: int, opened: Iterable[Open], taken: Mapping[Seat, Sequence[Stretch]], measures: Measures
) -> list[Free]:
    """The free times of an office, in order, each with its seats."""
    found: dict[datetime, dict[Seat, None]] = {}  # hours that overlap show a seat once
    for start, seat in starts(opened, taken, measures):
        found.setdefault(start, {})[seat] = None
    return [Free(office_id, start, start + measures.duration, tuple(sorted(found[start]))) for start in sorted(found)]


def minutes_open(opened: Iterable[Open]) -> int:
    """How many minutes of service there are, over all seats."""
    return sum(one.when.minutes * one.places for one in opened)


def misplaced(opened: Iterable[Open], one: Taken, service_id: int, served: Stretch) -> bool:
    """Whether an appointment has no open stretch around it any more, at its seat and for its service."""
    return not any(
        each.desk_id == one.seat.desk_id and one.seat.place < each.places and each.serves(service_id)
        and each.when.holds(served)
        for each in opened
    )  # fmt: skip


def nearest(
    times: Iterable[Free], wanted: datetime, *, office_id: int | None = None, most: int = MOST_NEAR
) -> list[Free]:
    """The free times nearest to one that is gone, in their order: of the office named before those of others."""
    ranked = sorted(
        times, key=lambda one: (one.office_id != office_id, abs(one.starts_at - wanted), one.starts_at, one.office_id)
    )
    return sorted(ranked[:most], key=lambda one: (one.starts_at, one.office_id))


def few(times: Sequence[Free], day_of: Callable[[datetime], date], *, most: int = MOST_TOLD) -> list[Free]:
    """A few of the free times to be told somebody, in their order: the first of each office, and then of each day no
    more than three, an hour apart at least; where that leaves room, the earliest of the others too.

    `times` are in their order; `day_of` says to which day an instant belongs.
    """
    told = list({one.office_id: one for one in reversed(times)}.values())[::-1][:most]
    for one in times:
        same_day = [other for other in told if day_of(other.starts_at) == day_of(one.starts_at)]
        apart = all(abs(one.starts_at - other.starts_at) >= APART for other in same_day)
        if len(told) < most and len(same_day) < MOST_A_DAY and apart:
            told.append(one)
    told += [one for one in times if one not in told][: most - len(told)]
    return sorted(told, key=lambda one: (one.starts_at, one.office_id))


def spread(seats: Sequence[Seat], load: Mapping[int, int], turn: int) -> list[Seat]:
    """In which order seats are tried: desks with the least to do before others, `turn` (any number) among equals.

    Of many who want the same time at once, each begins at another seat.
    """
    turned = sorted(seats)
    at = turn % len(turned) if turned else 0
    return sorted(turned[at:] + turned[:at], key=lambda one: load.get(one.desk_id, 0))

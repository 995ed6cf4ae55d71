"""A week of an agenda as a picture (a column for each weekday, in it a lane for each desk, hours from above), and in
words. Pure.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import time

from crm.agendas.plan import Window

COLUMN, HOUR, HEAD, SIDE = 140, 30, 24, 44  # sizes in the picture's own units


@dataclass(frozen=True, slots=True)
class Block:
    """Hours of a desk, where they are drawn."""

    window: Window
    lane: int  # of the desk, from none
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Picture:
    """The week. `hours`: each full hour that is drawn, and where."""

    width: int
    height: int
    days: tuple[int, ...]
    hours: tuple[tuple[int, int], ...]
    blocks: tuple[Block, ...]


def drawn(windows: Sequence[Window], desks: Sequence[int]) -> Picture:
    """Only the weekdays until the last that has hours (Friday at least), and the hours in which something is open."""
    first = min((one.opens.hour for one in windows), default=8)
    last = max((_end(one) for one in windows), default=18 * 60)
    until = -(-last // 60)
    days = max(4, *(one.weekday for one in windows)) + 1 if windows else 5
    lane = {desk: n for n, desk in enumerate(desks)}
    width = (COLUMN - 8) / max(1, len(desks))
    return Picture(
        SIDE + days * COLUMN, HEAD + (until - first) * HOUR + 8, tuple(range(days)),
        tuple((hour, HEAD + (hour - first) * HOUR) for hour in range(first, until + 1)),
        tuple(
            Block(
                one, lane[one.desk_id], SIDE + one.weekday * COLUMN + 4 + lane[one.desk_id] * width,
                HEAD + (_minutes(one.opens) - first * 60) * HOUR / 60, width - 2,
                (_end(one) - _minutes(one.opens)) * HOUR / 60,
            )
            for one in windows
            if one.desk_id in lane
        ),
    )  # fmt: skip


def received(windows: Iterable[Window]) -> list[tuple[tuple[int, ...], tuple[tuple[int, int], ...]]]:
    """When people are received, whatever the desk: weekdays (0 is Monday) that have the same hours, with those hours in
    minutes of the day.
    """
    by_day: dict[int, list[tuple[int, int]]] = {}
    for one in sorted(windows, key=lambda one: (one.weekday, one.opens)):
        hours = by_day.setdefault(one.weekday, [])
        start, end = _minutes(one.opens), _end(one)
        if hours and start <= hours[-1][1]:
            hours[-1] = (hours[-1][0], max(hours[-1][1], end))
        else:
            hours.append((start, end))
    days_of: dict[tuple[tuple[int, int], ...], list[int]] = {}
    for day in sorted(by_day):
        days_of.setdefault(tuple(by_day[day]), []).append(day)
    return [(tuple(days), hours) for hours, days in days_of.items()]


def _minutes(clock: time) -> int:
    return clock.hour * 60 + clock.minute


def _end(one: Window) -> int:
    return _minutes(one.closes) or 24 * 60

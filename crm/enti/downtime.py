"""How long the lines were closed, in their hours, without a closure that the ente approved. Pure.

A closure that the ente did not approve counts as time in which there was no service (Intercent-ER 2.3; Anci Toscana 8).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from crm.core.clock import business_day, start_of_day
from crm.enti.calendar import INSTANT, Timetable, spans


@dataclass(frozen=True, slots=True, order=True)
class Spell:
    """From an instant to another, the latter excluded."""

    starts_at: datetime
    ends_at: datetime

    @property
    def length(self) -> timedelta:
        """How long it lasts."""
        return self.ends_at - self.starts_at


def lost(timetable: Timetable, stopped: Iterable[Spell], agreed: Iterable[Spell], *, period: Spell) -> timedelta:
    """Of the hours of `timetable` in `period`, those in which the lines were stopped and it was not agreed.

    What closes the lines twice counts once. Closures within the timetable are not looked at: they are what is judged.
    """
    unagreed = _without(_within(stopped, period), _united(agreed))
    hours = [open_ for one in unagreed for open_ in _open(timetable, one)]
    return sum((one.length for one in _united(hours)), timedelta())


def promised(timetable: Timetable, agreed: Iterable[Spell], *, period: Spell) -> timedelta:
    """How long the lines were to be open in `period`: their hours, without the closures that the ente agreed to."""
    hours = _without(_open(timetable, period), _united(agreed))
    return sum((one.length for one in hours), timedelta())


def service_days(timetable: Timetable, agreed: Iterable[Spell], *, period: Spell) -> list[date]:
    """The days of `period` on which the lines were to be open, be it for a minute."""
    found: set[date] = set()
    for one in _without(_open(timetable, period), _united(agreed)):
        first, last = business_day(one.starts_at), business_day(one.ends_at - INSTANT)
        found |= {first + timedelta(days=n) for n in range((last - first).days + 1)}
    return sorted(found)


def periods(now: datetime) -> tuple[Spell, Spell, Spell]:
    """This month so far, the month before, and this year so far, by Rome's calendar."""
    today = business_day(now)
    first = today.replace(day=1)
    before = (first - timedelta(days=1)).replace(day=1)
    return (
        Spell(start_of_day(first), now), Spell(start_of_day(before), start_of_day(first)),
        Spell(start_of_day(date(today.year, 1, 1)), now),
    )  # fmt: skip


def _open(timetable: Timetable, spell: Spell) -> list[Spell]:
    first, last = business_day(spell.starts_at), business_day(spell.ends_at)
    hours = (Spell(*span) for span in spans(timetable, first, (last - first).days + 1))
    return _within(hours, spell)


def _within(spells: Iterable[Spell], bounds: Spell) -> list[Spell]:
    cut = (Spell(max(one.starts_at, bounds.starts_at), min(one.ends_at, bounds.ends_at)) for one in spells)
    return _united(cut)


def _united(spells: Iterable[Spell]) -> list[Spell]:
    """The same time in order, none of it twice."""
    united: list[Spell] = []
    for one in sorted(spells):
        if one.ends_at <= one.starts_at:
            continue
        if united and one.starts_at <= united[-1].ends_at:
            united[-1] = Spell(united[-1].starts_at, max(united[-1].ends_at, one.ends_at))
        else:
            united.append(one)
    return united


def _without(spells: Iterable[Spell], holes: Iterable[Spell]) -> list[Spell]:
    left = list(spells)
    for hole in holes:
        left = [
            part
            for one in left
            for part in (
                Spell(one.starts_at, min(one.ends_at, hole.starts_at)),
                Spell(max(one.starts_at, hole.ends_at), one.ends_at),
            )
            if part.starts_at < part.ends_at
        ]
    return left

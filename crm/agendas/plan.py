"""When the desks of an office are open, and for what. Pure: agendas and exceptions in, the stretches of a day out."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, time, timedelta

from crm.agendas.times import Stretch, stretch, without
from crm.enti.calendar import Timetable, is_holiday

EVERYTHING: frozenset[int] = frozenset()  # of services: none named means all that the place serves


@dataclass(frozen=True, slots=True)
class DeskView:
    """A desk: a person behind a glass, a room, a connection. `services`: what is done there; none: everything."""

    id: int
    name: str
    active: bool = True
    services: frozenset[int] = EVERYTHING


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of each week (0 is Monday), at a desk that serves `places` people at once. None of `services`: all."""

    weekday: int
    opens: time
    closes: time  # 00:00 is the day's end
    desk_id: int
    places: int = 1
    services: frozenset[int] = EVERYTHING


@dataclass(frozen=True, slots=True)
class Agenda:
    """A week as it was published, for the days from `valid_from` to `valid_to` (none: for good)."""

    id: int
    version: int
    valid_from: date
    valid_to: date | None
    observes_holidays: bool
    windows: tuple[Window, ...]

    def covers(self, day: date) -> bool:
        """Whether it says how that day is, unless a later version does."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)


@dataclass(frozen=True, slots=True)
class Exceptional:
    """Days that are otherwise, at one desk or (none) all of them.

    Closed: all day, or from `opens` to `closes`. Open: at these hours in the place of the week's, be it a holiday.
    """

    id: int
    desk_id: int | None
    first: date
    last: date
    closed: bool
    opens: time | None = None
    closes: time | None = None
    words: str = ""

    def concerns(self, desk_id: int) -> bool:
        """Whether it says something of a desk."""
        return self.desk_id in {None, desk_id}


@dataclass(frozen=True, slots=True)
class Plan:
    """All that decides when the desks of an office are open. Agendas are the published ones."""

    office_id: int
    desks: tuple[DeskView, ...] = ()
    agendas: tuple[Agenda, ...] = ()
    exceptions: tuple[Exceptional, ...] = ()
    patron: tuple[int, int] | None = None  # the month and day of the patron saint


@dataclass(frozen=True, slots=True)
class Open:
    """A stretch in which a desk serves, for these services (none named: all)."""

    desk_id: int
    places: int
    services: frozenset[int]
    when: Stretch

    def serves(self, service_id: int) -> bool:
        """Whether the service is among them."""
        return not self.services or service_id in self.services


def in_force(agendas: Iterable[Agenda], day: date) -> Agenda | None:
    """The agenda of a day: of those that cover it, the latest version."""
    return max((one for one in agendas if one.covers(day)), key=lambda one: one.version, default=None)


def from_now_on(agendas: Iterable[Agenda], today: date) -> list[Agenda]:
    """Those that are in force on some day from today on, in the order in which they begin to be."""
    known = list(agendas)
    edges = {one.valid_from for one in known} | {one.valid_to + timedelta(days=1) for one in known if one.valid_to}
    found = [in_force(known, day) for day in sorted({today, *(edge for edge in edges if edge > today)})]
    return list(dict.fromkeys(one for one in found if one is not None))


def open_on(plan: Plan, day: date) -> list[Open]:
    """When which desk serves on a day. Where nothing is published for it, never."""
    agenda = in_force(plan.agendas, day)
    if agenda is None:
        return []
    usual: dict[int, list[Window]] = {}
    if not is_day_off(plan, day):
        for one in agenda.windows:
            if one.weekday == day.weekday():
                usual.setdefault(one.desk_id, []).append(one)
    told = [one for one in plan.exceptions if one.first <= day <= one.last]
    return [
        one
        for desk in plan.desks
        if desk.active
        for one in _at(agenda, desk, day, usual.get(desk.id, []), [one for one in told if one.concerns(desk.id)])
    ]


def is_day_off(plan: Plan, day: date) -> bool:
    """Whether the office is closed that day because it is a holiday."""
    agenda = in_force(plan.agendas, day)
    timetable = Timetable((), observes_holidays=agenda is not None and agenda.observes_holidays, patron=plan.patron)
    return is_holiday(timetable, day)


def _at(agenda: Agenda, desk: DeskView, day: date, usual: list[Window], told: list[Exceptional]) -> Iterator[Open]:
    windows = [(one.opens, one.closes, one.places, one.services) for one in usual]
    if other := [(one.opens, one.closes) for one in told if not one.closed]:
        places = max((one.places for one in agenda.windows if one.desk_id == desk.id), default=1)
        windows = [
            (opens, closes, places, EVERYTHING) for opens, closes in other if opens is not None and closes is not None
        ]
    holes = [_hole(one, day) for one in told if one.closed]
    for opens, closes, places, services in windows:
        served = _both(desk.services, services)
        if served is not None:
            for part in without(stretch(day, opens, closes), holes):
                yield Open(desk.id, places, served, part)


def _hole(one: Exceptional, day: date) -> Stretch:
    return stretch(day, one.opens or time(0), one.closes or time(0))


def _both(desk: frozenset[int], window: frozenset[int]) -> frozenset[int] | None:
    """What both serve; none when nothing is left."""
    if not desk or not window:
        return desk or window
    return desk & window or None

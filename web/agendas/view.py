"""What the pages of offices show, read in one transaction."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.orm import Session

from crm.agendas import queries
from crm.agendas.external import service as external
from crm.agendas.external.queries import Busy
from crm.agendas.external.reading import joined
from crm.agendas.external.service import CalendarView
from crm.agendas.finding import DayAt, days_at
from crm.agendas.models import AppointmentState
from crm.agendas.picture import Given, Row, seats_of, table
from crm.agendas.plan import DeskView, is_day_off
from crm.agendas.queries import AppointmentView, ServiceView
from crm.agendas.rules import Channel
from crm.agendas.slots import Seat
from crm.agendas.times import DAY, Stretch
from crm.core import clock
from crm.enti.details import OfficeView, offices
from crm.enti.queries import Badge, badges

CANCELLED = frozenset({AppointmentState.CANCELLED_BY_CITIZEN, AppointmentState.CANCELLED_BY_OFFICE})


@dataclass(frozen=True, slots=True)
class Shown:
    """What stands in the day's table: an appointment, or (none) a time that somebody is about to book."""

    appointment: AppointmentView | None = None
    service: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """A place at a desk."""

    desk: str
    place: int | None  # from one, where a desk has several
    desk_id: int = 0


@dataclass(frozen=True, slots=True)
class OfficeDay:
    """A day of an office."""

    office: OfficeView
    ente: Badge
    day: date
    off: bool  # a holiday
    columns: tuple[Column, ...]
    rows: tuple[Row[Shown], ...]
    cancelled: tuple[AppointmentView, ...]
    services: dict[int, ServiceView]
    desks: int  # in use
    booked: int
    free: int  # stretches of time that nobody has, in minutes
    words: tuple[str, ...]  # why the day is otherwise
    now: datetime
    away: tuple[tuple[str, tuple[Stretch, ...]], ...] = ()  # by desk (none: the office), when it is busy elsewhere
    busy: tuple[Busy, ...] = ()
    failing: tuple[CalendarView, ...] = ()  # external calendars that cannot be read

    def elsewhere(self, column: int, when: Stretch) -> bool:
        """Whether an external calendar is why a place is not open then."""
        desks = {None, self.columns[column].desk_id}
        return any(one.desk_id in desks and one.when.overlaps(when) for one in self.busy)


@dataclass(frozen=True, slots=True)
class DeskDay:
    """A day of a desk: its appointments with their services, and how many minutes are open and left."""

    appointments: tuple[Shown, ...]
    open_minutes: int
    free_minutes: int


@dataclass(frozen=True, slots=True)
class OfficeWeek:
    """A week of an office: its days, and each desk with its cells day by day."""

    office: OfficeView
    ente: Badge
    days: tuple[date, ...]
    off: frozenset[date]
    desks: tuple[tuple[DeskView, tuple[DeskDay, ...]], ...]
    booked: int


def office_week(session: Session, office: OfficeView, day: date, language: str) -> OfficeWeek:
    """The week of a day: Monday to Saturday, and Sunday where there is something."""
    monday = day - DAY * day.weekday()
    plan = queries.plan(session, office.id)
    named = {one.id: one.called(language) for one in queries.services(session, office.ente_id)}
    booked: dict[tuple[int, date], list[AppointmentView]] = {}
    for one in queries.of_office(session, office.id, monday, monday + 6 * DAY):
        if one.state not in CANCELLED:
            booked.setdefault((one.desk_id, clock.business_day(one.starts_at)), []).append(one)
    at = list(days_at(session, [office.id], monday, monday + 6 * DAY, channel=Channel.DESK))
    shown = [one for one in at if one.day.weekday() < 6 or one.opened or any(key[1] == one.day for key in booked)]

    def cell(desk_id: int, one: DayAt) -> DeskDay:
        there = booked.get((desk_id, one.day), [])
        minutes = sum(each.when.minutes * each.places for each in one.opened if each.desk_id == desk_id)
        taken = sum(each.when.minutes for each in one.taken if each.seat.desk_id == desk_id)
        return DeskDay(tuple(Shown(two, named[two.service_id]) for two in there), minutes, max(0, minutes - taken))

    used = {desk_id for desk_id, _ in booked}
    return OfficeWeek(
        office, badges(session)[office.ente_id], tuple(one.day for one in shown),
        frozenset(one.day for one in shown if is_day_off(plan, one.day)),
        tuple(
            (desk, tuple(cell(desk.id, one) for one in shown)) for desk in plan.desks if desk.active or desk.id in used
        ),
        sum(len(some) for some in booked.values()),
    )  # fmt: skip


def offices_of(
    session: Session, ente_ids: frozenset[int], prepared_by_him: frozenset[int] = frozenset()
) -> list[tuple[Badge, list[OfficeView]]]:  # fmt: skip
    """The offices with desks of these enti, by ente; of those that the visitor prepares, also those without."""
    return [
        (ente, those)
        for ente in badges(session, ente_ids).values()
        if (
            those := [
                one for one in offices(session, ente.id) if ente.id in prepared_by_him or queries.desks(session, one.id)
            ]
        )
    ]


def office_day(session: Session, office: OfficeView, day: date, language: str) -> OfficeDay:
    """A day at an office."""
    plan = queries.plan(session, office.id)
    at = next(days_at(session, [office.id], day, day, channel=Channel.DESK))
    named = {one.id: one for one in queries.services(session, office.ente_id)}
    all_of_day = queries.of_office(session, office.id, day, day)
    booked = [one for one in all_of_day if one.state not in CANCELLED]
    known = {one.id for one in booked}
    given = [
        Given(
            Seat(one.desk_id, one.place), Stretch(one.starts_at, one.ends_at),
            Shown(one, named[one.service_id].called(language)),
        )
        for one in booked
    ]  # fmt: skip
    given += [
        Given(one.seat, one.when, Shown())
        for one in at.taken
        if one.appointment_id not in known and one.appointment_id not in at.expired
    ]
    seats = seats_of([one.id for one in plan.desks if one.active], at.opened, given)
    names = {one.id: one.name for one in plan.desks}
    several = {seat.desk_id for seat in seats if seat.place}
    minutes = sum(one.when.minutes * one.places for one in at.opened)
    return OfficeDay(
        office, badges(session)[office.ente_id], day, is_day_off(plan, day),
        tuple(
            Column(names[one.desk_id], one.place + 1 if one.desk_id in several else None, one.desk_id) for one in seats
        ),
        tuple(table(seats, at.opened, given)), tuple(one for one in all_of_day if one.state in CANCELLED), named,
        sum(one.active for one in plan.desks), len(booked), max(0, minutes - sum(one.when.minutes for one in given)),
        tuple(one.words for one in plan.exceptions if one.first <= day <= one.last and one.words), clock.now(session),
        _away(at, names), at.busy,
        tuple(one for one in external.of_office(session, office.id) if one.failing_since is not None),
    )  # fmt: skip


def _away(at: DayAt, names: Mapping[int, str]) -> tuple[tuple[str, tuple[Stretch, ...]], ...]:
    """When each desk is busy elsewhere that day; the office as a whole has no name, and comes first."""
    midnight, after = clock.start_of_day(at.day), clock.start_of_day(at.day + DAY)
    found: dict[str, list[Stretch]] = {}
    for one in sorted(at.busy, key=lambda one: (one.desk_id or 0, one.when)):
        name = "" if one.desk_id is None else names[one.desk_id]
        found.setdefault(name, []).append(Stretch(max(one.when.start, midnight), min(one.when.end, after)))
    return tuple((name, tuple(joined(some))) for name, some in found.items())

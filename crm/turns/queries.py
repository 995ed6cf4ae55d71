"""Reading who waits, who is called and served, who sits where, and what came of it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from crm.access.models import User
from crm.agendas import queries as agendas
from crm.agendas.external.queries import busy, left_open
from crm.agendas.models import Appointment
from crm.agendas.plan import open_on
from crm.agendas.queries import ServiceView
from crm.agendas.times import DAY
from crm.contacts.models import Contact
from crm.contacts.names import full_name
from crm.core import clock
from crm.core.db import table_of
from crm.core.errors import NotFoundError
from crm.turns.models import DeskSeat, FirstFree, Turn, TurnEvent, TurnState
from crm.turns.order import Waiting, in_order
from crm.turns.reception import LOOKED_AHEAD, Reception, reception
from crm.turns.tickets import letter_of
from crm.turns.times import Deed

AT_DESK = (TurnState.CALLED, TurnState.SERVING)
_TURN = table_of(Turn)


@dataclass(frozen=True, slots=True)
class TurnView:
    """A turn, for the staff. `name` is empty while nobody knows who it is."""

    id: int
    ente_id: int
    office_id: int
    service_id: int
    ticket: str
    state: TurnState
    appointment_id: UUID | None
    contact_id: int | None
    name: str
    language: str
    arrived_at: datetime
    starts_at: datetime | None
    for_desk: int | None
    desk_id: int | None
    clerk_id: int | None
    calls: int
    called_at: datetime | None
    serving_since: datetime | None
    ended_at: datetime | None
    never_called: bool
    note: str = ""
    asked: str = ""  # what he wrote when he booked

    @property
    def waiting(self) -> Waiting:
        """What it is ordered by."""
        return Waiting(self.id, self.arrived_at, self.service_id, self.starts_at, self.for_desk)


@dataclass(frozen=True, slots=True)
class Seat:
    """Who sits at a desk today."""

    desk_id: int
    user_id: int
    name: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Office:
    """An office now: who waits (the next one first), who is at the desks, who did not come, who was served (the last
    one first), and who sits where.
    """

    office_id: int
    ente_id: int
    day: date
    now: datetime
    waiting: tuple[TurnView, ...]
    at_desks: Mapping[int, TurnView]  # by desk
    missed: tuple[TurnView, ...]
    seats: Mapping[int, Seat]  # by desk
    done: tuple[TurnView, ...]

    @property
    def served(self) -> int:
        """How many were, to an end."""
        return len(self.done)

    @property
    def longest(self) -> datetime | None:
        """Since when he waits who has been due the longest."""
        return min((due(one) for one in self.waiting if due(one) <= self.now), default=None)


@dataclass(frozen=True, slots=True)
class CounterDay:
    """A day at the counters: the longest wait of whoever was called, and how many were served for how long together."""

    longest_s: int = 0
    called: int = 0
    served: int = 0
    served_s: int = 0


def due(turn: TurnView) -> datetime:
    """From when he waits."""
    return turn.arrived_at if turn.starts_at is None else max(turn.arrived_at, turn.starts_at)


def today(session: Session) -> date:
    """The day of the office, in Rome."""
    return clock.business_day(clock.now(session))


def office(session: Session, office_id: int) -> Office:
    """How an office stands. Raises `NotFoundError`."""
    of, day, now = agendas.office(session, office_id), today(session), clock.now(session)
    turns = {one.id: one for one in _views(session, Turn.office_id == office_id, Turn.day == day)}
    waiting = [one for one in turns.values() if one.state is TurnState.WAITING]
    return Office(
        office_id, of.ente_id, day, now,
        tuple(turns[one.id] for one in in_order((one.waiting for one in waiting), now=now)),
        {one.desk_id: one for one in turns.values() if one.state in AT_DESK and one.desk_id is not None},
        tuple(one for one in turns.values() if one.state is TurnState.NO_SHOW),
        seats(session, office_id), tuple(sorted(
            (one for one in turns.values() if one.state is TurnState.DONE), key=_ended, reverse=True
        )),
    )  # fmt: skip


def get(session: Session, turn_id: int) -> TurnView:
    """One turn, of any day. Raises `NotFoundError`."""
    found = _views(session, Turn.id == turn_id)
    if not found:
        raise NotFoundError("Questo numero non esiste.")
    return found[0]


def seats(session: Session, office_id: int) -> dict[int, Seat]:
    """Who sits at an office's desks today."""
    rows = session.execute(
        select(DeskSeat.desk_id, DeskSeat.user_id, User.name, DeskSeat.since)
        .join(User, User.id == DeskSeat.user_id)
        .where(DeskSeat.office_id == office_id, DeskSeat.day == today(session))
    )
    return {row.desk_id: Seat(row.desk_id, row.user_id, row.name, row.since) for row in rows}


def seat_of(session: Session, user_id: int) -> tuple[int, int] | None:
    """The office and the desk at which somebody sits today, of those that the session may see."""
    row = session.execute(
        select(DeskSeat.office_id, DeskSeat.desk_id).where(DeskSeat.user_id == user_id, DeskSeat.day == today(session))
    ).first()
    return None if row is None else (row.office_id, row.desk_id)


def offered(session: Session, ente_id: int, office_id: int) -> list[ServiceView]:
    """What is done at an office."""
    return [one for one in agendas.services(session, ente_id) if one.active and office_id in one.offices]


def received(session: Session, ente_id: int, office_id: int) -> Reception:
    """How an office receives whoever comes without an appointment: by its agenda, and not while its calendars elsewhere
    are busy. A number passed on counts for what it was given.
    """
    rows = session.execute(
        select(Turn.letter, func.count())
        .where(
            Turn.office_id == office_id,
            Turn.day == today(session),
            Turn.appointment_id.is_(None),
            Turn.state != TurnState.WITHDRAWN,
        )
        .group_by(Turn.letter)
    )
    by_letter = {letter: count for letter, count in rows}  # noqa: C416  # rows are no pairs to mypy
    every = [one.id for one in agendas.services(session, ente_id)]
    plan, day = agendas.plan(session, office_id), today(session)
    away = busy(session, [office_id], day, day + LOOKED_AHEAD * DAY)
    return reception(
        lambda on: left_open(open_on(plan, on), away),
        [(one.id, one.walk_ins) for one in offered(session, ente_id, office_id)],
        {one: by_letter.get(letter_of(every, one), 0) for one in every}, clock.now(session),
    )  # fmt: skip


def ahead_of(office: Office, turn_id: int) -> int | None:
    """How many are before somebody who waits; none when he does not."""
    ids = [one.id for one in office.waiting]
    return ids.index(turn_id) if turn_id in ids else None


def counter_days(
    session: Session, ente_ids: Collection[int], first: date, after: date
) -> dict[date, CounterDay]:  # fmt: skip
    """The days from `first` to before `after` on which anybody was called to a desk of these enti."""
    rows = session.execute(
        select(
            _TURN.c.day, func.max(_TURN.c.waited_s), func.count(_TURN.c.waited_s), func.count(_TURN.c.served_s),
            func.coalesce(func.sum(_TURN.c.served_s), 0),
        )
        .where(
            _TURN.c.ente_id.in_(ente_ids), _TURN.c.day >= first, _TURN.c.day < after, _TURN.c.waited_s.is_not(None)
        )
        .group_by(_TURN.c.day).order_by(_TURN.c.day)
    )  # fmt: skip
    return {row[0]: CounterDay(*(int(value) for value in row[1:])) for row in rows}


def longest_waits(
    session: Session, ente_ids: Collection[int], first: date, after: date
) -> dict[date, dict[int, int]]:  # fmt: skip
    """Of the same days, the longest wait at the offices of each ente, in seconds."""
    rows = session.execute(
        select(_TURN.c.day, _TURN.c.ente_id, func.max(_TURN.c.waited_s))
        .where(
            _TURN.c.ente_id.in_(ente_ids), _TURN.c.day >= first, _TURN.c.day < after, _TURN.c.waited_s.is_not(None)
        )
        .group_by(_TURN.c.day, _TURN.c.ente_id).order_by(_TURN.c.day, _TURN.c.ente_id)
    )  # fmt: skip
    found: dict[date, dict[int, int]] = {}
    for day, ente_id, longest in rows:
        found.setdefault(day, {})[ente_id] = int(longest)
    return found


def longest_lead(session: Session, ente_ids: Collection[int], first: date, after: date) -> int | None:
    """Of the samples of these days, the most working days until the first free appointment; none without a sample."""
    of = (FirstFree.ente_id.in_(ente_ids), FirstFree.day >= first, FirstFree.day < after)
    found: int | None = session.scalar(select(func.max(FirstFree.working_days)).where(*of))
    return found


def leads(session: Session, office_id: int) -> list[FirstFree]:
    """The latest sample of an office, by service."""
    last = select(func.max(FirstFree.day)).where(FirstFree.office_id == office_id).scalar_subquery()
    of = (FirstFree.office_id == office_id, FirstFree.day == last)
    return list(session.scalars(select(FirstFree).where(*of).order_by(FirstFree.service_id)))


def last_at(office: Office, desk_id: int) -> TurnView | None:
    """Of a desk at which nobody is, who was there last, and was served or did not come."""
    if desk_id in office.at_desks:
        return None
    return max((one for one in office.done + office.missed if one.desk_id == desk_id), key=_ended, default=None)


def called_since(session: Session, turn: TurnView) -> bool:
    """Whether the desk at which a turn ended has called others since."""
    others = (
        Turn.office_id == turn.office_id, Turn.day == today(session), TurnEvent.deed == Deed.CALLED, Turn.id != turn.id,
        TurnEvent.desk_id == turn.desk_id, TurnEvent.at >= turn.ended_at,
    )  # fmt: skip
    found = select(TurnEvent.id).join(Turn, Turn.id == TurnEvent.turn_id).where(*others).limit(1)
    return session.scalar(found) is not None


def _ended(turn: TurnView) -> tuple[datetime, int]:
    return turn.ended_at or turn.arrived_at, turn.id


def called(office: Office) -> list[TurnView]:
    """Who is called to a desk or served there, the latest call first."""
    return sorted(office.at_desks.values(), key=lambda one: (one.called_at or office.now, one.id), reverse=True)


def _views(session: Session, *conditions: ColumnElement[bool]) -> list[TurnView]:
    rows = session.execute(
        select(
            Turn, Contact.surname, Contact.given_name, Appointment.surname.label("told"),
            Appointment.given_name.label("told_given"), Appointment.notes,
        )
        .outerjoin(Contact, (Contact.id == Turn.contact_id) & (Contact.ente_id == Turn.ente_id))
        .outerjoin(Appointment, (Appointment.id == Turn.appointment_id) & (Appointment.ente_id == Turn.ente_id))
        .where(*conditions).order_by(Turn.arrived_at, Turn.id).execution_options(populate_existing=True)
    )  # fmt: skip
    return [
        TurnView(
            row.id, row.ente_id, row.office_id, row.service_id, f"{row.letter}{row.number}", row.state,
            row.appointment_id, row.contact_id,
            full_name(surname, given) if surname else full_name(told, told_given) if told else "",
            row.language, row.arrived_at, row.starts_at, row.for_desk, row.desk_id, row.clerk_id, row.calls,
            row.called_at, row.serving_since, row.ended_at, row.waited_s is None, row.note, asked or "",
        )
        for row, surname, given, told, told_given, asked in rows
    ]  # fmt: skip

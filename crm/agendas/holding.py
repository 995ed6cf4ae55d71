"""Holding a time for somebody who fills in a form, for five minutes at a time; letting it go.

Who wants a seat takes it by one statement, which the database refuses when another has it: nothing is looked at first
and written afterwards. What is read before decides only which seats are tried, and in which order.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.access.service import require_on
from crm.agendas import codes, queries
from crm.agendas.codes import Use
from crm.agendas.errors import HoldGoneError, SlotGoneError
from crm.agendas.finding import DayAt, alternatives, days_at, why_not
from crm.agendas.models import Appointment, AppointmentState
from crm.agendas.queries import ServiceView
from crm.agendas.rules import Channel, Gone, against
from crm.agendas.slots import Seat, spread
from crm.core import clock, secrecy, topics
from crm.core.db import new_id, table_of, touch
from crm.core.errors import ConflictError, InvalidError, NotFoundError

HELD_FOR = timedelta(minutes=5)
MOST_EXTENDED = 20  # WCAG 2.2.1 asks for ten at least
MOST_HELD = 3  # by one browser or call
FAR = timedelta(days=800)
_ROW = table_of(Appointment)


@dataclass(frozen=True, slots=True)
class Held:
    """A time that is held. `token` says whose it is; `left`: how often it can still be extended."""

    token: str
    appointment_id: UUID
    service_id: int
    office_id: int
    desk_id: int
    starts_at: datetime
    ends_at: datetime
    until: datetime
    left: int
    channel: Channel


def hold(
    session: Session, by: Principal | None, *, ente_id: int, service_id: int, office_id: int, starts_at: datetime,
    channel: Channel, holder: str = "", instead: str = "", until: datetime | None = None,
) -> Held:  # fmt: skip
    """Hold a time at any of the office's desks that has it, for five minutes, or `until` an instant.

    `by` none is the citizen. `holder` says whose browser or call it is (any text; a keyed hash of it is kept): nobody
    holds more than three times at once. `instead` is the token of a hold that this one replaces. Raises
    `SlotGoneError` with the nearest alternatives.
    """
    if by is not None:
        require_on(session, by, Permission.APPOINTMENT_MANAGE, ente_id=ente_id)
    wanted, now = queries.service(session, ente_id, service_id), clock.now(session)
    if office_id not in wanted.offices or not wanted.active:
        raise NotFoundError("Questo ufficio non offre questo servizio.")
    _require_time(session, starts_at)
    if instead:
        release(session, ente_id=ente_id, token=instead)
    mark = secrecy.of(session).mark("appointment.holder", f"{ente_id}:{holder}".encode())[:16] if holder else None
    _let_oldest_go(session, ente_id, mark)
    day = _day(session, ente_id, office_id, starts_at, channel)
    seats = _seats(session, wanted, day, starts_at, channel)
    free_at = starts_at + wanted.measures.duration + wanted.measures.buffer
    for seat in seats:
        if day.expired:
            sweep(session, seat, starts_at, free_at)
        row = {
            "id": new_id(session), "ente_id": ente_id, "office_id": office_id, "desk_id": seat.desk_id,
            "place": seat.place, "service_id": service_id, "state": AppointmentState.HELD, "channel": channel,
            "starts_at": starts_at, "ends_at": starts_at + wanted.measures.duration, "free_at": free_at,
            "held_until": until or now + HELD_FOR, "holder": mark, "made_at": now, "changed_at": now,
            "made_by": by.user_id if by else None,
        }  # fmt: skip
        taken = insert(_ROW).values(row).on_conflict_do_nothing(constraint="one_to_a_seat").returning(_ROW.c.id)
        if session.execute(taken).first() is not None:
            touch(session, topics.office(office_id))
            return _held(session, session.get_one(Appointment, row["id"]))
    raise _gone(session, wanted, Gone.TAKEN, starts_at, office_id, channel)


def extend(session: Session, *, ente_id: int, token: str) -> Held:
    """Hold it for five minutes more, from now; after it expired, too, if nobody has it yet and it can still be had.

    Raises `HoldGoneError`, `SlotGoneError`, or `ConflictError` when it was extended too often.
    """
    row = _mine(session, ente_id, token)
    if row.extended >= MOST_EXTENDED:
        raise ConflictError("Hai tenuto questo orario a lungo: completa la prenotazione, o sceglilo di nuovo.")
    _require_still(session, row)
    row.held_until, row.extended = clock.now(session) + HELD_FOR, row.extended + 1
    session.flush()
    return _held(session, row)


def release(session: Session, *, ente_id: int, token: str) -> None:
    """Let a held time go. Twice is once; what is booked stays."""
    found = codes.read_token(session, Use.HOLD, ente_id, token)
    if found is not None:
        mine = (_ROW.c.ente_id == ente_id, _ROW.c.id == found, _ROW.c.state == AppointmentState.HELD)
        gone = session.execute(delete(_ROW).where(*mine).returning(_ROW.c.office_id)).first()
        if gone is not None:
            touch(session, topics.office(gone.office_id))


def held(session: Session, *, ente_id: int, token: str) -> Held:
    """A hold, for the page that shows its countdown. Raises `HoldGoneError`."""
    return _held(session, _mine(session, ente_id, token))


def taken_over(session: Session, *, ente_id: int, token: str) -> Appointment:
    """The row of a hold, locked, to be made into something; it can still be had. Raises as `extend` does."""
    row = _mine(session, ente_id, token)
    _require_still(session, row)
    return row


def seats_for(
    session: Session, wanted: ServiceView, office_id: int, starts_at: datetime, channel: Channel, *, moving: UUID
) -> list[Seat]:  # fmt: skip
    """The seats that an appointment which is moved could have at a time. Raises as `hold`."""
    if office_id not in wanted.offices:
        raise NotFoundError("Questo ufficio non offre questo servizio.")
    _require_time(session, starts_at)
    return _seats(
        session, wanted, _day(session, wanted.ente_id, office_id, starts_at, channel, moving), starts_at, channel
    )


def _require_time(session: Session, starts_at: datetime) -> None:
    now = clock.now(session)
    if starts_at.tzinfo is None or not now - FAR < starts_at < now + FAR:
        raise InvalidError("Questo orario non esiste: scegline uno.")


def _seats(
    session: Session, wanted: ServiceView, day: DayAt, starts_at: datetime, channel: Channel
) -> list[Seat]:  # fmt: skip
    """The seats to be tried, in their order. Raises `SlotGoneError` when there is none."""
    now = clock.now(session)
    share = queries.quotas(session, day.office_id).get(channel)
    found = [one for one in day.free(wanted.measures) if one.starts_at == starts_at]
    because = against(starts_at, wanted.limits, channel, now=now)
    if because is None and not found:
        because = why_not(wanted, day, starts_at, channel, now=now)
    if because is None and not day.has_room(share, wanted.measures):
        because = Gone.QUOTA
    if because is not None:
        raise _gone(session, wanted, because, starts_at, day.office_id, channel)
    return spread(found[0].seats, day.load(), secrets.randbelow(997))


def _day(
    session: Session, ente_id: int, office_id: int, starts_at: datetime, channel: Channel, moving: UUID | None = None
) -> DayAt:  # fmt: skip
    """The day of a start at an office. Where a quota counts what the channel gave away, it is counted one by one."""
    day = clock.business_day(starts_at)
    if channel in queries.quotas(session, office_id):
        session.execute(select(func.pg_advisory_xact_lock(ente_id, office_id * 1000 + day.timetuple().tm_yday)))
    return next(days_at(session, [office_id], day, day, channel=channel, moving=moving))


def _gone(
    session: Session, wanted: ServiceView, because: Gone, starts_at: datetime, office_id: int, channel: Channel
) -> SlotGoneError:  # fmt: skip
    offered = alternatives(
        session, wanted, channel=channel, starts_at=starts_at, office_id=office_id
    )  # fmt: skip
    return SlotGoneError(because, [one for one in offered if (one.office_id, one.starts_at) != (office_id, starts_at)])


def sweep(session: Session, seat: Seat, starts_at: datetime, free_at: datetime) -> None:
    """Holds of a seat that expired stand in nobody's way."""
    session.execute(
        delete(_ROW).where(
            _ROW.c.desk_id == seat.desk_id, _ROW.c.place == seat.place, _ROW.c.state == AppointmentState.HELD,
            _ROW.c.held_until <= clock.now(session), _ROW.c.starts_at < free_at, _ROW.c.free_at > starts_at,
        )
    )  # fmt: skip


def _let_oldest_go(session: Session, ente_id: int, mark: bytes | None) -> None:
    if mark is not None:
        mine = (_ROW.c.ente_id == ente_id, _ROW.c.holder == mark, _ROW.c.state == AppointmentState.HELD)
        older = select(_ROW.c.id).where(*mine).order_by(_ROW.c.made_at.desc()).offset(MOST_HELD - 1)
        session.execute(delete(_ROW).where(_ROW.c.id.in_(older)))


def _mine(session: Session, ente_id: int, token: str) -> Appointment:
    found = codes.read_token(session, Use.HOLD, ente_id, token)
    row = None if found is None else session.get(Appointment, found, with_for_update=True, populate_existing=True)
    if row is None or row.state is not AppointmentState.HELD or row.ente_id != ente_id:
        raise HoldGoneError
    return row


def _require_still(session: Session, row: Appointment) -> None:
    """After a hold expired, what was open may be closed, and the quota given away."""
    if row.held_until is not None and row.held_until > clock.now(session):
        return
    wanted = queries.service(session, row.ente_id, row.service_id)
    day = _day(session, row.ente_id, row.office_id, row.starts_at, row.channel)
    seats = _seats(session, wanted, day, row.starts_at, row.channel)
    if Seat(row.desk_id, row.place) not in seats:
        raise _gone(session, wanted, Gone.TAKEN, row.starts_at, row.office_id, row.channel)


def _held(session: Session, row: Appointment) -> Held:
    assert row.held_until is not None
    return Held(
        codes.token(session, Use.HOLD, row.ente_id, row.id), row.id, row.service_id, row.office_id, row.desk_id,
        row.starts_at, row.ends_at, row.held_until, MOST_EXTENDED - row.extended, row.channel,
    )  # fmt: skip

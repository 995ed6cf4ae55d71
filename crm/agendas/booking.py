"""Booking a time that is held, moving and cancelling what is booked, and what becomes of it on its day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.access.service import require_on
from crm.agendas import codes, finding, holding, people, queries, sites, telling
from crm.agendas.codes import Use
from crm.agendas.errors import CodeNeededError, SlotGoneError, TooManyError
from crm.agendas.models import Appointment, AppointmentDeed, AppointmentEvent, AppointmentState
from crm.agendas.people import Person
from crm.agendas.rules import Channel, Gone, may_change
from crm.agendas.slots import Seat, Taken, misplaced
from crm.agendas.times import Stretch
from crm.agendas.wishes import offering
from crm.core import clock, topics
from crm.core.db import table_of, touch
from crm.core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from crm.messages.templates import MessageTemplate

LONGEST_REASON = 200
_ROW = table_of(Appointment)
SERVED = frozenset({AppointmentState.CALLED, AppointmentState.SERVING})
_S, _D = AppointmentState, AppointmentDeed
# What may follow on what, and as what it is told.
STEPS: dict[tuple[AppointmentState, AppointmentState], AppointmentDeed] = {
    (_S.BOOKED, _S.ARRIVED): _D.ARRIVED, (_S.ARRIVED, _S.CALLED): _D.CALLED, (_S.CALLED, _S.SERVING): _D.SERVED,
    (_S.ARRIVED, _S.SERVING): _D.SERVED, (_S.SERVING, _S.DONE): _D.DONE,
    (_S.BOOKED, _S.NO_SHOW): _D.MISSED, (_S.ARRIVED, _S.NO_SHOW): _D.MISSED, (_S.CALLED, _S.NO_SHOW): _D.MISSED,
    (_S.ARRIVED, _S.BOOKED): _D.BACK, (_S.CALLED, _S.ARRIVED): _D.BACK, (_S.NO_SHOW, _S.BOOKED): _D.BACK,
    (_S.NO_SHOW, _S.ARRIVED): _D.ARRIVED, (_S.SERVING, _S.ARRIVED): _D.BACK,
    **{(one, _S.UNSERVED): _D.CLOSED for one in (_S.ARRIVED, _S.CALLED, _S.SERVING)},
}  # fmt: skip
# What a mistake at the desk is taken back to.
_MISTAKES = frozenset(
    {(_S.ARRIVED, _S.BOOKED), (_S.SERVING, _S.CALLED), (_S.DONE, _S.SERVING), (_S.NO_SHOW, _S.CALLED)}
)
# What somebody of the staff may still say of a day that is over, and for how long he may take it back.
UNSAID_WITHIN = timedelta(days=7)
SETTLED = frozenset({(_S.BOOKED, _S.DONE), (_S.BOOKED, _S.NO_SHOW), (_S.NO_SHOW, _S.DONE), (_S.UNSERVED, _S.DONE)})


@dataclass(frozen=True, slots=True)
class Booked:
    """An appointment as it stands, and the token with which the citizen manages it."""

    appointment_id: UUID
    code: str
    token: str
    starts_at: datetime


def book(
    session: Session, by: Principal | None, *, ente_id: int, hold: str, person: Person, manage_at: str,
    contact_id: int | None = None, verified: bool = False,
) -> Booked:  # fmt: skip
    """Make a held time somebody's appointment, and tell him. `hold` is its token; said twice, it is booked once.

    `by` none is the citizen himself, and `contact_id` the file beside which somebody of the staff books: only he says
    it. `manage_at` is the address under which the citizen manages his appointments. `verified`: he has repeated the
    code that was sent to an address of his, which some services ask of whoever books on the web: only then is he told
    that he has as many as he may by the address alone (docs/booking.md). Raises `CodeNeededError`,
    `HoldGoneError`, `SlotGoneError`, `TooManyError`, or `InvalidError` with what is wrong at each field.
    """
    if by is not None:
        require_on(session, by, Permission.APPOINTMENT_MANAGE, ente_id=ente_id)
    if (already := _already(session, ente_id, hold)) is not None:
        return already
    row = holding.taken_over(session, ente_id=ente_id, token=hold)
    needs_code = sites.needs_code(session, ente_id, queries.service(session, ente_id, row.service_id))
    if row.channel is Channel.WEB and by is None and needs_code and not verified:
        raise CodeNeededError
    person = people.parse(person, row.channel, by_voice=by is None and row.channel is Channel.PHONE)
    if (his := _his(row.channel, by, person, verified=verified)) is not None:
        _require_caps(session, row, person, his)
    now = clock.now(session)
    row.state, row.held_until, row.holder, row.code = AppointmentState.BOOKED, None, None, _new_code(session, ente_id)
    row.contact_id = contact_id if by is not None and contact_id else people.known_as(session, ente_id, person)
    row.given_name, row.surname, row.language, row.notes = (
        person.given_name, person.surname, person.language, person.notes,
    )  # fmt: skip
    row.codice_fiscale, row.phone, row.email = (
        person.codice_fiscale or None, person.phone or None, person.email or None,
    )  # fmt: skip
    row.booked_at = row.changed_at = now
    row.made_by = by.user_id if by else None
    session.flush()
    telling.tell(session, by, row, AppointmentDeed.BOOKED, channel=row.channel)
    telling.write(session, row, MessageTemplate.APPOINTMENT_BOOKED, manage_at=manage_at)
    mark = people.mark_of(session, ente_id, person)
    offering.booked_by(session, ente_id=ente_id, service_id=row.service_id, mark=mark, hold_id=row.id)
    return _booked(session, row)


def move(
    session: Session, by: Principal | None, *, ente_id: int, appointment_id: UUID, hold: str, manage_at: str,
    reason: str = "",
) -> Booked:  # fmt: skip
    """Give an appointment the time that is held, and tell him.

    The citizen (`by` none) may until the cut-off, and so often as the service allows.
    """
    row = _movable(session, by, ente_id, appointment_id)
    to = holding.taken_over(session, ente_id=ente_id, token=hold)
    if to.service_id != row.service_id:
        raise InvalidError("L'orario scelto è di un altro servizio.")
    was = _where(row)
    taken = (to.office_id, to.desk_id, to.place, to.starts_at, to.ends_at, to.free_at, to.channel)
    session.delete(to)
    session.flush()
    row.office_id, row.desk_id, row.place, row.starts_at, row.ends_at, row.free_at = taken[:6]
    _moved(session, by, row, was, channel=taken[6], manage_at=manage_at, reason=reason)
    return _booked(session, row)


def move_to(
    session: Session, by: Principal | None, *, ente_id: int, appointment_id: UUID, office_id: int,
    starts_at: datetime, channel: Channel, manage_at: str, desk_id: int | None = None, reason: str = "",
) -> Booked:  # fmt: skip
    """Give an appointment another time at once, which nobody holds; it may overlap the one that it has. He is told.

    At one desk, or (none) whichever has it. Raises `SlotGoneError` with the nearest alternatives, or as `move`.
    """
    row = _movable(session, by, ente_id, appointment_id)
    wanted, was = queries.service(session, ente_id, row.service_id), _where(row)
    seats = holding.seats_for(session, wanted, office_id, starts_at, channel, moving=row.id)
    free_at = starts_at + wanted.measures.duration + wanted.measures.buffer
    for seat in (one for one in seats if desk_id in {None, one.desk_id}):
        if _taken(session, row, office_id, seat, starts_at, starts_at + wanted.measures.duration, free_at):
            _moved(session, by, row, was, channel=channel, manage_at=manage_at, reason=reason)
            return _booked(session, row)
    raise SlotGoneError(Gone.TAKEN, finding.alternatives(
        session, wanted, channel=channel, starts_at=starts_at, office_id=office_id, moving=row.id
    ))  # fmt: skip


def restore(session: Session, by: Principal, *, ente_id: int, appointment_id: UUID, manage_at: str) -> Booked:
    """What the office has cancelled by mistake is booked again, as it was, and he is told; twice is once.

    Raises `SlotGoneError` when somebody else has the time, it is past, or nobody receives then any more.
    """
    row = _locked(session, by, ente_id, appointment_id)
    if row.state is AppointmentState.BOOKED:
        return _booked(session, row)
    if row.state is not AppointmentState.CANCELLED_BY_OFFICE:
        raise ConflictError("Questo appuntamento non si può più cambiare: guarda com'è ora.")
    if row.starts_at <= clock.now(session):
        raise SlotGoneError(Gone.PAST)
    at, served = clock.business_day(row.starts_at), Stretch(row.starts_at, row.ends_at)
    day = next(finding.days_at(session, [row.office_id], at, at, channel=Channel.DESK))
    if misplaced(day.opened, Taken(Seat(row.desk_id, row.place), served), row.service_id, served):
        raise SlotGoneError(Gone.CLOSED)
    holding.sweep(session, Seat(row.desk_id, row.place), row.starts_at, row.free_at)
    try:
        with session.begin_nested():
            row.state = AppointmentState.BOOKED
            session.flush()
    except IntegrityError:
        session.refresh(row)
        raise SlotGoneError(Gone.TAKEN) from None
    _changed(session, row, "")
    telling.tell(session, by, row, AppointmentDeed.BACK, channel=Channel.DESK)
    telling.write(session, row, MessageTemplate.APPOINTMENT_BOOKED, manage_at=manage_at)
    return _booked(session, row)


def cancel(
    session: Session, by: Principal | None, *, ente_id: int, appointment_id: UUID, manage_at: str,
    channel: Channel = Channel.WEB, by_office: bool = False, reason: str = "",
) -> None:  # fmt: skip
    """Nobody comes: the citizen does not (he says so himself, until the cut-off, or somebody of the staff for him), or
    the office cannot (`by_office`). Its time is free again at once. Said twice, it is once.
    """
    row = _locked(session, by, ente_id, appointment_id)
    if row.state in {AppointmentState.CANCELLED_BY_CITIZEN, AppointmentState.CANCELLED_BY_OFFICE}:
        return
    _require_changeable(session, by, row)
    office = by_office and by is not None
    row.state = AppointmentState.CANCELLED_BY_OFFICE if office else AppointmentState.CANCELLED_BY_CITIZEN
    _changed(session, row, reason)
    telling.tell(session, by, row, AppointmentDeed.CANCELLED, channel=channel)
    telling.write(session, row, MessageTemplate.APPOINTMENT_CANCELLED, manage_at=manage_at)
    if not office:  # what the office cannot keep it may be about to close; if not, the engine finds it
        _pass_on(session, ente_id, row.starts_at, row.office_id, manage_at)


def step(
    session: Session, by: Principal | None, *, ente_id: int, appointment_id: UUID, to: AppointmentState,
    service_id: int | None = None,
) -> None:  # fmt: skip
    """How far it has come: arrived, called, being served, done, not come. Twice is once. `by` none: he himself, who
    says at the office that he has come.

    Who calls and serves is somebody who may serve what he comes for, or (`service_id`) was passed on to meanwhile:
    raises `ForbiddenError` else.
    """
    row = _locked(session, by, ente_id, appointment_id)
    if row.state is to:
        return
    wanted = service_id or row.service_id
    if to in SERVED and (by is None or not queries.may_serve(queries.clerks(session, ente_id), wanted, by.user_id)):
        raise ForbiddenError("Questo servizio lo seguono altri: passa la persona a un altro sportello.")
    _become(session, by, row, to, STEPS.get((row.state, to)))


def step_back(
    session: Session, by: Principal, *, ente_id: int, appointment_id: UUID, to: AppointmentState
) -> None:  # fmt: skip
    """The last step was a mistake."""
    row = _locked(session, by, ente_id, appointment_id)
    _become(session, by, row, to, _D.BACK if (row.state, to) in _MISTAKES else None)


def settle(session: Session, by: Principal, *, ente_id: int, appointment_id: UUID, came: bool) -> None:
    """Say of a day that is over whether somebody came, where the desk did not or did so wrongly. Twice is once."""
    row, to = _locked(session, by, ente_id, appointment_id), _S.DONE if came else _S.NO_SHOW
    if row.state is to:
        return
    if not is_over(row.starts_at, now=clock.now(session)):
        raise ConflictError("Si dice a giornata finita: chi è qui adesso si segna allo sportello.")
    deed = (_D.DONE if came else _D.MISSED) if (row.state, to) in SETTLED else None
    _become(session, by, row, to, deed, {"was": row.state.value})


def unsettle(session: Session, by: Principal, *, ente_id: int, appointment_id: UUID) -> None:
    """What was said last of a day that is over was a mistake: it is as if nobody had said it.

    Raises `ConflictError` where nobody did, or a week ago.
    """
    row = _locked(session, by, ente_id, appointment_id)
    was = said_wrongly(queries.events(session, row.id), now=clock.now(session))
    _become(session, by, row, was or row.state, None if was is None else _D.BACK)


def said_wrongly(events: Sequence[AppointmentEvent], *, now: datetime) -> AppointmentState | None:
    """How an appointment stood before somebody said of it how it went; none where that cannot be taken back. Pure."""
    last = events[-1] if events else None
    if last is None or last.deed not in {_D.DONE, _D.MISSED} or last.at < now - UNSAID_WITHIN:
        return None
    return AppointmentState(last.detail["was"]) if "was" in last.detail else None


def is_over(starts_at: datetime, *, now: datetime) -> bool:
    """Whether the day of an appointment is over, in Rome. Pure."""
    return clock.business_day(starts_at) < clock.business_day(now)


def managed(session: Session, *, ente_id: int, token: str) -> queries.AppointmentView:
    """The appointment that a citizen's link is about. Raises `NotFoundError`, whatever is wrong with the link."""
    found = codes.read_token(session, Use.MANAGE, ente_id, token)
    if found is None:
        raise NotFoundError("Questo appuntamento non esiste.")
    return queries.get(session, found)


def _become(
    session: Session, by: Principal | None, row: Appointment, to: AppointmentState, deed: AppointmentDeed | None,
    detail: dict[str, Any] | None = None,
) -> None:  # fmt: skip
    if deed is None:
        raise ConflictError("Nel frattempo qualcosa è cambiato: guarda com'è ora questo appuntamento.")
    row.state, row.changed_at = to, clock.now(session)
    session.flush()
    telling.tell(session, by, row, deed, channel=Channel.DESK, detail=detail)


def _already(session: Session, ente_id: int, token: str) -> Booked | None:
    """What a hold has become, for whoever sends its form twice."""
    found = codes.read_token(session, Use.HOLD, ente_id, token)
    row = None if found is None else session.get(Appointment, found, with_for_update=True, populate_existing=True)
    done = row is not None and row.ente_id == ente_id and row.state is AppointmentState.BOOKED
    return _booked(session, row) if row is not None and done else None


def _his(
    channel: Channel, by: Principal | None, person: Person, *, verified: bool
) -> ColumnElement[bool] | None:  # fmt: skip
    """The appointments that count as his: to whoever books on the web those at an address that he has shown to be his,
    else those that say all that he says, or he would learn of others what they have; at the desk, where somebody of the
    staff decides, none.
    """
    if channel is Channel.DESK:
        return None
    if channel is Channel.PHONE or by is not None:
        return people.same(person)
    return people.at_address(person, telling.where(person.email, person.phone)) if verified else people.repeated(person)


def _require_caps(session: Session, row: Appointment, person: Person, his: ColumnElement[bool]) -> None:
    """How many one person has. Raises `TooManyError`."""
    people.alone(session, row.ente_id, person)
    limits = queries.service(session, row.ente_id, row.service_id).limits
    on_day, ahead = people.counted(session, his, row)
    if on_day >= limits.per_day:
        raise TooManyError("Quel giorno hai già un appuntamento per questo servizio: scegli un altro giorno.")
    if ahead >= limits.ahead > 1:
        raise TooManyError("Hai già altri appuntamenti per questo servizio: disdicine uno, o chiamaci.")
    if ahead >= limits.ahead:
        raise TooManyError(
            "Hai già un appuntamento per questo servizio: spostalo o disdicilo. Per un'altra persona, scrivi il suo "
            "codice fiscale."
        )


def _changeable(session: Session, by: Principal | None, ente_id: int, appointment_id: UUID) -> Appointment:
    row = _locked(session, by, ente_id, appointment_id)
    _require_changeable(session, by, row)
    return row


def _movable(session: Session, by: Principal | None, ente_id: int, appointment_id: UUID) -> Appointment:
    row = _changeable(session, by, ente_id, appointment_id)
    if by is None and row.moved >= queries.service(session, ente_id, row.service_id).limits.moves:
        raise ConflictError("Hai già spostato questo appuntamento più volte: per cambiarlo ancora, chiamaci.")
    return row


def _where(row: Appointment) -> dict[str, Any]:
    return {"starts_at": row.starts_at.isoformat(), "office_id": row.office_id, "desk_id": row.desk_id}


def _taken(
    session: Session, row: Appointment, office_id: int, seat: Seat, starts_at: datetime, ends_at: datetime,
    free_at: datetime,
) -> bool:  # fmt: skip
    """Whether the appointment has the seat now: the database refuses one that another has."""
    holding.sweep(session, seat, starts_at, free_at)
    to = {
        "office_id": office_id, "desk_id": seat.desk_id, "place": seat.place, "starts_at": starts_at,
        "ends_at": ends_at, "free_at": free_at,
    }  # fmt: skip
    try:
        with session.begin_nested():
            session.execute(update(_ROW).where(_ROW.c.id == row.id).values(to))
    except IntegrityError:
        return False
    session.refresh(row)
    return True


def _moved(
    session: Session, by: Principal | None, row: Appointment, was: dict[str, Any], *, channel: Channel,
    manage_at: str, reason: str,
) -> None:  # fmt: skip
    """What follows once the row has its new time. Whom it costs nothing but another desk is not disturbed."""
    if by is None:
        row.moved += 1
    _changed(session, row, reason)
    if by is None and channel is Channel.PHONE:  # on the web a move adds none, and asks for no cap
        told = Person(codice_fiscale=row.codice_fiscale or "", phone=row.phone or "", email=row.email or "")
        if (his := people.same(told)) is not None:
            _require_caps(session, row, told, his)
    telling.tell(session, by, row, AppointmentDeed.MOVED, channel=channel, detail=was)
    if (was["starts_at"], was["office_id"]) != (row.starts_at.isoformat(), row.office_id):
        telling.write(session, row, MessageTemplate.APPOINTMENT_MOVED, manage_at=manage_at)
    if was["office_id"] != row.office_id:
        touch(session, topics.office(was["office_id"]))
    if by is None:
        _pass_on(session, row.ente_id, datetime.fromisoformat(was["starts_at"]), was["office_id"], manage_at)


def _pass_on(session: Session, ente_id: int, freed: datetime, office_id: int, manage_at: str) -> None:
    """What is free again is offered to whoever waits, before anybody sees it on the page."""
    offering.offer(session, ente_id=ente_id, manage_at=manage_at, freed=freed, office_id=office_id)


def _locked(session: Session, by: Principal | None, ente_id: int, appointment_id: UUID) -> Appointment:
    if by is not None:
        require_on(session, by, Permission.APPOINTMENT_MANAGE, ente_id=ente_id)
    row = session.get(Appointment, appointment_id, with_for_update=True, populate_existing=True)
    if row is None or row.ente_id != ente_id or row.state is AppointmentState.HELD:
        raise NotFoundError("Questo appuntamento non esiste.")
    return row


def _require_changeable(session: Session, by: Principal | None, row: Appointment) -> None:
    if row.state is not AppointmentState.BOOKED:
        raise ConflictError("Questo appuntamento non si può più cambiare: guarda com'è ora.")
    limits = queries.service(session, row.ente_id, row.service_id).limits
    if by is None and not may_change(row.starts_at, limits, now=clock.now(session)):
        raise ConflictError("È troppo tardi per cambiarlo da qui: chiamaci.")


def _changed(session: Session, row: Appointment, reason: str) -> None:
    reason = " ".join(reason.split())
    if len(reason) > LONGEST_REASON:
        raise InvalidError("Il motivo è troppo lungo.", field="reason")
    row.reason, row.sequence, row.changed_at = reason, row.sequence + 1, clock.now(session)
    session.flush()


def _new_code(session: Session, ente_id: int) -> str:
    while True:
        code = codes.new_code()
        own = (Appointment.ente_id == ente_id, Appointment.code == code)
        if session.execute(select(Appointment.id).where(*own)).first() is None:
            return code


def _booked(session: Session, row: Appointment) -> Booked:
    token = codes.token(session, Use.MANAGE, row.ente_id, row.id)
    return Booked(row.id, row.code or "", token, row.starts_at)

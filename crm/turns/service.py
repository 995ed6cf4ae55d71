"""What happens with turns: somebody comes, is called, served, passed on. One at a time in an office.

Each change takes the office's lock first, so that two desks that call at the same moment call two people, and a number
is given once. The lock is the transaction's, and PostgreSQL's.
"""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.access.service import require_on
from crm.agendas import booking
from crm.agendas import queries as agendas
from crm.agendas.models import AppointmentState
from crm.agendas.queries import AppointmentView, ServiceView
from crm.audit import service as audit
from crm.contacts import queries as contacts
from crm.core import clock, topics
from crm.core.db import table_of, touch
from crm.core.errors import ConflictError, FieldError, InvalidError, NotFoundError
from crm.turns import queries, visits
from crm.turns.errors import NoNumberError, NotHere, NotHereError
from crm.turns.models import DeskSeat, Turn, TurnEvent, TurnState
from crm.turns.order import for_desk
from crm.turns.tickets import APPOINTMENTS, letter_of
from crm.turns.times import Deed, Happened, times

_S, _A = TurnState, AppointmentState
_LOCKS = 0x7475726E  # "turn": the first half of the key of advisory locks, the second is the office
LONGEST_NOTE = 2000
CHANGED = "Nel frattempo qualcosa è cambiato: guarda com'è ora la coda."
OPEN = frozenset({_S.WAITING, _S.CALLED, _S.SERVING})
# From which states each deed follows, to which it leads, and what then becomes of the appointment.
STEPS: dict[Deed, tuple[frozenset[TurnState], TurnState, AppointmentState | None]] = {
    Deed.CALLED: (frozenset({_S.WAITING}), _S.CALLED, _A.CALLED),
    Deed.RECALLED: (frozenset({_S.CALLED}), _S.CALLED, None),
    Deed.SERVED: (frozenset({_S.CALLED}), _S.SERVING, _A.SERVING),
    Deed.DONE: (frozenset({_S.SERVING}), _S.DONE, _A.DONE),
    Deed.MISSED: (frozenset({_S.CALLED, _S.WAITING}), _S.NO_SHOW, _A.NO_SHOW),
    Deed.BACK: (frozenset({_S.CALLED, _S.NO_SHOW}), _S.WAITING, _A.ARRIVED),
    Deed.PASSED_ON: (frozenset({_S.SERVING}), _S.WAITING, _A.ARRIVED),
    Deed.CLOSED: (OPEN, _S.CLOSED, _A.UNSERVED),
}
OF_HIS_DESK = frozenset({Deed.RECALLED, Deed.SERVED, Deed.DONE, Deed.PASSED_ON})


# -- who sits where -------------------------------------------------------------------------------------------------


def sit(session: Session, by: Principal, *, ente_id: int, desk_id: int) -> None:
    """Take a desk for the day; from another one he gets up. Raises `ConflictError` where a colleague sits."""
    require_on(session, by, Permission.APPOINTMENT_MANAGE, ente_id=ente_id)
    office_id = _office_of(session, ente_id, desk_id)
    _alone(session, office_id)
    taken = queries.seats(session, office_id).get(desk_id)
    if taken is not None and taken.user_id != by.user_id:
        raise ConflictError(f"A questo sportello c'è già {taken.name}.")
    if taken is not None:
        return
    leave(session, by)
    session.execute(delete(DeskSeat).where(DeskSeat.desk_id == desk_id))  # of another day
    session.add(
        DeskSeat(
            desk_id=desk_id, ente_id=ente_id, office_id=office_id, user_id=by.user_id, day=queries.today(session),
            since=clock.now(session),
        )
    )  # fmt: skip
    session.flush()
    touch(session, topics.office(office_id))


def leave(session: Session, by: Principal) -> None:
    """Get up; not while somebody is called to the desk or served there. Who was meant for it waits for any desk."""
    for seat in session.scalars(select(DeskSeat).where(DeskSeat.user_id == by.user_id)).all():
        _alone(session, seat.office_id)
        at = (Turn.desk_id == seat.desk_id, Turn.day == queries.today(session), Turn.state.in_(queries.AT_DESK))
        if session.execute(select(Turn.id).where(*at)).first() is not None:
            raise ConflictError("Prima concludi con chi è al tuo sportello.")
        session.execute(update(Turn).where(Turn.for_desk == seat.desk_id).values(for_desk=None))
        session.delete(seat)
        session.flush()
        touch(session, topics.office(seat.office_id))


def relieve(session: Session, by: Principal, *, ente_id: int, desk_id: int) -> None:
    """A supervisor frees a desk whose clerk has gone home without getting up. Who was called there waits again, with
    his place; whoever was being served is found there by the next one who sits down. Twice is once.
    """
    require_on(session, by, Permission.AGENDA_MANAGE, ente_id=ente_id)
    of = (DeskSeat.desk_id == desk_id, DeskSeat.ente_id == ente_id)
    office_id = session.scalar(select(DeskSeat.office_id).where(*of))
    if office_id is None:
        return
    _alone(session, office_id)
    session.execute(delete(DeskSeat).where(*of))
    session.execute(update(Turn).where(Turn.for_desk == desk_id).values(for_desk=None))
    called = (Turn.desk_id == desk_id, Turn.day == queries.today(session), Turn.state == _S.CALLED)
    for turn in session.scalars(select(Turn).where(*called).execution_options(populate_existing=True)).all():
        _do(session, None, turn, Deed.BACK, desk_id=None)  # the desk's doing: who frees it may serve nobody
    touch(session, topics.office(office_id))


# -- who comes ------------------------------------------------------------------------------------------------------


def check_in(
    session: Session, by: Principal | None, *, ente_id: int, office_id: int, appointment_id: UUID
) -> int:  # fmt: skip
    """Whoever has an appointment has come; the id of his turn. Said twice, he has one; said after he was called in
    vain, he waits again. `by` none: he at the kiosk.

    Raises `NotHereError` where the appointment is at another office, on another day, cancelled or over.
    """
    if by is not None:
        require_on(session, by, Permission.APPOINTMENT_MANAGE, ente_id=ente_id)
    _alone(session, office_id)
    found = agendas.get(session, appointment_id)
    if found.ente_id != ente_id:
        raise NotFoundError("Questo appuntamento non esiste.")
    its = select(Turn).where(Turn.appointment_id == appointment_id).execution_options(populate_existing=True)
    turn = session.scalars(its).one_or_none()
    if turn is not None and turn.day == queries.today(session) and turn.office_id == office_id:
        if turn.state is _S.NO_SHOW:
            _do(session, by, turn, Deed.BACK, desk_id=None)
        if turn.state in OPEN:
            return turn.id
    _require_here(session, found, office_id)
    booking.step(session, by, ente_id=ente_id, appointment_id=appointment_id, to=_A.ARRIVED)
    return _come(
        session, by, office_id, agendas.service(session, ente_id, found.service_id), APPOINTMENTS, found.language,
        {"appointment_id": found.id, "contact_id": found.contact_id, "starts_at": found.starts_at},
    )  # fmt: skip


def take_ticket(
    session: Session, by: Principal | None, *, ente_id: int, office_id: int, service_id: int, language: str = "it"
) -> int:  # fmt: skip
    """A number for whoever has come without an appointment; the id of his turn. `by` none: he at the kiosk, which keeps
    to the office's hours and to how many numbers a service gives; somebody of the staff decides for himself.

    Raises `NoNumberError`.
    """
    if by is not None:
        require_on(session, by, Permission.APPOINTMENT_MANAGE, ente_id=ente_id)
    if service_id not in {one.id for one in queries.offered(session, ente_id, office_id)}:
        raise InvalidError("Questo servizio non si fa in questo ufficio.", field="service")
    _alone(session, office_id)
    if by is None and (why := queries.received(session, ente_id, office_id).why_not(service_id)) is not None:
        raise NoNumberError(why)
    all_of_ente = [one.id for one in agendas.services(session, ente_id)]
    service = agendas.service(session, ente_id, service_id)
    return _come(session, by, office_id, service, letter_of(all_of_ente, service_id), language, {})


def end_days(session: Session, *, ente_id: int) -> int:
    """Whoever was open on a day that is over was not served, and nobody sits there any more; how many there were."""
    today = queries.today(session)
    left = select(Turn).where(Turn.ente_id == ente_id, Turn.day < today, Turn.state.in_(OPEN)).order_by(Turn.office_id)
    turns = session.scalars(left.with_for_update(skip_locked=True).execution_options(populate_existing=True)).all()
    for turn in turns:
        _do(session, None, turn, Deed.CLOSED, desk_id=turn.desk_id)
    old = delete(DeskSeat).where(DeskSeat.ente_id == ente_id, DeskSeat.day < today).returning(DeskSeat.office_id)
    for office_id in set(session.scalars(old)):
        touch(session, topics.office(office_id))
    return len(turns)


# -- what becomes of them -------------------------------------------------------------------------------------------


def call_next(session: Session, by: Principal) -> int | None:
    """Call the next one to the desk at which `by` sits; his turn's id, none when nobody waits for it.

    Raises `ConflictError` while somebody is at the desk.
    """
    _alone(session, seat_of(session, by).office_id)
    seat = seat_of(session, by)  # he may have left it while he waited for the lock
    office = queries.office(session, seat.office_id)
    if seat.desk_id in office.at_desks:
        raise ConflictError("Prima concludi con chi è al tuo sportello.")
    services = done_at(session, by, ente_id=seat.ente_id, office_id=seat.office_id, desk_id=seat.desk_id)
    found = for_desk((one.waiting for one in office.waiting), desk_id=seat.desk_id, services=services, now=office.now)
    if found is None:
        return None
    _do(session, by, _turn(session, by, found.id), Deed.CALLED, desk_id=seat.desk_id)
    return found.id


def step(session: Session, by: Principal, *, turn_id: int, deed: Deed) -> None:
    """Call again, serve, finish, say that nobody came, or put him back where he waited.

    Raises `ConflictError` where it does not follow on how he stands, or he is at a colleague's desk.
    """
    if deed not in STEPS or deed in {Deed.CALLED, Deed.PASSED_ON, Deed.CLOSED}:
        raise InvalidError("Scegli cosa fare.", field="deed")
    turn = locked(session, by, turn_id)
    if deed in OF_HIS_DESK or turn.state in queries.AT_DESK:
        _require_his(session, by, turn)
    _do(session, by, turn, deed, desk_id=turn.desk_id)


def pass_on(
    session: Session, by: Principal, *, turn_id: int, service_id: int, desk_id: int | None = None
) -> None:  # fmt: skip
    """Let whoever is served wait for another service, or for one desk, with the place that he had in the queue."""
    turn = locked(session, by, turn_id)
    _require_his(session, by, turn)
    if service_id not in {one.id for one in queries.offered(session, turn.ente_id, turn.office_id)}:
        raise InvalidError("Questo servizio non si fa in questo ufficio.", field="service")
    there = queries.seats(session, turn.office_id)
    if desk_id is not None and (desk_id == turn.desk_id or desk_id not in there):
        raise InvalidError("A questo sportello non c'è nessuno: sceglilo tra quelli aperti.", field="desk")
    named = agendas.clerks(session, turn.ente_id)
    if desk_id is not None and not agendas.may_serve(named, service_id, there[desk_id].user_id):
        raise InvalidError("Chi è a questo sportello non segue questo servizio: scegline un altro.", field="desk")
    _do(
        session, by, turn, Deed.PASSED_ON, desk_id=turn.desk_id,
        detail={"service_id": service_id, "desk_id": desk_id},
    )  # fmt: skip
    turn.service_id, turn.for_desk = service_id, desk_id
    session.flush()
    visits.put_on_timeline(session, turn)


def identify(session: Session, by: Principal, *, turn_id: int, contact_id: int) -> None:
    """Say who it is that is at the desk. The file opens by the gate, and not by this."""
    turn = locked(session, by, turn_id)
    _require_his(session, by, turn)
    if contacts.get(session, contact_id).ente_id != turn.ente_id:
        raise NotFoundError("Questa persona non c'è tra i contribuenti di questo ente.")
    if turn.contact_id not in {None, contact_id}:
        visits.withdraw(session, turn)
        turn.note = ""
    turn.contact_id = contact_id
    session.flush()
    visits.put_on_timeline(session, turn)
    audit.note(
        session, by, kind="turn.identified", ente_id=turn.ente_id, contact_id=contact_id, subject=f"turn:{turn.id}"
    )
    touch(session, topics.office(turn.office_id))


def unidentify(session: Session, by: Principal, *, turn_id: int) -> None:
    """It is not he: the visit leaves his timeline, without its note, until it is said who it is. Twice is once."""
    turn = locked(session, by, turn_id)
    _require_his(session, by, turn)
    if turn.contact_id is None:
        return
    visits.withdraw(session, turn)
    audit.note(
        session, by, kind="turn.unidentified", ente_id=turn.ente_id, contact_id=turn.contact_id,
        subject=f"turn:{turn.id}",
    )  # fmt: skip
    turn.contact_id, turn.note = None, ""
    session.flush()
    touch(session, topics.office(turn.office_id))


def note(session: Session, by: Principal, *, turn_id: int, text: str) -> None:
    """What the visit was about, in the words of whoever serves him: on his timeline. Raises `ConflictError` until it
    is known who he is.
    """
    turn = locked(session, by, turn_id)
    _require_his(session, by, turn)
    if turn.contact_id is None:
        raise ConflictError("Di' prima chi è allo sportello: la nota va nella sua cronologia.")
    text = text.replace("\r\n", "\n").strip()
    if len(text) > LONGEST_NOTE:
        raise FieldError("La nota è troppo lunga: al massimo 2000 caratteri.", "note")
    turn.note = text
    session.flush()
    visits.put_on_timeline(session, turn)


def done_at(session: Session, by: Principal, *, ente_id: int, office_id: int, desk_id: int) -> Collection[int]:
    """The services that this clerk may do at this desk."""
    desk = next((one for one in agendas.desks(session, office_id) if one.id == desk_id), None)
    if desk is None:
        raise NotFoundError("Questo sportello non esiste.")
    named = agendas.clerks(session, ente_id)
    return [
        one.id
        for one in queries.offered(session, ente_id, office_id)
        if (not desk.services or one.id in desk.services) and agendas.may_serve(named, one.id, by.user_id)
    ]


# -- underneath -----------------------------------------------------------------------------------------------------


def _alone(session: Session, office_id: int) -> None:
    """Whoever changes the queue of the same office waits, until this transaction ends."""
    session.execute(select(func.pg_advisory_xact_lock(_LOCKS, office_id % 2**31)))


def _office_of(session: Session, ente_id: int, desk_id: int) -> int:
    for office_id in {one for service in agendas.services(session, ente_id) for one in service.offices}:
        if any(one.id == desk_id and one.active for one in agendas.desks(session, office_id)):
            return office_id
    raise NotFoundError("Questo sportello non esiste.")


def seat_of(session: Session, by: Principal) -> DeskSeat:
    """Where somebody sits today. Raises `ConflictError` while he sits nowhere."""
    by.require(Permission.APPOINTMENT_MANAGE)
    today = queries.today(session)
    row = session.scalar(select(DeskSeat).where(DeskSeat.user_id == by.user_id, DeskSeat.day == today))
    if row is None:
        raise ConflictError("Scegli prima il tuo sportello.")
    require_on(session, by, Permission.APPOINTMENT_MANAGE, ente_id=row.ente_id)
    return row


def _turn(session: Session, by: Principal, turn_id: int) -> Turn:
    row = session.get(Turn, turn_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFoundError("Questo numero non esiste.")
    require_on(session, by, Permission.APPOINTMENT_MANAGE, ente_id=row.ente_id)
    if row.day != queries.today(session):
        raise ConflictError("Questo numero non è di oggi.")
    return row


def locked(session: Session, by: Principal, turn_id: int) -> Turn:
    """A turn of today's, to be changed by nobody else until this transaction ends."""
    _alone(session, queries.get(session, turn_id).office_id)
    return _turn(session, by, turn_id)


def _require_his(session: Session, by: Principal, turn: Turn) -> None:
    if turn.state not in queries.AT_DESK:
        raise ConflictError(CHANGED)
    if seat_of(session, by).desk_id != turn.desk_id:
        raise ConflictError("Questo numero è allo sportello di un collega.")


def _require_here(session: Session, found: AppointmentView, office_id: int) -> None:
    if clock.business_day(found.starts_at) != queries.today(session):
        raise NotHereError(NotHere.ANOTHER_DAY, found)
    if found.office_id != office_id:
        raise NotHereError(NotHere.ANOTHER_OFFICE, found)
    if found.state is not _A.BOOKED:
        raise NotHereError(NotHere.OVER, found)


def _come(
    session: Session, by: Principal | None, office_id: int, service: ServiceView, letter: str, language: str,
    more: dict[str, Any],
) -> int:  # fmt: skip
    day, now = queries.today(session), clock.now(session)
    last = session.scalar(
        select(func.max(Turn.number)).where(Turn.office_id == office_id, Turn.day == day, Turn.letter == letter)
    )
    turn = Turn(
        ente_id=service.ente_id, office_id=office_id, service_id=service.id, day=day, letter=letter,
        number=(last or 0) + 1, state=_S.WAITING, language=language, arrived_at=now, **more,
    )  # fmt: skip
    session.add(turn)
    session.flush()
    tell(session, by, turn, Deed.ARRIVED, {})
    return turn.id


def _do(
    session: Session, by: Principal | None, turn: Turn, deed: Deed, *, desk_id: int | None,
    detail: dict[str, Any] | None = None,
) -> None:  # fmt: skip
    before, to, appointment = STEPS[deed]
    if turn.state not in before:
        raise ConflictError(CHANGED)
    now = clock.now(session)
    turn.state = to
    match deed:
        case Deed.CALLED | Deed.RECALLED if by is not None:
            turn.desk_id, turn.clerk_id, turn.called_at, turn.calls = desk_id, by.user_id, now, turn.calls + 1
            turn.ended_at = None
        case Deed.SERVED:
            turn.serving_since = now
        case Deed.DONE | Deed.MISSED | Deed.CLOSED:
            turn.ended_at = now
        case _:
            turn.desk_id, turn.ended_at, turn.serving_since, turn.calls = None, None, None, 0
    session.flush()
    if turn.appointment_id is not None and appointment is not None:
        booking.step(
            session, by, ente_id=turn.ente_id, appointment_id=turn.appointment_id, to=appointment,
            service_id=turn.service_id,
        )  # fmt: skip
    tell(session, by, turn, deed, detail or {})


def tell(session: Session, by: Principal | None, turn: Turn, deed: Deed, detail: dict[str, Any]) -> None:
    """It happened, now: its story, the times that follow from it, the timeline, and whoever watches the office."""
    events = table_of(TurnEvent)
    session.execute(
        insert(events).values(
            ente_id=turn.ente_id, turn_id=turn.id, deed=deed, at=clock.now(session), by=by.user_id if by else None,
            desk_id=turn.desk_id, detail=detail,
        )
    )  # fmt: skip
    story = session.execute(
        select(events.c.deed, events.c.at, events.c.detail).where(events.c.turn_id == turn.id).order_by(events.c.id)
    )
    happened = [Happened(one.deed, one.at, bool(one.detail.get("apart"))) for one in story]
    found = times(happened, starts_at=turn.starts_at)
    turn.waited_s = None if found.waited is None else int(found.waited.total_seconds())
    turn.served_s = None if found.served is None else int(found.served.total_seconds())
    session.flush()
    visits.put_on_timeline(session, turn)
    touch(session, topics.office(turn.office_id))

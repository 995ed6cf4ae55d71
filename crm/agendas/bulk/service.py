"""Moving and cancelling many appointments: a proposal that somebody looks at, then a job that does it one by one.

Each appointment is a transaction of its own, in which its row of the change is marked: a job that was killed goes on
where it was, nothing is done twice, and each citizen is told once, by the message that his appointment owes.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import partial
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from crm.access.models import Role
from crm.access.permissions import Held, Permission, Principal
from crm.access.service import require_on
from crm.agendas import booking, preparing, queries
from crm.agendas.booking import LONGEST_REASON
from crm.agendas.bulk.models import BulkChange, BulkItem, BulkKind, BulkState, ItemState
from crm.agendas.bulk.proposal import Aim, DayFor, Wanted, cleared, proposed
from crm.agendas.finding import days_at
from crm.agendas.models import AppointmentState
from crm.agendas.queries import AppointmentView
from crm.agendas.rules import Channel
from crm.agendas.times import Stretch, stretch
from crm.audit import service as audit
from crm.core import clock, jobs, topics
from crm.core.db import Database, Scope, new_id, touch
from crm.core.errors import ConflictError, DomainError, FieldError, InvalidError, NotFoundError
from crm.core.jobs import Runner, Taken

JOB = "agendas.bulk"
MOST = 400  # at once
LONGEST = timedelta(days=62)
FURTHER = timedelta(days=21)  # how far away new times are looked for
CHANGED = "Nel frattempo è cambiato."
NO_TIME = "Non c'è un altro orario libero vicino."
_UNDER_WAY = (BulkState.RUNNING, BulkState.UNDOING)


@dataclass(frozen=True, slots=True)
class Which:
    """The appointments of an office from one day to another, of one desk or (none) all, between two times of day; or,
    `outside`, those ahead that no open hour holds.
    """

    first: date
    last: date
    desk_id: int | None = None
    opens: time = time(0)
    closes: time = time(0)
    outside: bool = False


def prepare(
    session: Session, by: Principal, *, ente_id: int, office_id: int, kind: BulkKind, which: Which, reason: str
) -> UUID:  # fmt: skip
    """Propose it; its id. Nothing happens to any appointment. Raises `InvalidError` where there is none."""
    _require(session, by, ente_id, office_id)
    reason = " ".join(reason.split())
    if not reason or len(reason) > LONGEST_REASON:
        raise FieldError("Scrivi il motivo, in al massimo 200 caratteri: resta nella storia di ognuno.", "reason")
    if which.last < which.first or which.last - which.first > LONGEST:
        raise FieldError("L'ultimo giorno viene prima del primo, o dopo più di due mesi.", "last")
    concerned = _concerned(session, office_id, which)
    if not concerned:
        raise InvalidError("In quei giorni e orari non c'è nessun appuntamento da cambiare.", field="first")
    if len(concerned) > MOST:
        raise FieldError(f"Sono più di {MOST} appuntamenti: scegli meno giorni.", "last")
    times = _times(session, ente_id, office_id, which, concerned) if kind is BulkKind.MOVE else {}
    change = BulkChange(
        id=new_id(session), ente_id=ente_id, office_id=office_id, kind=kind, state=BulkState.PREPARED, reason=reason,
        made_at=clock.now(session), made_by=by.user_id,
    )  # fmt: skip
    session.add(change)
    session.flush()
    session.add_all(
        BulkItem(
            change_id=change.id, appointment_id=one.id, ente_id=ente_id, rank=rank, was_at=one.starts_at,
            was_desk_id=one.desk_id, to_at=aim.starts_at if aim else None, to_desk_id=aim.desk_id if aim else None,
            state=ItemState.WAITING, why="",
        )
        for rank, one, aim in ((rank, one, times.get(one.id)) for rank, one in enumerate(concerned))
    )  # fmt: skip
    session.flush()
    return change.id


def start(session: Session, by: Principal, *, ente_id: int, change_id: UUID, chosen: Collection[UUID]) -> None:
    """Do it, to those that are chosen. Said twice, it is once."""
    change = _change(session, by, ente_id, change_id)
    if change.state is not BulkState.PREPARED:
        return
    others = (BulkItem.change_id == change_id, BulkItem.appointment_id.not_in(chosen))
    session.execute(delete(BulkItem).where(*others))
    count = len(items(session, change_id))
    if not count:
        raise ConflictError("Non hai scelto nessun appuntamento.")
    change.state = BulkState.RUNNING
    _owe(session, change)
    audit.note(
        session, by, kind="appointments.moved" if change.kind is BulkKind.MOVE else "appointments.cancelled",
        ente_id=ente_id, subject=f"office:{change.office_id}", after={"count": count, "reason": change.reason},
    )  # fmt: skip


def drop(session: Session, by: Principal, *, ente_id: int, change_id: UUID) -> None:
    """A proposal is not to be. Twice is once."""
    require_on(session, by, Permission.AGENDA_MANAGE, ente_id=ente_id)
    change = session.get(BulkChange, change_id)
    if change is not None and change.ente_id == ente_id and change.state is BulkState.PREPARED:
        session.execute(delete(BulkItem).where(BulkItem.change_id == change_id))
        session.delete(change)
        session.flush()


def undo(session: Session, by: Principal, *, ente_id: int, change_id: UUID) -> None:
    """Bring back what it changed, where the old time is still free; whoever is moved back is told. Twice is once."""
    change = _change(session, by, ente_id, change_id)
    if change.state in _UNDER_WAY:
        raise ConflictError("Il cambiamento è ancora in corso: aspetta che finisca.")
    if change.state is BulkState.DONE:
        change.state = BulkState.UNDOING
        _owe(session, change)
        audit.note(
            session, by, kind="appointments.brought_back", ente_id=ente_id, subject=f"office:{change.office_id}",
            after={"reason": change.reason},
        )  # fmt: skip


def items(session: Session, change_id: UUID) -> Sequence[BulkItem]:
    """What becomes of each appointment of a change, in order."""
    rows = select(BulkItem).where(BulkItem.change_id == change_id).order_by(BulkItem.rank)
    return session.scalars(rows).all()


def get(session: Session, change_id: UUID) -> BulkChange:
    """A change. Raises `NotFoundError`."""
    found = session.get(BulkChange, change_id)
    if found is None:
        raise NotFoundError("Questo cambiamento non esiste.")
    return found


def of_office(session: Session, office_id: int, most: int = 5) -> Sequence[BulkChange]:
    """The last changes of an office, those that are only proposed left out."""
    own = (BulkChange.office_id == office_id, BulkChange.state != BulkState.PREPARED)
    return session.scalars(select(BulkChange).where(*own).order_by(BulkChange.made_at.desc()).limit(most)).all()


def runner(manage_at: Callable[[Session, int], str]) -> Runner:
    """Who does it. `manage_at`: under which address citizens of an ente manage their appointments."""
    return Runner(lambda database, job: _run(database, job, manage_at))


def _run(database: Database, job: Taken, manage_at: Callable[[Session, int], str]) -> None:
    change_id, scope = UUID(job.argument["change"]), Scope.of_enti([job.ente_id])
    with database.begin(scope) as session:
        change = get(session, change_id)
        back = change.state is BulkState.UNDOING
        todo = [
            one.appointment_id for one in items(session, change_id)
            if one.state is (ItemState.DONE if back else ItemState.WAITING)
        ]  # fmt: skip
        if back:
            todo.reverse()  # the last who was moved is the first to leave his place
    for one in todo:
        job.renew()
        database.transact(scope, partial(_one, change_id=change_id, appointment_id=one, manage_at=manage_at))
    database.transact(scope, partial(_end, change_id=change_id))


def _one(session: Session, change_id: UUID, appointment_id: UUID, manage_at: Callable[[Session, int], str]) -> None:
    """One appointment. Whatever stands against it is written down, and the others go on."""
    row = session.get_one(BulkItem, (change_id, appointment_id), with_for_update=True)
    change = get(session, change_id)
    back = change.state is BulkState.UNDOING
    if row.state is not (ItemState.DONE if back else ItemState.WAITING):
        return
    try:
        with session.begin_nested():
            (_bring_back if back else _do)(session, change, row, manage_at(session, change.ente_id))
    except DomainError as against:
        row.state, row.why = ItemState.KEPT if back else ItemState.LEFT, str(against)[:200]
    else:
        row.state = ItemState.UNDONE if back else ItemState.DONE
    session.flush()
    touch(session, topics.office(change.office_id))


def _do(session: Session, change: BulkChange, row: BulkItem, manage_at: str) -> None:
    now = queries.get(session, row.appointment_id)
    if now.state is not AppointmentState.BOOKED or now.starts_at != row.was_at:
        raise ConflictError(CHANGED)
    if change.kind is BulkKind.CANCEL:
        booking.cancel(
            session, _by(change), ente_id=change.ente_id, appointment_id=row.appointment_id, manage_at=manage_at,
            channel=Channel.DESK, by_office=True, reason=change.reason,
        )  # fmt: skip
    elif row.to_at is None or row.to_desk_id is None:
        raise ConflictError(NO_TIME)
    else:
        _move(session, change, row, row.to_at, row.to_desk_id, manage_at)


def _bring_back(session: Session, change: BulkChange, row: BulkItem, manage_at: str) -> None:
    now = queries.get(session, row.appointment_id)
    if change.kind is BulkKind.CANCEL:
        if now.state is not AppointmentState.CANCELLED_BY_OFFICE:
            raise ConflictError(CHANGED)
        booking.restore(
            session, _by(change), ente_id=change.ente_id, appointment_id=row.appointment_id, manage_at=manage_at
        )
    elif now.state is not AppointmentState.BOOKED or now.starts_at != row.to_at:
        raise ConflictError(CHANGED)
    else:
        _move(session, change, row, row.was_at, row.was_desk_id, manage_at)


def _move(
    session: Session, change: BulkChange, row: BulkItem, starts_at: datetime, desk_id: int, manage_at: str
) -> None:  # fmt: skip
    booking.move_to(
        session, _by(change), ente_id=change.ente_id, appointment_id=row.appointment_id, office_id=change.office_id,
        starts_at=starts_at, desk_id=desk_id, channel=Channel.DESK, manage_at=manage_at, reason=change.reason,
    )  # fmt: skip


def _by(change: BulkChange) -> Principal:
    """What was ordered is carried out by whoever ordered it, with the right that he had when he did."""
    return Principal(change.made_by, "", "it", frozenset({Held(Role.SUPERVISOR, change.ente_id, None)}))


def _end(session: Session, change_id: UUID) -> None:
    change = session.get_one(BulkChange, change_id, with_for_update=True)
    change.state = BulkState.UNDONE if change.state is BulkState.UNDOING else BulkState.DONE
    session.flush()
    touch(session, topics.office(change.office_id))


def _owe(session: Session, change: BulkChange) -> None:
    session.flush()
    jobs.enqueue(session, ente_id=change.ente_id, kind=JOB, argument={"change": str(change.id), "to": change.state})
    touch(session, topics.office(change.office_id))


def _concerned(session: Session, office_id: int, which: Which) -> list[AppointmentView]:
    if which.outside:  # no day of them can be left out: those that come first
        return preparing.outside(session, office_id)[:MOST]
    now = clock.now(session)
    return [
        one
        for one in queries.of_office(session, office_id, which.first, which.last)
        if one.state is AppointmentState.BOOKED and one.starts_at > now and which.desk_id in {None, one.desk_id}
        and _hole(clock.business_day(one.starts_at), which).overlaps(Stretch(one.starts_at, one.ends_at))
    ]  # fmt: skip


def _times(
    session: Session, ente_id: int, office_id: int, which: Which, concerned: Sequence[AppointmentView]
) -> dict[UUID, Aim]:
    """Where each could go: anywhere near but into what is being emptied, and with the notice that its service asks."""
    now = clock.now(session)
    services = {one.id: one for one in queries.services(session, ente_id)}
    first = max(clock.business_day(now), clock.business_day(concerned[0].starts_at) - FURTHER)
    last = clock.business_day(concerned[-1].starts_at) + FURTHER
    days = [
        DayFor(
            one.day,
            cleared(one.opened, _hole(one.day, which), which.desk_id)
            if not which.outside and which.first <= one.day <= which.last
            else one.opened,
            one.taken,
        )
        for one in days_at(session, [office_id], first, last, channel=Channel.DESK)
    ]
    wanted = [
        Wanted(one.id, one.starts_at, services[one.service_id].measures, now + services[one.service_id].limits.notice)
        for one in concerned
    ]
    return proposed(wanted, days)


def _hole(day: date, which: Which) -> Stretch:
    return stretch(day, which.opens, which.closes)


def _require(session: Session, by: Principal, ente_id: int, office_id: int) -> None:
    require_on(session, by, Permission.AGENDA_MANAGE, ente_id=ente_id)
    if queries.office(session, office_id).ente_id != ente_id:
        raise NotFoundError("Questo ufficio non esiste.")


def _change(session: Session, by: Principal, ente_id: int, change_id: UUID) -> BulkChange:
    require_on(session, by, Permission.AGENDA_MANAGE, ente_id=ente_id)
    row = session.get(BulkChange, change_id, with_for_update=True, populate_existing=True)
    if row is None or row.ente_id != ente_id:
        raise NotFoundError("Questo cambiamento non esiste.")
    return row

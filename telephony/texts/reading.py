"""Conversations by SMS before a supervisor: the list of those that are over, and the words, of which he says why."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import func, insert, or_, select
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.audit import service as audit
from crm.core import clock
from crm.core.db import table_of
from crm.core.errors import NotFoundError
from crm.core.reasons import reason_given
from crm.enti import queries as enti
from telephony.texts.models import Closed, TextMessage, TextReading, TextThread, ThreadState

READS_FOR = timedelta(minutes=30)  # after saying why
_THREAD, _MESSAGE, _READING = table_of(TextThread), table_of(TextMessage), table_of(TextReading)
_THEIRS = func.count().filter(_MESSAGE.c.inbound)
_OURS = func.count().filter(~_MESSAGE.c.inbound & _MESSAGE.c.agent_id.is_not(None))


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which closed threads: begun from the one instant to before the other."""

    since: datetime
    until: datetime
    ente_id: int | None = None
    queue_id: int | None = None
    closed: Closed | None = None
    disposition: str | None = None


@dataclass(frozen=True, slots=True)
class Past:
    """A closed thread; not with whom."""

    id: UUID
    ente_id: int | None
    queue_id: int
    agent_id: int | None
    begun_at: datetime
    answered_at: datetime | None
    closed_at: datetime
    closed: Closed
    topic: str | None
    disposition: str | None
    waited_ms: int
    reopened: int
    received: int
    sent: int


@dataclass(frozen=True, slots=True)
class Day:
    """What was written on a day."""

    day: date
    received: int
    sent: int


def past(session: Session, by: Principal, wanted: Wanted, *, most: int) -> list[Past]:
    """The closed threads that he may see, the newest first."""
    by.require(Permission.RECORDING_LISTEN)
    which = [
        _THREAD.c.state == ThreadState.CLOSED, _THREAD.c.begun_at >= wanted.since, _THREAD.c.begun_at < wanted.until,
        or_(_THREAD.c.ente_id.is_(None), _THREAD.c.ente_id.not_in(by.kept_from)),
    ]  # fmt: skip
    given = ((name, getattr(wanted, name)) for name in ("ente_id", "queue_id", "closed", "disposition"))
    which += [_THREAD.c[name] == value for name, value in given if value is not None]
    these = select(_THREAD).where(*which).order_by(_THREAD.c.begun_at.desc(), _THREAD.c.id).limit(most).subquery()
    counts = select(_THEIRS, _OURS).where(_MESSAGE.c.thread_id == these.c.id).subquery().lateral()
    columns = [these.c[name] for name in list(Past.__dataclass_fields__)[:-2]]
    rows = session.execute(select(*columns, *counts.c).order_by(these.c.begun_at.desc(), these.c.id))
    return [Past(*row) for row in rows]


def days(session: Session, thread_id: UUID) -> list[Day]:
    """What was written in a thread, by Roman day."""
    day = func.date(func.timezone(str(clock.ROME), _MESSAGE.c.at))
    rows = select(day, _THEIRS, _OURS).where(_MESSAGE.c.thread_id == thread_id).group_by(day).order_by(day)
    return [Day(*row) for row in session.execute(rows)]


def thread(session: Session, by: Principal, *, thread_id: UUID) -> TextThread:
    """A thread of an ente for which this user may read; whoever may not learns nothing of whether there is one.

    One of which the ente is not known is read by who may for all enti of its contract.
    """
    by.require(Permission.RECORDING_LISTEN)
    row = session.get(TextThread, thread_id, populate_existing=True)
    if row is None or by.kept_from & _enti(session, row):
        raise NotFoundError("Questa conversazione non esiste.")
    return row


def begin(session: Session, by: Principal, *, thread_id: UUID, reason: str) -> None:
    """Somebody wants to read what was written, and says why: it is noted, and he may for a while.

    Raises `FieldError`.
    """
    row = thread(session, by, thread_id=thread_id)
    why = reason_given("Scrivi perché leggi: lo vede chi controlla gli accessi.", reason)
    session.execute(
        insert(TextReading).values(
            thread_id=row.id, contract_id=row.contract_id, ente_id=row.ente_id, user_id=by.user_id, reason=why,
            began_at=clock.now(session),
        )
    )  # fmt: skip
    for ente_id in sorted(_enti(session, row)):
        audit.note(
            session, by, kind="text.read", ente_id=ente_id, contact_id=row.contact_id, subject=f"text:{row.id}",
            reason=why,
        )  # fmt: skip


def reason_of(session: Session, by: Principal, *, thread_id: UUID) -> str | None:
    """Why somebody may read a thread now; none: he has to say why first."""
    lately = _READING.c.began_at > clock.now(session) - READS_FOR
    said = select(_READING.c.reason).where(
        _READING.c.thread_id == thread_id, _READING.c.user_id == by.user_id, lately
    )  # fmt: skip
    return session.scalars(said.order_by(_READING.c.began_at.desc()).limit(1)).one_or_none()


def readings(session: Session, thread_id: UUID) -> list[tuple[int, datetime, str]]:
    """Who read a thread, when and why, the last one first."""
    rows = select(_READING.c.user_id, _READING.c.began_at, _READING.c.reason).where(_READING.c.thread_id == thread_id)
    return [(user, at, why) for user, at, why in session.execute(rows.order_by(_READING.c.began_at.desc()))]


def _enti(session: Session, row: TextThread) -> frozenset[int]:
    return frozenset({row.ente_id}) if row.ente_id is not None else enti.enti_of(session, row.contract_id)

"""Writing to the agents, and their saying that they have read it."""

from datetime import datetime, timedelta

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.audit import service as audit
from crm.core import clock, topics
from crm.core.db import touch
from crm.core.errors import ConflictError, FieldError, NotFoundError
from crm.enti.queries import enti_of
from telephony.broadcasts.models import Broadcast, BroadcastReader
from telephony.queues.models import Queue, QueueMember

LONGEST = 280
SHOWN_FOR = timedelta(hours=12)  # a shift: what is older nobody needs to read


def send(session: Session, by: Principal, *, contract_id: int, words: str, queue_id: int | None = None) -> int:
    """Write to the agents of a contract, or of one of its queues; the broadcast's id.

    Raises `FieldError` for words that are none or too many, `ConflictError` when nobody answers there.
    """
    by.require(Permission.AGENT_OVERSEE, contract_id=contract_id)
    words = " ".join(words.split())
    if not 0 < len(words) <= LONGEST:
        raise FieldError("Scrivi il messaggio, in 280 caratteri al massimo.", field="words")
    open_here = Queue.contract_id == contract_id, Queue.closed_at.is_(None)
    found = dict(session.execute(select(Queue.id, Queue.name).where(*open_here)).all())
    if queue_id is not None and queue_id not in found:
        raise NotFoundError("Questa coda non esiste.")
    of = QueueMember.queue_id == queue_id if queue_id is not None else QueueMember.queue_id.in_(found)
    readers = sorted(session.scalars(select(QueueMember.agent_id).where(of).distinct()))
    if not readers:
        raise ConflictError("Qui non risponde nessuno: non c'è a chi scrivere.")
    at = clock.now(session)
    row = Broadcast(
        contract_id=contract_id, queue_id=queue_id, words=words, by_id=by.user_id, at=at, until=at + SHOWN_FOR
    )
    session.add(row)
    session.flush()
    session.execute(insert(BroadcastReader), [{"broadcast_id": row.id, "agent_id": one} for one in readers])
    told = {"words": words, "agents": len(readers), "queue": found.get(queue_id, "") if queue_id else ""}
    for ente_id in sorted(enti_of(session, contract_id)):
        audit.note(session, by, kind="broadcast.sent", ente_id=ente_id, subject=f"broadcast:{row.id}", after=told)
    touch(session, topics.broadcasts(contract_id), *(topics.agent(one) for one in readers))
    return row.id


def withdraw(session: Session, by: Principal, *, broadcast_id: int) -> None:
    """Show it no more; twice is once. Who has read it has read it."""
    row = session.get(Broadcast, broadcast_id, with_for_update=True, populate_existing=True)
    if row is None or not by.can(Permission.AGENT_OVERSEE, contract_id=row.contract_id):
        raise NotFoundError("Questo messaggio non esiste.")
    if row.withdrawn_at is not None:
        return
    row.withdrawn_at = clock.now(session)
    session.flush()
    for ente_id in sorted(enti_of(session, row.contract_id)):
        audit.note(session, by, kind="broadcast.withdrawn", ente_id=ente_id, subject=f"broadcast:{row.id}")
    readers = session.scalars(select(BroadcastReader.agent_id).where(BroadcastReader.broadcast_id == broadcast_id))
    touch(session, topics.broadcasts(row.contract_id), *(topics.agent(one) for one in readers))


def seen(session: Session, by: Principal, *, broadcast_id: int) -> None:
    """It stands on his screen. The first time counts."""
    _mark(session, by, broadcast_id, seen_at=clock.now(session))


def read(session: Session, by: Principal, *, broadcast_id: int) -> None:
    """He says that he has read it. The first time counts. Raises `NotFoundError` for what was not meant for him."""
    at = clock.now(session)
    _mark(session, by, broadcast_id, seen_at=at)
    if _mark(session, by, broadcast_id, read_at=at):
        touch(session, topics.agent(by.user_id))


def _mark(session: Session, by: Principal, broadcast_id: int, **when: datetime) -> bool:
    """Write an instant that is not known yet; whether it was not."""
    (name,) = when
    mine = BroadcastReader.broadcast_id == broadcast_id, BroadcastReader.agent_id == by.user_id
    contract_id = session.scalar(
        select(Broadcast.contract_id).join(BroadcastReader, BroadcastReader.broadcast_id == Broadcast.id).where(*mine)
    )
    if contract_id is None:
        raise NotFoundError("Questo messaggio non esiste.")
    marked = session.execute(
        update(BroadcastReader)
        .where(*mine, getattr(BroadcastReader, name).is_(None))
        .values(**when)
        .returning(BroadcastReader.agent_id)
    ).first()
    if marked is not None:
        touch(session, topics.broadcasts(contract_id))
    return marked is not None

"""What a thread leaves on the timeline of the contact it is about: one entry, without the words."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.core.db import table_of
from crm.timeline import service as timeline
from crm.timeline.models import EntryKind
from telephony.calls.choices import Disposition
from telephony.texts import reading
from telephony.texts.models import TextEvent, TextThread, ThreadState

IN_PROGRESS = "in_progress"
IDENTIFIED, RETRACTED = "Identified", "IdentificationRetracted"
_THREAD, _EVENT = table_of(TextThread), table_of(TextEvent)


def tell(session: Session, thread_id: UUID) -> None:
    """Put a thread on its contact's timeline as it stands now; nothing while nobody knows whose it is."""
    row = session.execute(select(*_THREAD.c).where(_THREAD.c.id == thread_id)).one()
    if row.ente_id is None or row.contact_id is None:
        return
    days = reading.days(session, thread_id)
    over = row.state is ThreadState.CLOSED
    timeline.record(
        session, ente_id=row.ente_id, contact_id=row.contact_id, kind=EntryKind.TEXT, source=row.id,
        occurred_at=row.begun_at, author_id=row.agent_id, status=row.closed.value if over else IN_PROGRESS,
        detail={
            "identified": was_identified(session, thread_id, row.contact_id),
            "received": sum(one.received for one in days), "sent": sum(one.sent for one in days),
            "days": [[one.day.isoformat(), one.received, one.sent] for one in days],
            "waited_ms": row.waited_ms, "topic": row.topic, "disposition": row.disposition,
            "note": row.note if over and row.disposition != Disposition.WRONG_PERSON else "",
        },
    )  # fmt: skip


def withdraw(session: Session, *, ente_id: int | None, contact_id: int | None, thread_id: UUID) -> None:
    """Take a thread off the timeline of the contact it seemed to be about."""
    if ente_id is not None and contact_id is not None:
        timeline.withdraw(session, ente_id=ente_id, contact_id=contact_id, kind=EntryKind.TEXT, source=thread_id)


def was_identified(session: Session, thread_id: UUID, contact_id: int) -> bool:
    """Whether an agent established in this thread that it is this contact's, and nobody took that back."""
    last = session.execute(
        select(_EVENT.c.kind)
        .where(
            _EVENT.c.thread_id == thread_id, _EVENT.c.kind.in_((IDENTIFIED, RETRACTED)),
            _EVENT.c.detail["contact"].astext == str(contact_id),
        )
        .order_by(_EVENT.c.id.desc())
        .limit(1)
    ).scalar_one_or_none()  # fmt: skip
    return last == IDENTIFIED

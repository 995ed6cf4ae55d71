"""Writing the timeline."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from crm.core import topics
from crm.core.db import touch
from crm.timeline.models import EntryKind, TimelineEntry


def record(
    session: Session, *, ente_id: int, contact_id: int, kind: EntryKind, source: UUID, occurred_at: datetime,
    author_id: int | None, status: str, detail: dict[str, Any],
) -> None:  # fmt: skip
    """Put something on a contact's timeline, or bring it up to date when it is there already."""
    values = {"author_id": author_id, "status": status, "detail": detail}
    statement = insert(TimelineEntry).values(
        ente_id=ente_id, contact_id=contact_id, kind=kind, source=source, occurred_at=occurred_at, **values
    )
    session.execute(
        statement.on_conflict_do_update(index_elements=["ente_id", "contact_id", "kind", "source"], set_=values)
    )
    touch(session, topics.contact(contact_id))


def withdraw(session: Session, *, ente_id: int, contact_id: int, kind: EntryKind, source: UUID) -> None:
    """Take something off a contact's timeline: it turned out to be about somebody else."""
    session.execute(
        delete(TimelineEntry).where(
            TimelineEntry.ente_id == ente_id, TimelineEntry.contact_id == contact_id, TimelineEntry.kind == kind,
            TimelineEntry.source == source,
        )
    )  # fmt: skip
    touch(session, topics.contact(contact_id))

"""Writing the timeline."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from crm.core import topics
from crm.core.db import table_of, touch
from crm.timeline.models import EntryKind, TimelineEntry

_ADD = insert(table_of(TimelineEntry))
_RECORD = _ADD.on_conflict_do_update(
    index_elements=["ente_id", "contact_id", "kind", "source"],
    set_={name: _ADD.excluded[name] for name in ("author_id", "status", "detail")},
)


def record(
    session: Session, *, ente_id: int, contact_id: int, kind: EntryKind, source: UUID, occurred_at: datetime,
    author_id: int | None, status: str, detail: dict[str, Any],
) -> None:  # fmt: skip
    """Put something on a contact's timeline, or bring it up to date when it is there already."""
    session.execute(
        _RECORD,
        {
            "ente_id": ente_id, "contact_id": contact_id, "kind": kind, "source": source, "occurred_at": occurred_at,
            "author_id": author_id, "status": status, "detail": detail,
        },
    )  # fmt: skip
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

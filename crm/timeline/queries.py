"""Reading the timeline."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.access.models import User
from crm.timeline.models import TimelineEntry


def of_contacts(
    session: Session, contact_ids: Sequence[int], *, limit: int = 50
) -> list[tuple[TimelineEntry, str | None]]:
    """The latest entries of these contacts, newest first, each with its author's name."""
    rows = session.execute(
        select(TimelineEntry, User.name)
        .outerjoin(User, User.id == TimelineEntry.author_id)
        .where(TimelineEntry.contact_id.in_(contact_ids))
        .order_by(TimelineEntry.occurred_at.desc(), TimelineEntry.id.desc())
        .limit(limit)
    )
    return [(entry, author) for entry, author in rows]

"""Contacts by what happened with them, as SQL, for whoever selects among a million: nothing here reads a row."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.dialects.postgresql import distinct_on

from crm.core.db import table_of
from crm.timeline.models import EntryKind, TimelineEntry

_E = table_of(TimelineEntry)
# What is somebody's being in touch with us, or we with him: not what was noted about him alone.
IN_TOUCH = (
    EntryKind.CALL, EntryKind.TEXT, EntryKind.MESSAGE, EntryKind.APPOINTMENT, EntryKind.VISIT, EntryKind.LETTER
)  # fmt: skip


def in_touch_since(ente_id: int, since: datetime) -> Select[int]:
    """The contacts of an ente with whom something happened from then on."""
    return select(_E.c.contact_id).where(
        _E.c.ente_id == ente_id, _E.c.kind.in_(IN_TOUCH), _E.c.occurred_at >= since
    )  # fmt: skip


def last_conversation_ended(ente_id: int, outcomes: Collection[str]) -> Select[int]:
    """The contacts of an ente whose last conversation that was written up ended in one of these ways."""
    outcome = _E.c.detail["disposition"].astext
    last = (
        select(_E.c.contact_id, outcome.label("outcome"))
        .where(_E.c.ente_id == ente_id, _E.c.kind == EntryKind.CALL, outcome.is_not(None), outcome != "")
        .ext(distinct_on(_E.c.contact_id))
        .order_by(_E.c.contact_id, _E.c.occurred_at.desc(), _E.c.id.desc())
        .subquery()
    )
    return select(last.c.contact_id).where(last.c.outcome.in_(outcomes))

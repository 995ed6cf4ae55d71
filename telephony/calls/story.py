"""What a call leaves on the timeline of the contact it is about."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, select
from sqlalchemy.orm import Session

from crm.core.db import table_of
from crm.timeline import service as timeline
from crm.timeline.models import EntryKind
from telephony.calls.models import Call, Outcome, Phase

IN_PROGRESS = "in_progress"
_CALL = table_of(Call)
_READ = select(*_CALL.c).where(_CALL.c.id == bindparam("call"))


def tell(session: Session, call_id: UUID) -> None:
    """Put a call on its contact's timeline as it stands now; nothing while nobody knows whose it is."""
    call = session.execute(_READ, {"call": call_id}).one()
    if call.ente_id is None or call.contact_id is None:
        return
    timeline.record(
        session, ente_id=call.ente_id, contact_id=call.contact_id, kind=EntryKind.CALL, source=call.id,
        occurred_at=call.arrived_at, author_id=call.agent_id, status=_status(call),
        detail={
            "identified": call.identified_at is not None,
            "waited_ms": call.waited_ms,
            "talked_s": _talked_s(call),
            "topic": call.topic,
            "disposition": call.disposition,
            "note": call.note if call.wrapped_up_at else "",
        },
    )  # fmt: skip


def withdraw(session: Session, call: Call) -> None:
    """Take a call off the timeline of the contact it seemed to be about."""
    if call.ente_id is not None and call.contact_id is not None:
        timeline.withdraw(
            session, ente_id=call.ente_id, contact_id=call.contact_id, kind=EntryKind.CALL, source=call.id
        )


def _status(call: Row[*tuple[Any, ...]]) -> str:
    if call.phase is not Phase.ENDED:
        return IN_PROGRESS
    outcome: Outcome = call.outcome or Outcome.LEFT_IVR
    return outcome.value


def _talked_s(call: Row[*tuple[Any, ...]]) -> int | None:
    if call.answered_at is None or call.ended_at is None:
        return None
    talked: timedelta = call.ended_at - call.answered_at
    return max(0, round(talked.total_seconds()))

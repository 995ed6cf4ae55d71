"""Reading the calls that are under way."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from telephony.calls.models import Call, Phase


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A call that has not ended: where it is, and since when it waits or talks. It names no agent."""

    id: UUID
    line: str
    queue_id: int | None
    phase: Phase
    arrived_at: datetime
    waiting_since: datetime | None
    answered_at: datetime | None
    contact_id: int | None  # once he is identified
    topic: str | None


def under_way(session: Session, ente_id: int) -> list[UnderWay]:
    """The calls about an ente that have not ended, the oldest first."""
    rows = session.scalars(
        select(Call)
        .where(Call.ente_id == ente_id, Call.phase != Phase.ENDED)
        .order_by(Call.arrived_at, Call.id)
        .execution_options(populate_existing=True)
    )
    return [
        UnderWay(
            call.id, call.line, call.queue_id, call.phase, call.arrived_at, call.waiting_since, call.answered_at,
            call.contact_id if call.identified_at else None, call.topic,
        )
        for call in rows
    ]  # fmt: skip

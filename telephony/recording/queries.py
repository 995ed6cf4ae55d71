"""What an ente wants recorded, and what there is of a call."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.core.configuration import kept
from telephony.calls.models import CallEvent
from telephony.calls.recorded import PAUSED, RESUMED
from telephony.recording.models import Purpose, Recording, RecordingSetting


@dataclass(frozen=True, slots=True)
class Setting:
    """What an ente wants recorded."""

    is_on: bool = False
    purpose: Purpose = Purpose.QUALITY
    workers: str = ""
    share: int = 100
    keep_days: int = 90
    pause_s: int = 120


OFF = Setting()


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What an agent left out of a recording. Without an end he still does."""

    since: datetime
    until: datetime | None

    @property
    def lasted(self) -> timedelta:
        return (self.until or self.since) - self.since


@kept
def setting(session: Session, ente_id: int) -> Setting:
    """What an ente wants; nothing where nobody said."""
    row = session.execute(
        select(*(getattr(RecordingSetting, name) for name in Setting.__dataclass_fields__)).where(
            RecordingSetting.ente_id == ente_id
        )
    ).one_or_none()
    return OFF if row is None else Setting(*row)


def purpose_of(session: Session, *, ente_id: int | None, call_id: UUID) -> Purpose | None:
    """For what the caller of this call is asked whether it may be recorded; none: he is not asked."""
    wants = OFF if ente_id is None else setting(session, ente_id)
    return wants.purpose if wants.is_on and is_drawn(call_id, wants.share) else None


def is_drawn(call_id: UUID, share: int) -> bool:
    """Whether a call is among so many of a hundred; the same whenever it is asked."""
    return call_id.int % 100 < share


def of_call(session: Session, call_id: UUID) -> list[Recording]:
    """The recordings of a call, also those that are gone, the first one first."""
    rows = select(Recording).where(Recording.call_id == call_id).order_by(Recording.began_at, Recording.id)
    return list(session.scalars(rows.execution_options(populate_existing=True)))


def left_out(session: Session, call_id: UUID) -> list[LeftOut]:
    """What agents left out of it, in order."""
    rows = session.execute(
        select(CallEvent.kind, CallEvent.occurred_at)
        .where(CallEvent.call_id == call_id, CallEvent.kind.in_((PAUSED, RESUMED)))
        .order_by(CallEvent.id)
    )
    return _spans((row.kind, row.occurred_at) for row in rows)


def _spans(events: Iterable[tuple[str, datetime]]) -> list[LeftOut]:
    spans: list[LeftOut] = []
    since: datetime | None = None
    for kind, at in events:
        if kind == PAUSED:
            since = since or at  # asked for longer, it is one pause
        elif since is not None:
            spans.append(LeftOut(since, at))
            since = None
    return [*spans, LeftOut(since, None)] if since is not None else spans

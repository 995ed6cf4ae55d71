"""What an ente wants recorded, and what there is of a call."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm.core.configuration import kept
from crm.enti import queries as enti
from telephony.calls.models import Call, CallEvent, Consent
from telephony.calls.recorded import PAUSED, RESUMED
from telephony.recording.models import Purpose, Recording, RecordingListening, RecordingSetting


@dataclass(frozen=True, slots=True)
class Setting:
    """What an ente wants recorded."""

    is_on: bool = False
    purpose: Purpose = Purpose.QUALITY
    workers: str = ""
    share: int = 100
    keep_days: int = 90
    pause_s: int = 120
    voicemail_days: int = 30  # also where nothing is recorded


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


def voicemail_days(session: Session, *, ente_id: int | None, contract_id: int) -> int:
    """For how many days a message left for an ente is kept; not known for which, as its contract's strictest says."""
    enti_ids = (ente_id,) if ente_id is not None else enti.enti_of(session, contract_id)
    return min((setting(session, one).voicemail_days for one in enti_ids), default=OFF.voicemail_days)


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


# -- to be listened to --------------------------------------------------------------------------------------------

SHOWN = 100


@dataclass(frozen=True, slots=True)
class Listed:
    """A recorded conversation in the list."""

    call_id: UUID
    contract_id: int
    ente_id: int
    agent_id: int | None
    began_at: datetime
    seconds: int
    there: bool
    held: bool


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation whose caller was asked: what there is of it, what was left out, and who listened."""

    contract_id: int
    ente_id: int
    agent_id: int | None
    arrived_at: datetime
    consent: Consent | None
    caller_identified: bool
    parts: tuple[Recording, ...]
    left_out: tuple[LeftOut, ...]
    listened: tuple[tuple[int, datetime, str], ...]  # who, when, why

    @property
    def playable(self) -> tuple[Recording, ...]:
        return tuple(one for one in self.parts if one.sha256 is not None)

    @property
    def arriving(self) -> bool:
        """Whether there will be something to hear."""
        return any(one.sha256 is None and one.deleted_at is None for one in self.parts)

    @property
    def held_because(self) -> str:
        return next((one.held_because for one in self.parts if one.held_at is not None), "")


def latest(session: Session, *, kept_from: Collection[int] = ()) -> list[Listed]:
    """The latest recorded conversations in the scope, the newest first; parts of one together."""
    one = (
        select(Recording)
        .where(Recording.ente_id.is_not(None), Recording.ente_id.not_in(kept_from), Recording.kept_under.is_not(None))
        .order_by(Recording.began_at.desc())
        .limit(SHOWN)
        .subquery()
    )
    began_at = func.min(one.c.began_at).label("began_at")
    rows = session.execute(
        select(
            one.c.call_id, Call.contract_id, one.c.ente_id, Call.agent_id, began_at,
            func.sum(one.c.seconds).label("seconds"),
            func.bool_or(one.c.sha256.is_not(None)).label("there"),
            func.bool_or(one.c.held_at.is_not(None)).label("held"),
        )
        .join(Call, Call.id == one.c.call_id)
        .group_by(one.c.call_id, Call.contract_id, one.c.ente_id, Call.agent_id)
        .order_by(began_at.desc())
    )  # fmt: skip
    return [
        Listed(
            row.call_id, row.contract_id, row.ente_id, row.agent_id, row.began_at, int(row.seconds), row.there, row.held
        )
        for row in rows
    ]  # fmt: skip


def conversation(session: Session, call_id: UUID) -> Conversation:
    """All that is told of one, to whoever may listen to it."""
    call = session.get_one(Call, call_id, populate_existing=True)
    assert call.ente_id is not None
    heard = session.execute(
        select(RecordingListening.user_id, RecordingListening.began_at, RecordingListening.reason)
        .where(RecordingListening.call_id == call_id)
        .order_by(RecordingListening.began_at.desc())
    )
    return Conversation(
        call.contract_id, call.ente_id, call.agent_id, call.arrived_at, call.consent, call.identified_at is not None,
        tuple(of_call(session, call_id)), tuple(left_out(session, call_id)),
        tuple((user, at, why) for user, at, why in heard),
    )  # fmt: skip

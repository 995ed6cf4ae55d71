"""Recordings: what the carrier tells of them, who listens and why, which are kept for longer."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.audit import service as audit
from crm.core import clock
from crm.core.db import new_id, table_of
from crm.core.errors import ConflictError, FieldError, ForbiddenError, NotFoundError
from crm.core.reasons import reason_given
from crm.monitoring import queries as monitoring
from crm.monitoring.lock import Use
from telephony.calls import service as calls
from telephony.calls.models import Call
from telephony.calls.service import Heard
from telephony.recording import queries
from telephony.recording.models import HeardFor, Recording, RecordingListening
from telephony.sounds import sealing
from telephony.sounds.models import Gone
from telephony.sounds.sealing import Sealed

LISTENS_FOR = timedelta(minutes=30)  # after saying why
NOT_HERE = "Questa registrazione non c'è."
_RECORDING = table_of(Recording)


@dataclass(frozen=True, slots=True)
class Told:
    """What the carrier tells of a recording, once or twice, in whatever order."""

    sid: str
    began_at: datetime
    seconds: int = 0
    ready: bool = False
    absent: bool = False


def heard(session: Session, call_id: UUID, told: Told) -> None:
    """The carrier has begun a recording, or it can be fetched, or there is nothing in it."""
    call = session.execute(select(Call.contract_id, Call.ente_id).where(Call.id == call_id)).one()
    wants = queries.OFF if call.ente_id is None else queries.setting(session, call.ente_id)
    at, id_ = clock.now(session), new_id(session)
    session.execute(
        upsert(_RECORDING)
        .values(
            id=id_, call_id=call_id, contract_id=call.contract_id, ente_id=call.ente_id, carrier_sid=told.sid,
            began_at=told.began_at, seconds=0, at_carrier=True, held_because="", key=sealing.new_key(session, id_),
            keep_until=told.began_at + timedelta(days=wants.keep_days),
        )
        .on_conflict_do_nothing(index_elements=["carrier_sid"])
    )  # fmt: skip
    this = update(_RECORDING).where(_RECORDING.c.carrier_sid == told.sid, _RECORDING.c.deleted_at.is_(None))
    if told.ready:
        session.execute(this.where(_RECORDING.c.ready_at.is_(None)).values(ready_at=at, seconds=told.seconds))
    elif told.absent:
        session.execute(this.values(deleted_at=at, gone=Gone.ABSENT, key=None, at_carrier=False))


# -- listening --------------------------------------------------------------------------------------------------


def begin(session: Session, by: Principal, *, call_id: UUID, heard_for: HeardFor | None, reason: str) -> None:
    """Somebody wants to listen, and says what for and why: it is noted, and he may for a while.

    Raises `FieldError`, and `LockedError` where he would judge the work and no agreement allows it.
    """
    call = _call(session, by, call_id)
    if heard_for is None:
        raise FieldError("Scegli per che cosa ascolti.", "heard_for")
    if heard_for is HeardFor.WORK:
        monitoring.require(session, Use.RECORDINGS, contract_id=call.contract_id, agent_id=call.agent_id)
    said = reason_given("Scrivi perché ascolti: lo legge chi controlla gli accessi.", reason)
    if not any(one.sha256 for one in queries.of_call(session, call_id)):
        raise ConflictError("Non c'è niente da ascoltare.")
    at = clock.now(session)
    session.execute(
        insert(RecordingListening).values(
            call_id=call_id, ente_id=call.ente_id, user_id=by.user_id, reason=said, began_at=at, heard_for=heard_for
        )
    )
    audit.note(
        session, by, kind="recording.heard", ente_id=call.ente_id, contact_id=call.contact_id, call_id=call_id,
        reason=said, after={"heard_for": heard_for.value},
    )  # fmt: skip
    detail = (("by", str(by.user_id)),)
    calls.note(
        session, call_id, "RecordingHeard", Heard(f"recording-heard:{by.user_id}:{at.isoformat()}", at, detail=detail)
    )


def listening(session: Session, by: Principal, *, call_id: UUID) -> RecordingListening | None:
    """Since when, and why, somebody may listen to the recording of a call; none: he has to say why first.

    Raises `NotFoundError` for a call that is none of his.
    """
    call = _call(session, by, call_id)
    rows = (
        select(RecordingListening)
        .where(
            RecordingListening.call_id == call_id, RecordingListening.user_id == by.user_id,
            RecordingListening.began_at > clock.now(session) - LISTENS_FOR,
        )
        .order_by(RecordingListening.began_at.desc())
        .limit(1)
    )  # fmt: skip
    found = session.scalars(rows).one_or_none()
    if found is None or found.heard_for is not HeardFor.WORK:
        return found
    why = monitoring.lock(session, Use.RECORDINGS, contract_id=call.contract_id, agent_id=call.agent_id)
    return found if why is None else None  # the agreement was withdrawn meanwhile


def sound(session: Session, by: Principal, *, call_id: UUID, recording_id: UUID, saves: bool = False) -> Sealed:
    """A recording is about to be heard, or (`saves`) taken away, which is noted too. Raises `ForbiddenError` without a
    reason said lately, `NotFoundError` once it is gone.
    """
    if saves:
        by.require(Permission.RECORDING_SAVE)
    said = listening(session, by, call_id=call_id)
    if said is None:
        raise ForbiddenError("Prima scrivi perché ascolti.")
    found = sealed(session, call_id=call_id, recording_id=recording_id)
    if saves:
        call = _call(session, by, call_id)
        audit.note(
            session, by, kind="recording.saved", ente_id=call.ente_id, contact_id=call.contact_id, call_id=call_id,
            reason=said.reason,
        )  # fmt: skip
    return found


def sealed(session: Session, *, call_id: UUID, recording_id: UUID) -> Sealed:
    """What is needed to hear a recording, for whoever was found entitled. Raises `NotFoundError` once it is gone."""
    found = session.get(Recording, recording_id, populate_existing=True)
    if found is None or found.call_id != call_id or found.sha256 is None or found.key is None:
        raise NotFoundError(NOT_HERE)
    return Sealed(found.id, found.kept_under or 0, found.sha256, sealing.opened(session, found.id, found.key))


def hold(session: Session, by: Principal, *, call_id: UUID, because: str) -> None:
    """The recording of a call is needed, such as for a complaint: it is not deleted meanwhile. Raises `FieldError`."""
    call = _call(session, by, call_id)
    said = reason_given("Scrivi per che cosa serve, per esempio il numero del reclamo.", because, "because")
    kept = update(_RECORDING).where(_RECORDING.c.call_id == call_id, _RECORDING.c.deleted_at.is_(None))
    changed = kept.values(held_because=said, held_by=by.user_id, held_at=clock.now(session))
    if not list(session.scalars(changed.returning(_RECORDING.c.id))):
        raise ConflictError("Non c'è più niente da trattenere.")
    audit.note(
        session, by, kind="recording.held", ente_id=call.ente_id, contact_id=call.contact_id, call_id=call_id,
        reason=said,
    )  # fmt: skip


def release(session: Session, by: Principal, *, call_id: UUID) -> None:
    """It is needed no longer: it goes when its time is over. Asked twice, it is done once."""
    call = _call(session, by, call_id)
    held = update(_RECORDING).where(_RECORDING.c.call_id == call_id, _RECORDING.c.held_at.is_not(None))
    released = held.values(held_because="", held_by=None, held_at=None).returning(_RECORDING.c.id)
    if list(session.scalars(released)):
        audit.note(
            session, by, kind="recording.released", ente_id=call.ente_id, contact_id=call.contact_id, call_id=call_id
        )  # fmt: skip


def _call(session: Session, by: Principal, call_id: UUID) -> Call:
    """A call of an ente for which this user may listen; whoever may not learns nothing of whether there is one."""
    by.require(Permission.RECORDING_LISTEN)
    call = session.get(Call, call_id, populate_existing=True)
    if call is None or call.ente_id is None or call.ente_id in by.kept_from:
        raise NotFoundError(NOT_HERE)
    return call

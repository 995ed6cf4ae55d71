"""Messages: that one was left, and that whoever calls back listens to it."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.audit import service as audit
from crm.core import clock, topics
from crm.core.db import table_of, touch
from crm.core.errors import ConflictError, NotFoundError
from crm.enti.queries import enti_of
from telephony.calls import conversation, service
from telephony.calls.models import Call
from telephony.calls.service import Heard
from telephony.recording import queries as recording
from telephony.sounds import sealing
from telephony.sounds.sealing import Sealed
from telephony.voicemail.models import Voicemail

SHORTEST_S = 1  # what is shorter is nothing but the tone
HEARD = "MessageHeard"
_VOICEMAIL = table_of(Voicemail)


def left(session: Session, call_id: UUID, *, recording_sid: str, seconds: int) -> bool:
    """The carrier has recorded a message; told twice, it is one. False: there was nothing to hear."""
    if seconds < SHORTEST_S:
        return False
    call = session.execute(select(Call.contract_id, Call.ente_id).where(Call.id == call_id)).one()
    at = clock.now(session)
    days = recording.voicemail_days(session, ente_id=call.ente_id, contract_id=call.contract_id)
    session.execute(
        insert(Voicemail)
        .values(
            call_id=call_id, contract_id=call.contract_id, ente_id=call.ente_id, carrier_sid=recording_sid,
            seconds=seconds, left_at=at, keep_until=at + timedelta(days=days), at_carrier=True,
            key=sealing.new_key(session, call_id),
        )
        .on_conflict_do_nothing()
    )  # fmt: skip
    service.note(session, call_id, "MessageLeft", Heard(f"message:{recording_sid}", at))
    return True


def of_call(session: Session, call_id: UUID) -> Voicemail | None:
    """The message left in a call, until it is deleted."""
    found = session.get(Voicemail, call_id, populate_existing=True)
    return found if found is not None and found.deleted_at is None else None


def listen(session: Session, by: Principal, *, call_id: UUID) -> Sealed:
    """The agent hears the message of the call he is busy with; noted, each time. Raises `ConflictError`."""
    by.require(Permission.CALLS_ANSWER)
    call = conversation.current_call(session, by.user_id)
    if call is None or call.id != call_id:
        raise ConflictError("Si ascolta il messaggio della chiamata che hai in mano.")
    found = of_call(session, call_id)
    if found is None:
        raise NotFoundError("Questo messaggio non c'è più.")
    if found.sha256 is None or found.key is None:
        raise ConflictError("Il messaggio sta arrivando: riprova tra qualche secondo.")
    at = clock.now(session)
    detail = (("agent", str(by.user_id)),)
    service.note(session, call_id, HEARD, Heard(f"message-heard:{by.user_id}:{at.isoformat()}", at, detail=detail))
    for ente_id in sorted({call.ente_id} if call.ente_id is not None else enti_of(session, call.contract_id)):
        audit.note(session, by, kind="voicemail.heard", ente_id=ente_id, contact_id=call.contact_id, call_id=call_id)
    return Sealed(call_id, found.kept_under or 0, found.sha256, sealing.opened(session, call_id, found.key))


def arrived(session: Session, call_id: UUID) -> None:
    """Something of the sound has changed: whoever has the call sees whether he can listen."""
    agent_id = session.execute(select(Call.agent_id).where(Call.id == call_id)).scalar_one_or_none()
    if agent_id is not None:
        touch(session, topics.agent(agent_id))


def keep_for(session: Session, *, ente_id: int, days: int) -> None:
    """What was left for an ente is kept for no longer than so many days."""
    sooner = func.least(_VOICEMAIL.c.keep_until, _VOICEMAIL.c.left_at + timedelta(days=days))
    there = _VOICEMAIL.c.ente_id == ente_id, _VOICEMAIL.c.deleted_at.is_(None)
    session.execute(update(_VOICEMAIL).where(*there).values(keep_until=sooner))

"""Messages: that one was left, and that whoever calls back listens to it."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.audit import service as audit
from crm.core import clock, topics
from crm.core.db import touch
from crm.core.errors import ConflictError, NotFoundError
from telephony.calls import conversation, service
from telephony.calls.models import Call
from telephony.calls.service import Heard
from telephony.voicemail.models import Voicemail

KEPT_FOR = timedelta(days=30)
SHORTEST_S = 1  # what is shorter is nothing but the tone
HEARD = "MessageHeard"


def left(session: Session, call_id: UUID, *, recording_sid: str, seconds: int) -> bool:
    """The carrier has recorded a message; told twice, it is one. False: there was nothing to hear."""
    if seconds < SHORTEST_S:
        return False
    call = session.execute(select(Call.contract_id, Call.ente_id).where(Call.id == call_id)).one()
    at = clock.now(session)
    session.execute(
        insert(Voicemail)
        .values(
            call_id=call_id, contract_id=call.contract_id, ente_id=call.ente_id, recording_sid=recording_sid,
            seconds=seconds, left_at=at, keep_until=at + KEPT_FOR,
        )
        .on_conflict_do_nothing()
    )  # fmt: skip
    service.note(session, call_id, "MessageLeft", Heard(f"message:{recording_sid}", at))
    return True


def of_call(session: Session, call_id: UUID) -> Voicemail | None:
    """The message left in a call, until it is deleted."""
    found = session.get(Voicemail, call_id, populate_existing=True)
    return found if found is not None and found.deleted_at is None else None


def listen(session: Session, by: Principal, *, call_id: UUID) -> Voicemail:
    """The agent hears the message of the call he is busy with; noted, each time. Raises `ConflictError`."""
    by.require(Permission.CALLS_ANSWER)
    call = conversation.current_call(session, by.user_id)
    if call is None or call.id != call_id:
        raise ConflictError("Si ascolta il messaggio della chiamata che hai in mano.")
    found = of_call(session, call_id)
    if found is None:
        raise NotFoundError("Questo messaggio non c'è più.")
    if found.sha256 is None:
        raise ConflictError("Il messaggio sta arrivando: riprova tra qualche secondo.")
    at = clock.now(session)
    detail = (("agent", str(by.user_id)),)
    service.note(session, call_id, HEARD, Heard(f"message-heard:{by.user_id}:{at.isoformat()}", at, detail=detail))
    if call.ente_id is not None:
        audit.note(
            session, by, kind="voicemail.heard", ente_id=call.ente_id, contact_id=call.contact_id, call_id=call_id
        )  # fmt: skip
    return found


def arrived(session: Session, call_id: UUID) -> None:
    """The sound is here: whoever has the call sees that he can listen."""
    agent_id = session.execute(select(Call.agent_id).where(Call.id == call_id)).scalar_one_or_none()
    if agent_id is not None:
        touch(session, topics.agent(agent_id))

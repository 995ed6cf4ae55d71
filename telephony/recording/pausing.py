"""What an agent does about the recording of his conversation: leave something out, go on, give it up."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from crm.access.permissions import Principal
from crm.core import clock
from crm.core.errors import ConflictError
from telephony.calls import recorded, service
from telephony.calls.conversation import own_call
from telephony.calls.models import Consent, Phase
from telephony.commands import service as commands
from telephony.floor.current import floor
from telephony.floor.port import CallRow
from telephony.recording import queries


def pause(session: Session, by: Principal, *, call_id: UUID) -> None:
    """Leave out what is said next, such as the number of a card or a matter of health. Asked again, for longer."""
    call = _recorded(session, by, call_id)
    at = clock.now(session)
    until = at + timedelta(seconds=queries.setting(session, call.ente_id).pause_s)
    floor(session).write_call(call.id, unrecorded_until=until)
    commands.arm_resume(session, call_id=call.id, contract_id=call.contract_id, due_at=until)
    recorded.note(session, call, recorded.PAUSED, at, {"agent": str(by.user_id), "until": until.isoformat()})
    if call.unrecorded_until is None:
        recorded.order(session, call.id)
    recorded.announce(session, call)


def go_on(session: Session, by: Principal, *, call_id: UUID) -> None:
    """Record again. Asked twice, it is done once."""
    call = _recorded(session, by, call_id)
    if call.unrecorded_until is not None:
        _go_on(session, call, why="agent")


def withdraw(session: Session, by: Principal, *, call_id: UUID) -> None:
    """The caller would rather not after all: nothing of this conversation is kept."""
    call = _recorded(session, by, call_id)
    recorded.void(session, call, to=Consent.WITHDRAWN, why="caller")


def agree(session: Session, by: Principal, *, call_id: UUID, agrees: bool) -> bool:
    """The person says in the conversation itself whether it may be recorded, where nobody asked before; whether it is.

    Where the ente has nothing recorded it is not. Who takes it back withdraws. Raises `ConflictError` as `own_call`.
    """
    call = own_call(session, by, call_id)
    asked = call.phase is Phase.TALKING and not call.closing and queries.setting(session, call.ente_id).is_on
    if call.consent is Consent.AGREED and not agrees:
        recorded.void(session, call, to=Consent.WITHDRAWN, why="caller")
    elif call.consent is None and asked:
        floor(session).write_call(call.id, consent=Consent.AGREED if agrees else Consent.REFUSED)
        recorded.note(session, call, recorded.ASKED, clock.now(session), {"agreed": str(agrees).lower()})
        if agrees:
            recorded.order(session, call.id)
        recorded.announce(session, call)
    else:
        return call.consent is Consent.AGREED
    return agrees


def run_out(session: Session, call_id: UUID) -> None:
    """The time for what is left out is over."""
    service.lock_call(session, call_id)
    call = floor(session).whole_call(call_id)
    if call is not None and call.unrecorded_until is not None and call.unrecorded_until <= clock.now(session):
        _go_on(session, call, why="time")


def _go_on(session: Session, call: CallRow, *, why: str) -> None:
    recorded.go_on(session, call, why=why, at=clock.now(session))
    recorded.order(session, call.id)
    recorded.announce(session, call)


def _recorded(session: Session, by: Principal, call_id: UUID) -> CallRow:
    """The agent's own conversation, locked, if its caller agreed to being recorded: raises `ConflictError`."""
    call = own_call(session, by, call_id)
    if call.phase is not Phase.TALKING or call.closing:
        raise ConflictError("La conversazione non è in corso.")
    if call.consent is not Consent.AGREED:
        raise ConflictError("Questa conversazione non viene registrata.")
    return call

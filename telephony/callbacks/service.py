"""Asking to be called back, and looking again at who is to be."""

from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from crm.access.permissions import Principal
from crm.contacts import preferences
from crm.core import clock, topics
from crm.core.db import touch
from crm.core.errors import ConflictError
from telephony.callbacks import following, rules
from telephony.callbacks.models import CallbackState
from telephony.calls import service as calls
from telephony.calls.conversation import own_call
from telephony.calls.events import CallbackAsked, CallbackGivenUp, CallbackServed, MachineAnswered
from telephony.calls.models import Phase
from telephony.calls.service import Heard
from telephony.floor.current import floor
from telephony.lines import queries as lines
from telephony.queues import queries as queues


def is_offered(session: Session, call: Any) -> bool:
    """Whether whoever waits here may have himself called back: his queue does that, and he does not refuse calls."""
    return queues.queue(session, call.queue_id).calls_back and may_be_called(session, call)


def may_be_called(session: Session, call: Any) -> bool:
    """Whether he may be called back at all: not who asked not to be called. What he asks for later goes before that."""
    if call.contact_id is None:
        return True
    return not preferences.of_contacts(session, [call.contact_id]).do_not_call


def ask(
    session: Session, call: Any, number: str, *, queue_id: int | None = None, speaks: bool = False
) -> bool:  # fmt: skip
    """The caller is to be called back at this number: in his place, or in one that he takes in this queue now.

    Nobody calls him before his line is free; `speaks`: he leaves a message first. False when somebody is to be called
    at this number already.
    """
    at = clock.now(session)
    table = lines.timetable(session, call.line, call.contract_id, call.ente_id)
    made = floor(session).add_callback(
        call_id=call.id, contract_id=call.contract_id, ente_id=call.ente_id, number=number, state=CallbackState.OPEN,
        asked_at=at, expires_at=rules.expiry(table, at), attempts=0,
        not_before=at + (rules.LONGEST_MESSAGE if speaks else rules.LONGEST_FAREWELL),
    )  # fmt: skip
    if not made:
        return False
    heard = Heard(f"callback-asked:{at.isoformat()}", at)  # who was cut off when called back may ask anew
    if queue_id is not None:
        calls.enter_queue(session, call.id, queue_id, heard, away=True)
    else:
        calls.apply(session, call.id, CallbackAsked(at), heard)
    following.arrange(session, call)
    return True


def owed_to(session: Session, call: Any) -> Any | None:
    """The open callback that whoever is on this call asked for in another one, at the number he calls from."""
    if call.caller is None:
        return None
    return floor(session).open_callback(contract_id=call.contract_id, number=call.caller, other_than=call.id)


def close_as_served(session: Session, by: Principal, *, call_id: UUID) -> None:
    """He has called again meanwhile, and got what he wanted: he is not called back. Asked twice, it is done once.

    Raises `ConflictError` when somebody is just calling him.
    """
    call = own_call(session, by, call_id)
    owed = owed_to(session, call)
    if owed is None:
        return
    at = clock.now(session)
    heard = Heard("callback-served", at, detail=(("agent", str(by.user_id)), ("call", str(call_id))))
    step = calls.apply(session, owed.call_id, CallbackServed(at, by.user_id), heard)
    if step is None or step.state.phase is not Phase.ENDED:
        raise ConflictError("Un collega lo sta già richiamando: la richiamata resta.")
    touch(session, topics.agent(by.user_id))


def machine_answered(session: Session, by: Principal, *, call_id: UUID) -> None:
    """The agent hears an answering machine where somebody was to be called back: that was an attempt."""
    call = own_call(session, by, call_id)
    row = floor(session).callback(call_id)
    if row is None or call.phase is not Phase.TALKING or call.closing or call.held_since or call.party_leg_id:
        raise ConflictError("Non stai parlando con chi hai richiamato: usa «Chiudi la chiamata».")
    if floor(session).open_callback(contract_id=call.contract_id, number=row.number, other_than=call_id) is not None:
        raise ConflictError("Ha già chiesto di nuovo di essere richiamato: chiudi questa chiamata.")
    at = clock.now(session)
    calls.apply(session, call_id, MachineAnswered(at, by.user_id), Heard(f"machine:{call.leg_id}", at))
    touch(session, topics.agent(by.user_id))


def review(session: Session, call_id: UUID) -> None:
    """The timer of a callback has run out: its hour has come, or is over, or it is given up."""
    call = floor(session).whole_call(call_id)
    if (
        call is None or not call.away or call.phase is not Phase.WAITING
    ):  # being called, or over: what follows is arranged then
        return
    if following.arrange(session, call):
        return
    at = clock.now(session)
    calls.apply(session, call_id, CallbackGivenUp(at), Heard("callback-given-up", at))

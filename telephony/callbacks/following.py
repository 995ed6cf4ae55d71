"""What becomes of a callback as its call goes on, in the same transaction: attempts, the next one, its end."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from crm.core import clock, topics
from crm.core.db import signal, touch
from telephony.callbacks.models import CallbackState
from telephony.callbacks.rules import AGAIN_AFTER, Aside, GiveUp, Offer, Standing, next_step
from telephony.calls.events import CallerJoined, CallState, CitizenMissed, Event, MachineAnswered
from telephony.calls.models import Phase
from telephony.commands import service as commands
from telephony.floor.current import floor
from telephony.floor.port import LiveCall
from telephony.lines import queries as lines
from telephony.queues.events import MatchDue
from telephony.queues.models import EntryState

NOT_REACHED = "Aveva chiesto di essere richiamato dalla coda, e non è stato raggiunto."


def follow(session: Session, call: LiveCall, before: CallState, after: CallState, event: Event) -> None:
    """The call of a callback has gone from one state to another."""
    at = clock.now(session)
    if isinstance(event, CitizenMissed | MachineAnswered) and after.phase is not before.phase:
        row = floor(session).callback(call.id)
        assert row is not None
        tried = row.attempts + 1
        still = {"state": CallbackState.OPEN, "ended_at": None}
        floor(session).write_callback(call.id, attempts=tried, not_before=at + AGAIN_AFTER, **still)
    if before.away and not after.away:
        if isinstance(event, CallerJoined) and event.line not in {None, call.carrier_sid}:  # the first that tells of it
            floor(session).write_call(call.id, carrier_sid=event.line)
            called(session, call.id, event.leg_id)
        _over(session, call, CallbackState.FULFILLED, at)
    elif after.phase is Phase.ENDED and before.phase is not Phase.ENDED:
        _over(session, call, CallbackState.GIVEN_UP, at)
        if not call.placed and call.ente_id is not None and call.contact_id is not None:
            floor(session).owe_callback(
                ente_id=call.ente_id, contact_id=call.contact_id, note=NOT_REACHED, call_id=call.id
            )
    elif after.phase is Phase.WAITING and before.phase is not Phase.WAITING:
        arrange(session, call)


def arrange(session: Session, call: Any) -> bool:
    """Let operators take a callback, or put it aside, and have it looked at again in time; false: it is given up."""
    row = floor(session).callback(call.id)
    if row is None or row.state is not CallbackState.OPEN:
        return True
    at = clock.now(session)
    step = next_step(
        Standing(row.expires_at, row.attempts, row.not_before),
        lines.timetable(session, call.line, call.contract_id, call.ente_id), at,
    )  # fmt: skip
    match step:
        case GiveUp():
            floor(session).put_entry(call.id, EntryState.ASIDE)
            due = at
        case Aside(until):
            floor(session).put_entry(call.id, EntryState.ASIDE)
            due = until
        case Offer(until):
            domain = floor(session).put_entry(call.id, EntryState.WAITING)
            if domain is not None:
                signal(session, MatchDue(domain))
            due = until
    commands.arm_callback(session, call_id=call.id, contract_id=call.contract_id, due_at=due)
    touch(session, topics.board(call.contract_id))
    return not isinstance(step, GiveUp)


def line_is_free(session: Session, call: LiveCall) -> None:
    """He has hung up: he may be called from now on."""
    row = floor(session).callback(call.id)
    if row is None or row.attempts or row.not_before is None or row.state is not CallbackState.OPEN:
        return
    floor(session).write_callback(call.id, not_before=None)
    arrange(session, call)


def called(session: Session, call_id: UUID, leg_id: UUID) -> None:
    """The carrier calls him, for the operator of this leg."""
    floor(session).write_callback(call_id, leg_id=leg_id)


def _over(session: Session, call: Any, state: CallbackState, at: datetime) -> None:
    floor(session).write_callback(call.id, state=state, ended_at=at)
    commands.disarm_callback(session, call_id=call.id)
    touch(session, topics.board(call.contract_id))

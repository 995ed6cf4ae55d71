"""What becomes of a callback as its call goes on, in the same transaction: attempts, the next one, its end."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from crm.core import clock, topics
from crm.core.db import signal, table_of, touch
from crm.enti import queries as enti
from crm.follow_ups import service as follow_ups
from crm.follow_ups.models import FollowUpKind
from telephony.callbacks.models import Callback, CallbackState
from telephony.callbacks.rules import AGAIN_AFTER, Aside, GiveUp, Offer, Standing, next_step
from telephony.calls.events import CallState, CitizenMissed, Event, MachineAnswered
from telephony.calls.models import Phase
from telephony.commands import service as commands
from telephony.floor.port import LiveCall
from telephony.queues.events import MatchDue
from telephony.queues.models import EntryState, QueueEntry

CALLBACKS, _ENTRIES = table_of(Callback), table_of(QueueEntry)
_READ = select(*CALLBACKS.c).where(CALLBACKS.c.call_id == bindparam("call"))
_WRITE = update(CALLBACKS).where(CALLBACKS.c.call_id == bindparam("call"))
_PUT = (
    update(_ENTRIES)
    .where(
        _ENTRIES.c.call_id == bindparam("call"), _ENTRIES.c.state.in_([EntryState.WAITING, EntryState.ASIDE]),
        _ENTRIES.c.away,
    )
    .returning(_ENTRIES.c.domain)
)  # fmt: skip
NOT_REACHED = "Aveva chiesto di essere richiamato dalla coda, e non è stato raggiunto."


def follow(session: Session, call: LiveCall, before: CallState, after: CallState, event: Event) -> None:
    """The call of a callback has gone from one state to another."""
    at = clock.now(session)
    if isinstance(event, CitizenMissed | MachineAnswered) and after.phase is not before.phase:
        tried = session.execute(_READ, {"call": call.id}).one().attempts + 1
        still = {"state": CallbackState.OPEN, "ended_at": None}
        session.execute(_WRITE, {"call": call.id, "attempts": tried, "not_before": at + AGAIN_AFTER, **still})
    if before.away and not after.away:
        _over(session, call, CallbackState.FULFILLED, at)
    elif after.phase is Phase.ENDED and before.phase is not Phase.ENDED:
        _over(session, call, CallbackState.GIVEN_UP, at)
        if call.ente_id is not None and call.contact_id is not None:
            follow_ups.owe(
                session, ente_id=call.ente_id, contact_id=call.contact_id, kind=FollowUpKind.CALL_BACK,
                note=NOT_REACHED, call_id=call.id,
            )  # fmt: skip
    elif after.phase is Phase.WAITING and before.phase is not Phase.WAITING:
        arrange(session, call)


def arrange(session: Session, call: Any) -> bool:
    """Let operators take a callback, or put it aside, and have it looked at again in time; false: it is given up."""
    row = session.execute(_READ, {"call": call.id}).one_or_none()
    if row is None or row.state is not CallbackState.OPEN:
        return True
    at = clock.now(session)
    step = next_step(
        Standing(row.expires_at, row.attempts, row.not_before), enti.timetable(session, call.contract_id, call.ente_id),
        at,
    )  # fmt: skip
    match step:
        case GiveUp():
            _put(session, call.id, EntryState.ASIDE)
            due = at
        case Aside(until):
            _put(session, call.id, EntryState.ASIDE)
            due = until
        case Offer(until):
            domain = _put(session, call.id, EntryState.WAITING)
            if domain is not None:
                signal(session, MatchDue(domain))
            due = until
    commands.arm_callback(session, call_id=call.id, contract_id=call.contract_id, due_at=due)
    touch(session, topics.board(call.contract_id))
    return not isinstance(step, GiveUp)


def line_is_free(session: Session, call: LiveCall) -> None:
    """He has hung up: he may be called from now on."""
    row = session.execute(_READ, {"call": call.id}).one_or_none()
    if row is None or row.attempts or row.not_before is None or row.state is not CallbackState.OPEN:
        return
    session.execute(_WRITE, {"call": call.id, "not_before": None})
    arrange(session, call)


def called(session: Session, call_id: UUID, leg_id: UUID) -> None:
    """The carrier calls him, for the operator of this leg."""
    session.execute(_WRITE, {"call": call_id, "leg_id": leg_id})


def _put(session: Session, call_id: UUID, state: EntryState) -> str | None:
    domain: str | None = session.execute(_PUT.values(state=state), {"call": call_id}).scalar_one_or_none()
    return domain


def _over(session: Session, call: Any, state: CallbackState, at: datetime) -> None:
    session.execute(_WRITE, {"call": call.id, "state": state, "ended_at": at})
    commands.disarm_callback(session, call_id=call.id)
    touch(session, topics.board(call.contract_id))

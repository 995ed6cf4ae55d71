"""What a contract limits while a caller waits: how many wait with him, and for how long he does."""

from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy.orm import Session

from crm.levels import contract_events
from crm.levels.agreement import Promise
from crm.levels.metrics import LONGEST_WAIT, QUEUE_CAP
from crm.levels.models import ContractEventKind
from telephony.calls.events import CallState
from telephony.commands import service as commands
from telephony.floor.current import floor
from telephony.floor.port import CallRow, LiveCall


def entered(session: Session, call: LiveCall, at: datetime) -> int:
    """A caller has come into the queue: tell when he is one too many. His position there: 1 is next.

    Counted is the ente's whole call centre, whatever the queue; callers of whom the ente is not known count apart.
    """
    cap = contract_events.limit(session, call.contract_id, QUEUE_CAP) if call.metered else None
    if cap is not None:
        floor(session).count_alone(call.contract_id, call.ente_id)
    assert call.queue_id is not None
    crowd = floor(session).crowd(contract_id=call.contract_id, ente_id=call.ente_id, queue_id=call.queue_id)
    if cap is not None and not cap.holds(Decimal(crowd.of_ente)):
        _emit(session, cap, call, ContractEventKind.QUEUE_OVER, Decimal(crowd.of_ente), at)
    return crowd.in_queue


def is_full(session: Session, call: CallRow, queue_id: int) -> bool:
    """Whether one more caller would be one too many. Nobody else comes in before this transaction ends."""
    cap = contract_events.limit(session, call.contract_id, QUEUE_CAP) if call.metered else None
    if cap is None:
        return False
    floor(session).count_alone(call.contract_id, call.ente_id)
    crowd = floor(session).crowd(contract_id=call.contract_id, ente_id=call.ente_id, queue_id=queue_id)
    return not cap.holds(Decimal(crowd.of_ente + 1))


def turned_away(session: Session, call: LiveCall, queue_id: int, at: datetime) -> None:
    """A caller was not let in: he was one too many, and that is an event of the contract."""
    cap = contract_events.limit(session, call.contract_id, QUEUE_CAP)
    if cap is None or not call.metered:
        return
    crowd = floor(session).crowd(contract_id=call.contract_id, ente_id=call.ente_id, queue_id=queue_id)
    floor(session).emit(
        cap, kind=ContractEventKind.QUEUE_OVER, subject=str(call.id), measured=Decimal(crowd.of_ente + 1), at=at,
        ente_id=call.ente_id, queue_id=queue_id,
    )  # fmt: skip


def follow_wait(session: Session, call: LiveCall, before: CallState, after: CallState) -> None:
    """A stretch of waiting began or ended: its timer, and the event where nothing else could tell in time."""
    shorter = after.waited_ms < before.waited_ms  # he was served, as is told after the end
    if (before.waiting_since == after.waiting_since and not shorter) or not call.metered:
        return
    promise = contract_events.limit(session, call.contract_id, LONGEST_WAIT, call.callers)
    if promise is None:
        return
    if after.waiting_since is not None:
        if _kept(promise, after.waited_ms):
            due = _over_at(promise, after)
            commands.arm_wait(session, call_id=call.id, contract_id=call.contract_id, due_at=due)
        return
    told_before = shorter or not commands.disarm_wait(session, call_id=call.id)
    if shorter and not _kept(promise, after.waited_ms):
        return
    if not _kept(promise, after.waited_ms):
        _emit(session, promise, call, ContractEventKind.WAIT_OVER, _seconds(after.waited_ms), _over_at(promise, before))
    elif told_before:  # a late callback: he waited for less than it seemed
        floor(session).withdraw(promise, subject=str(call.id))


def ran_out(session: Session, call: LiveCall, state: CallState) -> None:
    """Nothing has ended the wait by the instant from which it is too long."""
    promise = contract_events.limit(session, call.contract_id, LONGEST_WAIT, call.callers)
    if promise is not None and state.waiting_since is not None:
        _emit(session, promise, call, ContractEventKind.WAIT_OVER, promise.target, _over_at(promise, state))


def _kept(promise: Promise, waited_ms: int) -> bool:
    return promise.holds(_seconds(waited_ms))


def _seconds(ms: int) -> Decimal:
    return Decimal(ms) / 1000


def _over_at(promise: Promise, state: CallState) -> datetime:
    """The first instant, to the millisecond, at which the wait is over its limit."""
    assert state.waiting_since is not None
    limit_ms = int(promise.target * 1000)
    while _kept(promise, limit_ms):  # a wait as long as the limit may still keep it
        limit_ms += 1
    return state.waiting_since + timedelta(milliseconds=limit_ms - state.waited_ms)


def _emit(
    session: Session, promise: Promise, call: LiveCall, kind: ContractEventKind, measured: Decimal, at: datetime
) -> None:  # fmt: skip
    floor(session).emit(
        promise, kind=kind, subject=str(call.id), measured=measured, at=at, ente_id=call.ente_id,
        queue_id=call.queue_id,
    )  # fmt: skip

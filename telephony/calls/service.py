"""Applying events to calls: the log, the state, and everything that follows, in one transaction.

Locks are taken in one order: call, entry, agent. The statements are built once: with a hundred webhooks a second,
building them would take more processor time than running them.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from crm.core import clock, topics
from crm.core.db import signal, table_of, touch
from crm.core.errors import ConflictError
from crm.enti import queries as enti
from crm.files import service as files
from crm.levels import contract_events
from crm.levels import service as levels
from crm.levels.metering import Account, FactKind, Measured, ms_between, quarter_of
from crm.timeline import queries as timeline
from crm.timeline.models import EntryKind
from telephony.agents import presence
from telephony.agents import service as agents
from telephony.callbacks import following as callbacks
from telephony.calls import limits, story
from telephony.calls.lifecycle import (
    AgentAnswered,
    AgentClaimed,
    AgentMove,
    CallerLeft,
    CallerQueued,
    CallState,
    CitizenMissed,
    Event,
    LegEnded,
    Move,
    RingRefused,
    Step,
    advance,
    waited_until,
)  # fmt: skip
from telephony.calls.models import AgentLeg, Call, CallEvent, LegState, Outcome, Phase
from telephony.commands import service as commands
from telephony.ivr.walk import Place
from telephony.queues import queries as queues
from telephony.queues.events import MatchDue
from telephony.queues.models import EntryState, QueueEntry
from telephony.queues.routing import HEAD
from telephony.queues.waits import Outlook

RING_GRACE = timedelta(seconds=5)  # a carrier's ring lasts about its time-out and five seconds more

KNOWN_FOR = timedelta(days=30)  # for so long whoever spoke with a taxpayer is said to know him
TOLD = frozenset({Phase.TALKING, Phase.ENDED})  # the phases that a timeline shows

_CALL, _EVENTS = table_of(Call), table_of(CallEvent)
_LEGS, _ENTRIES = table_of(AgentLeg), table_of(QueueEntry)
_CALL_COLUMNS = (
    _CALL.c.id, _CALL.c.contract_id, _CALL.c.ente_id, _CALL.c.queue_id, _CALL.c.phase, _CALL.c.leg_id,
    _CALL.c.agent_id, _CALL.c.waiting_since, _CALL.c.waited_ms, _CALL.c.answered_at, _CALL.c.closing,
    _CALL.c.arrived_at, _CALL.c.queued_at, _CALL.c.metered, _CALL.c.contact_id, _CALL.c.callers,
    _CALL.c.talking_since, _CALL.c.talked_ms, _CALL.c.ended_at, _CALL.c.wrapped_up_at,
    _CALL.c.turned_away_at, _CALL.c.away, _CALL.c.carrier_sid,
)  # fmt: skip
_THIS_CALL = _CALL.c.id == bindparam("call")
_LOCK = select(*_CALL_COLUMNS).where(_THIS_CALL).with_for_update()
_OWNER = select(_CALL.c.id, _CALL.c.contract_id, _CALL.c.ente_id).where(_THIS_CALL)
_WRITE = update(_CALL).where(_THIS_CALL)
_QUEUE_UP = (
    update(_CALL)
    .where(_THIS_CALL, _CALL.c.phase == Phase.IVR)
    .values(queue_id=func.coalesce(_CALL.c.queue_id, bindparam("queue")))  # the first that was asked for
    .returning(_CALL.c.contract_id, _CALL.c.ente_id, _CALL.c.contact_id, _CALL.c.ivr)
)  # fmt: skip
_APPEND = (
    upsert(_EVENTS).on_conflict_do_nothing(index_elements=["call_id", "key"]).returning(_EVENTS.c.id)
)  # fmt: skip
_ADD_ENTRY = upsert(_ENTRIES).on_conflict_do_nothing()
_WRITE_ENTRY = update(_ENTRIES).where(_ENTRIES.c.call_id == bindparam("call"))
_ADD_LEG = insert(_LEGS)
_WRITE_LEG = update(_LEGS).where(_LEGS.c.id == bindparam("leg"), _LEGS.c.state != LegState.ENDED)
_NAME_LEG = update(_LEGS).where(_LEGS.c.id == bindparam("leg"), _LEGS.c.carrier_sid.is_(None))


@dataclass(frozen=True, slots=True)
class Heard:
    """Who told of an event, when it is said to have happened, and whether a reconciliation had to."""

    key: str  # the idempotency key, unique within the call
    at: datetime
    repaired: bool = False
    detail: tuple[tuple[str, str], ...] = ()


def apply(session: Session, call_id: UUID, event: Event, heard: Heard) -> Step | None:
    """Apply an event once. None: no such call in this scope, or the event had been applied already."""
    row = session.execute(_LOCK, {"call": call_id}).one_or_none()
    if row is None or not _append(session, row, type(event).__name__, heard):
        return None
    before = _state(row)
    step = advance(before, event)
    if step.state != before:
        _write_state(session, row, before, step.state, event.at)
    for order in step.orders:
        commands.order(session, kind=order.kind, call_id=call_id, leg_id=order.leg_id)
    _follow_leg(session, row, event)
    _follow_entry(session, row, before, step.state, event)
    for move in step.moves:
        if before.phase is Phase.TALKING and move.move is Move.FREE:
            agents.forget_device(session, move.agent_id)
        _move_agent(session, row, move, step.state)
    limits.follow_wait(session, row, before, step.state)
    if step.facts:
        _meter(session, row, before, step, heard)
    if before.away or step.state.away:
        callbacks.follow(session, row, before, step.state, event)
    if step.state.phase is not before.phase:
        _announce(session, row, before, step.state)
        dropped = before.phase is Phase.TALKING and step.state.phase is Phase.WAITING
        if dropped:
            _forget_identity(session, call_id)
        if row.contact_id is not None and (dropped or step.state.phase in TOLD):
            story.tell(session, call_id)
    return step


def lock_call(session: Session, call_id: UUID) -> None:
    """Lock a call before anything that belongs to it: locks are taken in one order."""
    session.execute(_LOCK, {"call": call_id})


def learn_sid(session: Session, leg_id: UUID, carrier_sid: str) -> None:
    """A callback names the carrier's call behind a leg, perhaps before the answer to its creation did."""
    session.execute(_NAME_LEG, {"leg": leg_id, "carrier_sid": carrier_sid})


def note(session: Session, call_id: UUID, kind: str, heard: Heard) -> bool:
    """Append to a call's log something that changes nothing else; false when it was there already."""
    row = session.execute(_OWNER, {"call": call_id}).one_or_none()
    return row is not None and _append(session, row, kind, heard)


def line_ended(session: Session, call_id: UUID, sid: str, heard: Heard, leg_id: UUID | None = None) -> Step | None:
    """A line that a caller was on, or on which he was called back in the attempt of this leg, is over.

    The line that he gave up for a callback ends nothing, however late that is heard.
    """
    row = session.execute(_LOCK, {"call": call_id}).one_or_none()
    if row is None or (row.away and leg_id is None) or (not row.away and row.carrier_sid != sid):
        return None
    event = CitizenMissed(heard.at, leg_id) if row.away and leg_id is not None else CallerLeft(heard.at)
    return apply(session, call_id, event, heard)


def on_line(session: Session, call_id: UUID, leg_id: UUID, sid: str) -> bool:
    """The carrier calls him back on this line, for this agent's leg; false when it is for nothing any more."""
    row = session.execute(_LOCK, {"call": call_id}).one()
    if row.carrier_sid == sid:
        return True
    if not row.away or row.phase is not Phase.JOINING or row.leg_id != leg_id:
        return False
    session.execute(_WRITE, {"call": call_id, "carrier_sid": sid})
    callbacks.called(session, call_id, leg_id)
    return True


def attribute(session: Session, call_id: UUID, ente_id: int | None) -> None:
    """The call turns out to be about this ente, or about nobody knows which: everything counted so far moves there."""
    row = session.execute(_LOCK, {"call": call_id}).one()
    if row.ente_id == ente_id:
        return
    if ente_id is not None and ente_id not in enti.enti_of(session, row.contract_id):
        raise ConflictError("Questo ente non è servito dal contratto della chiamata.")
    for table in (_EVENTS, _ENTRIES, _LEGS, callbacks.CALLBACKS):
        session.execute(update(table).where(table.c.call_id == call_id).values(ente_id=ente_id))
    unknown_there = {"contact_id": None, "proposed_by": None}  # a contact belongs to one ente
    session.execute(update(Call).where(Call.id == call_id).values(ente_id=ente_id, **unknown_there))
    contract_events.attribute(session, contract_id=row.contract_id, subject=str(call_id), ente_id=ente_id)
    account, measured = account_of(row), measured_of(row, _state(row))
    at = clock.now(session)
    for kind, there in ((FactKind.MOVED, account), (FactKind.ATTRIBUTED, replace(account, ente_id=ente_id))):
        fact = levels.SeenFact(kind, at, waited_until(_state(row), at), repaired=False)
        levels.record(
            session, subject=call_id, facts=(fact,), before=(account, measured), after=(there, measured)
        )  # fmt: skip


def waited_too_long(session: Session, call_id: UUID) -> None:
    """The timer of a wait has run out."""
    row = session.execute(_LOCK, {"call": call_id}).one()
    limits.ran_out(session, row, _state(row))


def arrived(session: Session, row: Row[*tuple[Any, ...]], heard: Heard) -> None:
    """Log a call that was just written, and count it when it came within the metering hours."""
    _append(session, row, "Arrived", heard)
    if row.metered:
        levels.record(
            session, subject=row.id, facts=(levels.SeenFact(FactKind.RECEIVED, heard.at, 0, repaired=False),),
            before=None, after=(account_of(row), measured_of(row, _state(row))),
        )  # fmt: skip
    touch(session, topics.board(row.contract_id))


def announced(session: Session, call: Any, stands: Outlook) -> None:
    """A waiting caller was told how he stands: what came of it can be compared."""
    if not call.metered:
        return
    said = stands.wait
    ends = None if said is None or said.to_min is None else said.to_min * 60
    levels.announce(
        session, subject=call.id, account=account_of(call), waited_ms=waited_until(_state(call), clock.now(session)),
        position=stands.ahead + 1, from_s=None if said is None else said.from_min * 60, to_s=ends,
    )  # fmt: skip


def wrapped_up(session: Session, call_id: UUID) -> bool:
    """The agent is done with a call: its wrap-up ends, and counts. False when it had ended before."""
    row = session.execute(_LOCK, {"call": call_id}).one()
    if row.wrapped_up_at is not None:
        return False
    at = clock.now(session)
    session.execute(_WRITE, {"call": call_id, "wrapped_up_at": at})
    before = measured_of(row, _state(row))
    ended = row.ended_at or at
    after = replace(before, wrap_up_ms=ms_between(ended, at))
    fact = levels.SeenFact(FactKind.WRAPPED_UP, at, row.waited_ms, repaired=False, agent_id=row.agent_id)
    account = account_of(row)
    levels.record(session, subject=call_id, facts=(fact,), before=(account, before), after=(account, after))
    return True


def turn_away(session: Session, call_id: UUID, queue_id: int, heard: Heard) -> None:
    """The caller asked for an operator of this queue while it held all that it may. Told once a call."""
    row = session.execute(_LOCK, {"call": call_id}).one()
    if row.turned_away_at is not None or not _append(session, row, "TurnedAway", heard):
        return
    first = row.queue_id or queue_id
    session.execute(_WRITE, {"call": call_id, "queue_id": first, "turned_away_at": heard.at})
    account, was = account_of(row), measured_of(row, _state(row))
    fact = levels.SeenFact(FactKind.TURNED_AWAY, heard.at, row.waited_ms, repaired=False)
    levels.record(
        session, subject=call_id, facts=(fact,), before=(account, was),
        after=(replace(account, queue_id=first), replace(was, turned_away=True)),
    )  # fmt: skip
    limits.turned_away(session, row, first, heard.at)


def enter_queue(session: Session, call_id: UUID, queue_id: int, heard: Heard, *, away: bool = False) -> Step | None:
    """The caller asked for an operator of this queue; `away`: to be called back when it is his turn."""
    queue = queues.queue(session, queue_id)
    row = session.execute(
        _QUEUE_UP, {"call": call_id, "queue": queue_id, "queued_at": heard.at}
    ).one_or_none()  # fmt: skip
    if row is None:
        return None
    language = Place.restored(row.ivr).language.value
    knows = _who_knows(session, row.contact_id, heard.at) if queue.sticky_s and row.contact_id else None
    session.execute(
        _ADD_ENTRY,
        {
            "call_id": call_id, "contract_id": row.contract_id, "ente_id": row.ente_id, "queue_id": queue_id,
            "domain": queue.domain, "state": EntryState.WAITING, "priority": queue.priority, "entered_at": heard.at,
            "language": language, "knows": knows, "away": away,
        },
    )  # fmt: skip
    if widenings := queue.rules.widenings(language, known=knows is not None):
        due = [heard.at + timedelta(seconds=seconds) for seconds in sorted(widenings)]
        commands.arm_widening(session, call_id=call_id, contract_id=row.contract_id, due=due)
    return apply(session, call_id, CallerQueued(heard.at, away), heard)


def _who_knows(session: Session, contact_id: int, at: datetime) -> int | None:
    """The agent who spoke with this taxpayer last, not long ago."""
    return timeline.last_author(session, contact_id, kind=EntryKind.CALL, since=at - KNOWN_FOR)


def account_of(row: Any) -> Account:
    """Where a call counts."""
    return Account(row.contract_id, row.ente_id, row.queue_id, row.callers, quarter_of(row.arrived_at))


def measured_of(row: Any, state: CallState) -> Measured:
    """A call as the meter sees it in this state."""
    return Measured(
        received=row.metered,
        entered=row.queued_at is not None,
        served=state.served,
        ended=state.phase is Phase.ENDED,
        waited_ms=state.waited_ms,
        turned_away=row.turned_away_at is not None,
        called_back=state.away,
        talk_ms=state.talked_ms,
        wrap_up_ms=ms_between(row.ended_at, row.wrapped_up_at) if row.ended_at and row.wrapped_up_at else 0,
    )


# -- the parts of `apply` ---------------------------------------------------------------------------------------


def _state(row: Any) -> CallState:
    return CallState(
        phase=row.phase, leg_id=row.leg_id, agent_id=row.agent_id, waiting_since=row.waiting_since,
        waited_ms=row.waited_ms, served=row.answered_at is not None, closing=row.closing,
        talking_since=row.talking_since, talked_ms=row.talked_ms, away=row.away,
    )  # fmt: skip


def _append(session: Session, row: Row[*tuple[Any, ...]], kind: str, heard: Heard) -> bool:
    appended = session.execute(
        _APPEND,
        {
            "call_id": row.id, "contract_id": row.contract_id, "ente_id": row.ente_id, "key": heard.key, "kind": kind,
            "detail": dict(heard.detail), "occurred_at": heard.at, "recorded_at": clock.now(session),
            "repaired": heard.repaired,
        },
    )  # fmt: skip
    return appended.scalar_one_or_none() is not None


def _write_state(
    session: Session, row: Row[*tuple[Any, ...]], before: CallState, after: CallState, at: datetime
) -> None:
    values: dict[str, Any] = {
        "phase": after.phase, "leg_id": after.leg_id, "agent_id": after.agent_id, "closing": after.closing,
        "waiting_since": after.waiting_since, "checked_at": clock.now(session), "waited_ms": after.waited_ms,
        "talking_since": after.talking_since, "talked_ms": after.talked_ms, "away": after.away,
    }  # fmt: skip
    if after.served and not before.served:
        values["answered_at"] = at
    if after.phase is Phase.ENDED:
        values["ended_at"] = at
        values["outcome"] = _outcome(row, after)
    session.execute(_WRITE, {"call": row.id, **values})


def _outcome(row: Row[*tuple[Any, ...]], after: CallState) -> Outcome:
    if after.served:
        return Outcome.ANSWERED
    if after.away:
        return Outcome.NOT_REACHED
    if row.queued_at is not None:
        return Outcome.ABANDONED
    if row.turned_away_at is not None:
        return Outcome.TURNED_AWAY
    return Outcome.LEFT_IVR if row.metered else Outcome.CLOSED


def _follow_leg(session: Session, row: Row[*tuple[Any, ...]], event: Event) -> None:
    match event:
        case AgentClaimed():
            timeout_s = queues.queue(session, row.queue_id).ring_timeout_s
            session.execute(
                _ADD_LEG,
                {
                    "id": event.leg_id, "call_id": row.id, "contract_id": row.contract_id, "ente_id": row.ente_id,
                    "agent_id": event.agent_id, "state": LegState.RINGING, "offered_at": event.at,
                },
            )  # fmt: skip
            commands.arm_ring(
                session, call_id=row.id, contract_id=row.contract_id, leg_id=event.leg_id,
                due_at=event.at + timedelta(seconds=timeout_s) + RING_GRACE,
            )  # fmt: skip
        case AgentAnswered():
            _update_leg(session, event.leg_id, LegState.ANSWERED, answered_at=event.at)
        case LegEnded():
            _update_leg(session, event.leg_id, LegState.ENDED, ended_at=event.at, end_reason=event.reason)
        case RingRefused():
            _update_leg(session, event.leg_id, LegState.ENDED, ended_at=event.at, end_reason="refused")
        case CallerLeft() if row.leg_id is not None:  # its end is ordered; whoever learns its SID later sees that
            _update_leg(session, row.leg_id, LegState.ENDED, ended_at=event.at, end_reason="caller-left")
        case _:
            pass


def _update_leg(session: Session, leg_id: UUID, state: LegState, **values: object) -> None:
    session.execute(_WRITE_LEG, {"leg": leg_id, "state": state, **values})
    commands.disarm_ring(session, leg_id=leg_id)


def _follow_entry(
    session: Session, row: Row[*tuple[Any, ...]], before: CallState, after: CallState, event: Event
) -> None:
    values: dict[str, Any] = {"away": after.away} if after.away is not before.away else {}
    if after.phase is before.phase and not values:
        return
    if after.phase is Phase.WAITING and before.phase is Phase.TALKING:
        values |= {"state": EntryState.WAITING, "priority": HEAD, "entered_at": event.at}
    elif after.phase is Phase.WAITING and before.phase is not Phase.IVR:
        values |= {"state": EntryState.WAITING}
    elif after.phase is Phase.RINGING:
        values |= {"state": EntryState.OFFERED}
    elif after.phase in {Phase.TALKING, Phase.ENDED}:
        values |= {"state": EntryState.LEFT}
    if values:
        session.execute(_WRITE_ENTRY, {"call": row.id, **values})


def _move_agent(session: Session, row: Row[*tuple[Any, ...]], move: AgentMove, state: CallState) -> None:
    at = clock.now(session)
    match move.move:
        case Move.RING:
            assert state.leg_id is not None
            leg_id: UUID = state.leg_id
            agents.change(session, move.agent_id, lambda now: presence.ring(now, row.id, leg_id, at))
        case Move.TALK:
            agents.change(session, move.agent_id, lambda now: presence.talk(now, at))
        case Move.FREE:
            agents.change(session, move.agent_id, lambda now: presence.free(now, at))
        case Move.MISSED:
            agents.change(session, move.agent_id, lambda now: presence.missed(now, at))
        case Move.WRAP_UP:
            agents.change(session, move.agent_id, lambda now: presence.wrap_up(now, at))
            seconds = queues.queue(session, row.queue_id).wrap_up_s
            commands.arm_wrap_up(
                session, agent_id=move.agent_id, call_id=row.id, contract_id=row.contract_id,
                due_at=at + timedelta(seconds=seconds),
            )  # fmt: skip


def _meter(session: Session, row: Row[*tuple[Any, ...]], before: CallState, step: Step, heard: Heard) -> None:
    entered = row.queued_at is not None
    facts = [
        levels.SeenFact(
            fact.kind, fact.at, fact.waited_ms, heard.repaired, agent_id=fact.agent_id, ended_by=fact.ended_by
        )
        for fact in step.facts
        if entered or fact.kind is not FactKind.LEFT
    ]
    account = account_of(row)
    was = measured_of(row, before)
    if before.phase is Phase.IVR and step.state.phase is Phase.WAITING:
        was = replace(was, entered=False)
        if not step.state.away:  # who does not wait on the line is not one too many there
            position = limits.entered(session, row, facts[0].occurred_at)
            facts = [replace(fact, position=position) for fact in facts]
        unqueued = account if row.turned_away_at is not None else replace(account, queue_id=None)
        levels.record(
            session, subject=row.id, facts=facts, before=(unqueued, was),
            after=(account, measured_of(row, step.state)),
        )  # fmt: skip
        return
    levels.record(
        session, subject=row.id, facts=facts, before=(account, was),
        after=(account, measured_of(row, step.state)),
    )  # fmt: skip


def _forget_identity(session: Session, call_id: UUID) -> None:
    """The agent's line dropped: who was identified before him is for the next one to establish anew."""
    files.close_for_call(session, call_id)
    session.execute(_WRITE, {"call": call_id, "identified_at": None})


def _announce(session: Session, row: Row[*tuple[Any, ...]], before: CallState, after: CallState) -> None:
    touch(session, topics.board(row.contract_id))
    for agent_id in {one for one in (before.agent_id, after.agent_id) if one is not None}:
        touch(session, topics.agent(agent_id))
    if after.phase is Phase.WAITING:
        signal(session, MatchDue(queues.queue(session, row.queue_id).domain))


def carrier_instant(told: datetime | None, received: datetime) -> datetime:
    """When something happened: the carrier's word has whole seconds, so our receipt refines it when they agree.

    A callback that took longer than two seconds to come keeps the carrier's instant.
    """
    if told is None or abs(received - told) <= timedelta(seconds=2):
        return received
    return min(told, received)

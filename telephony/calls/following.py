"""What follows from a step of a call: its legs, its place in the queue, its agents, who listens, who is told.

Each is written in the transaction of the step, whose call is locked. Locks are taken in one order: call, entry, agent.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from crm.core import clock, topics
from crm.core.db import signal, touch
from telephony.agents import presence
from telephony.agents import service as agents
from telephony.agents.models import Activity
from telephony.agents.presence import Stated
from telephony.calls.events import (
    AgentAnswered,
    AgentClaimed,
    AgentMove,
    CallerLeft,
    CallState,
    ConsultAsked,
    Event,
    LegEnded,
    Move,
    Party,
    RingRefused,
    SeatLeft,
    Step,
)
from telephony.calls.models import LegRole, LegState, Phase
from telephony.commands import service as commands
from telephony.commands.models import CommandKind
from telephony.floor.current import floor
from telephony.floor.port import LiveCall
from telephony.ivr.turns import Place
from telephony.queues import queries as queues
from telephony.queues.events import MatchDue
from telephony.queues.models import EntryState
from telephony.queues.queries import QueueView
from telephony.queues.routing import BACK_S, HEAD

SECOND = timedelta(seconds=1)
RING_GRACE = timedelta(seconds=5)  # a carrier's ring lasts about its time-out and five seconds more
TOLD = frozenset({Phase.TALKING, Phase.ENDED})  # the phases that a timeline shows


def follow(session: Session, row: LiveCall, before: CallState, step: Step, event: Event) -> None:
    """Bring legs, queue entry and agents into line with the state that the event led to."""
    _follow_leg(session, row, step.state, event)
    _follow_entry(session, row, before, step.state, event)
    for move in step.moves:
        if before.phase is Phase.TALKING and move.move is Move.FREE and move.agent_id == before.agent_id:
            agents.forget_device(session, move.agent_id)
        _move_agent(session, row, move, step.state)
    _follow_hold(session, row, before, step.state)
    if step.state.seated and step.state.phase is Phase.JOINING and before.phase is Phase.RINGING:
        assert step.state.agent_id is not None  # his telephone rings no more: he is there for whoever answers
        waits = Stated(clock.now(session), Activity.READY, call_id=row.id)
        floor(session).state_agent(step.state.agent_id, waits)


def tell(session: Session, row: LiveCall, before: CallState, after: CallState) -> None:
    """Tell whoever looks, those who listen and the timeline that the state is another."""
    _announce(session, row, before, after)
    _follow_watchers(session, row, before, after)
    _follow_identity(session, row, before, after)


def arm_widenings(
    session: Session, call_id: UUID, contract_id: int, at: datetime, waits: Iterable[timedelta]
) -> None:  # fmt: skip
    """More may answer after each of these waits: a match is made then."""
    if due := [at + wait for wait in sorted(waits)]:
        commands.arm_widening(session, call_id=call_id, contract_id=contract_id, due=due)


def _follow_leg(session: Session, row: LiveCall, after: CallState, event: Event) -> None:
    party = row.party_leg_id
    itself = isinstance(event, LegEnded | RingRefused) and event.leg_id == party
    if party is not None and not itself and party not in {after.leg_id, _leg_of(after.party)}:
        _update_leg(session, party, LegState.ENDED, ended_at=event.at, end_reason="let-go")
    match event:
        case AgentClaimed():
            _add_leg(session, row, event.leg_id, event.agent_id, LegRole.AGENT, event.at)
        case ConsultAsked() if after.party is not None and after.party.leg_id == event.leg_id:
            _add_leg(session, row, event.leg_id, event.party_agent_id, LegRole.PARTY, event.at)
        case AgentAnswered():
            _update_leg(session, event.leg_id, LegState.ANSWERED, answered_at=event.at)
        case LegEnded():
            _update_leg(session, event.leg_id, LegState.ENDED, ended_at=event.at, end_reason=event.reason)
        case RingRefused():
            _update_leg(session, event.leg_id, LegState.ENDED, ended_at=event.at, end_reason="refused")
        case SeatLeft() if row.leg_id is not None:
            _update_leg(session, row.leg_id, LegState.ENDED, ended_at=event.at, end_reason="seat-left")
        case CallerLeft() if row.leg_id is not None:  # its end is ordered; whoever learns its SID later sees that
            _update_leg(session, row.leg_id, LegState.ENDED, ended_at=event.at, end_reason="caller-left")
        case _:
            pass


def _leg_of(party: Party | None) -> UUID | None:
    return party.leg_id if party else None


def _add_leg(session: Session, row: LiveCall, leg_id: UUID, agent_id: int | None, role: LegRole, at: datetime) -> None:
    floor(session).add_leg(row, leg_id, agent_id=agent_id, role=role, state=LegState.RINGING, offered_at=at)
    timeout_s = _queue(session, row).ring_timeout_s
    commands.arm_ring(
        session, call_id=row.id, contract_id=row.contract_id, leg_id=leg_id,
        due_at=at + timedelta(seconds=timeout_s) + RING_GRACE,
    )  # fmt: skip


def _update_leg(session: Session, leg_id: UUID, state: LegState, **values: object) -> None:
    floor(session).write_leg(leg_id, state=state, **values)
    commands.disarm_ring(session, leg_id=leg_id)


def _widen_anew(session: Session, row: LiveCall, at: datetime, *, also: Iterable[timedelta]) -> None:
    """A caller waits anew, perhaps in another queue: more may answer him there after a while, as of any who waits."""
    call = floor(session).whole_call(row.id)
    assert call is not None
    language = Place.restored(call.ivr).language.value
    widenings = _queue(session, row).rules.widenings(language, known=False)
    arm_widenings(session, row.id, row.contract_id, at, {*(timedelta(seconds=one) for one in widenings), *also})


def _follow_entry(session: Session, row: LiveCall, before: CallState, after: CallState, event: Event) -> None:
    values: dict[str, Any] = {"away": after.away} if after.away is not before.away else {}
    if after.phase is before.phase and not values:
        return
    if after.phase is Phase.WAITING and before.phase in {Phase.TALKING, Phase.OUTSIDE} and not after.away:
        cut_off_from = None if after.passed else before.agent_id
        values |= {
            "state": EntryState.WAITING, "priority": HEAD, "entered_at": event.at, "knows": cut_off_from,
            "meant_for": None, "passed_by": None,
        }  # fmt: skip
        back = () if cut_off_from is None else (agents.FAREWELL + SECOND, timedelta(seconds=BACK_S))
        _widen_anew(session, row, event.at, also=back)
    elif after.phase is Phase.WAITING and before.phase is not Phase.IVR:
        values |= {"state": EntryState.WAITING}
    elif after.phase is Phase.RINGING:
        values |= {"state": EntryState.OFFERED}
    elif after.phase in {Phase.TALKING, Phase.ENDED}:
        values |= {"state": EntryState.LEFT}
    if values:
        floor(session).write_entry(row.id, **values)


def _move_agent(session: Session, row: LiveCall, move: AgentMove, state: CallState) -> None:
    at = clock.now(session)
    match move.move:
        case Move.RING:
            party = state.party
            leg_id = party.leg_id if party is not None and party.agent_id == move.agent_id else state.leg_id
            assert leg_id is not None
            agents.change(session, move.agent_id, lambda now: presence.ring(now, row.id, leg_id, at))
        case Move.TALK:
            agents.change(session, move.agent_id, lambda now: presence.talk(now, at))
        case Move.FREE:
            agents.change(session, move.agent_id, lambda now: presence.free(now, at))
        case Move.MISSED:
            agents.change(session, move.agent_id, lambda now: presence.missed(now, at))
        case Move.PASSED:
            agents.change(session, move.agent_id, lambda now: presence.wrapped_up(now, at))
        case Move.RELIEVED:
            agents.change(
                session, move.agent_id, lambda now: presence.wrapped_up(now, at) if now.call_id == row.id else now
            )  # fmt: skip
        case Move.WRAP_UP:
            agents.change(session, move.agent_id, lambda now: presence.wrap_up(now, at))
            seconds = _queue(session, row).wrap_up_s
            commands.arm_wrap_up(
                session, agent_id=move.agent_id, call_id=row.id, contract_id=row.contract_id,
                due_at=at + timedelta(seconds=seconds),
            )  # fmt: skip


def _follow_hold(session: Session, row: LiveCall, before: CallState, after: CallState) -> None:
    """An agent whose caller is on hold is in conversation, but his time is counted apart."""
    stays = before.phase is after.phase is Phase.TALKING and after.agent_id == before.agent_id
    held = after.held_since is not None
    if stays and after.agent_id is not None and held is not (before.held_since is not None):
        activity = Activity.HOLDING if held else Activity.TALKING
        floor(session).state_agent(after.agent_id, Stated(clock.now(session), activity, call_id=row.id))


def _follow_watchers(session: Session, row: LiveCall, before: CallState, after: CallState) -> None:
    """Supervisors go with the conversation; whom they whisper to may be another agent now."""
    if not row.watched:
        return
    if after.phase is Phase.TALKING:
        if after.leg_id != before.leg_id:
            commands.order(session, kind=CommandKind.ARRANGE, call_id=row.id, leg_id=None)
        return
    for leg_id in floor(session).end_watchers(row.id, at=clock.now(session)):
        commands.order(session, kind=CommandKind.END_LEG, call_id=row.id, leg_id=leg_id)


def _follow_identity(session: Session, row: LiveCall, before: CallState, after: CallState) -> None:
    """Whoever loses the call loses the file. It is told anew where a timeline shows it.

    When the agent's line dropped, who was identified before him is for the next one to establish anew; whom he passed
    the call on to goes by what he established.
    """
    lost = before.phase is Phase.TALKING and after.phase is not Phase.ENDED and after.agent_id != before.agent_id
    if lost:
        floor(session).close_file(row.id)
        if after.phase is Phase.WAITING and not after.passed:
            floor(session).write_call(row.id, identified_at=None)
    changed = after.phase is not before.phase or after.agent_id != before.agent_id
    told = lost or (changed and after.phase in TOLD)
    if row.contact_id is not None and told:
        floor(session).tell(row.id)


def _announce(session: Session, row: LiveCall, before: CallState, after: CallState) -> None:
    touch(session, topics.board(row.contract_id))
    parties = (one.party.agent_id for one in (before, after) if one.party)
    for agent_id in {one for one in (before.agent_id, after.agent_id, *parties) if one is not None}:
        touch(session, topics.agent(agent_id))
    if after.phase is Phase.WAITING and before.phase is not Phase.WAITING:
        signal(session, MatchDue(_queue(session, row).domain))


def _queue(session: Session, row: LiveCall) -> QueueView:
    queue_id = row.in_queue_id or row.queue_id
    assert queue_id is not None
    return queues.queue(session, queue_id)

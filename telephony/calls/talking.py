"""What those in conversation do, and what becomes of whom the agent consults. Pure: a part of the life cycle."""

from dataclasses import replace
from datetime import datetime
from typing import assert_never

from crm.levels.metering import FactKind
from telephony.calls.events import (
    AgentMove,
    BackAsked,
    CallState,
    ConsultAsked,
    Fact,
    HoldAsked,
    HoldRefused,
    LegEnd,
    LegEnded,
    Move,
    Order,
    Party,
    PartyLeaveAsked,
    PassAsked,
    PassToQueueAsked,
    Step,
    TalkEvent,
    TogetherAsked,
    at_rest,
)
from telephony.calls.models import Phase
from telephony.commands.models import CommandKind

Asked = HoldAsked | BackAsked | ConsultAsked | TogetherAsked | PassAsked | PassToQueueAsked
ARRANGE = Order(CommandKind.ARRANGE)


def party_answered(state: CallState, party: Party) -> Step:
    """Whoever was rung is in the conversation; the caller hears him no sooner than the agent says so."""
    if party.joined:
        return Step(state)
    moves = (AgentMove(party.agent_id, Move.TALK),) if party.agent_id is not None else ()
    return Step(replace(state, party=replace(party, joined=True)), moves=moves)


def left_to_party(state: CallState, party: Party, event: LegEnded, agent_id: int) -> Step:
    """All three were talking, and the agent's line dropped: the other two go on."""
    passed = left_to(state, party, event.at)
    first = AgentMove(agent_id, Move.FREE if party.agent_id is not None else Move.WRAP_UP)
    return replace(passed, orders=(), moves=(first,))


def left_to(state: CallState, party: Party, at: datetime) -> Step:
    """The caller is the party's from here on: a colleague's, or somebody's outside. What the agent does is not said."""
    rested = at_rest(state, at)
    passed = Fact(FactKind.PASSED_ON, at, state.waited_ms, state.agent_id)
    resumed = (Fact(FactKind.RESUMED, at, state.waited_ms, state.agent_id),) if state.held_since else ()
    if party.agent_id is None:
        outside = replace(rested, phase=Phase.OUTSIDE, leg_id=party.leg_id, room_id=state.room)
        return Step(outside, facts=(*resumed, passed))
    taken = replace(
        rested, leg_id=party.leg_id, agent_id=party.agent_id, room_id=state.room, party=None, talking_since=at
    )
    served = Fact(FactKind.SERVED, at, state.waited_ms, party.agent_id)
    return Step(taken, facts=(*resumed, passed, served))


def without_party(state: CallState) -> tuple[CallState, Step]:
    """Whoever is consulted is let go: the state without him, and what that takes."""
    if state.party is None:
        return state, Step(state)
    alone = replace(state, party=None)
    moves = (AgentMove(state.party.agent_id, Move.FREE),) if state.party.agent_id is not None else ()
    return alone, Step(alone, (Order(CommandKind.END_LEG, state.party.leg_id),), moves)


def party_ended(state: CallState, party: Party, event: LegEnded) -> Step:
    """Whoever was consulted is gone; while the caller was left to him, that is the end, or a new wait."""
    timed_out = (Order(CommandKind.END_LEG, event.leg_id),) if event.reason is LegEnd.TIMED_OUT else ()
    if state.phase is not Phase.OUTSIDE:
        missed = Move.FREE if party.joined else Move.MISSED
        moves = (AgentMove(party.agent_id, missed),) if party.agent_id is not None else ()
        return Step(replace(state, party=None), timed_out, moves)
    if party.joined:  # they have spoken: nobody is left for the caller
        return Step(state, orders=(Order(CommandKind.END_CALLER),))
    return nobody_outside(state, event.at, timed_out)


def nobody_outside(state: CallState, at: datetime, orders: tuple[Order, ...]) -> Step:
    """Nobody answered there: the caller waits again, and the agent is done with him."""
    assert state.agent_id is not None
    waiting = replace(
        state, phase=Phase.WAITING, leg_id=None, agent_id=None, room_id=None, party=None, waiting_since=at, passed=True
    )
    return Step(
        waiting,
        orders=(Order(CommandKind.REQUEUE_CALLER), *orders),
        moves=(AgentMove(state.agent_id, Move.RELIEVED),),
        facts=(Fact(FactKind.RETURNED, at, state.waited_ms, state.agent_id),),
    )


def in_talk(state: CallState, event: TalkEvent) -> Step:
    match event:
        case HoldRefused():
            return replace(_resume(state, event.at), orders=())
        case PartyLeaveAsked():
            return _party_leaves(state, event)
        case HoldAsked() | BackAsked() | ConsultAsked() | TogetherAsked() | PassAsked() | PassToQueueAsked():
            return _asked(state, event) if _may_ask(state, event) else Step(state)
        case _:
            assert_never(event)


def _may_ask(state: CallState, event: Asked) -> bool:
    return state.phase is Phase.TALKING and event.agent_id == state.agent_id and not state.closing


def _asked(state: CallState, event: Asked) -> Step:
    match event:
        case HoldAsked():
            return _hold(state, event.at)
        case BackAsked():
            alone, let_go = without_party(state)
            taken = _resume(alone, event.at)
            return replace(taken, orders=(*taken.orders, *let_go.orders), moves=let_go.moves)
        case ConsultAsked():
            return _consult(state, event)
        case TogetherAsked():
            return _resume(state, event.at) if state.party is not None and state.party.joined else Step(state)
        case PassAsked():
            return _pass_on(state, event.at)
        case PassToQueueAsked():
            return _pass_to_queue(state, event.at)


def _hold(state: CallState, at: datetime) -> Step:
    if state.held_since is not None:
        return Step(state)
    fact = Fact(FactKind.HELD, at, state.waited_ms, state.agent_id)
    return Step(replace(at_rest(state, at), held_since=at), orders=(ARRANGE,), facts=(fact,))


def _resume(state: CallState, at: datetime) -> Step:
    if state.held_since is None:
        return Step(state)
    fact = Fact(FactKind.RESUMED, at, state.waited_ms, state.agent_id)
    return Step(replace(at_rest(state, at), talking_since=at), orders=(ARRANGE,), facts=(fact,))


def _consult(state: CallState, event: ConsultAsked) -> Step:
    if state.party is not None:
        return Step(state)
    held = _hold(state, event.at)
    moves = (AgentMove(event.party_agent_id, Move.RING),) if event.party_agent_id is not None else ()
    return Step(
        replace(held.state, party=Party(event.leg_id, event.party_agent_id)),
        orders=(*held.orders, Order(CommandKind.RING_AGENT, event.leg_id)), moves=moves, facts=held.facts,
    )  # fmt: skip


def _pass_on(state: CallState, at: datetime) -> Step:
    party = state.party
    if party is None or state.agent_id is None or (party.agent_id is not None and not party.joined):
        return Step(state)
    after = Move.WRAP_UP if party.agent_id is None else Move.PASSED
    arrange = (ARRANGE,) if state.held_since is not None else ()
    return replace(
        left_to(state, party, at), orders=(*arrange, Order(CommandKind.END_LEG, state.leg_id)),
        moves=(AgentMove(state.agent_id, after),),
    )  # fmt: skip


def _pass_to_queue(state: CallState, at: datetime) -> Step:
    if state.party is not None or state.agent_id is None:
        return Step(state)
    resumed = (Fact(FactKind.RESUMED, at, state.waited_ms, state.agent_id),) if state.held_since else ()
    waiting = replace(
        at_rest(state, at), phase=Phase.WAITING, leg_id=None, agent_id=None, room_id=None, waiting_since=at, passed=True
    )
    kinds = (FactKind.PASSED_ON, FactKind.RETURNED)
    return Step(
        waiting,
        orders=(Order(CommandKind.REQUEUE_CALLER), Order(CommandKind.END_LEG, state.leg_id)),
        moves=(AgentMove(state.agent_id, Move.PASSED),),
        facts=(*resumed, *(Fact(kind, at, state.waited_ms, state.agent_id) for kind in kinds)),
    )


def _party_leaves(state: CallState, event: PartyLeaveAsked) -> Step:
    if state.phase is not Phase.TALKING or state.party is None or state.party.agent_id != event.agent_id:
        return Step(state)
    return without_party(state)[1]

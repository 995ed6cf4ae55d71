"""The life cycle of a call, pure: a state and an event in; a state, commands, agents' moves and facts out.

Carriers guarantee neither order nor once. An event that does not fit the state (late, duplicated, about a leg
that is no longer the current one) changes nothing; a leg that answers too late is ended.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import assert_never
from uuid import UUID

from crm.levels.metering import EndedBy, FactKind, ms_between
from telephony.calls.models import Phase
from telephony.commands.models import CommandKind

UNSERVED = frozenset({Phase.WAITING, Phase.RINGING, Phase.JOINING})
WITH_LEG = frozenset({Phase.RINGING, Phase.JOINING, Phase.TALKING, Phase.OUTSIDE})


@dataclass(frozen=True, slots=True)
class Party:
    """Whom the agent consults, or passed the call on to. Without an agent it is a number outside."""

    leg_id: UUID
    agent_id: int | None = None
    joined: bool = False


@dataclass(frozen=True, slots=True)
class CallState:
    """What the life cycle needs to know of a call. `waited_ms`, `talked_ms` and `held_ms` sum the finished stretches.

    While TALKING it is either held or talked, once both have been joined. `passed`: it waits because an agent passed
    it on, not because his line dropped.
    """

    phase: Phase
    leg_id: UUID | None = None
    agent_id: int | None = None
    waiting_since: datetime | None = None
    waited_ms: int = 0
    served: bool = False
    closing: bool = False
    talking_since: datetime | None = None
    talked_ms: int = 0
    held_since: datetime | None = None
    held_ms: int = 0
    room_id: UUID | None = None
    party: Party | None = None
    passed: bool = False

    @property
    def room(self) -> UUID | None:
        """The leg after which the conference is named: the first agent's, also once he passed the call on."""
        return self.room_id or self.leg_id


# -- events ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CallerQueued:
    """The caller asked for an operator."""

    at: datetime


@dataclass(frozen=True, slots=True)
class AgentClaimed:
    """The matching gave the call to an agent, through a new leg."""

    at: datetime
    leg_id: UUID
    agent_id: int


@dataclass(frozen=True, slots=True)
class AgentAnswered:
    """The agent picked up (or joined the conference: whichever is heard of first)."""

    at: datetime
    leg_id: UUID


@dataclass(frozen=True, slots=True)
class CallerJoined:
    """The caller is in the conference of this leg: both parties hear each other."""

    at: datetime
    leg_id: UUID


class LegEnd(StrEnum):
    """Why an agent's leg is over."""

    NO_ANSWER = "no-answer"
    BUSY = "busy"
    FAILED = "failed"
    CANCELED = "canceled"
    COMPLETED = "completed"
    TIMED_OUT = "timed-out"  # our own timer, when the carrier's word does not come


@dataclass(frozen=True, slots=True)
class LegEnded:
    """The agent's leg is over, whoever ended it."""

    at: datetime
    leg_id: UUID
    reason: LegEnd


@dataclass(frozen=True, slots=True)
class RingRefused:
    """The carrier would not ring the agent's leg at all: no fault of the agent's."""

    at: datetime
    leg_id: UUID


@dataclass(frozen=True, slots=True)
class HangUpAsked:
    """The agent pressed *hang up*."""

    at: datetime
    agent_id: int


@dataclass(frozen=True, slots=True)
class CallerLeft:
    """The caller's own call is over."""

    at: datetime


@dataclass(frozen=True, slots=True)
class HoldAsked:
    """The agent puts the caller on hold."""

    at: datetime
    agent_id: int


@dataclass(frozen=True, slots=True)
class BackAsked:
    """The agent takes the caller up again, alone: whoever he consulted goes."""

    at: datetime
    agent_id: int


@dataclass(frozen=True, slots=True)
class ConsultAsked:
    """The agent wants to speak with somebody while the caller is on hold: a colleague, else a number outside."""

    at: datetime
    agent_id: int
    leg_id: UUID
    party_agent_id: int | None = None


@dataclass(frozen=True, slots=True)
class HoldRefused:
    """The carrier would not put the caller on hold: he hears all."""

    at: datetime


@dataclass(frozen=True, slots=True)
class TogetherAsked:
    """The caller hears, and is heard by, whom the agent consults."""

    at: datetime
    agent_id: int


@dataclass(frozen=True, slots=True)
class PassAsked:
    """The agent leaves the caller to whom he consults, or rings, outside."""

    at: datetime
    agent_id: int


@dataclass(frozen=True, slots=True)
class PassToQueueAsked:
    """The agent lets the caller wait for somebody else."""

    at: datetime
    agent_id: int


@dataclass(frozen=True, slots=True)
class PartyLeaveAsked:
    """The colleague who is consulted has said what he had to say."""

    at: datetime
    agent_id: int


TalkEvent = (
    HoldRefused | HoldAsked | BackAsked | ConsultAsked | TogetherAsked | PassAsked | PassToQueueAsked | PartyLeaveAsked
)
Event = (
    CallerQueued | AgentClaimed | AgentAnswered | CallerJoined | LegEnded | RingRefused | HangUpAsked | CallerLeft
    | TalkEvent
)  # fmt: skip


# -- consequences ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Order:
    """A command for the carrier."""

    kind: CommandKind
    leg_id: UUID | None = None


class Move(StrEnum):
    """What becomes of an agent."""

    RING = "ring"
    TALK = "talk"
    FREE = "free"  # back to where he was before it rang: no fault of his
    MISSED = "missed"  # he did not answer: visibly paused
    WRAP_UP = "wrap_up"
    PASSED = "passed"  # he passed the call on, notes and all: free, last in turn
    RELIEVED = "relieved"  # should he still write notes of it: the call is somebody else's after all


@dataclass(frozen=True, slots=True)
class AgentMove:
    agent_id: int
    move: Move


@dataclass(frozen=True, slots=True)
class Fact:
    """Something the meter should know. `waited_ms` is the whole wait so far; by whom it happened, where known."""

    kind: FactKind
    at: datetime
    waited_ms: int
    agent_id: int | None = None
    ended_by: EndedBy | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """A state and everything that follows from having reached it."""

    state: CallState
    orders: tuple[Order, ...] = ()
    moves: tuple[AgentMove, ...] = ()
    facts: tuple[Fact, ...] = ()


def advance(state: CallState, event: Event) -> Step:
    """Fold one event into a call's state. Total: every event is allowed in every state."""
    match event:
        case CallerQueued():
            return _queued(state, event)
        case AgentClaimed():
            return _claimed(state, event)
        case AgentAnswered():
            return _answered(state, event)
        case CallerJoined():
            return _joined(state, event)
        case LegEnded():
            return _leg_ended(state, event)
        case RingRefused():
            return _ring_refused(state, event)
        case HangUpAsked():
            return _hang_up(state, event)
        case CallerLeft():
            return _caller_left(state, event)
        case _:
            return _in_talk(state, event)


def waited_until(state: CallState, instant: datetime) -> int:
    """The whole wait, in milliseconds, if the current stretch of waiting ended at `instant`."""
    if state.waiting_since is None:
        return state.waited_ms
    return state.waited_ms + ms_between(state.waiting_since, instant)


def talked_until(state: CallState, instant: datetime) -> int:
    """The whole conversation, in milliseconds, if the current stretch of it ended at `instant`."""
    return state.talked_ms + (ms_between(state.talking_since, instant) if state.talking_since else 0)


def at_rest(state: CallState, instant: datetime) -> CallState:
    """The state once the current stretch of conversation, or of hold, ended at `instant`."""
    held = state.held_ms + (ms_between(state.held_since, instant) if state.held_since else 0)
    return replace(
        state, talking_since=None, talked_ms=talked_until(state, instant), held_since=None, held_ms=held
    )  # fmt: skip


def _queued(state: CallState, event: CallerQueued) -> Step:
    if state.phase is not Phase.IVR:
        return Step(state)
    queued = replace(state, phase=Phase.WAITING, waiting_since=event.at)
    return Step(queued, facts=(Fact(FactKind.ENTERED, event.at, 0),))


def _claimed(state: CallState, event: AgentClaimed) -> Step:
    if state.phase is not Phase.WAITING:
        return Step(state)
    claimed = replace(state, phase=Phase.RINGING, leg_id=event.leg_id, agent_id=event.agent_id)
    return Step(
        claimed,
        orders=(Order(CommandKind.RING_AGENT, event.leg_id),),
        moves=(AgentMove(event.agent_id, Move.RING),),
    )


def _answered(state: CallState, event: AgentAnswered) -> Step:
    if state.party is not None and event.leg_id == state.party.leg_id:
        return _party_answered(state, state.party)
    if event.leg_id != state.leg_id:
        return Step(state, orders=(Order(CommandKind.END_LEG, event.leg_id),))
    if state.phase is not Phase.RINGING:
        return Step(state)
    return Step(replace(state, phase=Phase.JOINING), orders=(Order(CommandKind.CONNECT_CALLER, event.leg_id),))


def _party_answered(state: CallState, party: Party) -> Step:
    if party.joined or state.phase is Phase.ENDED:
        return Step(state)
    moves = (AgentMove(party.agent_id, Move.TALK),) if party.agent_id is not None else ()
    return Step(replace(state, party=replace(party, joined=True)), moves=moves)


def _joined(state: CallState, event: CallerJoined) -> Step:
    if state.phase is not Phase.JOINING or event.leg_id != state.leg_id or state.agent_id is None:
        return Step(state)
    waited = waited_until(state, event.at)
    talking = replace(
        state, phase=Phase.TALKING, waiting_since=None, waited_ms=waited, served=True, talking_since=event.at,
        passed=False,
    )  # fmt: skip
    return Step(
        talking,
        moves=(AgentMove(state.agent_id, Move.TALK),),
        facts=(Fact(FactKind.SERVED, event.at, waited, state.agent_id),),
    )


def _leg_ended(state: CallState, event: LegEnded) -> Step:
    if state.phase is Phase.ENDED:
        return Step(state)
    if state.party is not None and event.leg_id == state.party.leg_id:
        return _party_ended(state, state.party, event)
    if event.leg_id != state.leg_id or state.agent_id is None:
        return Step(state)
    without = replace(state, leg_id=None, agent_id=None)
    if state.phase is Phase.RINGING:
        ended = event.reason is LegEnd.TIMED_OUT
        return Step(
            replace(without, phase=Phase.WAITING),
            orders=(Order(CommandKind.END_LEG, event.leg_id),) if ended else (),
            moves=(AgentMove(state.agent_id, Move.MISSED),),
        )
    if state.phase is Phase.JOINING:
        return Step(
            replace(without, phase=Phase.WAITING),
            orders=(Order(CommandKind.REQUEUE_CALLER),),
            moves=(AgentMove(state.agent_id, Move.FREE),),
        )
    if state.closing:  # both ends were told to hang up; the caller's end closes the call
        return Step(state)
    if state.party is not None and state.party.joined and state.held_since is None:
        return _left_to_party(state, state.party, event, state.agent_id)
    gone, let_go = _without_party(state)
    return Step(
        replace(
            at_rest(gone, event.at), phase=Phase.WAITING, leg_id=None, agent_id=None, room_id=None,
            waiting_since=event.at, passed=False,
        ),
        orders=(Order(CommandKind.REQUEUE_CALLER), *let_go.orders),
        moves=(AgentMove(state.agent_id, Move.FREE), *let_go.moves),
        facts=(Fact(FactKind.RETURNED, event.at, state.waited_ms, state.agent_id),),
    )  # fmt: skip


def _left_to_party(state: CallState, party: Party, event: LegEnded, agent_id: int) -> Step:
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


def _without_party(state: CallState) -> tuple[CallState, Step]:
    """Whoever is consulted is let go: the state without him, and what that takes."""
    if state.party is None:
        return state, Step(state)
    alone = replace(state, party=None)
    moves = (AgentMove(state.party.agent_id, Move.FREE),) if state.party.agent_id is not None else ()
    return alone, Step(alone, (Order(CommandKind.END_LEG, state.party.leg_id),), moves)


def _party_ended(state: CallState, party: Party, event: LegEnded) -> Step:
    timed_out = (Order(CommandKind.END_LEG, event.leg_id),) if event.reason is LegEnd.TIMED_OUT else ()
    if state.phase is not Phase.OUTSIDE:
        missed = Move.FREE if party.joined else Move.MISSED
        moves = (AgentMove(party.agent_id, missed),) if party.agent_id is not None else ()
        return Step(replace(state, party=None), timed_out, moves)
    if party.joined:  # they have spoken: nobody is left for the caller
        return Step(state, orders=(Order(CommandKind.END_CALLER),))
    return _nobody_outside(state, event.at, timed_out)


def _nobody_outside(state: CallState, at: datetime, orders: tuple[Order, ...]) -> Step:
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


def _ring_refused(state: CallState, event: RingRefused) -> Step:
    if state.party is not None and event.leg_id == state.party.leg_id and not state.party.joined:
        if state.phase is Phase.OUTSIDE:
            return _nobody_outside(state, event.at, ())
        alone, let_go = _without_party(state)
        return Step(alone, moves=let_go.moves)
    if event.leg_id != state.leg_id or state.phase is not Phase.RINGING or state.agent_id is None:
        return Step(state)
    waiting = replace(state, phase=Phase.WAITING, leg_id=None, agent_id=None)
    return Step(waiting, moves=(AgentMove(state.agent_id, Move.FREE),))


def _hang_up(state: CallState, event: HangUpAsked) -> Step:
    if state.phase is not Phase.TALKING or event.agent_id != state.agent_id:
        return Step(state)
    return Step(
        replace(state, closing=True),
        orders=(
            Order(CommandKind.END_CALLER), Order(CommandKind.END_LEG, state.leg_id), *_without_party(state)[1].orders
        ),
    )  # fmt: skip


def _caller_left(state: CallState, event: CallerLeft) -> Step:
    if state.phase is Phase.ENDED:
        return Step(state)
    waited = waited_until(state, event.at)
    alone, let_go = _without_party(state)
    ended = replace(
        at_rest(alone, event.at), phase=Phase.ENDED, waiting_since=None, waited_ms=waited, passed=False, room_id=None
    )
    orders, moves = let_go.orders, let_go.moves
    if state.phase in {Phase.RINGING, Phase.JOINING, Phase.TALKING} and state.agent_id is not None:
        orders = (Order(CommandKind.END_LEG, state.leg_id), *orders)
        after = Move.WRAP_UP if state.phase is Phase.TALKING else Move.FREE
        moves = (AgentMove(state.agent_id, after), *moves)
        if state.phase is not Phase.TALKING:  # he never spoke with the caller: the call is not his
            ended = replace(ended, leg_id=None, agent_id=None)
    by = EndedBy.AGENT if state.closing else EndedBy.CALLER
    return Step(ended, orders, moves, (Fact(FactKind.LEFT, event.at, waited, ended.agent_id, by),))


# -- what the agent asks for in conversation --------------------------------------------------------------------

Asked = HoldAsked | BackAsked | ConsultAsked | TogetherAsked | PassAsked | PassToQueueAsked
ARRANGE = Order(CommandKind.ARRANGE)


def _in_talk(state: CallState, event: TalkEvent) -> Step:
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
            alone, let_go = _without_party(state)
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
    return _without_party(state)[1]

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
WITH_LEG = frozenset({Phase.RINGING, Phase.JOINING, Phase.TALKING})


@dataclass(frozen=True, slots=True)
class CallState:
    """What the life cycle needs to know of a call. `waited_ms` and `talked_ms` sum the finished stretches.

    `away`: nobody is on the line; he is called when it is his turn.
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
    away: bool = False


# -- events ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CallerQueued:
    """The caller asked for an operator; `away`: not now, but to be called back when it is his turn."""

    at: datetime
    away: bool = False


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
    """The agent pressed *hang up*; with a `survey` the caller is asked on his line what he thinks of it."""

    at: datetime
    agent_id: int
    survey: bool = False


@dataclass(frozen=True, slots=True)
class CallerLeft:
    """The caller's own call is over."""

    at: datetime


@dataclass(frozen=True, slots=True)
class CallbackAsked:
    """The caller hangs up, and is called back when it is his turn."""

    at: datetime


@dataclass(frozen=True, slots=True)
class CitizenMissed:
    """Whoever was to be called back did not answer, or could not be called."""

    at: datetime
    leg_id: UUID


@dataclass(frozen=True, slots=True)
class CallbackGivenUp:
    """He is called no more."""

    at: datetime


CallbackEvent = CallbackAsked | CitizenMissed | CallbackGivenUp
Event = (
    CallerQueued | AgentClaimed | AgentAnswered | CallerJoined | LegEnded | RingRefused | HangUpAsked | CallerLeft
    | CallbackEvent
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
        case CallbackAsked() | CitizenMissed() | CallbackGivenUp():
            return _about_callback(state, event)
        case _:
            assert_never(event)


def waited_until(state: CallState, instant: datetime) -> int:
    """The whole wait, in milliseconds, if the current stretch of waiting ended at `instant`."""
    if state.waiting_since is None:
        return state.waited_ms
    return state.waited_ms + ms_between(state.waiting_since, instant)


def talked_until(state: CallState, instant: datetime) -> int:
    """The whole conversation, in milliseconds, if the current stretch of it ended at `instant`."""
    return state.talked_ms + (ms_between(state.talking_since, instant) if state.talking_since else 0)


def _queued(state: CallState, event: CallerQueued) -> Step:
    if state.phase is not Phase.IVR:
        return Step(state)
    queued = replace(state, phase=Phase.WAITING, waiting_since=None if event.away else event.at, away=event.away)
    facts = (Fact(FactKind.ENTERED, event.at, 0),)
    return Step(queued, facts=(*facts, Fact(FactKind.CALLBACK, event.at, 0)) if event.away else facts)


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
    if event.leg_id != state.leg_id:
        return Step(state, orders=(Order(CommandKind.END_LEG, event.leg_id),))
    if state.phase is not Phase.RINGING:
        return Step(state)
    kind = CommandKind.CALL_BACK if state.away else CommandKind.CONNECT_CALLER
    return Step(replace(state, phase=Phase.JOINING), orders=(Order(kind, event.leg_id),))


def _joined(state: CallState, event: CallerJoined) -> Step:
    if state.phase is not Phase.JOINING or event.leg_id != state.leg_id or state.agent_id is None:
        return Step(state)
    waited = waited_until(state, event.at)
    talking = replace(
        state, phase=Phase.TALKING, waiting_since=None, waited_ms=waited, served=True, talking_since=event.at,
        away=False,
    )  # fmt: skip
    return Step(
        talking,
        moves=(AgentMove(state.agent_id, Move.TALK),),
        facts=(Fact(FactKind.SERVED, event.at, waited, state.agent_id),),
    )


def _leg_ended(state: CallState, event: LegEnded) -> Step:
    if event.leg_id != state.leg_id or state.agent_id is None or state.phase is Phase.ENDED:
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
        kind = CommandKind.END_CALLER if state.away else CommandKind.REQUEUE_CALLER  # his telephone stops ringing
        return Step(
            replace(without, phase=Phase.WAITING),
            orders=(Order(kind, event.leg_id if state.away else None),),
            moves=(AgentMove(state.agent_id, Move.FREE),),
        )
    if state.closing:  # both ends were told to hang up; the caller's end closes the call
        return Step(state)
    talked = talked_until(state, event.at)
    waiting = replace(without, phase=Phase.WAITING, waiting_since=event.at, talking_since=None, talked_ms=talked)
    return Step(
        waiting,
        orders=(Order(CommandKind.REQUEUE_CALLER),),
        moves=(AgentMove(state.agent_id, Move.FREE),),
        facts=(Fact(FactKind.RETURNED, event.at, state.waited_ms, state.agent_id),),
    )


def _ring_refused(state: CallState, event: RingRefused) -> Step:
    if event.leg_id != state.leg_id or state.phase is not Phase.RINGING or state.agent_id is None:
        return Step(state)
    waiting = replace(state, phase=Phase.WAITING, leg_id=None, agent_id=None)
    return Step(waiting, moves=(AgentMove(state.agent_id, Move.FREE),))


def _hang_up(state: CallState, event: HangUpAsked) -> Step:
    if state.phase is not Phase.TALKING or event.agent_id != state.agent_id:
        return Step(state)
    closing = replace(state, closing=True)
    if event.survey and not state.closing:  # for all but the caller it is over: what he still hears is no conversation
        over = _caller_left(closing, CallerLeft(event.at))
        return replace(over, orders=(Order(CommandKind.SURVEY), *over.orders))
    return Step(closing, orders=(Order(CommandKind.END_CALLER), Order(CommandKind.END_LEG, state.leg_id)))


def _about_callback(state: CallState, event: CallbackEvent) -> Step:
    match event:
        case CallbackAsked():
            return _called_back(state, event)
        case CitizenMissed():
            return _citizen_missed(state, event)
        case CallbackGivenUp():
            return _given_up(state, event)


def _called_back(state: CallState, event: CallbackAsked) -> Step:
    if state.phase is not Phase.WAITING or state.away:
        return Step(state)
    waited = waited_until(state, event.at)
    away = replace(state, away=True, waiting_since=None, waited_ms=waited)
    return Step(away, facts=(Fact(FactKind.CALLBACK, event.at, waited),))


def _citizen_missed(state: CallState, event: CitizenMissed) -> Step:
    if not state.away or state.phase is not Phase.JOINING or event.leg_id != state.leg_id or state.agent_id is None:
        return Step(state)
    return Step(
        replace(state, phase=Phase.WAITING, leg_id=None, agent_id=None),
        orders=(Order(CommandKind.END_LEG, event.leg_id),),
        moves=(AgentMove(state.agent_id, Move.FREE),),
    )


def _given_up(state: CallState, event: CallbackGivenUp) -> Step:
    if not state.away or state.phase is not Phase.WAITING:
        return Step(state)
    fact = Fact(FactKind.LEFT, event.at, state.waited_ms, ended_by=EndedBy.SYSTEM)
    return Step(replace(state, phase=Phase.ENDED), facts=(fact,))


def _caller_left(state: CallState, event: CallerLeft) -> Step:
    if state.phase is Phase.ENDED or state.away:
        return Step(state)
    waited = waited_until(state, event.at)
    talked = talked_until(state, event.at)
    ended = replace(
        state, phase=Phase.ENDED, waiting_since=None, waited_ms=waited, talking_since=None, talked_ms=talked
    )
    orders: tuple[Order, ...] = ()
    moves: tuple[AgentMove, ...] = ()
    if state.phase in WITH_LEG and state.agent_id is not None:
        orders = (Order(CommandKind.END_LEG, state.leg_id),)
        after = Move.WRAP_UP if state.phase is Phase.TALKING else Move.FREE
        moves = (AgentMove(state.agent_id, after),)
        if state.phase is not Phase.TALKING:  # he never spoke with the caller: the call is not his
            ended = replace(ended, leg_id=None, agent_id=None)
    by = EndedBy.AGENT if state.closing else EndedBy.CALLER
    return Step(ended, orders, moves, (Fact(FactKind.LEFT, event.at, waited, ended.agent_id, by),))

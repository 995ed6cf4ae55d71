"""What may happen to a call, and what follows from it: the words of its life cycle (`lifecycle`, `talking`)."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from crm.levels.metering import EndedBy, FactKind, ms_between
from telephony.calls.models import Phase
from telephony.commands.models import CommandKind


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
    it on, not because his line dropped. `away`: nobody is on the line; he is called when it is his turn. `seated`: an
    agent is, or is to be, alone in its conference, for whoever answers next of those whom a campaign calls.

    The callbacks about a call, its conference and its legs are in no order among each other. ENDED, it keeps therefore
    what may still be told of its last moments: as `party` the agent to whom the caller was on his way, whom he may have
    reached after all. `parted_at`: when the agent, who hung up, was gone.
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
    away: bool = False
    seated: bool = False
    parted_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def room(self) -> UUID | None:
        """The leg after which the conference is named: the first agent's, also once he passed the call on."""
        return self.room_id or self.leg_id


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
    """The caller is in the conference of this leg: both parties hear each other. `line` is his, if it was said."""

    at: datetime
    leg_id: UUID
    line: str | None = None


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


@dataclass(frozen=True, slots=True)
class CallbackServed:
    """He has called again, and this agent has served him then: he need not be called any more."""

    at: datetime
    agent_id: int


@dataclass(frozen=True, slots=True)
class MachineAnswered:
    """The agent hears the answering machine of whoever was called back."""

    at: datetime
    agent_id: int


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


@dataclass(frozen=True, slots=True)
class SeatTaken:
    """Somebody whom a campaign called has answered: he is on his way to the agent who waits in this seat."""

    at: datetime
    leg_id: UUID


@dataclass(frozen=True, slots=True)
class SeatLeft:
    """Nobody comes any more to the agent who waits in this seat: he is free."""

    at: datetime


SeatEvent = SeatTaken | SeatLeft
CallbackEvent = CallbackAsked | CitizenMissed | CallbackGivenUp | CallbackServed | MachineAnswered
TalkEvent = (
    HoldRefused | HoldAsked | BackAsked | ConsultAsked | TogetherAsked | PassAsked | PassToQueueAsked | PartyLeaveAsked
)
Event = (
    CallerQueued | AgentClaimed | AgentAnswered | CallerJoined | LegEnded | RingRefused | HangUpAsked | CallerLeft
    | CallbackEvent | SeatEvent | TalkEvent
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


# -- time ------------------------------------------------------------------------------------------------------------


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

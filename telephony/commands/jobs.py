"""A command as whoever carries it out sees it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from telephony.calls.models import LegRole, LegState, Phase
from telephony.commands.models import CommandKind, CommandState

CREATES = frozenset({CommandKind.RING_AGENT, CommandKind.CALL_BACK})


@dataclass(frozen=True, slots=True)
class Job:
    """A command with all that is needed to carry it out, read in one statement."""

    id: int
    kind: CommandKind
    state: CommandState
    attempts: int
    created_at: datetime
    read_at: datetime
    call_id: UUID
    contract_id: int
    line: str
    caller_sid: str
    phase: Phase
    current_leg: UUID | None
    leg_id: UUID | None
    leg_sid: str | None
    leg_state: LegState | None
    agent_id: int | None
    ring_timeout_s: int | None
    role: LegRole | None
    number: str | None
    room_id: UUID | None
    citizen: str | None  # the number of whoever is to be called back
    called_leg: UUID | None  # for which he is being called, or was
    ente_id: int | None
    caller_id: str = ""  # of a call that is placed

    @property
    def is_moot(self) -> bool:
        """Whether the call has moved on, so that nothing is left to do."""
        match self.kind:
            case CommandKind.RING_AGENT:
                return not self.may_have_been_sent and self.leg_state is not LegState.RINGING
            case CommandKind.CALL_BACK:
                wanted = self.phase is Phase.JOINING and self.current_leg == self.leg_id
                return not self.may_have_been_sent and not wanted
            case CommandKind.CONNECT_CALLER:
                return self.phase is not Phase.JOINING or self.current_leg != self.leg_id
            case CommandKind.REQUEUE_CALLER:
                return self.phase not in {Phase.WAITING, Phase.RINGING}
            case CommandKind.END_CALLER:
                other_attempt = self.leg_id is not None and self.leg_id != self.called_leg
                return self.phase is Phase.ENDED or other_attempt
            case CommandKind.SURVEY:
                return False  # his line is his own: if it is over, the carrier says so
            case CommandKind.END_LEG:
                return self.leg_sid is None  # whoever learns the SID of an ended leg orders its end
            case CommandKind.RECORD:
                return False
            case CommandKind.ARRANGE:
                return self.phase not in {Phase.TALKING, Phase.OUTSIDE}

    @property
    def rings_as(self) -> str | None:
        """The carrier's name of what this command rings, where a callback has told it."""
        if self.kind is CommandKind.RING_AGENT:
            return self.leg_sid
        return self.caller_sid if self.called_leg == self.leg_id else None

    @property
    def room(self) -> UUID | None:
        """The leg whose conference the ring leads to: an agent who answers opens one of his own."""
        return self.leg_id if self.role is LegRole.AGENT else self.room_id or self.current_leg

    @property
    def places_a_call(self) -> bool:
        """Whether carrying it out creates a call at the carrier."""
        return self.kind in CREATES and not self.may_have_been_sent and not self.is_moot

    @property
    def may_have_been_sent(self) -> bool:
        """Whether somebody before us may have told the carrier already."""
        return self.state is CommandState.UNKNOWN or self.attempts > 0

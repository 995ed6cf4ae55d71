"""What the deciding code needs of the live state of the contact centre, within one transaction.

Two stores keep it: PostgreSQL (`postgres`), which is the truth, and this process's memory (`memory`), in which the
simulation runs. Neither decides anything. Configuration is not asked for here: it is remembered by its version
(`crm.core.configuration`), whatever the store.
"""

from collections.abc import Collection, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from crm.contacts.queries import ContactKey
from crm.levels.agreement import Promise
from crm.levels.metering import Account, Callers, Counts, Measured
from crm.levels.models import ContractEventKind
from crm.levels.service import SeenFact, ToldWait
from telephony.agents.models import AgentState
from telephony.agents.presence import Presence, Stated
from telephony.calls.models import Consent, LegState, Phase, WatchMode
from telephony.commands.jobs import Job
from telephony.commands.models import CommandKind, CommandState, TimerKind
from telephony.floor.callbacks_port import CallbackFloor
from telephony.floor.texts_port import TextFloor
from telephony.queues.queries import Crowd
from telephony.queues.routing import FreeAgent, Waiting


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose a call is."""

    id: UUID
    contract_id: int
    ente_id: int | None


@dataclass(frozen=True, slots=True)
class LiveCall:
    """What an event may change of a call, and by what it counts: columns of the table of calls."""

    id: UUID
    contract_id: int
    ente_id: int | None
    line: str
    queue_id: int | None
    phase: Phase
    leg_id: UUID | None
    agent_id: int | None
    waiting_since: datetime | None
    waited_ms: int
    answered_at: datetime | None
    closing: bool
    arrived_at: datetime
    queued_at: datetime | None
    metered: bool
    contact_id: int | None
    callers: Callers
    talking_since: datetime | None
    talked_ms: int
    ended_at: datetime | None
    wrapped_up_at: datetime | None
    turned_away_at: datetime | None
    away: bool
    carrier_sid: str
    self_served_at: datetime | None
    held_since: datetime | None
    held_ms: int
    room_id: UUID | None
    party_leg_id: UUID | None
    party_agent_id: int | None
    party_joined: bool
    passed: bool
    in_queue_id: int | None
    watched: bool
    consent: Consent | None
    unrecorded_until: datetime | None
    parted_at: datetime | None
    put_through_at: datetime | None
    placed: bool
    seated: bool


SERVING = frozenset({AgentState.READY, AgentState.RINGING, AgentState.TALKING, AgentState.WRAP_UP})
CallRow = Any  # a row of the table of calls, its columns by name


@dataclass(frozen=True, slots=True)
class Entering:
    """What of a call decides how it enters a queue. `ivr` is a stored `walk.Place`."""

    contract_id: int
    ente_id: int | None
    contact_id: int | None
    ivr: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Dialled:
    """A call for which the menu dialled a number outside. `ivr` is a stored `walk.Place`."""

    id: UUID
    contract_id: int
    carrier_sid: str
    arrived_at: datetime
    ivr: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Talking:
    """A conversation: the agent's leg, the leg whose room it is in (none: the same), who is in it as a supervisor."""

    contract_id: int
    leg_id: UUID
    room_id: UUID | None
    held: bool
    watchers: tuple[tuple[UUID, WatchMode], ...]


@dataclass(frozen=True, slots=True)
class DueTimer:
    """A timer that was taken: its row is gone, its effect is the taker's."""

    kind: TimerKind
    call_id: UUID
    leg_id: UUID | None
    agent_id: int | None


class LockedAgent(NamedTuple):
    """What an agent does, his routing domain, and until when his console counts as there."""

    presence: Presence
    domain: str
    live_until: datetime


@dataclass(frozen=True, slots=True)
class AtDesk:
    """An agent whose console says that it is there, with what he does and until when it counted as there before."""

    agent_id: int
    domain: str
    presence: Presence
    live_until: datetime


@dataclass(frozen=True, slots=True)
class KnownLines:
    """What is known of lines by the carrier's names: of callers and of legs when each ended (none while it lives), and
    on which of the callers' somebody was asked what he thinks of it.
    """

    callers: Mapping[str, datetime | None]
    legs: Mapping[str, datetime | None]
    surveyed: frozenset[str]


@dataclass(frozen=True, slots=True)
class Standing:
    """How a call stands in its queue: `ahead` are served before it there, `competing` before it by the same agents in
    whichever queue, of whom `agents` are in service.
    """

    contract_id: int
    queue_id: int
    ahead: int
    competing: int
    agents: int


class Floor(CallbackFloor, TextFloor, Protocol):
    """The live state: calls with their logs and legs, queue entries, agents, timers, commands, and the meter; and
    conversations by SMS.
    """

    def attempt(self) -> AbstractContextManager[object]:
        """What is done inside is undone when it raises; what was done before stays."""

    # -- calls --------------------------------------------------------------------------------------------------

    def arrive(self, **values: object) -> CallRow | None:
        """A new call with these columns; none when the carrier's name of it is known already."""

    def call_of_sid(self, carrier_sid: str) -> Owner | None:
        """The call that the carrier calls so, and whose it is."""

    def known_lines(self, carrier_sids: Collection[str]) -> KnownLines:
        """What is known of these lines."""

    def call_of_agent(self, agent_id: int) -> UUID | None:
        """The call that an agent is busy with."""

    def whole_call(self, call_id: UUID, *, lock: bool = False) -> CallRow | None:
        """All the columns of a call."""

    def quiet_calls(
        self, *, before: datetime, joining_before: datetime, at: datetime, limit: int
    ) -> list[tuple[Any, ...]]:
        """Live calls not compared with the carrier's since an instant (one for those being joined), the longest first;
        none that waits without its caller.

        They count as compared at `at`. Of each the first fields of `reconciliation.Quiet`.
        """

    def dialled_calls(self, *, before: datetime, at: datetime, limit: int) -> list[Dialled]:
        """Calls that are over, and for which the menu had dialled before then, whatever came of that: nobody told.

        They count as asked for at `at`.
        """

    def lock_call(self, call_id: UUID) -> LiveCall | None:
        """A call, for this transaction alone until its end; none when there is no such call in this scope."""

    def owner(self, call_id: UUID) -> Owner | None:
        """Whose a call is, without locking it."""

    def write_call(self, call_id: UUID, /, **values: object) -> None:
        """Write columns of a call."""

    def queue_up(self, call_id: UUID, *, queue_id: int, at: datetime) -> Entering | None:
        """Write that a call asked for this queue, unless for another before; none when it is past the menu."""

    def attribute(self, call: Owner | LiveCall, ente_id: int | None) -> None:
        """Write that a call is about this ente, and about no contact yet, wherever that stands."""

    def append(
        self, call: Owner | LiveCall, *, key: str, kind: str, detail: Mapping[str, str], at: datetime,
        recorded_at: datetime, repaired: bool,
    ) -> bool:  # fmt: skip
        """Append to a call's log; false when the key was there already."""

    def noted_at(self, call_id: UUID, key: str) -> datetime | None:
        """When it happened that stands in a call's log under this key, if anything does."""

    # -- legs ---------------------------------------------------------------------------------------------------

    def add_leg(self, call: LiveCall, leg_id: UUID, /, **values: object) -> None:
        """A telephone rings for this call; `values` are columns of its leg."""

    def write_leg(self, leg_id: UUID, /, **values: object) -> None:
        """Write columns of a leg that has not ended."""

    def talking(self, call_id: UUID) -> Talking | None:
        """Who takes part in a conversation; none when there is none (any more)."""

    def end_watchers(self, call_id: UUID, *, at: datetime) -> list[UUID]:
        """The legs of supervisors, in order, that had not ended and now have."""

    def learn_sid(self, leg_id: UUID, carrier_sid: str) -> None:
        """The carrier's name of a leg of which it was not known."""

    def name_leg(self, leg_id: UUID, carrier_sid: str) -> LegState:
        """The carrier's name of a leg, from the answer to its creation; the leg's state."""

    def leg_sid(self, leg_id: UUID) -> str | None:
        """The carrier's name of a leg, if it is known."""

    # -- the queue ----------------------------------------------------------------------------------------------

    def add_entry(
        self, call_id: UUID, *, contract_id: int, ente_id: int | None, queue_id: int, domain: str, priority: int,
        at: datetime, language: str, knows: int | None, away: bool = False,
    ) -> None:  # fmt: skip
        """A call waits; nothing when it has an entry."""

    def write_entry(self, call_id: UUID, /, **values: object) -> None:
        """Write columns of a call's entry, if it has one."""

    def waiting(self, domain: str) -> list[Waiting]:
        """The calls that wait for a match in a routing domain."""

    def domain_of_waiting(self, call_id: UUID) -> str | None:
        """The routing domain in which a call waits for a match, if it does."""

    def domains_waiting(self, *, since: datetime) -> list[str]:
        """The routing domains in which somebody has waited since before this instant."""

    def crowd(self, *, contract_id: int, ente_id: int | None, queue_id: int) -> Crowd:
        """Who waits now, as `Crowd` tells."""

    def standing(self, call_id: UUID, now: datetime) -> Standing | None:
        """How a call that asked for an operator stands now."""

    def match_alone(self, domain: str) -> None:
        """Nobody else matches this domain until the end of the transaction."""

    # -- agents -------------------------------------------------------------------------------------------------

    def lock_agent(self, agent_id: int) -> LockedAgent | None:
        """An agent, for this transaction alone; none when he is no agent."""

    def write_agent(self, agent_id: int, presence: Presence, fact: Stated | None) -> None:
        """Write what a locked agent does, and the fact that he does so, if it is one."""

    def state_agent(self, agent_id: int, fact: Stated) -> None:
        """A fact about an agent, from its instant on; at the earliest from his last one's."""

    def attend(
        self, agent_id: int, *, until: datetime, answers_for: Collection[int], not_for: Collection[int]
    ) -> AtDesk | None:  # fmt: skip
        """Write who an agent answers for, and that he is there at least until then."""

    def renew(self, agent_ids: Collection[int], *, at: datetime, until: datetime) -> list[AtDesk]:
        """These agents are there at least until then; those who had not been, in order."""

    def lapse(self, agent_id: int, *, until: datetime) -> None:
        """An agent is not there for longer than this, and without his telephone, unless he was gone before."""

    def set_device(self, agent_id: int, device: str) -> str | None:
        """An agent's telephone in use; his domain when it is another than before."""

    def drop_device(self, agent_id: int, device: str | None = None) -> str | None:
        """An agent's telephone is gone: this one alone, if named; his domain when that changed anything."""

    def silent_agents(self, *, since: datetime) -> list[int]:
        """The agents ready or paused whose console has been silent since before this instant."""

    def free_agents(self, domain: str, now: datetime) -> list[FreeAgent]:
        """Who can take a call now, and of which queues: those that he is member of and may answer."""

    def in_service(self, agent_ids: Collection[int], now: datetime) -> frozenset[int]:
        """Which of these agents are in service, free or not."""

    def serving(self, queue_ids: Collection[int], now: datetime) -> dict[int, frozenset[int]]:
        """Of the agents of these queues, who is in service, free or not, and may answer there."""

    # -- timers -------------------------------------------------------------------------------------------------

    def arm(
        self, kind: TimerKind, *, call_id: UUID, contract_id: int, due: Iterable[datetime],
        leg_id: UUID | None = None, agent_id: int | None = None,
    ) -> None:  # fmt: skip
        """Timers at these instants."""

    def disarm(self, kind: TimerKind, of: UUID | int) -> bool:
        """Take the timers of a kind away: of a leg (ring), a call (wait) or an agent (wrap-up); whether one was set."""

    def due_timers(self, now: datetime, *, limit: int) -> list[tuple[int, int, UUID]]:
        """The ids of the timers that are due, the earliest first, with contract and call."""

    def take_timer(self, timer_id: int) -> DueTimer | None:
        """Take a timer away to fire it; none when it has no reason any more."""

    # -- commands -----------------------------------------------------------------------------------------------

    def add_command(
        self, kind: CommandKind, *, call_id: UUID, leg_id: UUID | None, at: datetime, lease_until: datetime
    ) -> int:  # fmt: skip
        """Owe the carrier a command; its id."""

    def take_over(self, at: datetime, *, lease_until: datetime, limit: int) -> list[tuple[int, UUID]]:
        """Lease the unsettled commands whose lease has run out, each tried once more; with their calls, in order."""

    def load(self, command_id: int, now: datetime) -> Job | None:
        """An unsettled command with all that is needed to carry it out."""

    def settle(
        self, command_id: int, state: CommandState, *, error: str | None, lease_until: datetime
    ) -> None:  # fmt: skip
        """Write down what became of a command."""

    def put_off(self, command_id: int, leg_id: UUID, *, by: timedelta, lease_until: datetime) -> None:
        """A ring leaves later than was thought: it stays with its process until then, and its timer runs longer."""

    # -- the meter, and what is promised --------------------------------------------------------------------------

    def record(
        self, subject: UUID, *, facts: Iterable[SeenFact], before: tuple[Account, Measured] | None,
        after: tuple[Account, Measured],
    ) -> None:  # fmt: skip
        """`crm.levels.service.record`."""

    def announce(self, subject: UUID, *, account: Account, told: ToldWait) -> None:
        """`crm.levels.service.announce`."""

    def handled_since(self, contract_id: int, queue_id: int, since: datetime) -> Counts:
        """`crm.levels.queries.handled_since`."""

    def count_alone(self, contract_id: int, ente_id: int | None) -> None:
        """Nobody else counts this ente's queue until the end of the transaction."""

    def emit(
        self, promise: Promise, *, kind: ContractEventKind, subject: str, measured: Decimal, at: datetime,
        ente_id: int | None, queue_id: int | None,
    ) -> None:  # fmt: skip
        """A promise was not kept: `crm.levels.contract_events.emit`."""

    def withdraw(self, promise: Promise, *, subject: str) -> None:
        """It was kept after all."""

    # -- the taxpayer and his file; a store may know nobody -------------------------------------------------------

    def reached_at(self, number: str) -> list[ContactKey]:
        """Who has this number: `crm.contacts.queries.reached_at`."""

    def by_notice(self, notice_number: str) -> list[ContactKey]:
        """Whose notice this is."""

    def tell(self, call_id: UUID) -> None:
        """Put the call, as it stands, on its contact's timeline."""

    def close_file(self, call_id: UUID) -> None:
        """Whatever file is open for this call is closed."""

    def who_know(self, contact_id: int, *, since: datetime) -> list[int]:
        """The agents who have something open to do for this taxpayer, in whichever ente he is known; then who spoke
        with him last, not before this instant."""

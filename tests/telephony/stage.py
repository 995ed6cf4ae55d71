"""A stage on which whole calls are played: real database, real services, a carrier in memory.

What a transaction leaves to be done after its commit (commands, matches) waits in `pending` until the scenario
lets it happen: `run` is the process going on, `crash` is its dying in between. Nothing sleeps; `passes` moves
what is due nearer instead.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from crm.access.models import Role
from crm.access.permissions import Held, Principal
from crm.core import clock
from crm.core.db import Database, Scope
from crm.levels import queries as levels
from crm.levels.metering import Counts, FactKind, hour_of
from crm.levels.models import ServiceFact
from crm.levels.verification import Difference, verify
from crm.timeline.models import TimelineEntry
from telephony.calls import reception, service
from telephony.calls.addresses import Addresses
from telephony.calls.events import (
    AgentAnswered,
    CallerJoined,
    CallerLeft,
    Event,
    LegEnd,
    LegEnded,
    Step,
)
from telephony.calls.models import AgentLeg, Call, CallEvent
from telephony.calls.reception import Arrival, Reply
from telephony.calls.reconciliation import Reconciler
from telephony.calls.service import Heard
from telephony.commands.dispatcher import Dispatcher
from telephony.commands.events import CommandWritten
from telephony.commands.models import CarrierCommand, CommandKind, CommandState, Timer
from telephony.engine import Engine
from telephony.ivr.turns import Place
from telephony.lines import queries as lines
from telephony.queues.events import MatchDue
from telephony.queues.matching import Assigned, Matcher
from telephony.queues.models import QueueEntry
from telephony.standing.pace import Pace
from tests.cast import EMPOLI_LINE, MARIO_MOBILE, Cast, make_ready, presence_of
from tests.telephony.fake_carrier import FakeCarrier

T = TypeVar("T")
TO = Addresses("https://cc.example.it")


@dataclass
class Stage:
    """Everything a scenario needs, told in its own words."""

    database: Database
    cast: Cast
    carrier: FakeCarrier
    matcher: Matcher
    dispatcher: Dispatcher
    reconciler: Reconciler
    engine: Engine
    pending: list[CommandWritten | MatchDue] = field(default_factory=list)
    told: int = 0  # callbacks so far: each has a key of its own
    later: list[tuple[timedelta, Callable[[], None]]] = field(default_factory=list)  # what the process put off

    # -- the process ------------------------------------------------------------------------------------------

    def work(self, do: Callable[[Session], T]) -> T:
        """One webhook: one transaction in the scope of the contract."""
        return self.database.transact(Scope.of_contract(self.cast.contract), do)

    def run(self, *, waited_s: float = 0.0) -> list[Assigned]:
        """Let everything that was left to be done after a commit happen, so long after; what was assigned meanwhile."""
        made: list[Assigned] = []
        while self.pending:
            match self.pending.pop(0):
                case CommandWritten() as written:
                    self.dispatcher.begin(written, waited_s=waited_s)
                case MatchDue(domain):
                    made += self.matcher.match_now(domain, found_by="event")
        return made

    def waits(self) -> list[float]:
        """What the process had put off happens; for how many seconds each of it waited."""
        put_off, self.later[:] = list(self.later), []
        for _, work in put_off:
            work()
        return [wait.total_seconds() for wait, _ in put_off]

    def crash(self) -> None:
        """The process died after its commit: what it would have done next is forgotten."""
        self.pending.clear()
        self.later.clear()

    def passes(self, seconds: float) -> None:
        """Time passes for timers, leases, checks and waits; what happened has an instant of its choice."""
        moved = {
            "timer": "due_at", "carrier_command": "lease_until", "call": "checked_at",
            "queue_entry": "entered_at",
        }  # fmt: skip
        for table, column in moved.items():
            only = "WHERE state = 'waiting'" if table == "queue_entry" else ""
            with self.database.begin(Scope.across_enti()) as session:
                session.execute(
                    text(f"UPDATE {table} SET {column} = {column} - make_interval(secs => :s) {only}"), {"s": seconds}
                )

    # -- the caller -------------------------------------------------------------------------------------------

    def arrives(self, caller: str | None = MARIO_MOBILE, line: str = EMPOLI_LINE, *, sid: str = "CAmario") -> UUID:
        """A call arrives; what the caller hears is in `hears`."""
        self.carrier.hears_of(sid)
        self.announced(caller, line, sid=sid)
        return self.work(lambda s: s.execute(select(Call.id).where(Call.carrier_sid == sid)).scalar_one())

    def announced(self, caller: str | None, line: str, *, sid: str) -> Reply:
        """The webhook that announces a call."""

        def work(session: Session) -> Reply:
            found = lines.line(session, line)
            assert found is not None
            return reception.arrive(session, Arrival(sid, line, caller, clock.now(session)), found, TO)

        return self.work(work)

    def presses(self, call: UUID, keys: str, *, step: int | None = None) -> Reply:
        """The caller keys something, at the step where he is unless the webhook is an old one."""
        at = Place.restored(self.call(call).ivr).step if step is None else step
        return self.work(lambda s: reception.keys(s, call, step=at, pressed=keys, to=TO))

    def queues(self, caller: str | None = MARIO_MOBILE, line: str = EMPOLI_LINE, *, sid: str = "CAmario") -> UUID:
        """A call arrives and its caller asks for an operator."""
        call = self.arrives(caller, line, sid=sid)
        self.presses(call, "0")
        return call

    def hears(self, call: UUID) -> Reply:
        """What the caller would hear now."""
        return self.work(lambda s: reception.resume(s, call, TO))

    # -- the carrier's callbacks ------------------------------------------------------------------------------

    def hear(self, call: UUID, event: Event, key: str | None = None, *, repaired: bool = False) -> Step | None:
        """A callback: a new one, or one told again when the key is an old one."""
        self.told += 1
        heard = Heard(key or f"told:{self.told}", event.at, repaired=repaired)
        return self.work(lambda s: service.apply(s, call, event, heard))

    def answers(self, call: UUID, leg: UUID | None = None, *, after: float = 4) -> Step | None:
        """The agent picks up."""
        return self.hear(call, AgentAnswered(self.after(call, after), leg or self.leg(call)))

    def joins(self, call: UUID, *, after: float = 5) -> Step | None:
        """The caller comes into the conference."""
        return self.hear(call, CallerJoined(self.after(call, after), self.leg(call)))

    def leg_ends(
        self, call: UUID, reason: LegEnd, leg: UUID | None = None, *, after: float = 20
    ) -> Step | None:  # fmt: skip
        """The agent's leg is over."""
        return self.hear(call, LegEnded(self.after(call, after), leg or self.leg(call), reason))

    def caller_leaves(self, call: UUID, *, after: float = 60) -> Step | None:
        """The caller's own call is over."""
        sid = self.call(call).carrier_sid
        self.carrier.loses(sid)
        return self.hear(call, CallerLeft(self.after(call, after)), f"left:{sid}")

    def talks(self, call: UUID) -> UUID:
        """An agent is found, answers, and the two are joined; the leg that did it."""
        self.run()
        leg = self.leg(call)
        self.answers(call)
        self.run()
        self.joins(call)
        self.run()
        return leg

    # -- what can be seen -------------------------------------------------------------------------------------

    def after(self, call: UUID, seconds: float) -> datetime:
        """So many seconds after the caller asked for an operator (or arrived, if he has not)."""
        row = self.call(call)
        return (row.queued_at or row.arrived_at) + timedelta(seconds=seconds)

    def call(self, call: UUID) -> Call:
        return self.work(lambda s: s.execute(select(Call).where(Call.id == call)).scalar_one())

    def leg(self, call: UUID) -> UUID:
        found = self.call(call).leg_id
        assert found is not None, "no agent is concerned with this call"
        return found

    def sid(self, leg: UUID) -> str | None:
        return self.work(lambda s: s.execute(select(AgentLeg.carrier_sid).where(AgentLeg.id == leg)).scalar_one())

    def entry(self, call: UUID) -> QueueEntry:
        return self.work(lambda s: s.execute(select(QueueEntry).where(QueueEntry.call_id == call)).scalar_one())

    def facts(self, call: UUID) -> list[tuple[FactKind, int]]:
        """What the meter heard: each fact and the wait so far, in milliseconds."""
        rows = self.work(
            lambda s: s.execute(
                select(ServiceFact.kind, ServiceFact.waited_ms)
                .where(ServiceFact.subject == call)
                .order_by(ServiceFact.id)
            ).all()
        )
        return [(kind, waited) for kind, waited in rows]

    def counts(self) -> dict[tuple[int | None, int | None], Counts]:
        """The counters by (ente, queue), those that are not zero."""
        since = datetime(2000, 1, 1, tzinfo=clock.ROME)
        found = self.work(lambda s: levels.tally_since(s, frozenset({self.cast.contract}), since).rows)
        return {key: counts for key, counts in found.items() if counts}

    def differences(self) -> list[Difference]:
        """Where the counters are other than their facts say: nowhere."""
        with self.database.snapshot(Scope.of_contract(self.cast.contract)) as session:
            until = hour_of(clock.now(session)) + timedelta(hours=1)
            return list(verify(session, self.cast.contract, datetime(1970, 1, 1, tzinfo=UTC), until).differences)

    def timeline(self, contact: int) -> list[TimelineEntry]:
        return self.work(
            lambda s: list(s.execute(select(TimelineEntry).where(TimelineEntry.contact_id == contact)).scalars())
        )

    def log(self, call: UUID) -> list[str]:
        """The kinds of what was heard of a call, in the order in which it was written down."""
        return self.work(
            lambda s: list(
                s.execute(select(CallEvent.kind).where(CallEvent.call_id == call).order_by(CallEvent.id)).scalars()
            )
        )

    def commands(self) -> list[tuple[CommandKind, CommandState]]:
        return self.work(
            lambda s: [
                (kind, state)
                for kind, state in s.execute(
                    select(CarrierCommand.kind, CarrierCommand.state).order_by(CarrierCommand.id)
                )
            ]
        )

    def timers(self) -> int:
        return self.work(lambda s: s.execute(select(func.count()).select_from(Timer)).scalar_one())

    def snapshot(self) -> dict[str, Any]:
        """Everything a late or repeated callback must leave as it is; the log is allowed to grow."""
        tables = (
            ("call", "id"), ("agent_leg", "id"), ("queue_entry", "call_id"), ("service_fact", "id"),
            ("service_delta", "id"), ("timeline_entry", "id"), ("agent_presence", "agent_id"), ("timer", "id"),
        )  # fmt: skip
        return self.work(
            lambda s: {
                table: s.execute(text(f"SELECT * FROM {table} ORDER BY {order}")).all() for table, order in tables
            }
        )

    # -- the agents -------------------------------------------------------------------------------------------

    def ready(self, *agents: int) -> None:
        """These agents are free, the first the longest; nobody is matched before `run`."""
        make_ready(self.database, *agents)

    def presence(self, agent: int) -> Any:
        return presence_of(self.database, agent)

    def principal(self, agent: int) -> Principal:
        """The agent, as his requests see him."""
        return Principal(agent, "", "it", frozenset({Held(Role.AGENT, None, self.cast.contract)}))


def build(database: Database, cast: Cast, *, per_second: float | None = None) -> Stage:
    """A stage over this database, on an account that may place so many calls a second."""
    carrier = FakeCarrier()
    paced = Pace("AC1", per_second)
    matcher = Matcher(database, paced=paced)
    later: list[tuple[timedelta, Callable[[], None]]] = []
    dispatcher = Dispatcher(
        database, carrier, TO, paced=paced, threads=2,
        later=lambda wait, work: later.append((wait, work)),
    )  # fmt: skip
    reconciler = Reconciler(database, carrier)
    stage = Stage(
        database,
        cast,
        carrier,
        matcher,
        dispatcher,
        reconciler,
        Engine(database, matcher, dispatcher, reconciler),
        later=later,
    )
    database.on(CommandWritten, stage.pending.extend)
    database.on(MatchDue, stage.pending.extend)
    return stage

"""The product over a store in virtual time: its webhooks, dispatcher and chores; and processes that die."""

import contextlib
import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from inspect import signature
from types import SimpleNamespace
from typing import Any, TypeVar, cast
from uuid import UUID

from fastapi.routing import APIRoute
from sqlalchemy.orm import Session

from crm.access.models import Role
from crm.access.permissions import Held, Principal
from crm.core.db import Database, Scope
from crm.core.errors import ConflictError
from telephony.agents import service as agents
from telephony.agents.models import AgentState
from telephony.agents.presence import Presence
from telephony.callbacks import service as callbacks
from telephony.calls import conversation, talk
from telephony.calls.addresses import Addresses
from telephony.calls.choices import Disposition, Topic
from telephony.calls.reconciliation import Reconciler
from telephony.calls.strays import Strays
from telephony.carriers.port import CarrierError
from telephony.commands.dispatcher import Dispatcher
from telephony.commands.events import CommandWritten
from telephony.engine import Engine
from telephony.floor.current import floor
from telephony.floor.memory import MemoryDatabase
from telephony.queues import queries as queues
from telephony.queues.events import MatchDue
from telephony.queues.matching import Matcher
from telephony.texts import conversation as texts
from telephony.texts.lifecycle import WITH_AGENT
from telephony.texts.models import ThreadState
from web.api import messages, webhooks
from web.api.hooks import hook_of
from web.simulation.clockwork import Clockwork
from web.simulation.lines import Party
from web.simulation.network import Network, path_of
from web.simulation.outages import WEB, Outages, unless_away
from web.simulation.trunk import Trunk
from web.wiring import Runtime

T = TypeVar("T")
PUBLIC_URL = "https://cc.example.it"
REPLY = "Siamo aperti dal lunedì al venerdì."
SOON_S = 0.01  # from a commit to what follows from it
RENEWED_S = 5.0
STRAYS_S = 20.0
LOADED_AGAIN_S = 2.0


@dataclass(frozen=True, slots=True)
class Numbers:
    """What exists in the store: a contract, its line, its agents."""

    contract: int
    line: str
    agents: tuple[int, ...]


class Edge:
    """The product's webhooks, called as its web server does; the signature, which proves who asks, is left out."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        both = [*webhooks.router.routes, *messages.router.routes]
        routes = [route for route in both if isinstance(route, APIRoute)]
        self._routes = [(route.path_regex, route.endpoint, _kinds(route.endpoint)) for route in routes]

    def post(self, url: str, fields: dict[str, str]) -> str:
        """What the product answers."""
        path, query = path_of(url)
        for pattern, endpoint, kinds in self._routes:
            if (found := pattern.match(path)) is not None:
                named = {**query, **found.groupdict()}
                given = {name: kind(named[name]) for name, kind in kinds.items() if name in named}
                answer = endpoint(hook_of(self._runtime, fields, url.partition("#")[0]), **given)
                return bytes(answer.body).decode()
        raise AssertionError(f"nothing is at {path}")


class Centre:
    """One web process, one engine and the consoles of its agents. Signals are lost when a process dies."""

    def __init__(
        self, database: Database, clockwork: Clockwork, network: Network, numbers: Numbers,
        party: Callable[[str], Party], seed: str, *, is_open: Callable[[], bool] = lambda: False,
    ) -> None:  # fmt: skip
        self.database, self.clockwork, self.network, self.numbers = database, clockwork, network, numbers
        self.draw = random.Random(f"{seed}:centre")
        self.addresses = Addresses(PUBLIC_URL)
        self.carrier = Trunk(network, party, is_open)
        self.matcher = Matcher(database)
        self.dispatcher = Dispatcher(
            database, self.carrier, self.addresses, threads=1, later=self._later, dice=self.draw
        )
        self.reconciler = Reconciler(database, self.carrier)
        self.strays = Strays(database, self.carrier, self.addresses)
        self.engine = Engine(database, self.matcher, self.dispatcher, self.reconciler)
        runtime = SimpleNamespace(
            database=database, carrier=self.carrier, addresses=self.addresses, dispatcher=self.dispatcher,
            hung_up=lambda *_: None, stands_ready=lambda *_: False,  # nobody is asked a questionnaire here
            verifies=lambda *_: None,  # nor checks a badge
        )  # fmt: skip
        self._edge = Edge(cast("Runtime", runtime))
        self.outages = Outages(network, seed)
        self.outages.guard(database)
        network.post = self._post
        network.voice_url, network.status_url = self.addresses.voice(), self.addresses.status()
        network.apology_url, network.text_url = self.addresses.apology(), self.addresses.texts()
        self.connected: set[int] = set()
        self.assigned = 0
        self.done: Counter[str] = Counter()
        self._asked: set[str] = set()
        self._reconciles = False
        database.on(CommandWritten, self._commands)
        database.on(MatchDue, self._matches)

    def begin(self) -> None:
        """Its clock runs, and its consoles' sockets stay open."""
        chores: list[tuple[float, Callable[[], object]]] = [
            (0.5, self._fire_timers), (0.5, self._take_over), (2, self._sweep), (2, self.engine.retire_silent),
            (1, self._fire_threads), (2, self._reconcile), (STRAYS_S, self._look_for_strays), (RENEWED_S, self._renew),
        ]  # fmt: skip
        for seconds, chore in chores:
            self.clockwork.every(seconds, partial(unless_away, chore))
        self.outages.begin()

    def close(self) -> None:
        """Nothing more is begun."""
        self.matcher.close()
        self.dispatcher.close()

    def _post(self, url: str, fields: dict[str, str]) -> str | None:
        def ask() -> str:
            self.outages.let_through()
            return self._edge.post(url, fields)

        answer: str | None = unless_away(ask)
        return answer

    def _begin(self, work: Callable[[], object]) -> None:
        """What is done on a thread of its own: should it fail, somebody takes it over."""
        self.clockwork.begin(lambda: unless_away(work))

    def _later(self, wait: timedelta, work: Callable[[], object]) -> None:
        self.clockwork.after(wait.total_seconds(), lambda: self._begin(work))

    # -- what follows from a commit -------------------------------------------------------------------------------

    def _soon(self) -> float:
        return self.draw.uniform(0, SOON_S) if self.network.plan.latency_s else 0.0

    def _commands(self, written: Iterable[CommandWritten]) -> None:
        for one in written:
            if not self.network.strikes("killed"):
                self._carry_out(one, self._soon())

    def _carry_out(self, written: CommandWritten, delay: float) -> None:
        self.clockwork.after(
            delay, lambda: self._begin(lambda: self.dispatcher.begin(written, waited_s=delay))
        )  # fmt: skip

    def _matches(self, due: Iterable[MatchDue]) -> None:
        for domain in sorted({one.domain for one in due} - self._asked):
            if not self.network.strikes("killed"):
                self._asked.add(domain)
                self.clockwork.after(self._soon(), lambda domain=domain: self._match(domain))  # type: ignore[misc]

    def _match(self, domain: str) -> None:
        self._asked.discard(domain)
        self.assigned += len(unless_away(lambda: self.matcher.match_now(domain, found_by="event")) or ())

    # -- chores -------------------------------------------------------------------------------------------------

    def _fire_timers(self) -> None:
        if self._due("timers"):
            self.engine.fire_timers()

    def _fire_threads(self) -> None:
        if self._due("threads"):
            self.engine.fire_threads()

    def _take_over(self) -> None:
        if not self._due("commands"):
            return
        for one in self.dispatcher.take_over():
            self._carry_out(CommandWritten(*one), 0.0)

    def _due(self, table: str) -> bool:
        """Whether a chore would find anything: in memory that costs nothing to know."""
        if not isinstance(self.database, MemoryDatabase):
            return True
        first = getattr(self.database.floor, table).first()
        return first is not None and first <= self.clockwork.now()

    def _sweep(self) -> None:
        if isinstance(self.database, MemoryDatabase) and not self.database.floor.entries.keys("domain"):
            return
        self.assigned += self.engine.sweep_queues()

    def _reconcile(self) -> None:
        def work() -> None:
            self._reconciles = True
            try:
                self.reconciler.run()
            finally:
                self._reconciles = False

        if (self._due("calls") or self._dialled()) and not self._reconciles:
            self._begin(work)

    def _dialled(self) -> bool:
        return isinstance(self.database, MemoryDatabase) and bool(self.database.floor.calls.by("dialled", True))

    def _look_for_strays(self) -> None:
        def work() -> None:
            with contextlib.suppress(CarrierError):
                self.strays.run()

        if self.network.live():
            self._begin(work)

    def _renew(self) -> None:
        if self.connected and not self.outages.is_away(WEB):
            self.database.transact(Scope.nothing(), lambda session: agents.renew(session, sorted(self.connected)))

    # -- the consoles ---------------------------------------------------------------------------------------------

    def attend(self, agent_id: int) -> None:
        self.connected.add(agent_id)

        def work(session: Session) -> None:
            agents.attend(session, self._agent(agent_id))
            agents.set_device(session, self._agent(agent_id), device="desk", ready=True)

        if self._done(work) is None:  # a page that is not there is asked for again
            self.clockwork.after(LOADED_AGAIN_S, lambda: self.attend(agent_id) if agent_id in self.connected else None)

    def lapse(self, agent_id: int) -> None:
        self.connected.discard(agent_id)
        self._done(lambda session: agents.lapse(session, agent_id))

    def disappear(self, agent_id: int) -> None:
        self.connected.discard(agent_id)

    def state(self, agent_id: int) -> AgentState:
        """While nobody answers his page shows what it did."""
        found = self._done(lambda session: _attending(session, agent_id).state)
        return found if isinstance(found, AgentState) else AgentState.TALKING

    def rung_by(self, agent_id: int, leg_id: str) -> bool:
        return self._done(lambda session: str(_attending(session, agent_id).leg_id) == leg_id) is True

    def ready(self, agent_id: int) -> None:
        self._done(lambda session: agents.wish(session, self._agent(agent_id), intended=AgentState.READY))

    def hang_up(self, agent_id: int) -> bool:
        return self._press(
            agent_id, lambda session, by, call: conversation.hang_up(session, by, call_id=call)
        )  # fmt: skip

    def hold(self, agent_id: int) -> bool:
        return self._deed("hold", agent_id, lambda session, by, call: talk.hold(session, by, call_id=call))

    def back(self, agent_id: int) -> bool:
        return self._deed("back", agent_id, lambda session, by, call: talk.back(session, by, call_id=call))

    def pass_to_queue(self, agent_id: int) -> bool:
        def work(session: Session, by: Principal, call_id: UUID) -> None:
            queue = self.draw.choice(queues.queues(session, frozenset({self.numbers.contract})))
            talk.pass_to_queue(session, by, call_id=call_id, queue_id=queue.id, first=self.draw.random() < 0.5)

        return self._deed("pass_to_queue", agent_id, work)

    def pass_to(self, agent_id: int, colleague: int) -> bool:
        return self._deed("pass_to",
            agent_id, lambda session, by, call: talk.pass_to_agent(session, by, call_id=call, agent_id=colleague)
        )  # fmt: skip

    def consult(self, agent_id: int, colleague: int) -> bool:
        return self._deed("consult",
            agent_id, lambda session, by, call: talk.consult(session, by, call_id=call, agent_id=colleague)
        )  # fmt: skip

    def pass_on(self, agent_id: int) -> bool:
        return self._deed("pass_on", agent_id, lambda session, by, call: talk.pass_on(session, by, call_id=call))

    def machine(self, agent_id: int) -> bool:
        return self._deed(
            "machine", agent_id, lambda session, by, call: callbacks.machine_answered(session, by, call_id=call)
        )  # fmt: skip

    def save(self, agent_id: int) -> bool:
        def work(session: Session, by: Principal, call_id: UUID) -> None:
            written: Mapping[str, Any] = {"topic": next(iter(Topic)).value, "disposition": Disposition.ANSWERED.value}
            floor(session).write_call(call_id, **written)
            conversation.wrap_up(session, by, call_id=call_id, intended=None)

        return self._press(agent_id, work)

    def threads(self, agent_id: int) -> list[tuple[UUID, bool, bool]]:
        if not isinstance(self.database, MemoryDatabase):
            return []
        return [
            (row["id"], row["state"] is ThreadState.OFFERED, owes_answer(row))
            for row in self.database.floor.open_threads()
            if row["agent_id"] == agent_id and row["state"] in WITH_AGENT
        ]

    def take_thread(self, agent_id: int, thread_id: UUID) -> bool:
        return self._writes("take", agent_id, lambda session, by: texts.take(session, by, thread_id=thread_id))

    def reply(self, agent_id: int, thread_id: UUID) -> bool:
        once = str(UUID(int=self.draw.getrandbits(128), version=4))

        def work(session: Session, by: Principal) -> None:
            texts.reply(session, by, thread_id=thread_id, body=REPLY, once=once)

        return self._writes("reply", agent_id, work)

    def close_thread(self, agent_id: int, thread_id: UUID) -> bool:
        topic, came = next(iter(Topic)).value, Disposition.ANSWERED.value

        def work(session: Session, by: Principal) -> None:
            texts.close(session, by, thread_id=thread_id, topic=topic, disposition=came, note="")

        return self._writes("close", agent_id, work)

    def _writes(self, name: str, agent_id: int, do: Callable[[Session, Principal], None]) -> bool:
        try:
            done = self._done(lambda session: do(session, self._agent(agent_id))) is not None
        except ConflictError:
            return False
        self.done[name] += done
        return done

    def _press(self, agent_id: int, do: Callable[[Session, Principal, UUID], object]) -> bool:
        def work(session: Session) -> bool:
            call_id = floor(session).call_of_agent(agent_id)
            if call_id is not None:
                do(session, self._agent(agent_id), call_id)
            return call_id is not None

        try:
            return bool(self._done(work))
        except ConflictError:
            return False

    def _deed(self, name: str, agent_id: int, do: Callable[[Session, Principal, UUID], object]) -> bool:
        done = self._press(agent_id, do)
        self.done[name] += done
        return done

    def _done(self, work: Callable[[Session], T]) -> T | bool | None:
        """What a page asks of the web process: what comes of it, if anything (else true); none while it is away."""

        def ask() -> T | bool:
            self.outages.let_through()
            came = self.database.transact(Scope.of_contract(self.numbers.contract), work)
            return True if came is None else came

        answer: T | bool | None = unless_away(ask)
        return answer

    def _agent(self, agent_id: int) -> Principal:
        return Principal(agent_id, "", "it", frozenset({Held(Role.AGENT, None, self.numbers.contract)}))


def owes_answer(row: Mapping[str, Any]) -> bool:
    """Whether the last word of a thread is the citizen's."""
    return row["replied_at"] is None or bool(row["wrote_at"] > row["replied_at"])


def _attending(session: Session, agent_id: int) -> Presence:
    found = floor(session).lock_agent(agent_id)
    assert found is not None
    return found[0]


def _kinds(endpoint: Callable[..., Any]) -> dict[str, Callable[[str], Any]]:
    """What the parts of an address are, by name."""
    kinds: dict[str, Callable[[str], Any]] = {}
    for name, parameter in signature(endpoint).parameters.items():
        if name not in {"hook", "runtime"}:
            kinds[name] = parameter.annotation if parameter.annotation in {int, UUID} else int
    return kinds

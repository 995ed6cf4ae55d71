"""The same course of events over PostgreSQL and in memory leaves the same floor."""

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from operator import itemgetter
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from crm.access.models import Role
from crm.access.permissions import Held, Principal
from crm.core.configuration import given
from crm.core.db import Base, Database, Memory, Scope, table_of
from crm.core.errors import DomainError
from crm.enti import queries as enti
from crm.levels import queries as levels
from crm.levels.metering import MEASURES, Account, Counts
from crm.levels.metrics import LONGEST_WAIT, QUEUE_CAP
from crm.levels.models import ContractEvent, ServiceDelta, ServiceFact
from telephony.agents import service as agents
from telephony.agents.models import Activity, AgentFact, AgentPresence, AgentState
from telephony.callbacks import service as callbacks
from telephony.callbacks.models import Callback
from telephony.calls import conversation, reception, service, talk
from telephony.calls.addresses import Addresses
from telephony.calls.choices import Disposition, Topic
from telephony.calls.events import AgentAnswered, CallerJoined, CallerLeft, Event, LegEnd, LegEnded
from telephony.calls.models import AgentLeg, Call, CallEvent, Phase
from telephony.calls.reception import Arrival
from telephony.calls.reconciliation import Reconciler
from telephony.calls.service import Heard
from telephony.commands.dispatcher import Dispatcher
from telephony.commands.events import CommandWritten
from telephony.commands.models import CarrierCommand, Timer
from telephony.engine import Engine
from telephony.floor.current import floor
from telephony.floor.memory import MemoryDatabase
from telephony.ivr import queries as flows
from telephony.ivr.turns import Place
from telephony.lines import queries as lines
from telephony.queues import queries as queues
from telephony.queues.events import MatchDue
from telephony.queues.matching import Matcher
from telephony.queues.models import Queue, QueueEntry
from telephony.recording import pausing
from telephony.recording import queries as recordings
from telephony.recording.models import Purpose, RecordingSetting
from telephony.selfservice import queries as selfservice
from telephony.texts import conversation as written
from telephony.texts import reception as texting
from telephony.texts import service as threads
from telephony.texts import settings as texts
from telephony.texts.lifecycle import Ended, Missed, PassedOn, Replied, Taken, Wrote
from telephony.texts.models import Closed, TextDesk, TextEvent, TextMessage, TextSetting, TextThread, ThreadState
from telephony.texts.reception import Received
from telephony.texts.settings import Wanted
from tests.cast import DOMAIN, EMPOLI_LINE, REGIONAL_LINE, STRANGER, Cast, promise, settle
from tests.telephony.fake_carrier import FakeCarrier, no_answer, refused, unreachable

pytestmark = pytest.mark.integration

TO = Addresses("https://cc.example.it")
START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
STEPS = 450


@dataclass
class World:
    """What a course of events decides for both stores: the instant, and new ids."""

    at: datetime = START

    def now(self) -> datetime:
        return self.at


def _ids() -> Callable[[], UUID]:
    course = random.Random(7)
    return lambda: UUID(int=course.getrandbits(128), version=4)


@dataclass
class Side:
    """The product over one store."""

    database: Database
    cast: Cast
    carrier: FakeCarrier = field(default_factory=FakeCarrier)
    left: list[Any] = field(default_factory=list)  # signals in the order of their commits
    put_off: list[Callable[[], None]] = field(default_factory=list)  # what its process does after a while

    def __post_init__(self) -> None:
        self.matcher = Matcher(self.database)
        self.dispatcher = Dispatcher(
            self.database, self.carrier, TO, threads=1, later=lambda _, work: self.put_off.append(work),
            dice=random.Random(7),
        )  # fmt: skip
        self.reconciler = Reconciler(self.database, self.carrier)
        self.engine = Engine(self.database, self.matcher, self.dispatcher, self.reconciler)
        self.database.on(CommandWritten, self.left.extend)
        self.database.on(MatchDue, self.left.extend)

    def work(self, do: Callable[[Session], Any]) -> Any:
        return self.database.transact(Scope.of_contract(self.cast.contract), do)

    def agent(self, agent_id: int) -> Principal:
        return Principal(agent_id, "", "it", frozenset({Held(Role.AGENT, None, self.cast.contract)}))


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def sides(database_urls: Any, world: World) -> Iterator[tuple[Side, Side]]:
    """The small cast in PostgreSQL, and the same in memory."""
    database = Database(database_urls.app, database_urls.routing, pool_size=2, clock=world.now, new_id=_ids())
    cast = settle(database)
    with database.begin(Scope.of_contract(cast.contract)) as session:
        for metric, target in ((QUEUE_CAP, 2), (LONGEST_WAIT, 30)):
            promise(session, cast.contract, metric, target)
        session.execute(update(Queue).values(calls_back=True))
        session.execute(
            update(Queue)
            .where(Queue.id == cast.notices)
            .values(
                overflow_id=cast.operator,
                overflow_s=20,
                ages_s=15,
                priority=1,
                widens_s=10,
                asks_notice=False,
            )
        )
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        session.add(
            RecordingSetting(
                ente_id=cast.empoli, is_on=True, purpose=Purpose.QUALITY, workers="x", share=40, keep_days=1, pause_s=30
            )
        )
    with database.begin(Scope.nothing()) as session:
        wanted = Wanted(cast.operator, most=2, idle_min=1, close_h=1)
        session.execute(insert(TextSetting).values(contract_id=cast.contract, **asdict(wanted)))
    with database.begin(Scope.of_contract(cast.contract)) as session:
        memory = MemoryDatabase(world.now, _ids(), _remembered(session, cast))
        for agent_id in (cast.anna, cast.luca, cast.marta):
            served = {cast.notices: 1, cast.operator: 1}
            with memory.begin(Scope.nothing()):
                memory.floor.enrol(agent_id, domain=DOMAIN, at=START, levels=served)
    both = Side(database, cast), Side(memory, cast)
    yield both
    for side in both:
        side.matcher.close()
        side.dispatcher.close()
        side.database.dispose()


def _remembered(session: Session, cast: Cast) -> Memory:
    """The configuration in the database, for a store that has none."""
    memory, contract = Memory(), cast.contract
    ours = frozenset({contract})
    reads: list[tuple[Callable[..., Any], tuple[Any, ...]]] = [
        (enti.coverage, ()), (enti.contract_name, (contract,)), (enti._all_badges, ()),
        (levels.agreements, (ours,)), (levels.terms, (contract,)),
        (texts.all_settings, ()), (queues.rules, (DOMAIN,)), (queues.with_closed, (ours,)), (lines._lines, ()),
        *((queues.queue, (one,)) for one in (cast.notices, cast.operator)),
        *((flows.current, (line,)) for line in (EMPOLI_LINE, REGIONAL_LINE)),
        *((flows.of_call, (flows.current(session, line).version_id,)) for line in (EMPOLI_LINE, REGIONAL_LINE)),
        *((enti.timetable, (contract, one)) for one in (None, cast.empoli, cast.vinci)),
        *((flows.urgent, (contract, one)) for one in (None, cast.empoli, cast.vinci)),
        *((recordings.setting, (one,)) for one in (cast.empoli, cast.vinci)),
        *((selfservice.offers, (contract, one)) for one in (None, cast.empoli, cast.vinci)),
    ]  # fmt: skip
    for read, args in reads:
        given(memory, read, *args, value=read(session, *args))
    return memory


# -- a course of events -----------------------------------------------------------------------------------------

Step = Callable[[Side], Any]


class Course:
    """Steps drawn from a seed. What they refer to is looked up in the memory, which is to be like the other."""

    def __init__(self, seed: int, world: World, known: MemoryDatabase, cast: Cast) -> None:
        self.draw = random.Random(seed)
        self.world, self.known, self.cast = world, known.floor, cast
        self.arrived = 0
        self.told = 0

    def step(self) -> tuple[str, Step]:
        """The name of a step, and what it does on either side."""
        kinds: Mapping[str, tuple[int, Callable[[], Step]]] = {
            "passes": (10, self._passes), "arrives": (10, self._arrives), "presses": (7, self._presses),
            "resumes": (1, self._resumes), "runs": (14, self._runs), "crashes": (1, self._crashes),
            "talks": (25, self._talks), "hears": (18, self._hears), "hangs_up": (3, self._hangs_up),
            "agent": (9, self._agent),
            "timers": (5, lambda: lambda side: side.engine.fire_timers()), "takes_over": (3, self._takes_over),
            "dials": (1, self._dials), "sweeps": (2, lambda: lambda side: side.engine.sweep_queues()),
            "reconciles": (3, lambda: lambda side: side.reconciler.run()),
            "puts_through": (1, self._puts_through), "attributes": (1, self._attributes),
            "waits": (4, self._waits), "wants_callback": (20, self._wants_callback),
            "called_back": (6, self._called_back), "serves": (1, self._serves), "writes": (6, self._writes),
            "texts": (12, self._texts), "receives": (4, self._receives), "answers": (6, self._answers),
            "fails": (2, self._fails), "breaks": (2, self._breaks),
        }  # fmt: skip
        (name,) = self.draw.choices(list(kinds), [weight for weight, _ in kinds.values()])
        return name, kinds[name][1]()

    def _call(self) -> UUID | None:
        live = [key for key, row in self.known.calls.rows.items() if row["ended_at"] is None]
        some = live if live and self.draw.random() < 0.9 else list(self.known.calls.rows)
        return self.draw.choice(some) if some else None

    def _passes(self) -> Step:
        """As a rule the consoles stay connected, and whoever missed a call says that he is there."""
        self.world.at += timedelta(seconds=self.draw.choice((0.2, 1, 3, 7, 16, 40)))
        if self.draw.random() < 0.2:
            return lambda _: None
        return lambda side: side.work(lambda s: _begin(s, side))

    def _arrives(self) -> Step:
        again = self.arrived > 0 and self.draw.random() < 0.1
        self.arrived += not again
        sid, line = f"CA{self.arrived}", self.draw.choice((EMPOLI_LINE, REGIONAL_LINE))
        caller = self.draw.choice((None, STRANGER, "+393480000201", "+393480000202", "+393480000203"))

        def do(side: Side) -> Any:
            side.carrier.hears_of(sid)
            return side.work(
                lambda s: reception.arrive(s, Arrival(sid, line, caller, self.world.at), _line(s, line), TO)
            )

        return do

    def _presses(self) -> Step:
        call, keys = self._call(), self.draw.choice(("0", "0", "0", "1", "1", "1", "7", ""))
        late = self.draw.random() < 0.1
        if call is None:
            return lambda _: None
        step = Place.restored(self.known.calls.rows[call]["ivr"]).step - late
        return lambda side: side.work(lambda s: reception.keys(s, call, step=step, pressed=keys, to=TO))

    def _resumes(self) -> Step:
        call, ask = self._call(), self.draw.choice((reception.resume, reception.after_conference))
        return lambda side: call and side.work(lambda s: ask(s, call, TO))

    def _runs(self) -> Step:
        trouble = self.draw.choice((None, None, None, None, unreachable, refused, no_answer))
        loses = self.draw.random() < 0.1

        def do(side: Side) -> Any:
            if trouble is not None:
                side.carrier.ringing.append(trouble())
            side.carrier.loses_replies = loses
            done = []
            waited, side.put_off[:] = list(side.put_off), []
            for work in waited:
                work()
            for one in list(side.left):
                side.left.remove(one)
                match one:
                    case CommandWritten() as written:
                        done.append(("command", written.call_id))
                        side.dispatcher.begin(written)
                    case MatchDue(domain):
                        done += side.matcher.match_now(domain, found_by="event")
            side.carrier.ringing.clear()
            return done

        return do

    def _crashes(self) -> Step:
        def do(side: Side) -> None:
            side.left.clear()
            side.put_off.clear()

        return do

    def _takes_over(self) -> Step:
        def do(side: Side) -> Any:
            taken = side.dispatcher.take_over()
            for command_id, _ in taken:
                side.dispatcher.carry_out(command_id)
            return [call_id for _, call_id in taken]

        return do

    def _event(self, call: UUID) -> Event:
        legs = [row["id"] for row in self.known.legs.by("call", call)] or [UUID(int=0)]
        current = self.known.calls.rows[call]["leg_id"]
        leg = current if current and self.draw.random() < 0.9 else self.draw.choice(legs)
        fit = {"ringing": AgentAnswered, "joining": CallerJoined}.get(self.known.calls.rows[call]["phase"])
        any_kind = self.draw.choice((AgentAnswered, CallerJoined, LegEnded, CallerLeft))
        kind = fit if fit is not None and self.draw.random() < 0.8 else any_kind
        at = self.world.at - timedelta(seconds=self.draw.choice((0, 0, 0.3, 2)))
        if kind is CallerLeft:
            return CallerLeft(at)
        return LegEnded(at, leg, self.draw.choice(list(LegEnd))) if kind is LegEnded else kind(at, leg)

    def _hears(self) -> Step:
        call = self._call()
        if call is None:
            return lambda _: None
        event = self._event(call)
        self.told += self.draw.random() < 0.9  # else a key that was heard of before
        heard = Heard(f"told:{self.told}", event.at, repaired=self.draw.random() < 0.1)
        return lambda side: side.work(lambda s: service.apply(s, call, event, heard))

    def _fails(self) -> Step:
        """A transaction that applies an event and then fails leaves nothing."""
        call = self._call()
        if call is None:
            return lambda _: None
        event = self._event(call)

        def work(session: Session) -> None:
            service.apply(session, call, event, Heard("failed", event.at))
            raise DomainError("taken back")

        return lambda side: side.work(work)

    def _breaks(self) -> Step:
        """An attempt within a transaction that goes on."""
        call = self._call()
        if call is None:
            return lambda _: None
        event = self._event(call)

        def work(session: Session) -> None:
            try:
                with floor(session).attempt():
                    service.apply(session, call, event, Heard("broken", event.at))
                    raise DomainError("taken back")
            except DomainError:
                service.note(session, call, "Noted", Heard("noted", event.at))

        return lambda side: side.work(work)

    def _hangs_up(self) -> Step:
        agent = self.draw.choice((self.cast.anna, self.cast.luca, self.cast.marta))
        call = self.known.agents.rows[agent]["call_id"] or self._call()
        return lambda side: call and side.work(
            lambda s: conversation.hang_up(s, side.agent(agent), call_id=call)
        )  # fmt: skip

    def _talks(self) -> Step:
        """Whoever is in conversation, as a rule, does something with whom he talks to."""
        agents_ = (self.cast.anna, self.cast.luca, self.cast.marta)
        busy = [one for one in agents_ if self.known.agents.rows[one]["state"] is AgentState.TALKING]
        agent, other = self.draw.choice(busy or agents_), self.draw.choice(agents_)
        call = self.known.agents.rows[agent]["call_id"] or self._call()
        queue, first = self.draw.choice((self.cast.notices, self.cast.operator)), self.draw.random() < 0.5
        doings: list[Callable[[Session, Principal, UUID], None]] = [
            lambda s, by, c: talk.hold(s, by, call_id=c),
            lambda s, by, c: talk.back(s, by, call_id=c),
            lambda s, by, c: talk.consult(s, by, call_id=c, agent_id=other),
            lambda s, by, c: talk.consult(s, by, call_id=c, agent_id=other),
            lambda s, by, c: talk.together(s, by, call_id=c),
            lambda s, by, c: pausing.pause(s, by, call_id=c),
            lambda s, by, c: pausing.go_on(s, by, call_id=c),
            lambda s, by, c: pausing.withdraw(s, by, call_id=c),
            lambda s, by, c: talk.pass_on(s, by, call_id=c),
            lambda s, by, c: talk.pass_to_queue(s, by, call_id=c, queue_id=queue, first=first),
            lambda s, by, c: talk.pass_to_agent(s, by, call_id=c, agent_id=other),
            lambda s, by, c: talk.leave_consultation(s, by, call_id=c),
            lambda s, by, c: talk.ask_help(s, by, call_id=c, wanted=first),
        ]
        doing = self.draw.choice(doings)
        return lambda side: call and side.work(lambda s: doing(s, side.agent(agent), call))

    def _agent(self) -> Step:
        agent = self.draw.choice((self.cast.anna, self.cast.luca, self.cast.marta))
        intended = self.draw.choice((AgentState.READY, AgentState.READY, AgentState.PAUSED, AgentState.OFFLINE))
        device, ready = self.draw.choice(("desk", "laptop")), self.draw.random() < 0.9
        doings: list[Callable[[Session, Principal], Any]] = [
            lambda s, by: (agents.attend(s, by), agents.set_device(s, by, device=device, ready=True)),
            lambda s, by: agents.set_device(s, by, device=device, ready=ready),
            lambda s, by: agents.wish(s, by, intended=intended),
            lambda s, by: (agents.attend(s, by), agents.wish(s, by, intended=AgentState.READY)),
            lambda s, _: agents.renew(s, [agent, self.cast.marta]),
            lambda s, _: agents.renew(s, [agent, self.cast.marta]),
            lambda s, by: agents.lapse(s, by.user_id),
            agents.leave,
            lambda s, _: agents.retire_silent(s, after=timedelta(seconds=10)),
        ]
        doing = self.draw.choice(doings)
        return lambda side: side.work(lambda s: doing(s, side.agent(agent)))

    def _puts_through(self) -> Step:
        call, heard = self._call(), Heard(f"put-through:{self.told}", self.world.now())
        return lambda side: call and side.work(lambda s: service.put_through(s, call, heard))

    def _dials(self) -> Step:
        call, at = self._call(), self.draw.choice((None, self.world.at))
        return lambda side: call and side.work(lambda s: floor(s).write_call(call, dialled_at=at))

    def _attributes(self) -> Step:
        call, ente = self._call(), self.draw.choice((None, self.cast.empoli, self.cast.vinci, self.cast.siena))
        return lambda side: call and side.work(lambda s: service.attribute(s, call, ente))

    def _waits(self) -> Step:
        call = self._call()
        return lambda side: call and side.work(lambda s: reception.waiting(s, call, TO))

    def _wants_callback(self) -> Step:
        """Whoever waits presses something: as a rule that he wants to be called back."""
        waiting = [key for key, row in self.known.calls.rows.items() if row["phase"] is Phase.WAITING]
        call = self.draw.choice(waiting) if waiting else self._call()
        pressed = self.draw.choice(("1", "1", "1", "1", "1", "2", "0", "", f"348000020{self.draw.randrange(3)}"))
        if call is None:
            return lambda _: None
        step = Place.restored(self.known.calls.rows[call]["ivr"]).step
        return lambda side: side.work(
            lambda s: reception.key_while_waiting(s, call, step=step, pressed=pressed, to=TO)
        )  # fmt: skip

    def _called_back(self) -> Step:
        """The line of whoever is called back begins or ends."""
        away = [key for key, row in self.known.calls.rows.items() if row["away"] and row["leg_id"] is not None]
        if not away:
            return self._wants_callback()
        call = self.draw.choice(away)
        leg, sid = self.known.calls.rows[call]["leg_id"], f"CA{call.hex[:8]}{self.draw.randrange(2)}"
        self.told += 1
        heard, ends = Heard(f"citizen:{self.told}", self.world.at), self.draw.random() < 0.4
        if ends:
            return lambda side: side.work(lambda s: service.line_ended(s, call, sid, heard, leg))

        def begins(side: Side) -> Any:
            side.carrier.hears_of(sid)
            return side.work(lambda s: service.on_line(s, call, leg, sid))

        return begins

    def _serves(self) -> Step:
        """An agent hears a machine, or whoever is owed a callback."""
        agent = self.draw.choice((self.cast.anna, self.cast.luca))
        call = self.known.agents.rows[agent]["call_id"]
        do = self.draw.choice((callbacks.machine_answered, callbacks.close_as_served))
        return lambda side: call and side.work(lambda s: do(s, side.agent(agent), call_id=call))

    def _writes(self) -> Step:
        """A citizen writes: in a thread that goes on, or a new one."""
        self.told += 1
        citizen, line = f"+39348000010{self.draw.randrange(4)}", EMPOLI_LINE
        thread_id, key, back = UUID(int=self.told), f"wrote:{self.told}", self.draw.random() < 0.7
        opens_at = self.draw.choice((None, None, self.world.at + timedelta(seconds=30)))
        full, at = self.draw.random() < 0.1, self.world.at

        def work(session: Session) -> Any:
            last = floor(session).last_thread(line=line, citizen=citizen)
            live = floor(session).lock_thread(last) if last is not None else None
            if live is not None and threads.goes_on(live, at):
                return threads.apply(session, live.id, Wrote(at, opens_at, back), key=key)
            return threads.begin(
                session, thread_id, contract_id=self.cast.contract, ente_id=self.cast.empoli, line=line,
                citizen=citizen, queue_id=self.cast.operator, domain=DOMAIN, language="it", priority=0, metered=True,
                begun_at=at, state=ThreadState.CLOSED if full else ThreadState.WAITING, entered_at=at,
                not_before=opens_at, waiting_since=at, wrote_at=at, closed_at=at if full else None,
                closed=Closed.FULL if full else None,
            )  # fmt: skip

        return lambda side: side.work(work)

    def _receives(self) -> Step:
        """An SMS comes in, or comes in again."""
        self.told += self.draw.random() < 0.9
        sid, citizen = f"SM{self.told}", f"+39348000010{self.draw.randrange(4)}"
        text = Received(sid, citizen, "Buongiorno", self.draw.choice((0, 0, 1)))
        return lambda side: side.work(lambda s: texting.receive(s, text, _line(s, EMPOLI_LINE)))

    def _answers(self) -> Step:
        """An agent does something with a thread of his."""
        known = [row for row in self.known.threads.rows.values() if row["agent_id"] is not None]
        if not known:
            return self._receives()
        row = self.draw.choice(known)
        agent, once = row["agent_id"], str(UUID(int=self.draw.getrandbits(64)))
        topic, came = next(iter(Topic)).value, next(iter(Disposition)).value
        doings: list[Callable[[Session, Principal], None]] = [
            lambda s, by: written.take(s, by, thread_id=row["id"]),
            lambda s, by: written.take(s, by, thread_id=row["id"]),
            lambda s, by: written.decline(s, by, thread_id=row["id"]),
            lambda s, by: written.choose(s, by, thread_id=row["id"] if once < "00000000-0000-0000-8" else None),
            lambda s, by: written.reply(s, by, thread_id=row["id"], body="Buongiorno a lei.", once=once),
            lambda s, by: written.reply(s, by, thread_id=row["id"], body="Buongiorno a lei.", once=once),
            lambda s, by: written.close(s, by, thread_id=row["id"], topic=topic, disposition=came, note=""),
        ]
        doing = self.draw.choice(doings)
        return lambda side: side.work(lambda s: doing(s, side.agent(agent)))

    def _texts(self) -> Step:
        """Something happens to a thread, by its agent as a rule; or what is due."""
        if self.draw.random() < 0.3:
            return lambda side: side.engine.fire_threads()
        known = list(self.known.threads.rows.values())
        if not known:
            return lambda _: None
        row = self.draw.choice([one for one in known if one["agent_id"] is not None] or known)
        agent, at = row["agent_id"] or self.cast.anna, self.world.at
        queue, other = self.draw.choice((self.cast.notices, self.cast.operator)), self.draw.choice((None, agent))
        event = self.draw.choice(
            (Taken(at, agent), Taken(at, agent), Missed(at, agent), Replied(at, agent), Replied(at, agent),
             PassedOn(at, queue, DOMAIN, other), Ended(at, Closed.DONE))
        )  # fmt: skip
        self.told += self.draw.random() < 0.9
        key = f"text:{self.told}"
        return lambda side: side.work(lambda s: threads.apply(s, row["id"], event, key=key))


def _line(session: Session, number: str) -> Any:
    found = lines.line(session, number)
    assert found is not None
    return found


# -- what is left -----------------------------------------------------------------------------------------------


def _stored(session: Session, model: type[Base], *without: str) -> list[dict[str, Any]]:
    table = table_of(model)
    columns = [column for column in table.columns if column.name not in without]
    rows = session.execute(select(*columns).order_by(*table.primary_key)).mappings()
    return [dict(row) for row in rows]


def _in_order(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """As they were added, without their numbers."""
    return [{name: row[name] for name in row if name != "id"} for row in sorted(rows, key=itemgetter("id"))]


def _kept(rows: Mapping[Any, dict[str, Any]], *without: str) -> list[dict[str, Any]]:
    return [{name: value for name, value in row.items() if name not in without} for row in rows.values()]


def _sorted(rows: list[dict[str, Any]], *by: str) -> list[dict[str, Any]]:
    """Lists from the database are tuples here, and decimals are numbers."""
    plain = [{name: _plain(value) for name, value in row.items()} for row in rows]
    return sorted(plain, key=lambda row: tuple(str(row[name]) for name in by))


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple | frozenset | set):
        return tuple(sorted(value))
    return float(value) if isinstance(value, Decimal) else value


BY = {
    "calls": ("id",), "events": ("call_id", "key"), "legs": ("id",), "entries": ("call_id",), "agents": ("agent_id",),
    "timers": ("due_at", "kind", "call_id", "leg_id"), "commands": (), "facts": (),
    "contract_events": ("metric", "subject"), "callbacks": ("call_id",), "agent_facts": ("agent_id",),
    "texts": ("thread_id", "at", "body", "external_id"), "desks": ("agent_id",),
    "threads": ("id",),
    "thread_events": ("thread_id", "key"),
}  # fmt: skip


NOT_KEPT = ("id", "contract_id", "ente_id", "message_id")  # of what is written: the thread has them, or the outbox


def in_postgres(side: Side) -> dict[str, Any]:
    """The floor in the database, as plain rows."""

    def read(session: Session) -> dict[str, Any]:
        found = {
            "calls": _stored(session, Call), "events": _stored(session, CallEvent, "id"),
            "legs": _stored(session, AgentLeg), "entries": _stored(session, QueueEntry),
            "agents": _stored(session, AgentPresence), "timers": _stored(session, Timer, "id"),
            "commands": _stored(session, CarrierCommand, "id"), "facts": _stored(session, ServiceFact, "id"),
            "contract_events": _stored(session, ContractEvent, "id", "recorded_at"),
            "agent_facts": _in_order(_stored(session, AgentFact)),
            "callbacks": _stored(session, Callback),
            "texts": _stored(session, TextMessage, *NOT_KEPT), "desks": _stored(session, TextDesk),
            "threads": _stored(session, TextThread), "thread_events": _stored(session, TextEvent, "id"),
        }  # fmt: skip
        counts: dict[Account, Counts] = {}
        for row in _stored(session, ServiceDelta, "id"):
            measured = Counts(**{name: row.pop(name) for name in MEASURES})
            account = Account(**row)
            counts[account] = counts.get(account, Counts()) + measured
        return {name: _sorted(rows, *BY[name]) for name, rows in found.items()} | {"counts": _nonzero(counts)}

    return side.work(read)  # type: ignore[no-any-return]


def in_memory(known: MemoryDatabase) -> dict[str, Any]:
    """The same in memory."""
    held = known.floor
    events = [
        {"contract_id": contract, "metric": metric, "subject": subject, **row}
        for (contract, metric, subject), row in held.contract_events.rows.items()
    ]
    found = {
        "calls": _kept(held.calls.rows), "events": _kept(held.events.rows), "legs": _kept(held.legs.rows),
        "entries": _kept(held.entries.rows), "agents": _kept(held.agents.rows), "timers": _kept(held.timers.rows, "id"),
        "commands": _kept(held.commands.rows, "id"), "facts": _kept(held.facts.rows, "id"), "contract_events": events,
        "agent_facts": _kept(held.agent_facts.rows, "id"),
        "callbacks": _kept(held.callbacks.rows),
        "texts": _kept(held.texts.rows, *NOT_KEPT), "desks": _kept(held.desks.rows),
        "threads": _kept(held.threads.rows), "thread_events": _kept(held.thread_events.rows),
    }  # fmt: skip
    counts = {account: row["counts"] for account, row in held.counts.rows.items()}
    return {name: _sorted(rows, *BY[name]) for name, rows in found.items()} | {"counts": _nonzero(counts)}


def _nonzero(counts: Mapping[Account, Counts]) -> dict[Account, Counts]:
    return {account: measured for account, measured in counts.items() if measured}


def _begin(session: Session, side: Side) -> None:
    """Anna and Luca are ready."""
    for by in (side.agent(side.cast.anna), side.agent(side.cast.luca)):
        agents.attend(session, by)
        agents.set_device(session, by, device="desk", ready=True)
        agents.wish(session, by, intended=AgentState.READY)


def _done(step: Step, side: Side) -> Any:
    """What a step answers; an error is an answer, too."""
    try:
        return step(side)
    except DomainError as error:
        return type(error), str(error)


def _facts_say_what_agents_do(stored: dict[str, Any]) -> None:
    """The last fact of each agent is what he does, told apart where his time is."""
    last = {row["agent_id"]: row["activity"] for row in stored["agent_facts"]}
    held = {row["agent_id"] for row in stored["calls"] if row["held_since"] is not None}
    for row in stored["agents"]:
        on_hold = row["agent_id"] in held and row["state"] is AgentState.TALKING
        assert last[row["agent_id"]].value == (Activity.HOLDING if on_hold else row["state"]).value


@pytest.mark.parametrize("seed", [3, 4, 5, 8])
def test_the_same_course_of_events_leaves_the_same_floor(seed: int, sides: tuple[Side, Side], world: World) -> None:
    postgres, memory = sides
    known = memory.database
    assert isinstance(known, MemoryDatabase)
    course = Course(seed, world, known, memory.cast)
    for side in sides:
        side.work(lambda s, one=side: _begin(s, one))
    story = []
    for _ in range(STEPS):
        name, step = course.step()
        story.append(name)
        assert _done(step, postgres) == _done(step, memory), story
    stored, kept = in_postgres(postgres), in_memory(known)
    for part, rows in stored.items():
        assert rows == kept[part], part
    _facts_say_what_agents_do(stored)
    assert all(stored[part] for part in ("legs", "commands", "facts", "callbacks", "threads")), (
        "the course leads nowhere"
    )
    assert len({row["activity"] for row in stored["agent_facts"]}) > len(Activity) // 2, "the agents do little"

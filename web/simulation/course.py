"""A course of events from a seed: a centre's hours, the way home, and what is found wrong."""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from uuid import UUID

from crm.core.clock import in_rome
from crm.core.db import Database
from crm.levels.metering import Counts
from telephony.callbacks.models import CallbackState
from telephony.floor.memory import MemoryDatabase, MemoryFloor
from telephony.queues.models import EntryState
from web.simulation import books
from web.simulation.books import Left, Row, Totals
from web.simulation.centre import Centre, Numbers
from web.simulation.citizens import Citizen
from web.simulation.clockwork import Clockwork
from web.simulation.lines import Line, Party
from web.simulation.memory import OFFICE_KEY, in_memory
from web.simulation.network import Network
from web.simulation.people import Agent
from web.simulation.plan import KINDS, Plan
from web.simulation.writers import Writer

START = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
TOLERANCE_S = 1.3  # a second, and the longest way of a callback
DELIVERED_S = 1.0
HOME_S = 300.0  # after the last call until everything is over
TIDY_S = 600.0
MOVED_S = 20.0  # an order to move somebody is tried for so long
CALLERS = 393470000000  # and so many more
ELSEWHERE = 390571100000
NIGHTS_S = 40 * 3600.0  # the longest until whoever is to be called back has been, or is given up
KEYS = ("0", "1", "1", "1", "9", "")


@dataclass(slots=True)
class Outcome:
    """What came of a course of events. `wrong` is empty, or the product is."""

    totals: Totals = field(default_factory=Totals)
    assigned: int = 0
    story: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    struck: Counter[str] = field(default_factory=Counter)  # how often each fault happened
    done: Counter[str] = field(default_factory=Counter)  # and what agents did with whom they talked to


Store = Callable[[Plan, Callable[[], datetime], Callable[[], UUID]], tuple[Database, Numbers]]
Look = Callable[[Database], tuple[Left, Counts]]


def play(seed: str, plan: Plan, hours: float, *, store: Store = in_memory, look: Look | None = None) -> Outcome:
    """Play a seed; `look` reads the floor of a store that is not memory."""
    course = Course(seed, plan, store, look)
    try:
        return course.play(hours * 3600)
    finally:
        course.close()


class Course:
    """Everybody and everything of one course."""

    def __init__(self, seed: str, plan: Plan, store: Store = in_memory, look: Look | None = None) -> None:
        self.plan, self.outcome = plan, Outcome()
        self.draw = random.Random(f"{seed}:people")
        self.clockwork = Clockwork(START)
        self.network = Network(self.clockwork, plan, seed)
        ids = random.Random(f"{seed}:ids")
        self.database, numbers = store(
            plan, self.clockwork.now, lambda: UUID(int=ids.getrandbits(128), version=4)
        )  # fmt: skip
        self._look = look or _memory_left
        self.agents: dict[str, Agent] = {}
        self.centre = Centre(
            self.database, self.clockwork, self.network, numbers, self._party, seed, is_open=self._is_open
        )  # fmt: skip
        for agent_id in numbers.agents:
            draw = random.Random(f"{seed}:agent:{agent_id}")
            others = tuple(one for one in numbers.agents if one != agent_id)
            agent = Agent(agent_id, self.network, plan, self.centre, draw, self.outcome.wrong.append, others)
            self.agents[f"agent_{agent_id}"] = agent
        self.citizens: dict[str, Citizen] = {}  # by the names of their lines
        self.telephones: dict[str, Citizen] = {}  # by their numbers
        self._closes_s = 0.0
        self._born = 0
        self.writers: dict[str, Writer] = {}  # by their numbers
        self._delivered = 0  # of what is written, in the order of its writing

    def play(self, seconds: float) -> Outcome:
        """So many seconds of calls, then until everything is over."""
        self._closes_s = seconds
        for agent in self.agents.values():
            agent.begin()
        self.centre.begin()
        if isinstance(self.database, MemoryDatabase):
            self.clockwork.every(2, self._look_around)
            self.clockwork.every(TIDY_S, self._tidy)
        self._next_call()
        if self.plan.texts_per_hour:
            self._next_text()
            self.clockwork.every(DELIVERED_S, self._deliver)
        self.clockwork.run(seconds)
        while self._goes_on() and self.clockwork.seconds < seconds + NIGHTS_S:
            self.clockwork.run(self.clockwork.seconds + 60)
        self.clockwork.run(self.clockwork.seconds + HOME_S / 2)
        self.centre.outages.end()
        self.clockwork.run(self.clockwork.seconds + HOME_S / 2)
        self._close_books()
        return self.outcome

    def close(self) -> None:
        """Let go of the threads that the product has made."""
        self.centre.close()
        self.database.dispose()

    def _party(self, identity: str) -> Party:
        return self.agents.get(identity) or self.telephones[identity]

    def _goes_on(self) -> bool:
        """Whether a line is in use, or somebody is still to be called back."""
        if self.network.live() or self._written_to():
            return True
        left, _ = self._look(self.database)
        return any(row["state"] is CallbackState.OPEN for row in left.callbacks)

    def _is_open(self) -> bool:
        return isinstance(self.database, MemoryDatabase) and self.database.floor.session is not None

    def _next_call(self) -> None:
        def arrives() -> None:
            self.dial(self.citizen())
            self._next_call()

        wait = self.draw.expovariate(self.plan.calls_per_hour / 3600)
        if self.clockwork.seconds + wait < self._closes_s:
            self.clockwork.after(wait, arrives)

    def _next_text(self) -> None:
        def begins() -> None:
            self._born += 1
            draw = random.Random(self.draw.getrandbits(64))
            writer = Writer(
                self.network, draw, f"+{CALLERS + self._born}", self.centre.numbers.line, draw.randint(1, 3)
            )  # fmt: skip
            self.writers[writer.number] = writer
            writer.writes()
            self._next_text()

        wait = self.draw.expovariate(self.plan.texts_per_hour / 3600)
        if self.clockwork.seconds + wait < self._closes_s:
            self.clockwork.after(wait, begins)

    def _deliver(self) -> None:
        """The outbox's work: what was written to citizens reaches them."""
        texts, threads = self._floor().texts.rows, self._floor().threads.rows
        if len(texts) == self._delivered:
            return
        for row in islice(texts.values(), self._delivered, None):
            if not row["inbound"]:
                writer = self.writers[threads[row["thread_id"]]["citizen"]]
                writer.reads(row["body"], by_agent=row["agent_id"] is not None)
        self._delivered = len(texts)

    def _written_to(self) -> bool:
        """Whether a conversation by SMS goes on."""
        return bool(self.writers) and next(self._floor().open_threads(), None) is not None

    def citizen(self) -> Citizen:
        """Somebody who is about to call."""
        plan, draw = self.plan, self.draw
        self._born += 1
        caller = "" if draw.random() < plan.anonymous else f"+{CALLERS + self._born}"
        elsewhere = f"+{ELSEWHERE + self._born}"
        wants = plan.calls_back and draw.random() < plan.calls_back
        keys = tuple(draw.choices(KEYS, k=draw.randint(0, 2)))
        if plan.menu and plan.outside and draw.random() < plan.outside:
            keys = (OFFICE_KEY,)
        citizen = Citizen(
            self.network, random.Random(draw.getrandbits(64)), caller=caller,
            about_callback=_says(draw, caller, elsewhere[3:]) if wants else (),
            answers=plan.answers,
            known_by=lambda line, citizen: self.citizens.update({line.sid: citizen}),
            at_home=lambda: self.clockwork.seconds > self._closes_s,
            need_s=draw.expovariate(1 / plan.talk_s),
            patience_s=None if plan.patience_s is None else draw.expovariate(1 / plan.patience_s),
            keys=keys, hangs_up=draw.random() < 0.5,
            worst=draw.randint(0, 3) if draw.random() < plan.faults.worst else None,
        )  # fmt: skip
        self.telephones |= {caller: citizen, elsewhere: citizen}
        return citizen

    def dial(self, citizen: Citizen) -> Line:
        """He calls."""
        line = self.network.dial(self.centre.numbers.line, citizen, citizen.caller)
        citizen.calls(line)
        return line

    # -- what is found ----------------------------------------------------------------------------------------------

    def _look_around(self) -> None:
        floor = self._floor()
        live = (row for row in floor.calls.rows.values() if row["ended_at"] is None)
        self.outcome.wrong += books.in_two_places(live, floor.agents.rows.values())

    def look_around(self) -> None:
        """Whether anybody is in two places now, over any store."""
        left, _ = self._look(self.database)
        live = (row for row in left.calls if row["ended_at"] is None)
        self.outcome.wrong += books.in_two_places(live, left.agents)

    def _floor(self) -> MemoryFloor:
        assert isinstance(self.database, MemoryDatabase)
        return self.database.floor

    def _tidy(self) -> None:
        """Enter what is over in the totals, and let it go."""
        self.outcome.story.append(self._line())
        before = self.clockwork.instant(self.clockwork.seconds - TIDY_S)
        callbacks, entries = dict(self._floor().callbacks.rows), dict(self._floor().entries.rows)
        for call in self._floor().let_go(before):
            self._enter(call, callbacks.get(call["id"]), entries.get(call["id"]))
        self.network.let_go(self.clockwork.seconds - 2 * TIDY_S)

    def _line(self) -> str:
        floor = self._floor()
        waiting = sum(row["state"] is EntryState.WAITING for row in floor.entries.rows.values())
        states = Counter(row["state"].value for row in floor.agents.rows.values())
        agents = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
        told = self.outcome.totals
        return f"{in_rome(self.clockwork.now()):%H:%M}  {told.calls} calls over, {waiting} waiting; {agents}"

    def _enter(self, call: Row, callback: Row | None, entry: Row | None) -> None:
        citizen = self.citizens.get(call["carrier_sid"])
        if citizen is None:
            self.outcome.wrong.append(f"a call that nobody made: {call['carrier_sid']}")
            return
        for line in citizen.lines:
            self.citizens.pop(line.sid, None)
        self.outcome.wrong += books.disagreements(
            call, citizen, START, self._tolerance_s(), self.unheard_s, self._moved_s()
        )  # fmt: skip
        if citizen.agreed or callback is not None:
            self.outcome.wrong += books.about_callback(call, callback, entry, citizen, START, strict=self._strict)
        totals = self.outcome.totals
        totals.put_through += call["put_through_at"] is not None
        totals.to_call_back += callback is not None
        totals.called_back += bool(citizen.agreed and citizen.talks)
        totals.rung += len(citizen.rung)
        totals.calls += 1
        totals.entered += citizen.entered is not None
        totals.answered += bool(citizen.talks)
        totals.cut_off += max(0, len(citizen.talks) - 1)
        totals.waited_s += citizen.waited_s
        totals.talked_s += citizen.talked_s
        totals.counts += books.counted(call)

    @property
    def _strict(self) -> bool:
        """Whether nothing goes wrong but that people do not answer."""
        return not any(getattr(self.plan.faults, name) for name in KINDS if name not in {"missed", "rejected", "worst"})

    def _tolerance_s(self) -> float:
        """A caller connected twice, whose callbacks overtake each other, counts from the second time.

        That a queue was left is told twice: with its instant, and by the queue itself without one. It may be that the
        second, though late, is heard first.
        """
        faults = self.plan.faults
        return TOLERANCE_S + (2.0 if faults.disorder or faults.late else 0.0) + (faults.late_s if faults.late else 0.0)

    def _moved_s(self) -> float:
        """Whoever is passed on waits from the press of the button, and hears the agent until the carrier is told."""
        plan, faults = self.plan, self.plan.faults
        slow = faults.unreachable or faults.unanswered or faults.killed or faults.killed_waiting or faults.database
        return MOVED_S if (plan.passes or plan.consults) and slow else 0.0

    @property
    def unheard_s(self) -> float:
        """A conversation shorter than this may be over before the product finds out that it began: of what was told by
        a callback that is lost the carrier is asked some seconds later, and again should it not answer.
        """
        faults = self.plan.faults
        again = 20.0 if faults.unanswered or faults.unreachable else 0.0
        return 30.0 + again if faults.dropped or faults.web or faults.database else 0.0

    def _close_books(self) -> None:
        left, counts = self._look(self.database)
        callbacks = {row["call_id"]: row for row in left.callbacks}
        entries = {row["call_id"]: row for row in left.entries}
        for call in left.calls:
            self._enter(call, callbacks.get(call["id"]), entries.get(call["id"]))
        wrong = self.outcome.wrong
        unknown = [one.lines[0] for one in self.citizens.values() if one.lines[0].announced]
        wrong += [f"call {line.ordinal} is not in the books" for line in unknown]
        wrong += books.left_lying(left)
        wrong += self._still_on_the_line()
        if self.writers:
            told = list(self._floor().texts.rows.values())
            threads = {row["citizen"]: row for row in self._floor().threads.rows.values()}
            wrong += books.about_texts(self.writers.values(), threads, told)
            totals = self.outcome.totals
            totals.texts, totals.written = len(threads), len(told)
            totals.replies = sum(one.answers for one in self.writers.values())
        if counts != self.outcome.totals.counts:
            wrong.append(f"the meter counts {counts}, its calls {self.outcome.totals.counts}")
        self.outcome.assigned = self.centre.assigned
        self.outcome.struck, self.outcome.done = self.network.struck, self.centre.done

    def _still_on_the_line(self) -> Iterator[str]:
        for line in self.network.live():
            yield f"line {line.ordinal} of {line.from_ if line.inbound else line.to} is still in use"


def _says(draw: random.Random, caller: str, elsewhere: str) -> tuple[str, ...]:
    """What a waiting caller keys to be called back: at his own number or another; or he thinks better of it."""
    if not caller:
        return ("1", elsewhere, draw.choice(("1", "1", "0")))
    return ("1", *draw.choice((("1",), ("1",), ("1",), ("2", elsewhere, "1"), ("0",), ("", "1"), ("9", "1"))))


def _memory_left(database: Database) -> tuple[Left, Counts]:
    assert isinstance(database, MemoryDatabase)
    floor = database.floor
    owed = [row for _, row in floor.commands.until(datetime.max.replace(tzinfo=UTC))]
    left = Left(
        list(floor.calls.rows.values()), list(floor.agents.rows.values()), list(floor.entries.rows.values()),
        list(floor.timers.rows.values()), owed, list(floor.callbacks.rows.values()),
    )  # fmt: skip
    return left, books.summed({account: row["counts"] for account, row in floor.counts.rows.items()})

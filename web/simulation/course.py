"""A course of events from a seed: a centre's hours, the way home, and what is found wrong."""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from crm.core.clock import in_rome
from crm.core.db import Database
from crm.levels.metering import Counts
from telephony.floor.memory import MemoryDatabase, MemoryFloor
from telephony.queues.models import EntryState
from web.simulation import books
from web.simulation.books import Left, Row, Totals
from web.simulation.centre import Centre, Numbers
from web.simulation.clockwork import Clockwork
from web.simulation.memory import in_memory
from web.simulation.network import Line, Network, Party
from web.simulation.people import Agent, Citizen
from web.simulation.plan import Plan

START = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
TOLERANCE_S = 1.3  # a second, and the longest way of a callback
HOME_S = 300.0  # after the last call until everything is over
TIDY_S = 600.0
MOVED_S = 20.0  # an order to move somebody is tried for so long
CALLER = "+393480000099"
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
        self.citizens: dict[str, Citizen] = {}
        self._closes_s = 0.0

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
        self.clockwork.run(seconds)
        while self.network.live() and self.clockwork.seconds < seconds + 4 * 3600:
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
        return self.agents[identity]

    def _is_open(self) -> bool:
        return isinstance(self.database, MemoryDatabase) and self.database.floor.session is not None

    def _next_call(self) -> None:
        def arrives() -> None:
            self.dial(self.citizen())
            self._next_call()

        wait = self.draw.expovariate(self.plan.calls_per_hour / 3600)
        if self.clockwork.seconds + wait < self._closes_s:
            self.clockwork.after(wait, arrives)

    def citizen(self) -> Citizen:
        """Somebody who is about to call."""
        plan, draw = self.plan, self.draw
        return Citizen(
            self.network, random.Random(draw.getrandbits(64)),
            need_s=draw.expovariate(1 / plan.talk_s),
            patience_s=None if plan.patience_s is None else draw.expovariate(1 / plan.patience_s),
            keys=tuple(draw.choices(KEYS, k=draw.randint(0, 2))), hangs_up=draw.random() < 0.5,
            worst=draw.randint(0, 3) if draw.random() < plan.faults.worst else None,
        )  # fmt: skip

    def dial(self, citizen: Citizen) -> Line:
        """He calls."""
        citizen.line = self.network.dial(self.centre.numbers.line, citizen, CALLER)
        self.citizens[citizen.line.sid] = citizen
        return citizen.line

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
        for call in self._floor().let_go(before):
            self._enter(call)
        self.network.let_go(self.clockwork.seconds - 2 * TIDY_S)

    def _line(self) -> str:
        floor = self._floor()
        waiting = sum(row["state"] is EntryState.WAITING for row in floor.entries.rows.values())
        states = Counter(row["state"].value for row in floor.agents.rows.values())
        agents = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
        told = self.outcome.totals
        return f"{in_rome(self.clockwork.now()):%H:%M}  {told.calls} calls over, {waiting} waiting; {agents}"

    def _enter(self, call: Row) -> None:
        citizen = self.citizens.pop(call["carrier_sid"], None)
        if citizen is None:
            self.outcome.wrong.append(f"a call that nobody made: {call['carrier_sid']}")
            return
        self.outcome.wrong += books.disagreements(
            call, citizen, START, self._tolerance_s(), self.unheard_s, self._moved_s()
        )  # fmt: skip
        totals = self.outcome.totals
        totals.calls += 1
        totals.entered += citizen.entered is not None
        totals.answered += bool(citizen.talks)
        totals.cut_off += max(0, len(citizen.talks) - 1)
        if citizen.line is not None and citizen.line.ended is not None:
            totals.waited_s += books.waited_s(citizen)
        totals.talked_s += citizen.talked_s
        totals.counts += books.counted(call)

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
        a callback that is lost the carrier is asked some seconds later.
        """
        faults = self.plan.faults
        return 30.0 if faults.dropped or faults.web or faults.database else 0.0

    def _close_books(self) -> None:
        left, counts = self._look(self.database)
        for call in left.calls:
            self._enter(call)
        wrong = self.outcome.wrong
        unknown = [one.line for one in self.citizens.values() if one.line and one.line.announced]
        wrong += [f"call {line.ordinal} is not in the books" for line in unknown]
        wrong += books.left_lying(left)
        wrong += self._still_on_the_line()
        if counts != self.outcome.totals.counts:
            wrong.append(f"the meter counts {counts}, its calls {self.outcome.totals.counts}")
        self.outcome.assigned = self.centre.assigned
        self.outcome.struck, self.outcome.done = self.network.struck, self.centre.done

    def _still_on_the_line(self) -> Iterator[str]:
        for line in self.network.live():
            yield f"line {line.ordinal} of {line.from_ if line.inbound else line.to} is still in use"


def _memory_left(database: Database) -> tuple[Left, Counts]:
    assert isinstance(database, MemoryDatabase)
    floor = database.floor
    owed = [row for _, row in floor.commands.until(datetime.max.replace(tzinfo=UTC))]
    left = Left(
        list(floor.calls.rows.values()), list(floor.agents.rows.values()), list(floor.entries.rows.values()),
        list(floor.timers.rows.values()), owed,
    )  # fmt: skip
    return left, books.summed({account: row["counts"] for account, row in floor.counts.rows.items()})

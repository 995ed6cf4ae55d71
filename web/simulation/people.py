"""Citizens who call and agents who answer: what they do, drawn from the seed, and what truly happened to them."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from telephony.agents.models import AgentState
from web.simulation.clockwork import Clockwork
from web.simulation.network import Line, Network
from web.simulation.plan import KINDS, Plan

LOOKS_S = 20.0  # how often an agent looks whether he is ready
AGAIN_S = 3.0  # after so long a button is pressed again that did nothing
KEYS = ("0", "1", "1", "1", "9", "")


@dataclass(slots=True)
class Stretch:
    """When a citizen and an agent heard each other, in seconds of the simulation."""

    since: float
    until: float | None = None


@dataclass(eq=False, slots=True)
class Citizen:
    """A caller. What is true of his call is written down here, as he lived it."""

    network: Network
    draw: random.Random
    need_s: float  # how long he talks
    patience_s: float | None
    keys: tuple[str, ...]  # what he presses, turn by turn; then zero
    hangs_up: bool  # it is he who ends the conversation
    worst: float | None  # the something that happens at which he hangs up, if he does: 0 is the first
    line: Line | None = None
    entered: float | None = None
    talks: list[Stretch] = field(default_factory=list)
    happened: int = 0
    dismissed: bool = False  # his agent has hung up: he waits for nobody any more

    @property
    def talked_s(self) -> float:
        """How long he has heard an agent."""
        return sum((one.until or self._now) - one.since for one in self.talks)

    @property
    def _now(self) -> float:
        return self.network.clockwork.seconds

    def rings(self, line: Line) -> None:
        raise AssertionError("nobody rings a citizen")

    def asked(self, line: Line, prompt_s: float) -> tuple[float, str] | None:
        turn, self.keys = (self.keys[0], self.keys[1:]) if self.keys else ("0", ())
        if not turn:
            return None
        return self.draw.uniform(0.3, 1.0) * prompt_s, turn

    def let_in(self, line: Line) -> None:
        if self.entered is None:
            self.entered = self._now
            if self.patience_s is not None:
                self.network.clockwork.after(self.patience_s, lambda: self._gives_up(line))

    def happens(self, line: Line) -> None:
        self.happened += 1
        if self.worst is not None and self.happened > self.worst:
            self.worst = None
            self.network.struck["worst"] += 1
            self.network.clockwork.after(
                self.draw.choice((0.0, 0.05, 0.15, 0.3)), lambda: self.network.hang_up(line)
            )  # fmt: skip

    def together(self, line: Line, other: Line) -> None:
        if self.talks and self.talks[-1].until is None:  # one more: he is in conversation already
            return
        self.talks.append(Stretch(self._now))
        rest = max(0.0, self.need_s - self.talked_s)
        if self.hangs_up:
            self.network.unless_changed(line, rest, lambda: self._leaves(line))

    def alone(self, line: Line) -> None:
        self._stops()

    def ended(self, line: Line) -> None:
        self._stops()

    def _stops(self) -> None:
        if self.talks and self.talks[-1].until is None:
            self.talks[-1].until = self._now

    def _leaves(self, line: Line) -> None:
        if self.talks and self.talks[-1].until is None:
            self.network.hang_up(line)

    def _gives_up(self, line: Line) -> None:
        if not self.talks:
            self.network.hang_up(line)


class Console(Protocol):
    """What an agent does at the product's pages. Each answers whether it was done."""

    def attend(self, agent_id: int) -> None:
        """His page is open, and his telephone registered."""

    def lapse(self, agent_id: int) -> None:
        """His page is closed."""

    def disappear(self, agent_id: int) -> None:
        """His page is gone, and nobody says so."""

    def state(self, agent_id: int) -> AgentState:
        """What his page says that he does."""

    def ready(self, agent_id: int) -> None:
        """He says that he is ready."""

    def hang_up(self, agent_id: int) -> bool:
        """He ends the conversation."""

    def hold(self, agent_id: int) -> bool:
        """He puts the caller on hold."""

    def back(self, agent_id: int) -> bool:
        """He takes him up again, and whoever he consulted goes."""

    def pass_to_queue(self, agent_id: int) -> bool:
        """He lets him wait for somebody else."""

    def pass_to(self, agent_id: int, colleague: int) -> bool:
        """He passes him on to a colleague, who is rung."""

    def consult(self, agent_id: int, colleague: int) -> bool:
        """He rings a colleague, with the caller on hold."""

    def pass_on(self, agent_id: int) -> bool:
        """He leaves the caller to the colleague whom he consults."""

    def save(self, agent_id: int) -> bool:
        """He saves his notes, and is ready."""


@dataclass(eq=False, slots=True)
class Agent:
    """Somebody at a console."""

    id: int
    network: Network
    plan: Plan
    console: Console
    draw: random.Random
    wrong: Callable[[str], None]
    colleagues: tuple[int, ...] = ()
    there: bool = False
    lines: list[Line] = field(default_factory=list)  # that live
    talked: Line | None = None  # of which nothing is written yet

    @property
    def clockwork(self) -> Clockwork:
        return self.network.clockwork

    def begin(self) -> None:
        """He opens his page and is ready."""
        self.there = True
        self.console.attend(self.id)
        self.console.ready(self.id)
        if any(getattr(self.plan.faults, name) for name in KINDS):
            self.clockwork.after(self.draw.uniform(0, LOOKS_S), self._look)

    def rings(self, line: Line) -> None:
        self.lines.append(line)
        if not self.there:
            self.network.hang_up(line, "no-answer")
        elif self.network.strikes("browser", 0.5):
            self.clockwork.after(self.draw.uniform(0, 4), self._dies)
        elif self.network.strikes("missed"):
            pass
        elif self.network.strikes("rejected"):
            self.network.unless_changed(line, self._answers_after(), lambda: self.network.hang_up(line, "busy"))
        else:
            self.network.unless_changed(line, self._answers_after(), lambda: self._picks_up(line))

    def together(self, line: Line, other: Line) -> None:
        citizen = other.party
        if not isinstance(citizen, Citizen):  # whom he consults, or who consults him
            return
        self.talked = line
        if self.network.strikes("browser"):
            self.clockwork.after(self.draw.uniform(0, citizen.need_s), self._dies)
        self._does_more(line, other, max(0.0, citizen.need_s - citizen.talked_s))
        if not citizen.hangs_up:
            rest = max(0.0, citizen.need_s - citizen.talked_s)
            self.clockwork.after(rest, lambda: self._hangs_up(line, other))

    def _does_more(self, line: Line, other: Line, rest: float) -> None:
        """In the course of the conversation he puts the caller on hold, asks somebody, or passes him on."""
        plan, at = self.plan, self.draw.uniform(0.2, 0.9) * rest

        def while_there(do: Callable[[], object]) -> Callable[[], object]:
            return lambda: do() if line.live and other.live and line.room == other.room and self.there else None

        def later(do: Callable[[], object]) -> None:
            self.clockwork.after(self.draw.uniform(3, 40), while_there(do))

        def consults() -> None:
            if self.console.consult(self.id, self.draw.choice(self.colleagues)):
                later(
                    lambda: (self.draw.random() < 0.5 and self.console.pass_on(self.id)) or self.console.back(self.id)
                )

        def passes() -> None:
            if self.draw.random() < 0.5:
                self.console.pass_to_queue(self.id)
            else:
                self.console.pass_to(self.id, self.draw.choice(self.colleagues))

        def holds() -> None:
            if self.console.hold(self.id):
                later(lambda: self.console.back(self.id))

        for chance, do in ((plan.holds, holds), (plan.passes, passes), (plan.consults, consults)):
            if self.colleagues and self.draw.random() < chance:
                self.clockwork.after(at, while_there(do))
                return

    def alone(self, line: Line) -> None:
        self._writes(line)

    def ended(self, line: Line) -> None:
        self.lines.remove(line)
        self._writes(line)

    def _writes(self, line: Line) -> None:
        """The conversation is over, if there was one: he writes his notes."""
        if self.there and line is self.talked:
            self.talked = None
            notes_s = self.draw.expovariate(1 / self.plan.notes_s) if self.plan.notes_s else 0.0
            self.clockwork.after(notes_s, self._save)

    def asked(self, line: Line, prompt_s: float) -> tuple[float, str] | None:
        raise AssertionError("no menu is spoken to an agent")

    def let_in(self, line: Line) -> None:
        raise AssertionError("an agent waits in no queue")

    def happens(self, line: Line) -> None:
        """He does not notice."""

    def _answers_after(self) -> float:
        return self.draw.uniform(0.1, 1.0) * self.plan.answers_s if self.plan.answers_s else 0.0

    def _picks_up(self, line: Line) -> None:
        for other in [one for one in self.lines if one is not line and one.answered is not None]:
            if len(self.network.rooms[other.room].inside) > 1:
                self.wrong(f"agent {self.id} talks, and another call is given to him")
            self.network.hang_up(other)  # nobody is there: he lays it down
        self.network.pick_up(line)

    def _hangs_up(self, line: Line, other: Line) -> None:
        if line.live and other.live and line.room == other.room and self.there:
            citizen = other.party
            assert isinstance(citizen, Citizen)
            citizen.dismissed = self.console.hang_up(self.id)
            if not citizen.dismissed:
                self.clockwork.after(AGAIN_S, lambda: self._hangs_up(line, other))
            elif self.plan.latency_s:
                self.clockwork.after(30, lambda: self._hangs_up(line, other))

    def _save(self, tries: int = 10) -> None:
        """The product may not have heard yet that the call is over."""
        if not self.there or self.console.save(self.id) or not tries:
            return
        if self.console.state(self.id) in {AgentState.TALKING, AgentState.WRAP_UP}:
            self.clockwork.after(AGAIN_S if self.plan.latency_s else 0.0, lambda: self._save(tries - 1))

    def _dies(self) -> None:
        if not self.there:
            return
        self.there = False
        (self.console.lapse if self.draw.random() < 0.5 else self.console.disappear)(self.id)
        for line in list(self.lines):
            self.network.hang_up(line, "" if line.answered is not None else "no-answer")
        self.clockwork.after(self.draw.uniform(3, 60), self.begin_again)

    def begin_again(self) -> None:
        """His browser is back."""
        self.there = True
        self.console.attend(self.id)
        if self.console.state(self.id) is AgentState.WRAP_UP:
            self._save()

    def _look(self) -> None:
        if self.there and self.console.state(self.id) in {AgentState.PAUSED, AgentState.OFFLINE}:
            self.console.attend(self.id)
            self.console.ready(self.id)
        self.clockwork.after(LOOKS_S, self._look)

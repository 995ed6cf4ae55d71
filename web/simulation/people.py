"""Agents who answer: what they do, drawn from the seed."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from telephony.agents.models import AgentState
from web.simulation.citizens import Citizen
from web.simulation.clockwork import Clockwork
from web.simulation.lines import Line
from web.simulation.network import Network
from web.simulation.plan import KINDS, Plan

LOOKS_S = 20.0  # how often an agent looks whether he is ready
AGAIN_S = 3.0  # after so long a button is pressed again that did nothing
WRITES_S = 12.0  # on average from one thing that he does for those who write to the next
CLOSES = 0.15  # so often he takes a conversation for over
MACHINE_S = 5.0  # until an agent is sure that he hears one


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

    def rung_by(self, agent_id: int, leg_id: str) -> bool:
        """Whether it is by this leg that the product rings him, or has."""

    def machine(self, agent_id: int) -> bool:
        """He says that it is an answering machine."""

    def threads(self, agent_id: int) -> list[tuple[UUID, bool, bool]]:
        """The conversations by SMS that are his; whether each is only offered, and whether an answer is owed."""

    def take_thread(self, agent_id: int, thread_id: UUID) -> bool:
        """He takes what is offered."""

    def reply(self, agent_id: int, thread_id: UUID) -> bool:
        """He writes an answer."""

    def close_thread(self, agent_id: int, thread_id: UUID) -> bool:
        """He is done."""

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
    passed: Line | None = None  # with which he is done, though it may go on for a while

    @property
    def clockwork(self) -> Clockwork:
        return self.network.clockwork

    def begin(self) -> None:
        """He opens his page and is ready."""
        self.there = True
        self.console.attend(self.id)
        self.console.ready(self.id)
        if self.plan.texts_per_hour:
            self.clockwork.after(self.draw.uniform(0, WRITES_S), self._tends)
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
        if citizen.is_machine:
            self.clockwork.after(MACHINE_S, lambda: self._hears_machine(line, other))
            return
        if self.network.strikes("browser"):
            self.clockwork.after(self.draw.uniform(0, citizen.need_s), self._dies)
        self._does_more(line, other, max(0.0, citizen.need_s - citizen.talked_s))
        if not citizen.hangs_up:
            rest = max(0.0, citizen.need_s - citizen.talked_s)
            self.clockwork.after(rest, lambda: self._hangs_up(line, other))

    def _hears_machine(self, line: Line, other: Line) -> None:
        citizen = other.party
        if not (line.live and other.live and line.room == other.room and self.there and isinstance(citizen, Citizen)):
            return
        if self.console.machine(self.id):
            self.talked, self.passed = None, line
            citizen.not_reached()
        else:
            self.clockwork.after(AGAIN_S, lambda: self._hears_machine(line, other))

    def _does_more(self, line: Line, other: Line, rest: float) -> None:
        """In the course of the conversation he puts the caller on hold, asks somebody, or passes him on."""
        plan, at = self.plan, self.draw.uniform(0.2, 0.9) * rest

        def while_there(do: Callable[[], object]) -> Callable[[], object]:
            return lambda: do() if line.live and other.live and line.room == other.room and self.there else None

        def later(do: Callable[[], object]) -> None:
            self.clockwork.after(self.draw.uniform(3, 40), while_there(do))

        def let_go(done: bool) -> bool:
            self.passed = line if done else self.passed
            return done

        def decides() -> None:
            if not (self.draw.random() < 0.5 and let_go(self.console.pass_on(self.id))):
                self.console.back(self.id)

        def consults() -> None:
            if self.console.consult(self.id, self.draw.choice(self.colleagues)):
                later(decides)

        def passes() -> None:
            if self.draw.random() < 0.5:
                let_go(self.console.pass_to_queue(self.id))
            else:
                let_go(self.console.pass_to(self.id, self.draw.choice(self.colleagues)))

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

    def told(self, line: Line, document: str) -> None:
        """It is for his telephone."""

    def happens(self, line: Line) -> None:
        """He does not notice."""

    def _answers_after(self) -> float:
        return self.draw.uniform(0.1, 1.0) * self.plan.answers_s if self.plan.answers_s else 0.0

    def _picks_up(self, line: Line) -> None:
        for other in [one for one in self.lines if one is not line and one.answered is not None]:
            if other is not self.passed and len(self.network.rooms[other.room].inside) > 1:
                if not self.console.rung_by(self.id, line.label):
                    return  # what was taken back may ring for a moment more: he is talking, and lets it
                self.wrong(f"agent {self.id} talks, and another call is given to him")
            self.network.hang_up(other)  # nobody is there: he lays it down
        self.network.pick_up(line)

    def _hangs_up(self, line: Line, other: Line) -> None:
        if line.live and other.live and line.room == other.room and self.there:
            citizen = other.party
            assert isinstance(citizen, Citizen)
            done = self.console.hang_up(self.id)
            citizen.dismissed = citizen.dismissed or done  # by whose call it is: another may be in it
            if not done:
                self.clockwork.after(AGAIN_S, lambda: self._hangs_up(line, other))
            elif self.plan.latency_s:
                self.clockwork.after(30, lambda: self._hangs_up(line, other))

    def _tends(self) -> None:
        """He looks after one of the citizens who write to him."""
        if self.there and (mine := self.console.threads(self.id)):
            thread_id, offered, owes = self.draw.choice(mine)
            if offered:
                if not self.network.strikes("missed"):
                    self.console.take_thread(self.id, thread_id)
            elif owes:
                self.console.reply(self.id, thread_id)
            elif self.draw.random() < CLOSES:
                self.console.close_thread(self.id, thread_id)
        self.clockwork.after(self.draw.uniform(0.5, 1.5) * WRITES_S, self._tends)

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

"""Citizens who call, and are called back: what they do, drawn from the seed, and what truly happened to them."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from telephony.ivr.prompts import Sentence, sentence
from web.simulation.lines import Line
from web.simulation.network import Network

AGREED = sentence(Sentence.CALLBACK_AGREED)
MACHINE_S = 25.0  # how long a machine listens


@dataclass(slots=True)
class Stretch:
    """From when to when, in seconds of the simulation."""

    since: float
    until: float | None = None


class Answer(StrEnum):
    """What becomes of a call to somebody."""

    HIMSELF = "himself"
    MACHINE = "machine"
    BUSY = "busy"
    NOBODY = "no-answer"


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
    caller: str = ""  # the number he shows
    about_callback: tuple[str, ...] = ()  # what he presses while he waits
    answers: float = 1.0  # how often he answers when he is called back
    known_by: Callable[[Line, "Citizen"], None] = lambda _line, _citizen: None  # told of each line of his
    at_home: Callable[[], bool] = lambda: False  # then he always does
    line: Line | None = None  # the latest
    lines: list[Line] = field(default_factory=list)
    waits: list[Stretch] = field(default_factory=list)
    talks: list[Stretch] = field(default_factory=list)
    happened: int = 0
    dismissed: bool = False  # his agent has hung up: he waits for nobody any more
    agreed: list[float] = field(default_factory=list)  # when it was settled that he is called back
    away: bool = False  # to be called back
    is_machine: bool = False  # what has answered for him now
    rung: list[tuple[float, Answer]] = field(default_factory=list)  # when he was called back, and what came of it

    @property
    def entered(self) -> float | None:
        """Since when he first waited for an operator."""
        return self.waits[0].since if self.waits else None

    @property
    def talked_s(self) -> float:
        """How long he has heard an agent."""
        return sum((one.until or self._now) - one.since for one in self.talks)

    @property
    def waited_s(self) -> float:
        """How long he has waited on the line: at first, and after each conversation that was cut off."""
        return sum((self._now if one.until is None else one.until) - one.since for one in self.waits)

    @property
    def _now(self) -> float:
        return self.network.clockwork.seconds

    def calls(self, line: Line) -> None:
        """He has dialled."""
        self._has(line)

    def rings(self, line: Line) -> None:
        """He is called back."""
        if any(one.live for one in self.lines):
            came = Answer.BUSY
        elif self.at_home() or self.draw.random() < self.answers:
            came = Answer.HIMSELF
        else:
            came = self.draw.choice((Answer.MACHINE, Answer.BUSY, Answer.NOBODY))
        self.rung.append((self._now, came))
        self._has(line)
        if came is Answer.BUSY:
            self.network.hang_up(line, "busy")
            return
        self.is_machine = came is Answer.MACHINE
        if came is not Answer.NOBODY:
            self.network.unless_changed(line, self.draw.uniform(1, 15), lambda: self.network.pick_up(line))

    def asked(self, line: Line, prompt_s: float) -> tuple[float, str] | None:
        if line.queued:
            turn, self.about_callback = (self.about_callback or ("",))[0], self.about_callback[1:]
        else:
            turn, self.keys = (self.keys[0], self.keys[1:]) if self.keys else ("0", ())
        if not turn:
            return None
        return self.draw.uniform(0.3, 1.0) * prompt_s, turn

    def told(self, line: Line, document: str) -> None:
        if AGREED in document:
            self.agreed.append(self._now)
            self.away = True
            self.waits[-1].until = self._now
        elif "<Enqueue" in document and not self.waits:
            self._waits()
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
        self.away = False
        self._stops_waiting()
        self.talks.append(Stretch(self._now))
        if self.is_machine:
            self.network.unless_changed(line, MACHINE_S, lambda: self.network.hang_up(line))
            return
        rest = max(0.0, self.need_s - self.talked_s)
        if self.hangs_up:
            self.network.unless_changed(line, rest, lambda: self._leaves(line))

    def alone(self, line: Line) -> None:
        if self._stops() and line.live and not self.dismissed and not self.away:
            self._waits()

    def ended(self, line: Line) -> None:
        self._stops()
        self._stops_waiting()

    def not_reached(self) -> None:
        """It was a machine that talked, and the agent has said so: he is called again."""
        self.talks.pop()
        self.away = True

    def _has(self, line: Line) -> None:
        self.line = line
        self.lines.append(line)
        self.known_by(line, self)

    def _waits(self) -> None:
        self.waits.append(Stretch(self._now))

    def _stops_waiting(self) -> None:
        if self.waits and self.waits[-1].until is None:
            self.waits[-1].until = self._now

    def _stops(self) -> bool:
        if not self.talks or self.talks[-1].until is not None:
            return False
        self.talks[-1].until = self._now
        return True

    def _leaves(self, line: Line) -> None:
        if self.talks and self.talks[-1].until is None:
            self.network.hang_up(line)

    def _gives_up(self, line: Line) -> None:
        if not self.talks:
            self.network.hang_up(line)

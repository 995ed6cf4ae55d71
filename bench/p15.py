"""P15: how busy operators are kept by the dialer, beside the best fixed ratio and an adaptive one, in virtual time.

The floor is that of the reference figures (`contact-centre.md`): a conversation of 120 s in the mean, no notes, an
answer after 4 to 20 s, calls that nobody answers given up after 24 s, and whoever answers and finds nobody lost at
once. The fixed ratio is tuned by an oracle: the largest that keeps abandonment at 3 %, which nobody knows beforehand.
"""

import heapq
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Protocol

from outbound.dialer.expected import LAST, learn
from outbound.dialer.pacing import CAP, Now, Pace, Tally, to_dial

TALK_S, RING_S, GIVEN_UP_S = 120.0, (4.0, 20.0), 24.0
HITS = (0.2, 0.3, 0.5)
SIZES = (5, 10, 20, 50, 100)
TUNED = 9  # halvings, after which the best fixed ratio is known
LEARNED_EVERY = 20  # calls that ended


class Method(Protocol):
    """A way of pacing."""

    def dial(self, floor: "Floor") -> int:
        """How many calls to start now."""

    def heard(self, *, abandoned: bool) -> None:
        """A person answered."""

    def ended(self, rung: float | None, talked: float | None) -> None:
        """A call was answered after so many seconds, or by nobody; or an operator is free after so many."""


@dataclass
class Floor:
    """So many operators for so many hours; `hit`: the share of calls that a person answers, at a time."""

    agents: int
    hours: float
    hit: Callable[[float], float]
    seed: str
    now: float = 0.0
    ready: int = 0
    busy: dict[int, float] = field(default_factory=dict)
    ringing: dict[int, float] = field(default_factory=dict)
    talked: float = 0.0
    tally: Tally = field(default_factory=Tally)

    def run(self, method: Method) -> "Floor":
        """Play it to the end."""
        draw, ids, order = random.Random(self.seed), count(), count()
        end = self.hours * 3600
        due: list[tuple[float, int, str, int]] = [(0.0, next(order), "second", 0)]
        self.ready = self.agents
        while due and due[0][0] < end:
            self.now, _, kind, call = heapq.heappop(due)
            if kind == "second":
                heapq.heappush(due, (self.now + 1, next(order), kind, 0))
            elif kind == "unanswered":
                del self.ringing[call]
                method.ended(None, None)
            elif kind == "answered":
                method.ended(self.now - self.ringing.pop(call), None)
                lost = self.ready == 0
                self.tally = Tally(self.tally.answered + 1, self.tally.abandoned + lost)
                method.heard(abandoned=lost)
                if not lost:
                    self.ready -= 1
                    self.busy[call] = self.now
                    until = self.now + draw.expovariate(1 / TALK_S)
                    self.talked += min(until, end) - self.now
                    heapq.heappush(due, (until, next(order), "free", call))
            else:
                method.ended(None, self.now - self.busy.pop(call))
                self.ready += 1
            for _ in range(method.dial(self)):
                call = next(ids)
                self.ringing[call] = self.now
                answers = draw.random() < self.hit(self.now)
                after = draw.uniform(*RING_S) if answers else GIVEN_UP_S
                kind = "answered" if answers else "unanswered"
                heapq.heappush(due, (self.now + after, next(order), kind, call))
        return self

    @property
    def occupancy(self) -> float:
        """The share of their time in which operators spoke."""
        return self.talked / (self.agents * self.hours * 3600)


@dataclass
class Fixed:
    """So many calls under way for each operator who is ready."""

    ratio: float

    def dial(self, floor: Floor) -> int:
        return max(0, int(self.ratio * floor.ready + 1e-9) - len(floor.ringing))

    def heard(self, *, abandoned: bool) -> None:
        pass

    def ended(self, rung: float | None, talked: float | None) -> None:
        pass


@dataclass
class Adaptive(Fixed):
    """Every 15 s the calls per operator move by the mean difference, of each second, between those who were ready and
    calls that waited, never over 3; while more than 3 % were abandoned they come down.
    """

    ratio: float = 1.0
    tally: Tally = field(default_factory=Tally)
    seen: list[int] = field(default_factory=list)
    next_s: float = 15.0

    def dial(self, floor: Floor) -> int:
        self.seen.append(floor.ready)
        if floor.now >= self.next_s:
            self.next_s += 15.0
            idle = sum(self.seen) / len(self.seen) / floor.agents
            self.seen.clear()
            over = (self.tally.share or 0.0) > CAP
            self.ratio = min(max(self.ratio + (-0.1 if over else idle - 0.05), 1.0), 3.0)
        wanted = self.ratio * floor.agents - len(floor.busy)
        return max(0, int(wanted) - len(floor.ringing)) if floor.ready or self.ratio > 1 else 0

    def heard(self, *, abandoned: bool) -> None:
        self.tally = Tally(self.tally.answered + 1, self.tally.abandoned + abandoned)


@dataclass
class Ours:
    """The product's."""

    pace: Pace = field(default_factory=Pace)
    answered: deque[bool] = field(default_factory=lambda: deque(maxlen=LAST))
    rings: deque[float] = field(default_factory=lambda: deque(maxlen=LAST))
    talks: deque[float] = field(default_factory=lambda: deque(maxlen=LAST))
    since: int = LEARNED_EVERY

    def dial(self, floor: Floor) -> int:
        if self.since >= LEARNED_EVERY:
            self.expected = learn(tuple(self.answered), tuple(self.rings), tuple(self.talks), given_up_s=GIVEN_UP_S)
            self.since = 0
        now = Now(
            floor.ready, [floor.now - one for one in floor.busy.values()],
            [floor.now - one for one in floor.ringing.values()],
        )  # fmt: skip
        return to_dial(now, self.expected, self.pace.allowed, at_most=2 * floor.agents)

    def heard(self, *, abandoned: bool) -> None:
        self.pace = self.pace.heard(abandoned=abandoned)

    def ended(self, rung: float | None, talked: float | None) -> None:
        self.since += 1
        if talked is not None:
            self.talks.append(talked)
            return
        self.answered.append(rung is not None)
        if rung is not None:
            self.rings.append(rung)


def best_fixed(agents: int, hours: float, hit: float) -> Floor:
    """The floor under the largest fixed ratio that keeps abandonment at the cap."""
    low, high = 1.0, 40.0
    found = Floor(agents, hours, lambda _: hit, "p15").run(Fixed(low))
    for _ in range(TUNED):
        ratio = (low + high) / 2
        tried = Floor(agents, hours, lambda _: hit, "p15").run(Fixed(ratio))
        if (tried.tally.share or 0.0) <= CAP:
            low, found = ratio, max(found, tried, key=lambda one: one.occupancy)
        else:
            high = ratio
    return found

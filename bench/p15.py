"""P15: how busy operators are kept by the dialer, beside the best fixed ratio and an adaptive one, in virtual time.

An operator is busy for 180 s in the mean, exponentially: the reference's figures are reached by a fixed ratio with that
mean, not with the 120 s of its table. An answer comes after 4 to 20 s, calls that nobody answers are given up after 24,
and whoever answers and finds nobody is lost at once. The fixed ratio is tuned by an oracle: the largest that keeps
abandonment at 3 %, which nobody knows beforehand, and without a bound. What is possible at all is shown by an oracle of
our own method: it is told the true chances from the first call on, has its price tuned in the same way, and no bound to
keep to. Ours is shown twice: from nothing, when every operator has his own line until the bound says something; and
over as many conversations that follow, as a campaign of which thirty days are known is every day. Draws
`docs/images/dialer.svg`.
"""

import heapq
import random
from collections import deque
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from itertools import count
from math import exp, log
from pathlib import Path
from typing import Protocol

from bench.options import Options
from bench.place import Place
from bench.results import Result
from outbound.dialer.expected import LAST, Expected, learn
from outbound.dialer.pacing import CAP, Now, Pace, Tally, to_dial

TALK_S, RING_S, GIVEN_UP_S = 180.0, (4.0, 20.0), 24.0
HIT = 0.3
REFERENCE = {5: 0.795, 20: 0.887, 50: 0.93, 100: 0.96}
SIZES = (5, 10, 20, 50, 100)
FORETOLD = 20  # operators: of more it takes hours to find out what is possible
PRICES, PRICED = (0.01, 0.12), 5  # between which the oracle's price lies; halvings
LEAST = {5: 1.02, 10: 1.02, 20: 1.02, 50: 0.98, 100: 0.98}  # of the best fixed ratio on the same floor
ANSWERED = 7_000  # conversations of a floor, roughly, and as many after them: fewer leave the bound wide
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


@dataclass(frozen=True, slots=True)
class Known(Expected):
    """The chances as they are."""

    def ring(self, share: float) -> float:
        first, last = RING_S
        return first + share * (last - first)

    def freed(self, busy: float, within: float) -> float:  # noqa: ARG002  # exponential times forget
        return 1 - exp(-within / TALK_S)


@dataclass
class Oracle:
    """The product's, if it knew everything and had nothing to prove."""

    price: float

    def dial(self, floor: Floor) -> int:
        now = Now(
            floor.ready, [floor.now - one for one in floor.busy.values()],
            [floor.now - one for one in floor.ringing.values()],
        )  # fmt: skip
        known = Known(floor.hit(floor.now), given_up_s=GIVEN_UP_S)
        return to_dial(now, known, self.price, at_most=2 * floor.agents)

    def heard(self, *, abandoned: bool) -> None:
        pass

    def ended(self, rung: float | None, talked: float | None) -> None:
        pass


@dataclass(frozen=True, slots=True)
class Kept:
    """How busy so many operators were kept by each method, and what came of all calls of ours. `first`: ours from
    nothing; `ours`: in as much time after it. `possible`: by an oracle; none where that was not tried.
    """

    agents: int
    fixed: float
    possible: float | None
    adaptive: float
    adaptive_lost: float
    first: float
    ours: float
    lost: Tally


def measure(_place: Place, options: Options) -> list[Result]:
    """Each size of floor by each method; and one whose answer rate doubles midway."""
    sizes = (5, 20) if options.quick else SIZES
    with ProcessPoolExecutor(2) as pool:
        found = list(pool.map(_kept, sizes, [options.quick] * len(sizes)))
        doubled = pool.submit(_doubled, options.quick).result()
    if not options.quick:
        CHART.write_text(drawn(found))
    return [_result(one) for one in found] + [_bounded("answer rate doubles midway, 20 operators", doubled)]


def _kept(agents: int, quick: bool) -> Kept:
    hours = (ANSWERED / 10 if quick else ANSWERED) * TALK_S / 3600 / agents
    fixed = best_fixed(agents, 2 * hours, HIT)
    adaptive = Floor(agents, hours, lambda _: HIT, "p15").run(Adaptive(1.0))
    first, both = (Floor(agents, time, lambda _: HIT, "p15").run(Ours()) for time in (hours, 2 * hours))
    possible = foretold(agents, hours, HIT).occupancy if agents <= FORETOLD else None
    return Kept(
        agents, fixed.occupancy, possible, adaptive.occupancy, adaptive.tally.share or 0.0, first.occupancy,
        2 * both.occupancy - first.occupancy, both.tally,
    )  # fmt: skip


def _doubled(quick: bool) -> Tally:
    agents = 20
    hours = (ANSWERED / 10 if quick else ANSWERED) * TALK_S / 3600 / agents
    midway = hours * 3600 / 2
    return Floor(agents, hours, lambda now: HIT if now < midway else 2 * HIT, "p15").run(Ours()).tally


def _result(one: Kept) -> Result:
    ratio, least = one.ours / one.fixed, LEAST[one.agents]
    lost = f"{one.lost.share or 0:.4f} abandoned, bound {one.lost.bound:.4f}"
    return Result(
        f"P15 {one.agents} operators", f"≥ {least} × the best fixed ratio, bound ≤ {CAP}", f"{one.fixed:.4f}",
        f"{one.ours:.4f}",
        f"{ratio:.4f}, from nothing {one.first / one.fixed:.4f}; {lost}; adaptive {one.adaptive:.4f}"
        f" ({one.adaptive_lost:.4f} abandoned)",
        ratio >= least and one.lost.bound <= CAP,
        {
            "reference": REFERENCE.get(one.agents), "first": one.first, "adaptive": one.adaptive,
            "possible": one.possible,
        },
    )  # fmt: skip


def _bounded(what: str, tally: Tally) -> Result:
    outcome = f"{tally.share or 0:.4f} abandoned of {tally.answered:,}, bound {tally.bound:.4f}"
    return Result(f"P15 {what}", f"bound ≤ {CAP}", "–", "–", outcome, tally.bound <= CAP)


CHART = Path(__file__).resolve().parents[1] / "docs" / "images" / "dialer.svg"
WIDE, HIGH, LEFT, TOP = 640, 360, 60, 30
SHOWN = (0.5, 1.0)  # occupancies at the bottom and at the top
LINES = (
    ("ours", "Filodiretto", "#06c", ""), ("fixed", "best fixed ratio", "#5b6f82", "6 3"),
    ("adaptive", "adaptive, every 15 s", "#8a5300", "2 3"), ("possible", "possible (oracle)", "#0a7a3d", "1 4"),
)  # fmt: skip


def drawn(found: list[Kept]) -> str:
    """The share of their time in which operators are busy, by how many they are: an SVG."""

    def x(agents: int) -> float:
        return LEFT + log(agents / SIZES[0]) / log(SIZES[-1] / SIZES[0]) * (WIDE - LEFT - 30)

    def y(share: float) -> float:
        return TOP + (SHOWN[1] - share) / (SHOWN[1] - SHOWN[0]) * (HIGH - TOP - 50)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDE} {HIGH}" font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDE}" height="{HIGH}" fill="#fff"/>',
        f'<text x="{LEFT}" y="18">Share of time in which operators are busy, abandonment at most 3 %</text>',
    ]
    for tenth in range(5, 11):
        at = y(tenth / 10)
        parts.append(f'<path d="M{LEFT} {at:.1f}H{WIDE - 30}" stroke="#c5cdd6"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{at + 4:.1f}" text-anchor="end">{tenth * 10} %</text>')
    for one in found:
        words = f"{one.agents} operators" if one.agents == SIZES[0] else f"{one.agents}"
        parts.append(f'<text x="{x(one.agents):.1f}" y="{HIGH - 30}" text-anchor="middle">{words}</text>')
    for n, (name, words, colour, dash) in enumerate(LINES):
        told = [(one.agents, share) for one in found if (share := getattr(one, name)) is not None]
        points = " ".join(f"{x(agents):.1f},{y(share):.1f}" for agents, share in told)
        stroke = f'fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}"'
        parts.append(f'<polyline points="{points}" {stroke}/>')
        parts.append(f'<path d="M{LEFT + n * 142} {HIGH - 10}h18" {stroke}/>')
        parts.append(f'<text x="{LEFT + n * 142 + 22}" y="{HIGH - 6}">{words}</text>')
    for agents, share in REFERENCE.items():
        if agents in {one.agents for one in found}:
            parts.append(f'<circle cx="{x(agents):.1f}" cy="{y(share):.1f}" r="4" fill="none" stroke="#b3222f"/>')
    parts.append(f'<text x="{WIDE - 30}" y="{TOP + 14}" text-anchor="end" fill="#b3222f">○ reference</text>')
    return "\n".join([*parts, "</svg>", ""])


def foretold(agents: int, hours: float, hit: float) -> Floor:
    """The floor under the oracle, at the highest price that keeps abandonment at the cap."""
    low, high = PRICES
    found = Floor(agents, hours, lambda _: hit, "p15").run(Oracle(low))
    for _ in range(PRICED):
        price = (low * high) ** 0.5
        tried = Floor(agents, hours, lambda _: hit, "p15").run(Oracle(price))
        if (tried.tally.share or 0.0) <= CAP:
            low, found = price, max(found, tried, key=lambda one: one.occupancy)
        else:
            high = price
    return found


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

"""P3: mean waits of the real router in virtual time, beside an ideal queue on the same trace and beside Erlang's."""

import heapq
import math
import statistics
from dataclasses import dataclass
from itertools import pairwise, product

from bench.options import Options
from bench.place import Place
from bench.results import Result
from telephony.calls.models import Phase
from web.simulation.citizens import Citizen
from web.simulation.course import Course
from web.simulation.plan import Plan
from web.simulation.report import silence

TALK_S, PATIENCE_S = 180.0, 120.0
CENTRES = ((20, 0.85), (50, 0.90), (100, 0.95))
MOST = 1.01
BATCHES = 20
SURE = 4.0  # standard errors: six cases, and batches that are not quite independent


@dataclass(frozen=True, slots=True)
class Trace:
    """A caller as the queue sees him, in seconds."""

    entered: float
    need: float
    patience: float


def measure(_place: Place, options: Options) -> list[Result]:
    """Nobody needs time to answer or to write, and nothing travels: pure M/M/n, without and with impatience."""
    calls = 1_500 if options.quick else options.calls
    cases = product(CENTRES, (None, PATIENCE_S))
    return [_measure(agents, load, patience, calls) for (agents, load), patience in cases]


def _measure(agents: int, load: float, patience: float | None, calls: int) -> Result:
    rate = agents * load / TALK_S
    plan = Plan(
        agents=agents, calls_per_hour=rate * 3600, talk_s=TALK_S, notes_s=0, answers_s=0, patience_s=patience,
        menu=False, latency_s=0, speech=0,
    )  # fmt: skip
    course = Traced(f"p3:{agents}:{load}:{patience}", plan)
    with silence():
        outcome = course.play(calls / rate)
    course.close()
    routed = [wait for _, wait in sorted(course.waited)]
    ideal = _ideal(course.trace, agents)
    mean, best = sum(routed) / len(routed), sum(ideal) / len(ideal)
    theory = _erlang(agents, load) if patience is None else _erlang_a(agents, rate, patience)
    ratio = mean / best if best else 1.0
    error = _error(routed)
    inversions = _inversions(course.served)
    what = f"P3 {'Erlang C' if patience is None else 'Erlang A'}, {agents} agents at {load:.2f}"
    return Result(
        what, f"≤ {MOST} × ideal, no inversion", f"{best:.2f} s", f"{mean:.2f} s",
        f"{ratio:.4f}; Erlang {theory:.2f} s, sampled ± {error:.2f}; {inversions} inversions",
        ratio <= MOST and not inversions and not outcome.wrong and abs(mean - theory) <= SURE * error,
        {"error_s": error, "calls": len(routed), "theory_s": theory, "wrong": outcome.wrong[:3]},
    )  # fmt: skip


class Traced(Course):
    """A course that notes who waited for how long."""

    def __init__(self, seed: str, plan: Plan) -> None:
        super().__init__(seed, plan)
        self.trace: list[Trace] = []
        self.waited: list[tuple[float, float]] = []
        self.served: list[tuple[float, float]] = []  # since when he waited, and when he was served

    def dial(self, citizen: Citizen) -> object:
        line = super().dial(citizen)
        at = self.clockwork.seconds
        self.trace.append(Trace(at, citizen.need_s, math.inf if citizen.patience_s is None else citizen.patience_s))
        return line

    def _enter(self, call: object, *about: object) -> None:
        row: dict[str, object] = call  # type: ignore[assignment]
        citizen = self.citizens.get(str(row["carrier_sid"]))
        if citizen is not None and citizen.entered is not None and row["phase"] is Phase.ENDED:
            self.waited.append((citizen.entered, int(str(row["waited_ms"])) / 1000))
            if citizen.talks:
                self.served.append((citizen.entered, citizen.talks[0].since))
        super()._enter(row, *about)


def _error(waits: list[float]) -> float:
    """The standard error of their mean, by means of batches: neighbours wait alike. The first tenth warms up."""
    kept = waits[len(waits) // 10 :]
    size = len(kept) // BATCHES
    means = [sum(kept[n * size : (n + 1) * size]) / size for n in range(BATCHES)]
    return statistics.stdev(means) / math.sqrt(BATCHES)


def _ideal(trace: list[Trace], agents: int) -> list[float]:
    """The waits of a queue that loses no instant: first come, first served, unless he has gone."""
    free = [0.0] * agents
    waits = []
    for one in trace:
        begins = max(free[0], one.entered)
        if begins - one.entered > one.patience:
            waits.append(one.patience)
        else:
            heapq.heapreplace(free, begins + one.need)
            waits.append(begins - one.entered)
    return waits


def _inversions(served: list[tuple[float, float]]) -> int:
    """How many came later and were served before."""
    order = sorted(served)
    return sum(after[1] < before[1] - 1e-6 for before, after in pairwise(order))


def _erlang(agents: int, load: float) -> float:
    """Erlang C: the mean wait of everybody, in seconds."""
    offered = agents * load
    blocked = 1.0
    for n in range(1, agents + 1):
        blocked = offered * blocked / (n + offered * blocked)
    waits = blocked / (1 - load * (1 - blocked))
    return waits * TALK_S / (agents * (1 - load))


def _erlang_a(agents: int, rate: float, patience: float) -> float:
    """Erlang A, of M/M/n+M's birth and death: the mean wait of everybody, those who gave up included."""
    shares, share = [1.0], 1.0
    for n in range(1, agents + 2_000):
        leaves = min(n, agents) / TALK_S + max(0, n - agents) / patience
        share *= rate / leaves
        shares.append(share)
    queue = sum(max(0, n - agents) * one for n, one in enumerate(shares)) / sum(shares)
    return queue / rate

"""The solver of the rounds on Solomon's instances: the first 25 and 50 customers of C101, R101 and RC101.

Distances are Euclidean, truncated to one decimal; the least total distance is sought, as it is by the exact methods
whose optima are the ceiling. A customer is a visit that has to be made, a vehicle an agent who bears so much.
"""

import time
from math import hypot
from pathlib import Path

from bench.options import Options
from bench.place import Place as Machine
from bench.results import Result
from outbound.field.rounds.apart import Asked, solve_apart
from outbound.field.rounds.checking import breaches
from outbound.field.rounds.places import Leg, Place
from outbound.field.rounds.problem import Problem, Stop, Window, Worker

FOLDER = Path(__file__).parent / "solomon_instances"
BEST = {
    ("C101", 25): 191.3, ("C101", 50): 362.4, ("R101", 25): 617.1, ("R101", 50): 1044.0, ("RC101", 25): 461.1,
    ("RC101", 50): 944.0,
}  # fmt: skip
MOST = 1.05  # of the best known
SECONDS = {25: 5.0, 50: 20.0}
TENTHS = 10  # a unit of time or distance is an instance's tenth


def read(path: Path, customers: int) -> Problem:
    """An instance with its first customers; what a second or a metre is in the product is a tenth of a unit here."""
    rows = [
        [int(part) for part in line.split()] for line in path.read_text(encoding="ascii").splitlines() if _row(line)
    ]
    [[vehicles, capacity]] = [row for row in rows if len(row) == 2]
    depot, *others = [row for row in rows if len(row) == 7][: customers + 1]
    at = [*([depot] * (2 * vehicles)), *others]
    legs = [[_leg(a, b) for b in at] for a in at]
    workers = tuple(
        Worker(key, depot[4] * TENTHS, depot[5] * TENTHS, _place(depot), _place(depot), most=capacity)
        for key in range(vehicles)
    )
    all_of_them = frozenset(range(vehicles))
    stops = tuple(
        Stop(
            row[0], _place(row), (Window(row[4] * TENTHS, row[5] * TENTHS),), row[6] * TENTHS, all_of_them, must=True,
            load=row[3],
        )
        for row in others
    )  # fmt: skip
    return Problem(workers, stops, legs)


def measure(_machine: Machine, options: Options) -> list[Result]:
    """Each instance, once."""
    results = []
    for (name, customers), best in BEST.items():
        problem = read(FOLDER / f"{name}.txt", customers)
        began = time.perf_counter()
        asked = Asked(problem, SECONDS[customers] / (5 if options.quick else 1))
        found = solve_apart(asked, better=lambda _: None, stop=lambda: False)
        took = time.perf_counter() - began
        served, wrong = sum(len(one.visits) for one in found.rounds), breaches(problem, found.rounds)
        length = sum(one.metres for one in found.rounds) / TENTHS
        ratio = length / best
        results.append(
            Result(
                f"rounds: Solomon {name}, {customers} customers", f"≤ {MOST}", f"{best}", f"{length:.1f}",
                f"{ratio:.4f} in {took:.0f} s", ratio <= MOST and served == customers and not wrong,
                {"served": served, "breaches": len(wrong), "seconds": took},
            )
        )  # fmt: skip
    return results


def _row(line: str) -> bool:
    parts = line.split()
    return bool(parts) and all(part.isdecimal() for part in parts)


def _place(row: list[int]) -> Place:
    return Place(row[2], row[1])


def _leg(a: list[int], b: list[int]) -> Leg:
    tenths = int(hypot(a[1] - b[1], a[2] - b[2]) * TENTHS + 1e-9)
    return Leg(tenths, tenths)

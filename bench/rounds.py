"""A day of 200 visits for eight agents, by the solver and by whoever always goes to the nearest door that is left.

Both have the same day: homes and businesses with their hours over six towns, three degrees of priority, a break at
noon, thirty visits at most. What is compared is what the planner pays for: travel, and what is left out.
"""

import random
import time

from bench.options import Options
from bench.place import Place as Machine
from bench.results import Result
from outbound.field.rounds.apart import Asked, solve_apart
from outbound.field.rounds.checking import breaches
from outbound.field.rounds.places import Pace, Place
from outbound.field.rounds.problem import Pause, Problem, Round, Solution, Stop, Window, Worker, stated, why_left_out
from outbound.field.rounds.solving import cost
from outbound.field.rounds.timing import timed

VISITS, AGENTS, SECONDS, SEED = 200, 8, 30.0, 8
HOUR = 3600
TOWNS = (
    Place(43.7189, 10.9455, "Empoli"), Place(43.7835, 10.9228, "Vinci"), Place(43.7270, 11.0290, "Montelupo"),
    Place(43.6790, 10.8830, "San Miniato"), Place(43.7330, 10.8580, "Fucecchio"), Place(43.5470, 11.0410, "Certaldo"),
)  # fmt: skip


def day(visits: int = VISITS, agents: int = AGENTS, seed: int = SEED) -> Problem:
    """The same day for the same seed."""
    draw = random.Random(seed)
    home = TOWNS[0]
    workers = [
        Worker(key, 9 * HOUR, 18 * HOUR, home, home, Pause(12 * HOUR, 15 * HOUR, HOUR), 30) for key in range(agents)
    ]
    may = frozenset(range(agents))
    stops = []
    for key in range(visits):
        town = draw.choice(TOWNS)
        place = Place(town.latitude + draw.gauss(0, 0.012), town.longitude + draw.gauss(0, 0.016), town.area)
        business = draw.random() < 0.25
        windows = (
            (Window(9 * HOUR, 12 * HOUR), Window(15 * HOUR, 18 * HOUR)) if business else (Window(9 * HOUR, 19 * HOUR),)
        )
        stops.append(Stop(key, place, windows, (20 if business else 15) * 60, may, draw.randint(0, 2)))
    return stated(workers, stops, Pace())


def nearest(problem: Problem) -> Solution:
    """Agent by agent, always the nearest door that he still can reach, until none is left."""
    left, rounds = {one.key: i for i, one in enumerate(problem.stops)}, []
    for index, worker in enumerate(problem.workers):
        order: list[int] = []
        while True:
            at = problem.node(next(i for i, s in enumerate(problem.stops) if s.key == order[-1])) if order else index
            way = problem.travel[at]
            for key in sorted(left, key=lambda one: way[problem.node(left[one])].seconds):
                tried = timed(problem, worker.key, [*order, key])
                if not breaches(problem, (tried,)):
                    order.append(key)
                    del left[key]
                    break
            else:
                break
        rounds.append(timed(problem, worker.key, order))
    return Solution(tuple(rounds), why_left_out(problem, rounds), cost(problem, rounds))


def measure(_machine: Machine, options: Options) -> list[Result]:
    """Both, on the same day."""
    problem = day()
    began = time.perf_counter()
    greedy = nearest(problem)
    walked = time.perf_counter() - began
    best: list[tuple[float, int]] = []
    began = time.perf_counter()
    asked = Asked(problem, 5.0 if options.quick else SECONDS)
    found = solve_apart(
        asked, better=lambda one: best.append((time.perf_counter() - began, one.cost)), stop=lambda: False
    )  # fmt: skip
    took = time.perf_counter() - began
    wrong = breaches(problem, found.rounds) + breaches(problem, greedy.rounds)
    return [
        Result(
            f"rounds: {VISITS} visits, {AGENTS} agents", "more served, or shorter", _in_words(greedy.rounds),
            _in_words(found.rounds), f"cost {found.cost / max(1, greedy.cost):.2f} in {took:.0f} s",
            found.cost < greedy.cost and not wrong,
            {"nearest_s": walked, "solver_s": took, "better": best, "breaches": len(wrong),
             "left_out": len(found.left_out), "nearest_left_out": len(greedy.left_out)},
        )
    ]  # fmt: skip


def _in_words(rounds: tuple[Round, ...]) -> str:
    served = sum(len(one.visits) for one in rounds)
    metres, seconds = sum(one.metres for one in rounds), sum(one.seconds for one in rounds)
    return f"{served} served, {metres / 1000:.0f} km, {seconds / HOUR:.1f} h on the way"

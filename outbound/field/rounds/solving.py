"""A day's rounds by OR-Tools: routing with time windows, breaks, limits, and visits that may be left out.

Insertion makes the first rounds, guided local search improves them until the time is over or somebody stops it. The
library is untyped: this module alone speaks to it.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ortools.constraint_solver import pywrapcp, routing_enums_pb2

from outbound.field.rounds.checking import breaches
from outbound.field.rounds.problem import (
    DAY_S,
    Problem,
    Round,
    Solution,
    Visit,
    Worker,
    plannable,
    troubles,
    why_left_out,
)
from outbound.field.rounds.timing import rested

TOLD_EVERY_S = 1.0  # better rounds are told at most so often
ASKED_EVERY_S = 0.2  # whether to stop is asked at most so often
FIRST_S = 20.0  # beyond the limit, for the first rounds
Told = Callable[[Solution], None]


@dataclass(frozen=True, slots=True)
class Limits:
    """For how many seconds it is searched; the first rounds are made even if that takes longer."""

    seconds: float = 30.0


def _nobody_listens(_solution: Solution) -> None:
    pass


def _never() -> bool:
    return False


def solve(
    problem: Problem, limits: Limits, *, before: tuple[Round, ...] = (), told: Told = _nobody_listens,
    stop: Callable[[], bool] = _never,
) -> Solution:  # fmt: skip
    """The best rounds found in time. `before`: rounds to begin with, as far as they still can be walked; `told` hears
    of better ones as they are found; `stop` is asked whether to be content with them.
    """
    found = troubles(problem)
    rest = plannable(problem, found)

    def whole(rounds: tuple[Round, ...]) -> Solution:
        by_agent = {one.agent: one for one in rounds}
        all_of_them = tuple(by_agent.get(one.key) or Round(one.key) for one in problem.workers)
        return Solution(all_of_them, why_left_out(problem, all_of_them, found), cost(problem, all_of_them))

    if not rest.stops or not rest.workers:
        return whole(())
    return whole(_Model(rest).search(limits, before, lambda rounds: told(whole(rounds)), stop))


def cost(problem: Problem, rounds: tuple[Round, ...]) -> int:
    """Travel, and what each stop that is in no round costs, in seconds."""
    served = {visit.stop for one in rounds for visit in one.visits}
    return sum(one.seconds for one in rounds) + sum(s.left_out_s for s in problem.stops if s.key not in served)


class _Model:
    """The problem as the library has it."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        workers, stops = problem.workers, problem.stops
        starts = [problem.start(i) for i in range(len(workers))]
        ends = [problem.end(i) for i in range(len(workers))]
        self.nodes = pywrapcp.RoutingIndexManager(len(problem.travel), len(workers), starts, ends)
        self.routing = pywrapcp.RoutingModel(self.nodes)
        ways = [[leg.seconds for leg in row] for row in problem.travel]
        stays = [0] * (2 * len(workers)) + [one.length for one in stops]
        self.routing.SetArcCostEvaluatorOfAllVehicles(self.routing.RegisterTransitMatrix(ways))
        spent = [[way + stays[i] for way in row] for i, row in enumerate(ways)]
        self.routing.AddDimension(self.routing.RegisterTransitMatrix(spent), DAY_S, DAY_S, False, "time")
        self.time = self.routing.GetDimensionOrDie("time")
        self._stops()
        self._workers(stays)
        self._limit()

    def _stops(self) -> None:
        by_key = {one.key: i for i, one in enumerate(self.problem.workers)}
        for i, stop in enumerate(self.problem.stops):
            index = self.nodes.NodeToIndex(self.problem.node(i))
            self.routing.AddDisjunction([index], stop.left_out_s)
            may = sorted(by_key[key] for key in stop.visitors() if key in by_key)
            if len(may) < len(by_key):
                self.routing.VehicleVar(index).SetValues([-1, *may])
            hours = sorted(
                (w for w in stop.hours() if 0 <= w.opens <= w.closes < DAY_S), key=lambda window: window.opens
            )
            begins = self.time.CumulVar(index)
            begins.SetRange(hours[0].opens, max(w.closes for w in hours))
            until = hours[0].closes
            for window in hours[1:]:
                if window.opens > until + 1:
                    begins.RemoveInterval(until + 1, window.opens - 1)
                until = max(until, window.closes)

    def _workers(self, stays: list[int]) -> None:
        lengths = [stays[self.nodes.IndexToNode(i)] if i < self.routing.Size() else 0 for i in range(self._indices())]
        solver = self.routing.solver()
        for i, worker in enumerate(self.problem.workers):
            begins, ends = self.time.CumulVar(self.routing.Start(i)), self.time.CumulVar(self.routing.End(i))
            begins.SetRange(worker.begins, worker.ends)
            ends.SetRange(worker.begins, worker.ends)
            self.routing.AddVariableMinimizedByFinalizer(ends)
            self.routing.AddVariableMaximizedByFinalizer(begins)
            if (pause := worker.pause) is not None:
                latest = pause.latest - pause.length
                rest = solver.FixedDurationIntervalVar(pause.earliest, latest, pause.length, False, f"pause {i}")
                self.time.SetBreakIntervalsOfVehicle([rest], i, lengths)

    def _limit(self) -> None:
        most = [one.most for one in self.problem.workers]
        if all(one is None for one in most):
            return
        loads = [0] * (2 * len(most)) + [one.load for one in self.problem.stops]
        whole = sum(loads)
        bears = [whole if one is None else one for one in most]
        taken = self.routing.RegisterUnaryTransitVector(loads)
        self.routing.AddDimensionWithVehicleCapacity(taken, 0, bears, True, "load")

    def _indices(self) -> int:
        return int(self.routing.Size()) + int(self.routing.vehicles())

    def search(
        self, limits: Limits, before: tuple[Round, ...], told: Callable[[tuple[Round, ...]], None],
        stop: Callable[[], bool],
    ) -> tuple[Round, ...]:  # fmt: skip
        """The rounds found when the time is over; none where even the emptiest cannot be."""
        solver = self.routing.solver()
        began = heard = time.monotonic()
        asked, stopped, some = float("-inf"), False, False
        best: tuple[int, tuple[Round, ...]] | None = None

        def better() -> None:
            nonlocal heard, best, some
            some = True
            value = int(self.routing.CostVar().Value())
            if time.monotonic() >= heard + TOLD_EVERY_S and (best is None or value < best[0]):
                best = value, self._rounds(lambda var: int(var.Value()), lambda var: int(var.Min()))
                heard = time.monotonic()
                told(best[1])

        def over() -> bool:
            nonlocal asked, stopped
            now = time.monotonic()
            if some and not stopped and now >= asked + ASKED_EVERY_S:
                asked, stopped = now, stop()
            return some and (stopped or now >= began + limits.seconds)

        self.routing.AddAtSolutionCallback(better)
        self.routing.AddSearchMonitor(solver.CustomLimit(over))
        parameters = pywrapcp.DefaultRoutingSearchParameters()
        parameters.first_solution_strategy = routing_enums_pb2.FirstSolutionStrategy.PARALLEL_CHEAPEST_INSERTION
        parameters.local_search_metaheuristic = routing_enums_pb2.LocalSearchMetaheuristic.GUIDED_LOCAL_SEARCH
        parameters.time_limit.FromMilliseconds(int((limits.seconds + FIRST_S) * 1000))
        self.routing.CloseModelWithParameters(parameters)
        first = self._as_before(before)
        solution = (
            self.routing.SolveFromAssignmentWithParameters(first, parameters)
            if first is not None
            else self.routing.SolveWithParameters(parameters)
        )
        if solution is None:
            return before if not breaches(self.problem, before) else ()
        return self._rounds(solution.Value, solution.Min)

    def _as_before(self, before: tuple[Round, ...]) -> Any:
        """The rounds that were, where the library takes them: without the stops that are no more."""
        if not any(one.visits for one in before):
            return None
        index = {s.key: self.nodes.NodeToIndex(self.problem.node(i)) for i, s in enumerate(self.problem.stops)}
        may = {one.key: one.visitors() for one in self.problem.stops}
        orders = {one.agent: [index[v.stop] for v in one.visits if one.agent in may.get(v.stop, ())] for one in before}
        routes = [orders.get(worker.key, []) for worker in self.problem.workers]
        return self.routing.ReadAssignmentFromRoutes(routes, True)

    def _rounds(self, value: Callable[[Any], int], earliest: Callable[[Any], int]) -> tuple[Round, ...]:
        return tuple(self._round(i, one, value, earliest) for i, one in enumerate(self.problem.workers))

    def _round(
        self, i: int, worker: Worker, value: Callable[[Any], int], earliest: Callable[[Any], int]
    ) -> Round:  # fmt: skip
        index = self.routing.Start(i)
        before, leaves = self.problem.start(i), int(earliest(self.time.CumulVar(index)))
        begins, visits, seconds, metres = leaves, [], 0, 0
        while True:
            index = value(self.routing.NextVar(index))
            node = self.nodes.IndexToNode(index)
            way = self.problem.travel[before][node]
            seconds, metres = seconds + way.seconds, metres + way.metres
            then = int(earliest(self.time.CumulVar(index)))
            if self.routing.IsEnd(index):
                break
            stop = self.problem.stops[node - 2 * len(self.problem.workers)]
            visits.append(Visit(stop.key, min(leaves + way.seconds, then), then, then + stop.length))
            before, leaves = node, then + stop.length
        if not visits:
            return Round(worker.key)
        return rested(self.problem, Round(worker.key, tuple(visits), begins, then, None, seconds, metres))

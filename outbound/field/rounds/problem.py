"""A day's rounds as a problem to be solved: who works when and from where, what is to be visited, what is fixed. Pure.

Times are seconds after midnight of the day (Roman time). What cannot be solved is said before anybody tries.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import combinations

from outbound.field.rounds.places import Leg, Measured, Pace, Place, legs

DAY_S = 86_400
MUST_S = 10_000_000  # what leaving out a visit that has to be made costs, in seconds of travel: more than any day
LEFT_OUT_S = 7_200  # the same of one that may be left out, for each degree of its priority and once more


@dataclass(frozen=True, slots=True)
class Window:
    """In which a visit may begin, both ends included."""

    opens: int
    closes: int


@dataclass(frozen=True, slots=True)
class Pause:
    """A break of `length` seconds, taken whole between `earliest` and `latest`, at no door."""

    earliest: int
    latest: int
    length: int


@dataclass(frozen=True, slots=True)
class Worker:
    """An agent on the day. `start` and `end`: none where his day begins and ends at his first and last visit;
    `most`: how much he can bear, none without a limit.
    """

    key: int
    begins: int
    ends: int
    start: Place | None = None
    end: Place | None = None
    pause: Pause | None = None
    most: int | None = None


@dataclass(frozen=True, slots=True)
class Stop:
    """A visit to be made. `may`: the agents who may make it; `agent`, `at`: fixed by hand; `must`: is left out only
    where there is no way at all; `load`: of what its agent can bear.
    """

    key: int
    place: Place | None
    windows: tuple[Window, ...]
    length: int
    may: frozenset[int]
    priority: int = 0
    must: bool = False
    agent: int | None = None
    at: int | None = None
    load: int = 1

    @property
    def pinned(self) -> bool:
        """Whether somebody fixed something of it."""
        return self.agent is not None or self.at is not None

    @property
    def left_out_s(self) -> int:
        """What leaving it out costs, in seconds of travel."""
        return MUST_S if self.must or self.pinned else LEFT_OUT_S * (1 + max(0, self.priority))

    def visitors(self) -> frozenset[int]:
        """Who may come, with what is fixed."""
        return self.may if self.agent is None else self.may & {self.agent}

    def hours(self) -> tuple[Window, ...]:
        """When it may begin, with what is fixed: an hour may be fixed within the windows alone."""
        if self.at is None:
            return self.windows
        return tuple(Window(self.at, self.at) for one in self.windows if one.opens <= self.at <= one.closes)[:1]


@dataclass(frozen=True, slots=True)
class Problem:
    """A day. `travel`: from each place to each, in the order of `Nodes`."""

    workers: tuple[Worker, ...]
    stops: tuple[Stop, ...]
    travel: Sequence[Sequence[Leg]]

    def start(self, worker: int) -> int:
        """The place in `travel` at which a worker, by his index, begins."""
        return worker

    def end(self, worker: int) -> int:
        """At which he ends."""
        return len(self.workers) + worker

    def node(self, stop: int) -> int:
        """That of a stop, by its index."""
        return 2 * len(self.workers) + stop


class Fault(StrEnum):
    """Why something cannot be planned as it stands."""

    NO_PLACE = "no_place"  # nobody knows where it is
    EMPTY_WINDOW = "empty_window"  # no hour in which it may begin
    NOBODY_MAY = "nobody_may"  # of the agents of the day
    OUT_OF_HOURS = "out_of_hours"  # nobody who may come works then
    TOO_FAR = "too_far"  # nobody who may come can be there in time
    NO_HOURS = "no_hours"  # the agent does not work that day
    PAUSE_TOO_LONG = "pause_too_long"  # for the time in which it is to be taken
    PINS_CLASH = "pins_clash"  # two visits fixed so that one agent would have to be at both


@dataclass(frozen=True, slots=True)
class Trouble:
    """A fault of an agent or of a stop, by key; `other`: the stop it clashes with."""

    fault: Fault
    agent: int | None = None
    stop: int | None = None
    other: int | None = None


def stated(
    workers: Sequence[Worker], stops: Sequence[Stop], pace: Pace, measured: Measured | None = None
) -> Problem:  # fmt: skip
    """The problem with its ways: as measured, else by coordinates. Names of places: `A` agent, `P` stop, with key."""
    names = [
        *(f"A{one.key}" for one in workers),
        *(f"A{one.key}" for one in workers),
        *(f"P{one.key}" for one in stops),
    ]
    places = [*(one.start for one in workers), *(one.end for one in workers), *(one.place for one in stops)]
    return Problem(tuple(workers), tuple(stops), legs(names, places, pace, measured or {}))


def troubles(problem: Problem) -> tuple[Trouble, ...]:
    """All that stands against planning some of it; what is named is left out, the rest is planned."""
    working = {one.key: one for one in problem.workers if one.begins < one.ends}
    return (*_of_workers(problem), *_of_stops(problem, working), *_clashes(problem))


def plannable(problem: Problem, found: Sequence[Trouble]) -> Problem:
    """The problem without the stops and the workers that cannot be planned. Of two fixed stops that clash none is."""
    gone = {one.stop for one in found} | {one.other for one in found}
    idle = {one.agent for one in found if one.stop is None}
    workers = [i for i, one in enumerate(problem.workers) if one.key not in idle]
    stops = [i for i, one in enumerate(problem.stops) if one.key not in gone]
    nodes = [*map(problem.start, workers), *map(problem.end, workers), *map(problem.node, stops)]
    return replace(
        problem,
        workers=tuple(problem.workers[i] for i in workers),
        stops=tuple(problem.stops[i] for i in stops),
        travel=[[problem.travel[i][j] for j in nodes] for i in nodes],
    )


@dataclass(frozen=True, slots=True)
class Visit:
    """A stop in a round: the agent is there from `arrives`, begins, and leaves."""

    stop: int
    arrives: int
    begins: int
    leaves: int


@dataclass(frozen=True, slots=True)
class Round:
    """What an agent does on the day: he leaves at `begins` and is done at `ends`; `pause`: when his break begins."""

    agent: int
    visits: tuple[Visit, ...] = ()
    begins: int = 0
    ends: int = 0
    pause: int | None = None
    seconds: int = 0  # on the way
    metres: int = 0


class Why(StrEnum):
    """Why a stop that could be planned is in no round."""

    FULL = "full"  # whoever may come has as many visits as he can have
    NO_TIME = "no_time"  # there is none left, or the way is longer than the visit is worth


@dataclass(frozen=True, slots=True)
class Solution:
    """Rounds, one for each worker, and why each other stop is in none. `cost`: travel and what is left out, seconds."""

    rounds: tuple[Round, ...]
    left_out: Mapping[int, Why | Fault] = field(default_factory=dict)
    cost: int = 0


def why_left_out(problem: Problem, rounds: Sequence[Round], found: Sequence[Trouble] = ()) -> dict[int, Why | Fault]:
    """The reason for each stop that is in no round, by key."""
    served = {visit.stop for one in rounds for visit in one.visits}
    faults = {key: one.fault for one in reversed(found) for key in (one.other, one.stop) if key is not None}
    loads = {one.key: one.load for one in problem.stops}
    working = {one.key for one in problem.workers}
    full = {
        one.key
        for one in problem.workers
        if one.most is not None
        and sum(loads[v.stop] for r in rounds if r.agent == one.key for v in r.visits) >= one.most
    }
    return {
        one.key: faults.get(one.key)
        or (Why.FULL if (coming := one.visitors() & working) and coming <= full else Why.NO_TIME)
        for one in problem.stops
        if one.key not in served
    }


def _of_workers(problem: Problem) -> Iterator[Trouble]:
    for one in problem.workers:
        if one.begins >= one.ends:
            yield Trouble(Fault.NO_HOURS, agent=one.key)
        elif one.pause is not None and one.pause.earliest + one.pause.length > one.pause.latest:
            yield Trouble(Fault.PAUSE_TOO_LONG, agent=one.key)


def _of_stops(problem: Problem, working: Mapping[int, Worker]) -> Iterator[Trouble]:
    for i, one in enumerate(problem.stops):
        hours = [w for w in one.hours() if 0 <= w.opens <= w.closes < DAY_S]
        coming = [j for j, worker in enumerate(problem.workers) if worker.key in one.visitors() & working.keys()]
        if one.place is None:
            yield Trouble(Fault.NO_PLACE, stop=one.key)
        elif not hours:
            yield Trouble(Fault.EMPTY_WINDOW, stop=one.key)
        elif not coming:
            yield Trouble(Fault.NOBODY_MAY, stop=one.key)
        elif not any(_within(problem.workers[j], one, w, 0, 0) for j in coming for w in hours):
            yield Trouble(Fault.OUT_OF_HOURS, stop=one.key)
        elif not any(
            _within(
                problem.workers[j], one, w,
                problem.travel[problem.start(j)][problem.node(i)].seconds,
                problem.travel[problem.node(i)][problem.end(j)].seconds,
            )
            for j in coming for w in hours
        ):  # fmt: skip
            yield Trouble(Fault.TOO_FAR, stop=one.key)


def _within(worker: Worker, stop: Stop, window: Window, there: int, back: int) -> bool:
    """Whether he can begin in the window, with the ways that he has before and after."""
    return max(worker.begins + there, window.opens) <= min(window.closes, worker.ends - stop.length - back)


def _clashes(problem: Problem) -> Iterator[Trouble]:
    fixed = [(i, one) for i, one in enumerate(problem.stops) if one.at is not None and one.agent is not None]
    for (i, one), (j, other) in combinations(sorted(fixed, key=lambda it: (it[1].at, it[1].key)), 2):
        if one.agent == other.agent and one.at is not None and other.at is not None:
            way = problem.travel[problem.node(i)][problem.node(j)].seconds
            if one.at + one.length + way > other.at:
                yield Trouble(Fault.PINS_CLASH, stop=one.key, other=other.key)

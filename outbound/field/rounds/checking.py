"""Whether rounds keep every window, break, limit and what was fixed by hand. Pure, and apart from what made them."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from outbound.field.rounds.problem import Pause, Problem, Round, Stop, Worker
from outbound.field.rounds.timing import free_of


class Breach(StrEnum):
    """What a round does not keep."""

    UNKNOWN = "unknown"  # a stop that is none of the day's, or an agent
    TWICE = "twice"  # in two places
    NOT_HIS = "not_his"  # the agent may not make this visit
    MOVED = "moved"  # it was fixed to another agent or hour
    LATE = "late"  # begins when its window is closed
    TOO_SHORT = "too_short"  # shorter than a visit of its kind
    IMPOSSIBLE = "impossible"  # he cannot be there by then
    OUT_OF_HOURS = "out_of_hours"
    NO_PAUSE = "no_pause"
    TOO_MANY = "too_many"


@dataclass(frozen=True, slots=True)
class Found:
    """A breach of an agent's round; `stop`: at which."""

    breach: Breach
    agent: int
    stop: int | None = None


def breaches(problem: Problem, rounds: tuple[Round, ...]) -> tuple[Found, ...]:
    """All of them; none: the rounds can be walked as they are planned."""
    workers = {one.key: (i, one) for i, one in enumerate(problem.workers)}
    stops = {one.key: (i, one) for i, one in enumerate(problem.stops)}
    seen: set[int] = set()
    return tuple(found for one in rounds for found in _of_round(problem, one, workers, stops, seen))


def _of_round(
    problem: Problem, of: Round, workers: dict[int, tuple[int, Worker]], stops: dict[int, tuple[int, Stop]],
    seen: set[int],
) -> Iterator[Found]:  # fmt: skip
    if of.agent not in workers or any(visit.stop not in stops for visit in of.visits):
        yield Found(Breach.UNKNOWN, of.agent)
        return
    if not of.visits:
        return
    index, worker = workers[of.agent]
    at, leaves, gaps = problem.start(index), of.begins, []
    for visit in of.visits:
        i, stop = stops[visit.stop]
        if visit.stop in seen:
            yield Found(Breach.TWICE, of.agent, visit.stop)
        seen.add(visit.stop)
        if of.agent not in stop.may:
            yield Found(Breach.NOT_HIS, of.agent, visit.stop)
        if stop.agent not in (None, of.agent) or stop.at not in (None, visit.begins):
            yield Found(Breach.MOVED, of.agent, visit.stop)
        elif not any(window.opens <= visit.begins <= window.closes for window in stop.hours()):
            yield Found(Breach.LATE, of.agent, visit.stop)
        if visit.leaves - visit.begins < stop.length:
            yield Found(Breach.TOO_SHORT, of.agent, visit.stop)
        way = problem.travel[at][problem.node(i)].seconds
        if leaves + way > visit.arrives or visit.arrives > visit.begins:
            yield Found(Breach.IMPOSSIBLE, of.agent, visit.stop)
        gaps.append((leaves, visit.begins, way))
        at, leaves = problem.node(i), visit.leaves
    way = problem.travel[at][problem.end(index)].seconds
    if of.begins < worker.begins or of.ends > worker.ends or leaves + way > of.ends:
        yield Found(Breach.OUT_OF_HOURS, of.agent)
    if worker.pause is not None and not _rests(worker.pause, of, [*gaps, (leaves, of.ends, way)]):
        yield Found(Breach.NO_PAUSE, of.agent)
    if worker.most is not None and sum(stops[visit.stop][1].load for visit in of.visits) > worker.most:
        yield Found(Breach.TOO_MANY, of.agent)


def _rests(pause: Pause, of: Round, gaps: list[tuple[int, int, int]]) -> bool:
    """Whether he takes his break when he may, and has the time for it beside the way; or his work leaves it free."""
    if free_of(pause, of):
        return True
    if of.pause is None or not pause.earliest <= of.pause <= pause.latest - pause.length:
        return False
    ends = of.pause + pause.length
    return any(
        begins <= of.pause and ends <= until and until - begins >= way + pause.length for begins, until, way in gaps
    )

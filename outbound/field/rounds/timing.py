"""When an agent is where if he goes in a given order, as early as he can; and when he takes his break. Pure."""

from collections.abc import Sequence
from dataclasses import replace

from outbound.field.rounds.problem import Pause, Problem, Round, Stop, Visit, Worker


def timed(problem: Problem, agent: int, order: Sequence[int]) -> Round:
    """The round of an agent who visits these stops, by key, in this order.

    It is made even where a window cannot be kept: `checking` says so. He leaves as late as he can without being
    anywhere later for it; his break is where it makes him too late at the fewest doors, and lets him be done soonest.
    """
    index, worker = next((i, one) for i, one in enumerate(problem.workers) if one.key == agent)
    if not order:
        return Round(agent)
    by_key = {one.key: (i, one) for i, one in enumerate(problem.stops)}
    stops = [by_key[key] for key in order]
    bare = _walked(problem, index, worker, stops, None)
    if worker.pause is None or free_of(worker.pause, bare):
        return bare
    tried = [_walked(problem, index, worker, stops, i) for i in range(len(stops) + 1)]
    return min(tried, key=lambda one: (_late(worker.pause, one, stops), one.ends, one.pause or 0))


def _late(pause: Pause | None, of: Round, stops: Sequence[tuple[int, Stop]]) -> int:
    late = sum(
        not any(w.opens <= visit.begins <= w.closes for w in stop.hours())
        for visit, (_, stop) in zip(of.visits, stops, strict=True)
    )
    return late + (pause is not None and of.pause is not None and of.pause + pause.length > pause.latest)


def _opens(stop: Stop, at: int) -> int:
    """When he can begin if he is there at an instant; at once where every window is closed by then."""
    return min((max(at, w.opens) for w in stop.hours() if max(at, w.opens) <= w.closes), default=at)


def _walked(
    problem: Problem, index: int, worker: Worker, stops: Sequence[tuple[int, Stop]], rests: int | None
) -> Round:
    """As he walks it if he takes his break before the way to the stop of that place, or to the end."""
    first = problem.travel[problem.start(index)][problem.node(stops[0][0])].seconds
    begins = max(worker.begins, _opens(stops[0][1], worker.begins + first) - first) if rests != 0 else worker.begins
    node, free, pause, visits, seconds, metres = problem.start(index), begins, None, list[Visit](), 0, 0
    for i, (at, stop) in enumerate([*stops, (-1, None)]):
        if i == rests and worker.pause is not None:
            pause = max(free, worker.pause.earliest)
            free = pause + worker.pause.length
        then = problem.node(at) if stop is not None else problem.end(index)
        way = problem.travel[node][then]
        seconds, metres, node, free = seconds + way.seconds, metres + way.metres, then, free + way.seconds
        if stop is not None:
            starts = _opens(stop, free)
            visits.append(Visit(stop.key, free, starts, starts + stop.length))
            free = starts + stop.length
    return Round(worker.key, tuple(visits), begins, free, pause, seconds, metres)


def rested(problem: Problem, of: Round) -> Round:
    """A round whose times leave room for a break, with the break in the first place where there is room for it."""
    index, worker = next((i, one) for i, one in enumerate(problem.workers) if one.key == of.agent)
    if (pause := worker.pause) is None or not of.visits or free_of(pause, of):
        return of
    nodes = {one.key: problem.node(i) for i, one in enumerate(problem.stops)}
    node, leaves, visits = problem.start(index), of.begins, list(of.visits)
    for i, visit in enumerate(of.visits):
        way = problem.travel[node][nodes[visit.stop]].seconds
        if (at := _room(pause, leaves, visit.begins, way)) is not None:
            if at < leaves + way:
                visits[i] = replace(visit, arrives=leaves + way + pause.length)
            return replace(of, visits=tuple(visits), pause=at)
        node, leaves = nodes[visit.stop], visit.leaves
    return replace(of, pause=_room(pause, leaves, of.ends, problem.travel[node][problem.end(index)].seconds))


def free_of(pause: Pause, of: Round) -> bool:
    """Whether his work itself leaves the time of the break free: he begins after it, or is done before."""
    return of.begins >= pause.earliest + pause.length or of.ends <= pause.latest - pause.length


def _room(pause: Pause, leaves: int, until: int, way: int) -> int | None:
    at = max(leaves, pause.earliest)
    fits = until - leaves >= way + pause.length and at + pause.length <= min(until, pause.latest)
    return at if fits else None

"""Who gets which practice: near to where he goes anyway, no more than the others, nobody with a tie. Pure.

The same facts give the same plan, whatever the order in which they come; each practice says why it went to whom.
"""

import math
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from outbound.field.places.placing import EARTH_M, Point, middle

ROUNDS = 4  # in which areas settle
Place = tuple[float, float, float]  # on a sphere of radius 1


class Why(StrEnum):
    """Why somebody gets a practice."""

    NEAREST = "nearest"  # of all who may have it, his area is the nearest
    ROOM = "room"  # those whose area is nearer have as many as they can
    TIES = "ties"  # those whose area is nearer have, or may have, a tie with the taxpayer
    LOAD = "load"  # it is not placed: he has the least
    ONLY = "only"  # nobody else may have it


class Left(StrEnum):
    """Why nobody gets one."""

    NOBODY = "nobody"  # no agent may act
    ALL_TIED = "all_tied"
    ALL_FULL = "all_full"


@dataclass(frozen=True, slots=True)
class Task:
    """A practice to be given. `excluded`: agents whom a tie excludes; `doubtful`: those whom the records let suspect,
    who come after all others.
    """

    id: int
    area: str  # its town and postcode
    at: Point | None = None
    priority: int = 0
    cents: int = 0
    excluded: frozenset[int] = frozenset()
    doubtful: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Hand:
    """An agent who may act. `points`: where the practices are that he has; `load`: how many those are."""

    id: int
    load: int = 0
    points: tuple[Point, ...] = ()


@dataclass(frozen=True, slots=True)
class Given:
    """A practice and who gets it. `km` from the middle of his area, as the crow flies; none: it is not placed."""

    practice_id: int
    agent_id: int
    why: Why
    km: float | None


@dataclass(frozen=True, slots=True)
class Shared:
    """What came of it. `load`: how many each agent has then."""

    given: tuple[Given, ...]
    left: Mapping[int, Left]
    load: Mapping[int, int]


def share(tasks: Collection[Task], hands: Collection[Hand], *, most: int) -> Shared:
    """Share practices out. `most`: how many an agent has at the most, with those that he has already."""
    ordered = sorted(tasks, key=lambda one: (-one.priority, -one.cents, one.id))
    agents = sorted(hands, key=lambda one: one.id)
    if not agents:
        return Shared((), {one.id: Left.NOBODY for one in ordered}, {})
    ordered = _placed_by_area(ordered)
    room = _room(len(ordered), agents, most)
    centres = _seeds(ordered, agents)
    places = {one.id: _place(one.at) for one in ordered if one.at is not None}
    plan = _once(ordered, places, agents, centres, room)
    for _ in range(ROUNDS - 1):
        centres = _centres(plan, ordered, agents, centres)
        plan = _once(ordered, places, agents, centres, room)
    return plan


def _room(tasks: int, agents: Sequence[Hand], most: int) -> dict[int, int]:
    """How many more each may get, so that in the end all have as many, as far as what they have lets them."""
    level, rest = 0, tasks
    loads = sorted(one.load for one in agents)
    for n, load in enumerate(loads, 1):
        upper = loads[n] if n < len(loads) else math.inf
        level = load + math.ceil(rest / n) if rest else load
        if level <= upper:
            break
        rest -= int((upper - load) * n)
    return {one.id: max(0, min(level, most) - one.load) for one in agents}


def _placed_by_area(tasks: Sequence[Task]) -> list[Task]:
    """One that is not placed is taken to be in the middle of those of its area that are."""
    points = defaultdict(list)
    for one in tasks:
        if one.at is not None:
            points[one.area].append(one.at)
    middles = {area: middle(some) for area, some in points.items()}
    return [one if one.at is not None else replace(one, at=middles.get(one.area)) for one in tasks]


def _seeds(tasks: Sequence[Task], agents: Sequence[Hand]) -> dict[int, Point | None]:
    """The middle of what each has; who has nothing begins where nobody is, the furthest first."""
    centres: dict[int, Point | None] = {one.id: middle(one.points) if one.points else None for one in agents}
    places = sorted({one.at for one in tasks if one.at is not None}, key=lambda one: (one.latitude, one.longitude))
    if not places:
        return centres
    on = [_place(one) for one in places]
    whole = _place(middle(places))
    taken = [_place(one) for one in centres.values() if one is not None]
    nearest = [min((_apart(one, other) for other in taken), default=_apart(one, whole)) for one in on]
    for agent in agents:
        if centres[agent.id] is None:
            far = max(range(len(places)), key=nearest.__getitem__)
            centres[agent.id] = places[far]
            if not taken:  # the first: distances from the middle say nothing any more
                nearest = [math.inf] * len(places)
            taken.append(on[far])
            nearest = [min(was, _apart(one, on[far])) for was, one in zip(nearest, on, strict=True)]
    return centres


def _centres(
    plan: Shared, tasks: Sequence[Task], agents: Sequence[Hand], before: Mapping[int, Point | None]
) -> dict[int, Point | None]:
    at = {one.id: one.at for one in tasks}
    points = {one.id: list(one.points) for one in agents}
    for one in plan.given:
        if (where := at[one.practice_id]) is not None:
            points[one.agent_id].append(where)
    return {agent: middle(some) if some else before[agent] for agent, some in points.items()}


def _once(
    tasks: Sequence[Task], places: Mapping[int, Place], agents: Sequence[Hand], centres: Mapping[int, Point | None],
    room: Mapping[int, int],
) -> Shared:  # fmt: skip
    """Those who would lose most by another agent choose first; who is not placed comes last, to whoever has least."""
    free = dict(room)
    load = {one.id: one.load for one in agents}
    given: list[Given] = []
    left: dict[int, Left] = {}
    middles = [(one.id, None if (at := centres[one.id]) is None else _place(at)) for one in agents]
    wishes = {one.id: _wishes(places.get(one.id), middles) for one in tasks}
    for task in sorted(tasks, key=lambda one: (one.at is None, -one.priority, -_regret(wishes[one.id]), one.id)):
        chosen = _chosen(task, wishes[task.id], free, load)
        if chosen is None:
            tied = all(agent in task.excluded for _, agent in wishes[task.id])
            left[task.id] = Left.ALL_TIED if tied else Left.ALL_FULL
            continue
        place, agent = chosen
        free[agent] -= 1
        load[agent] += 1
        far = wishes[task.id][place][0]
        km = None if task.at is None or math.isinf(far) else round(_metres(far) / 1000, 1)
        given.append(Given(task.id, agent, _why(task, wishes[task.id], place), km))
    return Shared(tuple(sorted(given, key=lambda one: one.practice_id)), left, load)


def _chosen(
    task: Task, wishes: Sequence[tuple[float, int]], free: Mapping[int, int], load: Mapping[int, int]
) -> tuple[int, int] | None:
    """Which of the wishes is granted, and so who gets it: the nearest with room, or of one that is not placed whoever
    has least; those of whom there is a doubt after all others.
    """
    if task.at is None:
        able = [at for at, (_, one) in enumerate(wishes) if free[one] > 0 and one not in task.excluded]
        place = min(
            able, key=lambda at: (wishes[at][1] in task.doubtful, load[wishes[at][1]], wishes[at][1]), default=-1
        )
        return None if place < 0 else (place, wishes[place][1])
    doubtful = None
    for place, (_, agent) in enumerate(wishes):
        if free[agent] > 0 and agent not in task.excluded:
            if agent not in task.doubtful:
                return place, agent
            doubtful = doubtful or (place, agent)
    return doubtful


def _wishes(at: Place | None, middles: Sequence[tuple[int, Place | None]]) -> list[tuple[float, int]]:
    """How far it is from each agent's middle, by `_apart`, the nearest first."""
    if at is None:
        return [(math.inf, agent) for agent, _ in middles]
    return sorted((math.inf if centre is None else _apart(at, centre), agent) for agent, centre in middles)


def _place(at: Point) -> Place:
    latitude, longitude = math.radians(at.latitude), math.radians(at.longitude)
    across = math.cos(latitude)
    return across * math.cos(longitude), across * math.sin(longitude), math.sin(latitude)


def _apart(one: Place, other: Place) -> float:
    """The square of the chord between two places: it grows as the distance does, and is quickly computed."""
    x, y, z = one[0] - other[0], one[1] - other[1], one[2] - other[2]
    return x * x + y * y + z * z


def _metres(apart: float) -> float:
    return 2 * EARTH_M * math.asin(min(1.0, math.sqrt(apart) / 2))


def _regret(wishes: Sequence[tuple[float, int]]) -> float:
    if len(wishes) < 2 or math.isinf(wishes[1][0]):  # nobody else
        return 0.0
    return _metres(wishes[1][0]) - _metres(wishes[0][0])


def _why(task: Task, wishes: Sequence[tuple[float, int]], place: int) -> Why:
    if len(wishes) > 1 and len(wishes) - sum(agent in task.excluded for _, agent in wishes) == 1:
        return Why.ONLY
    if task.at is None:
        return Why.LOAD
    nearer = [one for _, one in wishes[:place]]
    if not nearer:
        return Why.NEAREST
    return Why.TIES if all(one in task.excluded | task.doubtful for one in nearer) else Why.ROOM

"""What the pages of a plan show: each round with its doors, what is in none and why, the drawing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from crm.enti.queries import Badge
from outbound.field.rounds import queries
from outbound.field.rounds.candidates import Candidate
from outbound.field.rounds.checking import Breach, breaches
from outbound.field.rounds.models import PublishedRound, RoundAgent, RoundStop
from outbound.field.rounds.planning import Planned, working_of
from outbound.field.rounds.problem import Fault, Trouble, Why, Worker, troubles
from outbound.field.rounds.publishing import goes
from outbound.field.rounds.settings import Working
from web.field.schematic import SHAPES, Drawing, Way, drawn, letter_of

HOUR_S = 3600


@dataclass(frozen=True, slots=True)
class Door:
    """A visit as the page shows it. `goes`: its agent is given it when the plan is published."""

    one: Candidate
    row: RoundStop
    breaches: tuple[Breach, ...] = ()
    goes: bool = False
    why: Why | Fault | None = None
    may: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Walk:
    """An agent's round as the page shows it."""

    agent_id: int
    letter: str
    shape: str
    kind: int
    name: str
    row: RoundAgent
    working: Working
    doors: tuple[Door, ...]
    breaches: tuple[Breach, ...]
    trouble: Fault | None
    told: PublishedRound | None


@dataclass(frozen=True, slots=True)
class Shown:
    """A plan as its page shows it."""

    of: Planned
    walks: tuple[Walk, ...]
    left: tuple[Door, ...]
    drawing: Drawing | None
    served: int
    metres: int
    seconds: int
    waiting: int  # for their agent to accept the mandate

    @property
    def broken(self) -> bool:
        """Whether some round cannot be walked as it stands."""
        return any(walk.breaches or any(door.breaches for door in walk.doors) for walk in self.walks)


def shown(session: Session, of: Planned) -> Shown:
    """A plan with what its page says of it."""
    rounds = of.rounds()
    wrong = breaches(of.problem, rounds)
    faults = troubles(of.problem)
    told = queries.told(session, of.plan.id)
    may = {one.key: tuple(sorted(one.may)) for one in of.problem.stops}

    def door(row: RoundStop) -> Door:
        its = tuple(one.breach for one in wrong if one.stop == row.practice_id)
        return Door(
            of.candidates[row.practice_id], row, its, goes(of, row), _why(row, faults), may.get(row.practice_id, ())
        )  # fmt: skip

    walks = tuple(
        Walk(
            agent_id, letter_of(place), SHAPES[place % len(SHAPES)], place % len(SHAPES), name_of(of, agent_id), row,
            working_of(row), tuple(door(one) for one in of.order(agent_id) if one.practice_id in of.candidates),
            tuple(one.breach for one in wrong if one.agent == agent_id and one.stop is None),
            next((one.fault for one in faults if one.agent == agent_id and one.stop is None), None),
            told.get(agent_id),
        )
        for place, (agent_id, row) in enumerate(of.agents.items())
    )  # fmt: skip
    left = tuple(
        door(of.stops[key]) for key in of.candidates if key in of.stops and of.stops[key].agent_id is None
    )  # fmt: skip
    return Shown(
        of, walks, left, _drawing(of, walks, left), sum(len(one.doors) for one in walks),
        sum(one.metres for one in rounds), sum(one.seconds for one in rounds),
        sum(not one.goes for walk in walks for one in walk.doors),
    )  # fmt: skip


def name_of(of: Planned, agent_id: int) -> str:
    """An agent's name; his number where he may not act on the day."""
    known = of.known.get(agent_id)
    return known.name if known is not None else f"n. {agent_id}"


def hour(seconds: int | None) -> str:
    """Seconds after midnight as people say the hour; nothing of none."""
    return "" if seconds is None else f"{seconds // HOUR_S}:{seconds % HOUR_S // 60:02}"


def length(seconds: int) -> str:
    """A length in hours and minutes."""
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02} min" if minutes >= 60 else f"{minutes} min"


def points(view: Shown, badges: Mapping[int, Badge]) -> dict[str, Any]:
    """What a map with tiles draws: the rounds' places in degrees, with what the drawing says of them."""
    workers = {one.key: one for one in view.of.problem.workers}
    return {
        "rounds": [
            {
                "letter": walk.letter, "kind": walk.kind,
                "line": [_degrees(place) for place in _line(walk, workers[walk.agent_id])],
                "stops": [
                    {"at": _degrees(door.one.place), "label": f"{walk.letter}{n}", "title": _title(door, badges)}
                    for n, door in enumerate(walk.doors, start=1)
                    if door.one.place is not None
                ],
            }
            for walk in view.walks
        ],
        "left": [
            {"at": _degrees(door.one.place), "label": "–", "title": _title(door, badges)}
            for door in view.left
            if door.one.place is not None
        ],
    }  # fmt: skip


def _title(door: Door, badges: Mapping[int, Badge]) -> str:
    one, ente = door.one, badges.get(door.one.ente_id)
    return f"{one.number} {ente.name if ente else ''}: {one.street}, {one.town}"


def _degrees(place: Any) -> list[float]:
    return [place.latitude, place.longitude]


def _line(walk: Walk, worker: Worker) -> list[Any]:
    doors = [door.one.place for door in walk.doors]
    return [one for one in (worker.start, *doors, worker.end) if one is not None] if doors else []


def _drawing(of: Planned, walks: tuple[Walk, ...], left: tuple[Door, ...]) -> Drawing | None:
    workers = {one.key: one for one in of.problem.workers}
    ways = [
        Way(
            walk.letter, walk.name, walk.kind, workers[walk.agent_id].start, workers[walk.agent_id].end,
            [
                (door.one.place, f"{walk.letter}{n}", f"{hour(door.row.begins)} {door.one.street}, {door.one.town}")
                for n, door in enumerate(walk.doors, start=1)
                if door.one.place is not None
            ],
        )
        for walk in walks
    ]  # fmt: skip
    apart = [(door.one.place, "–", f"{door.one.street}, {door.one.town}") for door in left if door.one.place]
    return drawn(ways, apart)


def _why(row: RoundStop, faults: tuple[Trouble, ...]) -> Why | Fault | None:
    if row.agent_id is not None:
        return None
    if fault := next((one.fault for one in faults if row.practice_id in (one.stop, one.other)), None):
        return fault
    return next((one for kind in (Why, Fault) for one in kind if one.value == row.why), None)

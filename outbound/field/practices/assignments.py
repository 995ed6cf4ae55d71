"""Sharing practices out among agents: a proposal that is looked at first, then done, and undone while none accepted."""

from collections import Counter, defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.access.models import User
from crm.access.permissions import Principal
from crm.audit import service as audit
from crm.contacts import queries as contacts
from crm.core import clock
from crm.core.errors import ConflictError, FieldError, NotFoundError
from outbound.field.agents import queries as of_agents
from outbound.field.agents.models import FieldAgent
from outbound.field.agents.ties import Sign, excluded
from outbound.field.places.placing import Point
from outbound.field.practices import judging, service
from outbound.field.practices.assigning import Hand, Left, Shared, Task, Why, share
from outbound.field.practices.lifecycle import AssignmentState, Limits, MandateState, Occasion, State
from outbound.field.practices.limits import check_limits
from outbound.field.practices.models import Assignment, FieldMandate, Practice
from outbound.field.practices.rights import require_managing

MOST = 1_000  # practices at once: each is offered in the one transaction of a request
MOST_EACH = 500


@dataclass(frozen=True, slots=True)
class Line:
    """A practice in a proposal. `km` from the middle of the agent's area."""

    practice_id: int
    number: int
    name: str
    place: str
    agent_id: int | None
    agent: str
    why: Why | Left
    km: float | None


@dataclass(frozen=True, slots=True)
class AssignmentView:
    """A proposal as its page shows it. `loads`: by agent, his name, what he gets and what he has then."""

    id: int
    ente_id: int
    state: AssignmentState
    limits: Limits
    lines: tuple[Line, ...]
    more: int
    loads: tuple[tuple[str, int, int], ...]
    left: int
    made_at: datetime
    made_by: str
    done_at: datetime | None
    done: int
    undone_at: datetime | None


def propose(
    session: Session, by: Principal, *, ente_id: int, limits: Limits, most: int, only: Collection[int] = (),
    agents: Collection[int] = (),
) -> int:  # fmt: skip
    """Propose who gets which of the practices that nobody has; the proposal's id. Changes nothing else.

    `most`: how many each has at the most; `only`: these practices; `agents`: these agents; empty is all.
    """
    require_managing(session, by, ente_id)
    if not 1 <= most <= MOST_EACH:
        raise FieldError(f"Un numero da 1 a {MOST_EACH}.", "most")
    at = clock.now(session)
    check_limits(limits, day=clock.business_day(at))
    free = _free(session, ente_id, only)
    if not free:
        raise ConflictError("Non c'è nessuna pratica da affidare.")
    hands = _hands(session, ente_id, max(clock.business_day(at), limits.valid_from), agents)
    shared = share(_tasks(session, free, [one.id for one in hands]), hands, most=most)
    row = Assignment(
        ente_id=ente_id, state=AssignmentState.PROPOSED, terms=_terms(limits, hands), given=_given(shared),
        left=[{"practice": one, "why": why.value} for one, why in sorted(shared.left.items())], made_at=at,
        made_by=by.user_id,
    )  # fmt: skip
    session.add(row)
    session.flush()
    _note(session, by, row, "field_assignment.proposed", practices=len(shared.given), left=len(shared.left))
    return row.id


def apply(session: Session, by: Principal, *, assignment_id: int) -> int:
    """Do what was proposed: each practice that is still free is offered to its agent; how many were.

    What changed meanwhile is left out: it stays free, and its page says why.
    """
    row = _locked(session, by, assignment_id, AssignmentState.PROPOSED)
    limits, at = _limits(row), clock.now(session)
    day = max(clock.business_day(at), limits.valid_from)
    wanted = {one["practice"]: one["agent"] for one in row.given}
    still = _free(session, row.ente_id, wanted) if wanted else []
    able = {one.id for one in of_agents.active(session, ente_id=row.ente_id, day=day)} & set(wanted.values())
    signs = of_agents.ties(session, agent_ids=able, contact_ids=[one.contact_id for one in still])
    done: dict[int, UUID] = {}
    given: list[Practice] = []
    for free in still:
        agent_id = wanted[free.id]
        if agent_id in able and not excluded(signs[agent_id][free.contact_id]):
            practice = service.locked(session, free.id)
            if practice.state is State.OPEN:
                done[practice.id] = service.give(
                    session, by, practice, agent_id=agent_id, limits=limits, cents=practice.cents,
                    assignment_id=row.id,
                )  # fmt: skip
                given.append(practice)
    judging.keep_all(session, given, Occasion.OFFERED, at, done)
    row.state, row.done_at, row.done = AssignmentState.DONE, at, len(done)
    session.flush()
    _note(session, by, row, "field_assignment.done", practices=len(done))
    return len(done)


def undo(session: Session, by: Principal, *, assignment_id: int) -> int:
    """Take back those that nobody has accepted yet; how many. What was accepted stays."""
    row = _locked(session, by, assignment_id, AssignmentState.DONE)
    ids = session.scalars(
        select(FieldMandate.practice_id).where(
            FieldMandate.assignment_id == row.id, FieldMandate.state == MandateState.OFFERED
        )
    ).all()
    for practice_id in ids:
        service.revoke(session, by, practice_id=practice_id, reason="Assegnazione annullata.")
    row.state, row.undone_at = AssignmentState.UNDONE, clock.now(session)
    session.flush()
    _note(session, by, row, "field_assignment.undone", practices=len(ids))
    return len(ids)


def drop(session: Session, by: Principal, *, assignment_id: int) -> None:
    """It is not done."""
    row = _locked(session, by, assignment_id, AssignmentState.PROPOSED)
    row.state = AssignmentState.DROPPED
    session.flush()
    _note(session, by, row, "field_assignment.dropped")


def look(session: Session, by: Principal, *, assignment_id: int, shown: int = 200) -> AssignmentView:
    """A proposal, for whoever manages visits: names are read, which the access log says. Raises `NotFoundError`."""
    row = session.get(Assignment, assignment_id)
    if row is None:
        raise NotFoundError("Questa assegnazione non c'è.")
    require_managing(session, by, row.ente_id)
    _note(session, by, row, "field_assignment.looked")
    first = [*row.left, *row.given][:shown]
    lines = _lines(session, first)
    counts = Counter(one["agent"] for one in row.given)
    agents = {one.id: f"{one.surname} {one.given_name}" for one in session.scalars(
        select(FieldAgent).where(FieldAgent.id.in_(list(counts)))
    )}  # fmt: skip
    had = dict(row.terms["load"])
    loads = sorted((agents[one], n, had.get(str(one), 0) + n) for one, n in counts.items())
    maker = session.get_one(User, row.made_by).name
    return AssignmentView(
        row.id, row.ente_id, row.state, _limits(row), lines, len(row.left) + len(row.given) - len(first),
        tuple(loads), len(row.left), row.made_at, maker, row.done_at, row.done, row.undone_at,
    )  # fmt: skip


def recent(session: Session, ente_ids: Collection[int]) -> list[tuple[int, int, AssignmentState, datetime, int, int]]:
    """The last ones of these enti: id, ente, how it stands, when it was made, how many it gave, how many it left."""
    rows = session.scalars(
        select(Assignment).where(Assignment.ente_id.in_(list(ente_ids))).order_by(Assignment.id.desc()).limit(10)
    )
    return [(one.id, one.ente_id, one.state, one.made_at, len(one.given), len(one.left)) for one in rows]


def _free(session: Session, ente_id: int, only: Collection[int]) -> list[Practice]:
    which = select(Practice).where(Practice.ente_id == ente_id, Practice.state == State.OPEN)
    if only:
        which = which.where(Practice.id.in_(list(only)))
    return list(session.scalars(which.order_by(Practice.priority.desc(), Practice.id).limit(MOST)))


def _hands(session: Session, ente_id: int, day: date, agents: Collection[int]) -> list[Hand]:
    able = [one.id for one in of_agents.active(session, ente_id=ente_id, day=day) if not agents or one.id in agents]
    points: dict[int, list[Point]] = defaultdict(list)
    load: dict[int, int] = defaultdict(int)
    for one in session.scalars(
        select(Practice).where(Practice.agent_id.in_(able), Practice.state.in_([State.OFFERED, State.ACCEPTED]))
    ):
        if one.agent_id is not None:
            load[one.agent_id] += 1
            if one.latitude is not None and one.longitude is not None:
                points[one.agent_id].append(Point(one.latitude, one.longitude))
    return [Hand(one, load[one], tuple(points[one])) for one in able]


def _tasks(session: Session, free: Collection[Practice], agents: Collection[int]) -> list[Task]:
    signs = of_agents.ties(session, agent_ids=agents, contact_ids=[one.contact_id for one in free])
    return [
        Task(
            one.id, f"{one.town} {one.postcode}",
            Point(one.latitude, one.longitude) if one.latitude is not None and one.longitude is not None else None,
            one.priority, one.cents,
            frozenset(agent for agent in agents if excluded(signs[agent][one.contact_id])),
            frozenset(agent for agent in agents if Sign.SAME_SURNAME in signs[agent][one.contact_id]),
        )
        for one in free
    ]  # fmt: skip


def _lines(session: Session, told: Collection[dict[str, Any]]) -> tuple[Line, ...]:
    rows = {
        one.id: one
        for one in session.scalars(select(Practice).where(Practice.id.in_([one["practice"] for one in told])))
    }
    names = contacts.named(session, {one.contact_id for one in rows.values()})
    agents = {
        one.id: f"{one.surname} {one.given_name}"
        for one in session.scalars(select(FieldAgent).where(FieldAgent.id.in_([one.get("agent") for one in told])))
    }
    return tuple(
        Line(
            row.id, row.number, names.get(row.contact_id, ""), f"{row.street}, {row.town}", one.get("agent"),
            agents.get(one.get("agent", 0), ""), Why(one["why"]) if "agent" in one else Left(one["why"]), one.get("km"),
        )
        for one in told
        if (row := rows.get(one["practice"])) is not None
    )  # fmt: skip


def _given(shared: Shared) -> list[dict[str, object]]:
    return [
        {"practice": one.practice_id, "agent": one.agent_id, "why": one.why.value, "km": one.km} for one in shared.given
    ]


def _terms(limits: Limits, hands: Collection[Hand]) -> dict[str, object]:
    return {
        "valid_from": limits.valid_from.isoformat(), "valid_to": limits.valid_to.isoformat(),
        "most_visits": limits.most_visits, "may_photograph": limits.may_photograph,
        "load": {str(one.id): one.load for one in hands},
    }  # fmt: skip


def _limits(row: Assignment) -> Limits:
    terms = row.terms
    return Limits(
        date.fromisoformat(terms["valid_from"]), date.fromisoformat(terms["valid_to"]), terms["most_visits"],
        terms["may_photograph"],
    )  # fmt: skip


def _locked(session: Session, by: Principal, assignment_id: int, state: AssignmentState) -> Assignment:
    row = session.get(Assignment, assignment_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFoundError("Questa assegnazione non c'è.")
    require_managing(session, by, row.ente_id)
    if row.state is not state:
        raise ConflictError("L'assegnazione nel frattempo è cambiata: ricarica la pagina.")
    return row


def _note(session: Session, by: Principal, row: Assignment, kind: str, **what: object) -> None:
    audit.note(session, by, kind=kind, ente_id=row.ente_id, subject=str(row.id), after=what)

"""Giving the agents their rounds. What was given is a copy: the plan may be changed meanwhile, and given again."""

from collections.abc import Mapping, Sequence

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from crm.access.permissions import Principal
from crm.audit import service as audit
from crm.core import clock
from crm.core.errors import InvalidError
from outbound.field.rounds.admitting import publishable
from outbound.field.rounds.changes import changes
from outbound.field.rounds.checking import breaches
from outbound.field.rounds.lifecycle import PlanDeed, after
from outbound.field.rounds.models import PublishedRound, PublishedStop, RoundStop
from outbound.field.rounds.planning import Planned, planned
from outbound.field.rounds.service import locked


def publish(session: Session, by: Principal, *, plan_id: int) -> int:
    """Give each agent his round, with what is different from the one that he had; how many visits are in them.

    Visits whose agent has no accepted mandate are in nobody's round: they are given once he has accepted, when the
    plan is published again. Raises `InvalidError` while a round cannot be walked as it is planned.
    """
    plan = locked(session, by, plan_id)
    state = after(plan.state, PlanDeed.PUBLISH)
    of = planned(session, plan)
    if breaches(of.problem, of.rounds()):
        raise InvalidError("Qualche giro non si può fare così com'è: guarda gli avvisi, correggi o ricalcola.")
    before = _published(session, plan_id)
    given = [row for row in of.stops.values() if goes(of, row)]
    session.execute(delete(PublishedStop).where(PublishedStop.plan_id == plan_id))
    session.add_all(
        PublishedStop(
            plan_id=plan_id, practice_id=row.practice_id, ente_id=row.ente_id, agent_id=row.agent_id,
            position=row.position, arrives=row.arrives, begins=row.begins, leaves=row.leaves,
        )
        for row in given
    )  # fmt: skip
    session.flush()
    _tell(session, of, before, _hours(given))
    plan.state, plan.published_at, plan.published_by = state, clock.now(session), by.user_id
    about = {"day": str(plan.day), "visits": len(given)}
    audit.note(session, by, kind="field_rounds.published", ente_id=None, subject=f"round_plan:{plan.id}", after=about)
    return len(given)


def goes(of: Planned, row: RoundStop) -> bool:
    """Whether a visit is in the round that its agent is given."""
    one = of.candidates.get(row.practice_id)
    return one is not None and row.agent_id is not None and publishable(one.case, of.plan.day, row.agent_id)


def _published(session: Session, plan_id: int) -> dict[int, dict[int, int]]:
    return _hours(session.scalars(select(PublishedStop).where(PublishedStop.plan_id == plan_id)).all())


def _hours(rows: Sequence[RoundStop | PublishedStop]) -> dict[int, dict[int, int]]:
    """When each practice's visit begins, by agent."""
    found: dict[int, dict[int, int]] = {}
    for row in rows:
        found.setdefault(row.agent_id or 0, {})[row.practice_id] = row.begins or 0
    return found


def _tell(
    session: Session, of: Planned, before: Mapping[int, Mapping[int, int]], now: Mapping[int, Mapping[int, int]]
) -> None:
    """Write each agent's round, and what is different for him. Whose round stays the same is told nothing anew."""
    at = clock.now(session)
    for agent_id in before.keys() | now.keys():
        row = session.get(PublishedRound, (of.plan.id, agent_id))
        different = changes(before.get(agent_id, {}), now.get(agent_id, {}))
        his = of.agents.get(agent_id)
        leaves, done, pause = (his.leaves, his.done, his.pause_at) if his is not None else (None, None, None)
        if agent_id not in now:
            leaves = done = pause = None
        if row is None:
            row = PublishedRound(plan_id=of.plan.id, agent_id=agent_id, day=of.plan.day, times=0, changes=[])
            session.add(row)
        elif different:
            row.changes = [{"change": one.change.value, "practice": one.practice_id} for one in different]
        if different:
            row.published_at, row.times = at, row.times + 1
        row.leaves, row.done, row.pause_at = leaves, done, pause
    session.flush()

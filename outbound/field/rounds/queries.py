"""Reading plans for who plans, and published rounds for who walks them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from crm.access.models import User
from crm.access.permissions import Permission, Principal
from crm.core.clock import ROME
from crm.core.errors import NotFoundError
from outbound.field.practices.lifecycle import MandateState, State
from outbound.field.practices.models import FieldMandate, Practice
from outbound.field.rounds.changes import Change
from outbound.field.rounds.lifecycle import PlanState
from outbound.field.rounds.models import PublishedRound, PublishedStop, RoundAgent, RoundPlan, RoundStop
from outbound.field.rounds.planning import Planned, planned


@dataclass(frozen=True, slots=True)
class PlanLine:
    """A plan in the list of them."""

    id: int
    contract_id: int
    day: date
    state: PlanState
    agents: int
    stops: int
    placed: int
    published_at: datetime | None
    made_by: str


def plans(session: Session, by: Principal) -> list[PlanLine]:
    """The plans of the contracts that somebody plans, the latest day first; their stops as far as he sees them."""
    ours = by.contracts_for(Permission.FIELD_MANAGE)
    people = select(func.count()).where(RoundAgent.plan_id == RoundPlan.id).scalar_subquery()
    stops = (
        select(
            RoundStop.plan_id, func.count().label("n"),
            func.count(case((RoundStop.agent_id.is_not(None), 1))).label("placed"),
        )
        .group_by(RoundStop.plan_id)
        .subquery()
    )  # fmt: skip
    rows = session.execute(
        select(RoundPlan, people, func.coalesce(stops.c.n, 0), func.coalesce(stops.c.placed, 0), User.name)
        .join(User, User.id == RoundPlan.made_by)
        .outerjoin(stops, stops.c.plan_id == RoundPlan.id)
        .where(RoundPlan.contract_id.in_(ours))
        .order_by(RoundPlan.day.desc(), RoundPlan.id.desc())
        .limit(200)
    )
    return [
        PlanLine(one.id, one.contract_id, one.day, one.state, agents, n, placed, one.published_at, name)
        for one, agents, n, placed, name in rows
    ]


def plan(session: Session, by: Principal, plan_id: int) -> Planned:
    """A plan with all that it is about. Raises `NotFoundError`."""
    found = session.get(RoundPlan, plan_id)
    if found is None or not by.can(Permission.FIELD_MANAGE, contract_id=found.contract_id):
        raise NotFoundError("Questo piano non c'è.")
    return planned(session, found)


def told(session: Session, plan_id: int) -> Mapping[int, PublishedRound]:
    """What each agent was given of a plan, by his id."""
    return {
        one.agent_id: one for one in session.scalars(select(PublishedRound).where(PublishedRound.plan_id == plan_id))
    }


@dataclass(frozen=True, slots=True)
class Stop:
    """A door of a published round. `position` from 1."""

    practice_id: int
    ente_id: int
    position: int
    arrives: datetime
    begins: datetime
    leaves: datetime


@dataclass(frozen=True, slots=True)
class Round:
    """What an agent was given for a day. `changes`: since it was first given, by practice; `times`: how often."""

    day: date
    published_at: datetime
    times: int
    stops: tuple[Stop, ...]
    leaves: datetime | None
    done: datetime | None
    pause_at: datetime | None
    changes: Mapping[int, Change]


@dataclass(frozen=True, slots=True)
class Given:
    """The last published round that a practice is in. `begins`: when its visit does."""

    plan_id: int
    agent_id: int
    begins: datetime


def last_of(session: Session, practice_id: int) -> Given | None:
    """In which round a practice is, or was last; none: in none yet."""
    row = session.execute(
        select(PublishedStop, PublishedRound.day)
        .join(
            PublishedRound,
            (PublishedRound.plan_id == PublishedStop.plan_id) & (PublishedRound.agent_id == PublishedStop.agent_id),
        )
        .where(PublishedStop.practice_id == practice_id)
        .order_by(PublishedRound.day.desc()).limit(1)
    ).one_or_none()  # fmt: skip
    return None if row is None else Given(row[0].plan_id, row[0].agent_id, at(row.day, row[0].begins))


def round_of(session: Session, *, agent_id: int, day: date) -> Round | None:
    """An agent's round of a day, over all contracts, without the doors for which he has no mandate any more; none
    where he was given none. His enti must be in the session's scope.
    """
    given = session.scalars(
        select(PublishedRound)
        .where(PublishedRound.agent_id == agent_id, PublishedRound.day == day)
        .order_by(PublishedRound.plan_id)
    ).all()
    if not given:
        return None
    rows = session.scalars(
        select(PublishedStop)
        .join(Practice, (Practice.ente_id == PublishedStop.ente_id) & (Practice.id == PublishedStop.practice_id))
        .join(FieldMandate, FieldMandate.practice_id == Practice.id)
        .where(
            PublishedStop.plan_id.in_([one.plan_id for one in given]), PublishedStop.agent_id == agent_id,
            Practice.state == State.ACCEPTED, FieldMandate.state == MandateState.ACCEPTED,
            FieldMandate.agent_id == agent_id, FieldMandate.valid_from <= day, FieldMandate.valid_to >= day,
        )
        .order_by(PublishedStop.begins, PublishedStop.practice_id)
    ).all()  # fmt: skip
    leaving = [one.leaves for one in given if one.leaves is not None]
    done = [one.done for one in given if one.done is not None]
    rests = [one.pause_at for one in given if one.pause_at is not None]
    return Round(
        day, max(one.published_at for one in given), max(one.times for one in given),
        tuple(
            Stop(one.practice_id, one.ente_id, n, at(day, one.arrives), at(day, one.begins), at(day, one.leaves))
            for n, one in enumerate(rows, start=1)
        ),
        at(day, min(leaving)) if leaving else None, at(day, max(done)) if done else None,
        at(day, min(rests)) if rests else None,
        {one["practice"]: Change(one["change"]) for round_ in given for one in round_.changes},
    )  # fmt: skip


def at(day: date, seconds: int) -> datetime:
    """The instant at which a clock in Rome shows so many seconds after midnight of a day."""
    return datetime(day.year, day.month, day.day, tzinfo=ROME) + timedelta(seconds=seconds)

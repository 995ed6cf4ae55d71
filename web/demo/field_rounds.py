"""The demonstration's rounds: tomorrow's are published, for whoever has accepted practices by then."""

from datetime import date, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.access.models import Role, User
from crm.access.permissions import Held, Principal
from crm.enti import queries as enti
from outbound.field.rounds import publishing, service
from outbound.field.rounds.admitting import proposed
from outbound.field.rounds.candidates import agents, candidates
from outbound.field.rounds.lifecycle import PlanState
from outbound.field.rounds.models import RoundPlan
from outbound.field.rounds.planning import keep, planned
from outbound.field.rounds.solving import Limits, solve
from web.demo.accounts import SUPERVISOR

SEARCHED_S = 1.0
SUNDAY = 6


def walk(session: Session, *, contract_id: int, today: date) -> None:
    """Plan and publish the next day on which people are visited, unless some day is planned already."""
    if session.scalar(select(RoundPlan.id).where(RoundPlan.contract_id == contract_id).limit(1)) is not None:
        return
    user = session.scalars(select(User).where(User.username == SUPERVISOR.username)).one()
    sara = Principal(user.id, user.name, "it", frozenset({Held(Role.SUPERVISOR, None, contract_id)}))
    day = today + timedelta(days=2 if (today + timedelta(days=1)).weekday() == SUNDAY else 1)
    if not _any(session, contract_id, day):
        return
    plan = session.get_one(RoundPlan, service.begin(session, sara, contract_id=contract_id, day=day))
    of = planned(session, plan)
    keep(session, of, solve(of.problem, Limits(SEARCHED_S)))
    plan.state = PlanState.READY
    session.flush()
    publishing.publish(session, sara, plan_id=plan.id)


def _any(session: Session, contract_id: int, day: date) -> bool:
    """Whether there is anybody who visits, and anybody to be visited by him."""
    covered = enti.enti_of(session, contract_id)
    among = agents(session, enti=covered, day=day).values()
    cases = candidates(session, enti=covered, day=day, among=among)
    return bool(proposed([(key, one.case) for key, one in cases.items()], day))

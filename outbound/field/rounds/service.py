"""Making plans of a day, choosing whom and what they are about, having rounds searched. By hand: `changing`."""

from collections.abc import Collection
from dataclasses import asdict
from datetime import date

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.audit import service as audit
from crm.core import clock, jobs
from crm.core.errors import FieldError, ForbiddenError, InvalidError, NotFoundError
from crm.enti import queries as enti
from outbound.field.rounds.admitting import proposed
from outbound.field.rounds.candidates import agents, candidates
from outbound.field.rounds.lifecycle import PlanDeed, PlanState, after
from outbound.field.rounds.models import RoundAgent, RoundPlan, RoundStop, TravelMatrix
from outbound.field.rounds.planning import planned, settings_of, working_of
from outbound.field.rounds.settings import Settings, Working, check, check_working

SOLVE = "field.solve_rounds"  # the kind of the job that searches
MOST_AGENTS, MOST_STOPS = 40, 400  # of a plan


def begin(session: Session, by: Principal, *, contract_id: int, day: date) -> int:
    """Begin a plan of a day: with everybody who has accepted practices for it, as he last worked, and with those that
    may be visited. The plan there already is, if there is one; its id.
    """
    _require(session, by, contract_id)
    if day < clock.business_day(clock.now(session)):
        raise FieldError("Scegli oggi o un giorno che deve ancora venire.", "day")
    known_plan = session.scalar(select(RoundPlan.id).where(RoundPlan.contract_id == contract_id, RoundPlan.day == day))
    if known_plan is not None:
        return known_plan
    last = session.scalar(
        select(RoundPlan).where(RoundPlan.contract_id == contract_id).order_by(RoundPlan.id.desc()).limit(1)
    )
    settings = Settings() if last is None else settings_of(last)
    plan = RoundPlan(
        contract_id=contract_id, day=day, state=PlanState.DRAFT, made_at=clock.now(session), made_by=by.user_id,
        **asdict(settings),
    )  # fmt: skip
    session.add(plan)
    session.flush()
    covered = enti.enti_of(session, contract_id)
    known = agents(session, enti=covered, day=day)
    cases = candidates(session, enti=covered, day=day, among=known.values())
    chosen = proposed([(key, one.case) for key, one in cases.items()], day)[:MOST_STOPS]
    having = {given.agent for key in chosen if (given := cases[key].case.given) is not None}
    for agent_id in [one for one in known if one in having][:MOST_AGENTS]:
        session.add(_as_he_works(session, plan.id, agent_id))
    session.flush()
    session.add_all(RoundStop(plan_id=plan.id, practice_id=key, ente_id=cases[key].ente_id) for key in chosen)
    session.flush()
    _note(session, by, plan, "field_rounds.begun")
    return plan.id


def set_up(session: Session, by: Principal, *, plan_id: int, settings: Settings) -> None:
    """Say how the day is planned. Raises `InvalidError`, field by field."""
    plan = changed(session, by, plan_id)
    check(settings)
    for name, value in asdict(settings).items():
        setattr(plan, name, value)
    _note(session, by, plan, "field_rounds.set_up")


def put_agent(session: Session, by: Principal, *, plan_id: int, agent_id: int, working: Working | None = None) -> None:
    """Have an agent work on the day: as he last did, or so. Raises `InvalidError`, field by field."""
    plan = changed(session, by, plan_id)
    of = planned(session, plan)
    if agent_id not in of.known:
        raise NotFoundError("Questo agente quel giorno non può fare visite per nessun ente del contratto.")
    row = of.agents.get(agent_id)
    if row is None:
        if len(of.agents) >= MOST_AGENTS:
            raise InvalidError(f"In un piano stanno al massimo {MOST_AGENTS} agenti.")
        row = _as_he_works(session, plan_id, agent_id)
        session.add(row)
    if working is not None:
        check_working(working)
        _put(row, working)
    session.flush()


def drop_agent(session: Session, by: Principal, *, plan_id: int, agent_id: int) -> None:
    """He does not work on the day: his visits are in no round until somebody else has them."""
    plan = changed(session, by, plan_id)
    of = planned(session, plan)
    for one in of.stops.values():
        if one.agent_id == agent_id:
            one.agent_id = one.position = one.arrives = one.begins = one.leaves = None
        if one.fixed_agent_id == agent_id:
            one.fixed_agent_id = one.fixed_at = None
    session.flush()
    session.execute(delete(RoundAgent).where(RoundAgent.plan_id == plan_id, RoundAgent.agent_id == agent_id))


def add(session: Session, by: Principal, *, plan_id: int, practice_ids: Collection[int]) -> int:
    """Put practices on the plan, in no round yet; how many were not on it."""
    plan = changed(session, by, plan_id)
    of = planned(session, plan)
    new = candidates(
        session, enti=enti.enti_of(session, plan.contract_id), day=plan.day, among=of.known.values(),
        practices=set(practice_ids) - of.stops.keys(),
    )  # fmt: skip
    if len(of.stops) + len(new) > MOST_STOPS:
        raise InvalidError(f"In un piano stanno al massimo {MOST_STOPS} visite: togline qualcuna prima.")
    session.add_all(RoundStop(plan_id=plan_id, practice_id=one.id, ente_id=one.ente_id) for one in new.values())
    session.flush()
    return len(new)


def solve(session: Session, by: Principal, *, plan_id: int) -> None:
    """Have rounds searched, beginning with those there are; what is fixed stays as it is."""
    plan = locked(session, by, plan_id)
    of = planned(session, plan)
    plan.state = after(plan.state, PlanDeed.SOLVE)
    if not of.agents:
        raise InvalidError("Scegli almeno un agente.")
    if not of.stops:
        raise InvalidError("Scegli almeno una pratica.")
    plan.search += 1
    plan.searching_since, plan.asked_to_stop, plan.failure = clock.now(session), False, ""
    argument = {"plan": plan.id, "contract": plan.contract_id, "search": plan.search}
    jobs.enqueue(session, ente_id=min(enti.enti_of(session, plan.contract_id)), kind=SOLVE, argument=argument)


def stop(session: Session, by: Principal, *, plan_id: int) -> None:
    """Be content with the best rounds found so far."""
    plan = locked(session, by, plan_id)
    if plan.state is PlanState.SOLVING:
        plan.asked_to_stop = True


def measure(session: Session, by: Principal, *, plan_id: int, legs: dict[str, dict[str, list[int]]] | None) -> None:
    """Take measured times and ways in the place of what coordinates say; none: forget them."""
    plan = changed(session, by, plan_id)
    session.execute(delete(TravelMatrix).where(TravelMatrix.plan_id == plan.id))
    if legs is not None:
        session.add(TravelMatrix(plan_id=plan.id, legs=legs, sent_at=clock.now(session), sent_by=by.user_id))
    session.flush()
    _note(session, by, plan, "field_rounds.measured")


def locked(session: Session, by: Principal, plan_id: int) -> RoundPlan:
    """A plan, which nobody else changes meanwhile. Raises `NotFoundError`, `ForbiddenError`."""
    plan = session.get(RoundPlan, plan_id, with_for_update=True, populate_existing=True)
    if plan is None or not by.can(Permission.FIELD_MANAGE, contract_id=plan.contract_id):
        by.require(Permission.FIELD_MANAGE)
        raise NotFoundError("Questo piano non c'è.")
    _require(session, by, plan.contract_id)
    return plan


def changed(session: Session, by: Principal, plan_id: int) -> RoundPlan:
    """The same, of which something is changed. Raises `ConflictError` while rounds are searched."""
    plan = locked(session, by, plan_id)
    plan.state = after(plan.state, PlanDeed.CHANGE)
    return plan


def closed(session: Session, *, plan_id: int, search: int, failure: str = "") -> RoundPlan | None:
    """A search is over; none where another has begun, or this one was closed already."""
    plan = session.get(RoundPlan, plan_id, with_for_update=True, populate_existing=True)
    if plan is None or plan.search != search or plan.state is not PlanState.SOLVING:
        return None
    plan.state = after(plan.state, PlanDeed.SOLVED)
    plan.searching_since, plan.asked_to_stop, plan.failure = None, False, failure
    return plan


def searching(session: Session, *, plan_id: int, search: int) -> RoundPlan | None:
    """The plan while it still wants this search."""
    plan = session.get(RoundPlan, plan_id, with_for_update=True, populate_existing=True)
    return plan if plan is not None and plan.search == search and plan.state is PlanState.SOLVING else None


def _require(session: Session, by: Principal, contract_id: int) -> None:
    by.require(Permission.FIELD_MANAGE, contract_id=contract_id)
    if by.kept_from & enti.enti_of(session, contract_id):
        raise ForbiddenError("Un ente di questo contratto ti ha allontanato: i suoi giri li prepara un collega.")


def _as_he_works(session: Session, plan_id: int, agent_id: int) -> RoundAgent:
    """As on the last day planned for him."""
    last = session.scalar(
        select(RoundAgent).where(RoundAgent.agent_id == agent_id).order_by(RoundAgent.plan_id.desc()).limit(1)
    )
    row = RoundAgent(plan_id=plan_id, agent_id=agent_id)
    _put(row, Working() if last is None else working_of(last))
    return row


def _put(row: RoundAgent, working: Working) -> None:
    for name in ("begins", "ends", "start", "latitude", "longitude", "returns", "most"):
        setattr(row, name, getattr(working, name))
    pause = working.pause
    row.pause_earliest = None if pause is None else pause.earliest
    row.pause_latest = None if pause is None else pause.latest
    row.pause_length = None if pause is None else pause.length


def _note(session: Session, by: Principal, plan: RoundPlan, kind: str) -> None:
    audit.note(session, by, kind=kind, ente_id=None, subject=f"round_plan:{plan.id}", after={"day": str(plan.day)})

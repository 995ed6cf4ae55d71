"""A plan as it is kept, read as the problem that it is; and rounds written back into it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.enti import queries as enti
from outbound.field.rounds.admitting import refusal, visitors
from outbound.field.rounds.candidates import Candidate, Known, agents, candidates
from outbound.field.rounds.models import RoundAgent, RoundPlan, RoundStop, TravelMatrix
from outbound.field.rounds.places import Leg, Measured, Place
from outbound.field.rounds.problem import Pause, Problem, Round, Solution, Stop, Visit, Worker, stated
from outbound.field.rounds.settings import Settings, Working


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan with everything that it is about."""

    plan: RoundPlan
    settings: Settings
    agents: Mapping[int, RoundAgent]
    known: Mapping[int, Known]  # those who may act on the day, of the plan or not
    stops: Mapping[int, RoundStop]
    candidates: Mapping[int, Candidate]  # of the stops
    problem: Problem

    def rounds(self) -> tuple[Round, ...]:
        """As they stand."""
        return tuple(
            Round(
                his.agent_id, tuple(_visit(one) for one in self.order(his.agent_id)), his.leaves or 0, his.done or 0,
                his.pause_at, his.travel_s, his.travel_m,
            )
            for his in self.agents.values()
        )  # fmt: skip

    def order(self, agent_id: int) -> list[RoundStop]:
        """The stops of an agent's round."""
        his = [one for one in self.stops.values() if one.agent_id == agent_id]
        return sorted(his, key=lambda one: one.position or 0)


def planned(session: Session, plan: RoundPlan) -> Planned:
    """Read a plan. Its enti must be in the session's scope."""
    settings = settings_of(plan)
    rows = session.scalars(select(RoundAgent).where(RoundAgent.plan_id == plan.id)).all()
    stops = {one.practice_id: one for one in session.scalars(select(RoundStop).where(RoundStop.plan_id == plan.id))}
    covered = enti.enti_of(session, plan.contract_id)
    known = agents(session, enti=covered, day=plan.day)
    order = {one: place for place, one in enumerate(known)}
    his = {one.agent_id: one for one in sorted(rows, key=lambda row: order.get(row.agent_id, len(order)))}
    cases = candidates(
        session, enti=covered, day=plan.day, among=[known[one] for one in his if one in known], practices=list(stops)
    )
    matrix = session.get(TravelMatrix, plan.id)
    problem = stated(
        [_worker(one, may=one.agent_id in known) for one in his.values()],
        [_stop(cases[key], stops[key], plan, settings) for key in cases],
        settings.pace,
        {} if matrix is None else measured(matrix.legs),
    )
    return Planned(plan, settings, his, known, stops, cases, problem)


def settings_of(plan: RoundPlan) -> Settings:
    """How a plan is planned."""
    return Settings(**{one.name: getattr(plan, one.name) for one in fields(Settings)})


def working_of(row: RoundAgent) -> Working:
    """How an agent works on the day."""
    return Working(
        row.begins, row.ends, row.start, row.latitude, row.longitude, row.returns, _pause(row), row.most
    )  # fmt: skip


def measured(legs: Mapping[str, Mapping[str, Sequence[int]]]) -> Measured:
    """Ways as they are kept."""
    return {(one, other): Leg(*its) for one, others in legs.items() for other, its in others.items()}


def keep(session: Session, of: Planned, solution: Solution) -> None:
    """Write rounds and what was left out into the plan."""
    for row in of.stops.values():
        row.agent_id = row.position = row.arrives = row.begins = row.leaves = None
        row.why = str(solution.left_out.get(row.practice_id, ""))
    session.flush()
    for one in solution.rounds:
        his = of.agents[one.agent]
        his.leaves, his.done = (one.begins, one.ends) if one.visits else (None, None)
        his.pause_at, his.travel_s, his.travel_m = one.pause, one.seconds, one.metres
        for position, visit in enumerate(one.visits, start=1):
            row = of.stops[visit.stop]
            row.agent_id, row.position, row.why = one.agent, position, ""
            row.arrives, row.begins, row.leaves = visit.arrives, visit.begins, visit.leaves
    of.plan.cost = solution.cost
    session.flush()


def _visit(row: RoundStop) -> Visit:
    return Visit(row.practice_id, row.arrives or 0, row.begins or 0, row.leaves or 0)


def _worker(row: RoundAgent, *, may: bool) -> Worker:
    start = None if row.latitude is None or row.longitude is None else Place(row.latitude, row.longitude, row.start)
    return Worker(
        row.agent_id, row.begins, row.ends if may else row.begins, start, start if row.returns else None, _pause(row),
        row.most,
    )  # fmt: skip


def _pause(row: RoundAgent) -> Pause | None:
    if row.pause_earliest is None or row.pause_latest is None or row.pause_length is None:
        return None
    return Pause(row.pause_earliest, row.pause_latest, row.pause_length)


def _stop(one: Candidate, row: RoundStop, plan: RoundPlan, settings: Settings) -> Stop:
    refused = refusal(one.case, plan.day) is not None
    windows = settings.windows(residential=one.residential, weekday=plan.day.weekday(), after=one.not_before)
    return Stop(
        one.id, one.place, windows, settings.length(residential=one.residential),
        frozenset() if refused else visitors(one.case), one.priority, row.must, row.fixed_agent_id, row.fixed_at,
    )  # fmt: skip

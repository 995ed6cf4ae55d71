"""Searching rounds in the background. What is found is kept as it gets better: a worker that is killed loses nothing
but time, for the job begins again with it.
"""

from dataclasses import replace

from sqlalchemy.orm import Session

from crm.core.db import Database, Scope
from crm.core.jobs import Runner, Taken
from outbound.field.rounds import service
from outbound.field.rounds.apart import Asked, solve_apart
from outbound.field.rounds.planning import Planned, keep, planned
from outbound.field.rounds.problem import Solution

BROKEN = "Il calcolo non è riuscito, per un guasto del sistema: i giri sono quelli trovati fin lì. Riprova."


def run_solve(database: Database, job: Taken) -> None:
    """Search the rounds of a plan (`plan`, of `contract`) for as long as it says, or until it is told to stop."""
    scope, this = Scope.of_contract(job.argument["contract"]), _search(job)

    def asked(session: Session) -> Asked | None:
        plan = service.searching(session, **this)
        if plan is None:
            return None
        of = planned(session, plan)
        before = tuple(replace(one, pause=None) for one in of.rounds() if one.visits)
        return Asked(of.problem, float(plan.seconds), before)

    def better(solution: Solution) -> None:
        database.transact(scope, lambda session: _kept(session, this, solution))

    def stop() -> bool:
        job.renew()
        plan = database.transact(scope, lambda session: service.searching(session, **this))
        return plan is None or plan.asked_to_stop

    if (problem := database.transact(scope, asked)) is None:
        return
    found = solve_apart(problem, better=better, stop=stop)

    def done(session: Session) -> None:
        _kept(session, this, found)
        service.closed(session, plan_id=this["plan_id"], search=this["search"])

    database.transact(scope, done)


def gave_up(session: Session, job: Taken) -> None:
    """The last attempt failed: the plan says so, and keeps the best that was found."""
    service.closed(session, plan_id=job.argument["plan"], search=job.argument["search"], failure=BROKEN)


def _search(job: Taken) -> dict[str, int]:
    return {"plan_id": job.argument["plan"], "search": job.argument["search"]}


def _kept(session: Session, this: dict[str, int], solution: Solution) -> None:
    """Write a solution into its plan, if the plan still wants it."""
    plan = service.searching(session, **this)
    if plan is None:
        return
    of = planned(session, plan)
    if of.problem.stops and _fits(of, solution):
        keep(session, of, solution)


def _fits(of: Planned, solution: Solution) -> bool:
    """Whether the plan is still about the same agents and practices: an erasure may have taken one meanwhile."""
    about = {visit.stop for one in solution.rounds for visit in one.visits} | set(solution.left_out)
    return about == of.stops.keys() and {one.agent for one in solution.rounds} == of.agents.keys()


SOLVER = Runner(run_solve, gave_up)

"""Changing rounds by hand: a visit given to somebody, put elsewhere in a round, fixed, let go of.

The rounds that it touches are timed anew in their order; the rest is searched anew when the planner asks for it.
"""

from sqlalchemy import delete
from sqlalchemy.orm import Session

from crm.access.permissions import Principal
from crm.core.errors import FieldError, InvalidError, NotFoundError
from outbound.field.rounds.models import RoundStop
from outbound.field.rounds.planning import Planned, keep, planned
from outbound.field.rounds.problem import Solution, troubles, why_left_out
from outbound.field.rounds.service import changed
from outbound.field.rounds.solving import cost
from outbound.field.rounds.timing import timed


def move(session: Session, by: Principal, *, plan_id: int, practice_id: int, agent_id: int, position: int) -> None:
    """Give a visit to an agent, at a place in his round (from 1; beyond its end: last). It is his from then on, at the
    hour at which he can be there, if that is an hour for visits.

    Raises `InvalidError` where he may not make it.
    """
    of = planned(session, changed(session, by, plan_id))
    row = _row(of, practice_id)
    stop = next(one for one in of.problem.stops if one.key == practice_id)
    if agent_id not in of.agents:
        raise NotFoundError("Questo agente non lavora quel giorno: aggiungilo prima.")
    if agent_id not in stop.may:
        raise _why_not(of, practice_id, agent_id)
    if stop.place is None:
        raise InvalidError("Non si sa dov'è: correggi prima l'indirizzo della pratica.")
    was = row.agent_id
    order = [one.practice_id for one in of.order(agent_id) if one.practice_id != practice_id]
    order.insert(max(0, position - 1), practice_id)
    row.fixed_agent_id, row.fixed_at = agent_id, None
    session.flush()
    of = planned(session, of.plan)
    orders = {agent_id: order}
    if was is not None and was != agent_id:
        orders[was] = [one.practice_id for one in of.order(was) if one.practice_id != practice_id]
    _timed(session, of, orders)
    windows = next(one for one in of.problem.stops if one.key == practice_id).windows
    begins = row.begins
    if begins is not None and any(one.opens <= begins <= one.closes for one in windows):
        row.fixed_at = begins
    session.flush()


def release(session: Session, by: Principal, *, plan_id: int, practice_id: int) -> None:
    """Let it be anybody's, at any hour, when the rest is searched."""
    row = _row(planned(session, changed(session, by, plan_id)), practice_id)
    row.fixed_agent_id = row.fixed_at = None


def fix(session: Session, by: Principal, *, plan_id: int, practice_id: int, at: int | None) -> None:
    """Keep a visit with the agent who has it; at an hour (seconds after midnight), or at any.

    Raises `FieldError` for an hour at which nobody is visited.
    """
    of = planned(session, changed(session, by, plan_id))
    row = _row(of, practice_id)
    stop = next(one for one in of.problem.stops if one.key == practice_id)
    if at is not None and not any(one.opens <= at <= one.closes for one in stop.windows):
        raise FieldError("A quell'ora non si fanno visite di questo tipo: scegline una degli orari del piano.", "at")
    row.fixed_agent_id, row.fixed_at = row.agent_id, at
    session.flush()
    if row.agent_id is not None and at is not None:
        order = [one.practice_id for one in of.order(row.agent_id) if one.practice_id != practice_id]
        hours = {one.practice_id: one.begins or 0 for one in of.order(row.agent_id)}
        order.insert(sum(hours[one] < at for one in order), practice_id)
        _timed(session, planned(session, of.plan), {row.agent_id: order})


def insist(session: Session, by: Principal, *, plan_id: int, practice_id: int, must: bool) -> None:
    """It has to be made if there is any way; or may be left out like the others."""
    _row(planned(session, changed(session, by, plan_id)), practice_id).must = must


def take_out(session: Session, by: Principal, *, plan_id: int, practice_id: int) -> None:
    """It stays on the plan, in no round."""
    of = planned(session, changed(session, by, plan_id))
    row = _row(of, practice_id)
    row.fixed_agent_id = row.fixed_at = None
    if row.agent_id is not None:
        order = [one.practice_id for one in of.order(row.agent_id) if one.practice_id != practice_id]
        _timed(session, of, {row.agent_id: order})
        row.why = ""  # somebody wanted it so


def remove(session: Session, by: Principal, *, plan_id: int, practice_id: int) -> None:
    """It is not on the plan any more."""
    take_out(session, by, plan_id=plan_id, practice_id=practice_id)
    session.execute(delete(RoundStop).where(RoundStop.plan_id == plan_id, RoundStop.practice_id == practice_id))


def _timed(session: Session, of: Planned, orders: dict[int, list[int]]) -> None:
    """Walk these rounds in these orders; the others stay as they are, and so does what the last search left out."""
    rounds = tuple(
        timed(of.problem, one.agent, orders[one.agent]) if one.agent in orders else one for one in of.rounds()
    )
    searched = {key for key, row in of.stops.items() if row.why}
    left = {key: why for key, why in why_left_out(of.problem, rounds, troubles(of.problem)).items() if key in searched}
    keep(session, of, Solution(rounds, left, cost(of.problem, rounds)))


def _row(of: Planned, practice_id: int) -> RoundStop:
    if practice_id not in of.stops:
        raise NotFoundError("Questa pratica non è nel piano.")
    return of.stops[practice_id]


def _why_not(of: Planned, practice_id: int, agent_id: int) -> InvalidError:
    case = of.candidates[practice_id].case
    if case.given is not None and case.given.agent != agent_id:
        his = of.known.get(case.given.agent)
        if his is None:
            return InvalidError("L'incarico è di un altro agente: va prima dato a chi deve andarci.")
        return InvalidError(f"L'incarico è di {his.name}: va prima dato a chi deve andarci.")
    return InvalidError(
        "Questo agente non può fare questa visita: l'ente non l'ha approvato, o ha un legame dichiarato."
    )

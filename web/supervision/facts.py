"""What stands behind those figures of the live board that no list of calls explains: agents, their time, a wait."""

from datetime import timedelta

from fastapi import APIRouter, Request, Response

from crm.access.permissions import Permission
from crm.core import clock
from crm.core.errors import NotFoundError
from crm.enti import queries as enti
from telephony.agents import queries as agents
from telephony.agents.models import AgentState
from telephony.calls import oversight
from telephony.calls.oversight import Overseen
from telephony.queues import queries as queues
from telephony.queues import waits
from telephony.queues.figures import untold
from web.edge.templating import page
from web.edge.visits import RuntimeDep, VisitDep
from web.supervision.now import SERVING
from web.supervision.spans import BACK

router = APIRouter(include_in_schema=False)


@router.get("/supervision/agents")
def of_agents(
    request: Request, runtime: RuntimeDep, visit: VisitDep, contract: int | None = None, queue: int | None = None,
    state: AgentState | None = None,
) -> Response:  # fmt: skip
    """Who is behind a number of agents, as far as the agreement allows; and where the time of all of them went."""
    scope = visit.scope(Permission.AGENT_OVERSEE)
    if contract is not None and contract not in scope.contracts:
        raise NotFoundError("Questo contratto non c'è.")
    mine = scope.contracts if contract is None else frozenset({contract})
    with runtime.database.begin(scope) as session:
        names = {one.id: one.name for one in queues.with_closed(session, mine)}
        if queue is not None and (contract is None or queue not in names):
            raise NotFoundError("Questa coda non c'è.")
        among = None if contract is None or queue is None else queues.members(session, contract).get(queue, {})
        found, hidden = oversight.shown(session, mine, among)
        few = queue is not None and queue in untold(session, queues.staffing(session, mine))
        since = clock.start_of_day(clock.business_day(clock.now(session)))
        staffed = agents.staffed_since(session, mine, since).all
        badges = enti.badges(session, scope.enti)
    return page(
        request, "supervision/agents.html", visit.language, visit=visit, csrf=visit.csrf_token, queues=names,
        queue=names.get(queue or 0), state=state, hidden=hidden, few=few, badges=badges,
        agents=[one for one in found if is_in(one, state)], unseen=0 if few else unseen(hidden, state), staffed=staffed,
    )  # fmt: skip


@router.get("/supervision/expected")
def of_expected(request: Request, runtime: RuntimeDep, visit: VisitDep, contract: int, queue: int) -> Response:
    """From what the wait that a newcomer would be told of is expected."""
    scope = visit.scope(Permission.CALLS_WATCH)
    if contract not in scope.contracts:
        raise NotFoundError("Questo contratto non c'è.")
    mine = frozenset({contract})
    with runtime.database.begin(scope) as session:
        view = next((one for one in queues.with_closed(session, mine) if one.id == queue), None)
        if view is None:
            raise NotFoundError("Questa coda non c'è.")
        staffing = queues.staffing(session, mine)
        serving = sum(many for state, many in staffing.queues.get(queue, {}).items() if state in SERVING)
        waiting = sum(one.waiting for one in queues.standing(session, mine) if one.queue_id == queue)
        told = queue not in untold(session, staffing)
        grounds = waits.for_newcomer(session, contract_id=contract, queue_id=queue, waiting=waiting, agents=serving)
    return page(
        request, "supervision/expected.html", visit.language, visit=visit, csrf=visit.csrf_token, contract=contract,
        queue=view, grounds=grounds, told=told,
        span=next(span for span, length in BACK.items() if length == grounds.lately),
        mean=timedelta(seconds=grounds.pace.busy_s / grounds.pace.handled) if grounds.pace.handled else None,
    )  # fmt: skip


def is_in(one: Overseen, state: AgentState | None) -> bool:
    """Whether he is one of those in a state; who practises is in none. Pure."""
    return state is None or (one.state is state and one.practising_since is None)


def unseen(hidden: oversight.Hidden, state: AgentState | None) -> int | None:
    """How many of those are not shown singly; none where so few are hidden that it would tell of one. Pure."""
    if state is None:
        return hidden.agents
    if hidden.agents and not hidden.states:
        return None
    return hidden.states.get(state, 0) - (hidden.practising if state is AgentState.OFFLINE else 0)

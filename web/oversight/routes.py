"""The supervisors' page of agents."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response

from crm.access.permissions import Permission
from crm.core import topics
from crm.core.db import Scope
from crm.core.errors import FieldError
from crm.enti import queries as enti
from telephony.agents.models import AgentState, PauseReason
from telephony.calls import oversight
from telephony.queues import queries as queues
from web.edge.answers import shown_anew
from web.edge.i18n import translations
from web.edge.templating import fragment, page
from web.edge.visits import ChangeDep, RuntimeDep, Visit, VisitDep
from web.enti.forms import TypedDep
from web.live.hub import Render, Rendered
from web.wiring import Runtime

router = APIRouter(include_in_schema=False)
NO_CONTENT = 204


def render(runtime: Runtime, scope: Scope, visit: Visit) -> Rendered:
    """The page's one region: each agent, and what can be done for him."""
    with runtime.database.begin(scope) as session:
        found, hidden = oversight.shown(session, scope.contracts)
        domains = queues.domains(session, scope.contracts)
    watched = frozenset(topics.board(one) for one in scope.contracts) | {topics.agents(one) for one in domains}
    html = fragment("oversight/operators.html", visit.language, agents=found, hidden=hidden, visit=visit)
    return Rendered({"operators": html}, watched)


def join(runtime: Runtime, visit: Visit) -> list[tuple[str, Render]]:
    """Whoever oversees the same contracts, and may open the same locks, sees the same."""
    scope = visit.scope(Permission.AGENT_OVERSEE)
    opens = visit.principal.can(Permission.MONITORING_MANAGE)
    key = f"operators:{sorted(scope.contracts)}:{visit.language}:{opens}"
    return [(key, partial(render, runtime, scope, visit))]


@router.get("/operators")
def operators(request: Request, runtime: RuntimeDep, visit: VisitDep) -> Response:
    """The agents, and the limits of their pauses."""
    ((_, look),) = join(runtime, visit)
    scope = visit.scope(Permission.AGENT_OVERSEE)
    with runtime.database.begin(scope) as session:
        contracts = [
            (one, enti.contract_name(session, one), oversight.limits(session, frozenset({one})))
            for one in sorted(visit.principal.contracts_for(Permission.AGENT_OVERSEE))
        ]
    return page(
        request, "oversight/page.html", visit.language, regions=look().regions, visit=visit, csrf=visit.csrf_token,
        contracts=contracts, reasons=tuple(PauseReason),
    )  # fmt: skip


@router.post("/operators/{agent_id}/release")
def release(runtime: RuntimeDep, visit: ChangeDep, agent_id: int, to: Annotated[AgentState, Form()]) -> Response:
    """End for somebody what he does not end himself."""
    runtime.database.transact(
        visit.scope(Permission.AGENT_OVERSEE),
        lambda session: oversight.release(session, visit.principal, agent_id=agent_id, to=to),
    )
    return Response(status_code=NO_CONTENT)


@router.post("/operators/limits/{contract_id}")
def limit(runtime: RuntimeDep, visit: ChangeDep, contract_id: int, fields: TypedDep) -> Response:
    """How long pauses may last: a field for each reason, empty where there is no limit."""
    minutes = {reason: _minutes(fields, reason) for reason in PauseReason}
    runtime.database.transact(
        visit.scope(Permission.AGENT_OVERSEE),
        lambda session: oversight.set_limits(session, visit.principal, contract_id=contract_id, minutes=minutes),
    )
    return shown_anew(translations(visit.language).gettext("Salvato."))


def _minutes(fields: dict[str, str], reason: PauseReason) -> int | None:
    name = f"limit-{reason.value}"
    text = fields.get(name, "").strip()
    if text and not (text.isascii() and text.isdecimal() and len(text) < 5):
        raise FieldError("Scrivi i minuti, da 1 a 480, o lascia vuoto.", field=name)
    return int(text) if text else None

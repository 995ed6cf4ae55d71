"""The supervisors' page of agents."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from sqlalchemy.orm import Session

from crm.access.permissions import Permission
from crm.core import topics
from crm.core.db import Scope
from crm.core.errors import FieldError, InvalidError
from crm.enti import queries as enti
from telephony.agents.models import AgentState, PauseReason
from telephony.calls import oversight
from telephony.queues import queries as queues
from telephony.queues import service as queue_service
from telephony.queues.figures import figures_locked
from telephony.queues.service import LEVELS
from web.edge.answers import shown_anew
from web.edge.i18n import translations
from web.edge.templating import fragment, page
from web.edge.visits import ChangeDep, RuntimeDep, Visit, VisitDep
from web.enti.forms import TypedDep
from web.live.hub import Render, Rendered
from web.wiring import Runtime

router = APIRouter(include_in_schema=False)
NO_CONTENT = 204
CHOSEN = tuple(reason for reason in PauseReason if reason is not PauseReason.MISSED_CALL)


def render(runtime: Runtime, scope: Scope, visit: Visit) -> Rendered:
    """The page's one region: each agent, and what can be done for him."""
    with runtime.database.begin(scope) as session:
        found, hidden = oversight.shown(session, scope.contracts)
        domains = queues.domains(session, scope.contracts)
        names = {one.id: one.name for one in queues.with_closed(session, scope.contracts)}
        badges = enti.badges(session, scope.enti)
    watched = frozenset(topics.board(one) for one in scope.contracts) | {topics.agents(one) for one in domains}
    shown = {"agents": found, "hidden": hidden, "visit": visit, "queues": names, "badges": badges}
    return Rendered({"operators": fragment("oversight/operators.html", visit.language, **shown)}, watched)


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


@router.get("/operators/{agent_id}")
def operator(request: Request, runtime: RuntimeDep, visit: VisitDep, agent_id: int) -> Response:
    """Moving one agent: his state, and the queues in which he answers."""
    with runtime.database.begin(visit.scope(Permission.AGENT_OVERSEE)) as session:
        contract_ids = oversight.overseen(session, visit.principal, agent_id=agent_id)
        his = next(one for one in oversight.overview(session, contract_ids) if one.agent_id == agent_id)
        hidden = figures_locked(session, [agent_id])[agent_id]
        placed = [
            (one, enti.contract_name(session, one), queues.queues(session, frozenset({one})),
             {queue: those[agent_id] for queue, those in queues.members(session, one).items() if agent_id in those})
            for one in sorted(contract_ids & visit.principal.contracts_for(Permission.QUEUE_MANAGE))
        ]  # fmt: skip
    return page(
        request, "oversight/agent.html", visit.language, visit=visit, csrf=visit.csrf_token, one=his, hidden=hidden,
        placed=placed, reasons=CHOSEN, levels=tuple(LEVELS),
    )  # fmt: skip


@router.post("/operators/{agent_id}/release")
def release(
    runtime: RuntimeDep, visit: ChangeDep, agent_id: int, to: Annotated[AgentState, Form()],
    reason: Annotated[PauseReason | None, Form()] = None, anew: Annotated[bool, Form()] = False,
) -> Response:  # fmt: skip
    """End for somebody what he does not end himself, or have him pause. `anew`: the page is not live, and says so."""
    runtime.database.transact(
        visit.scope(Permission.AGENT_OVERSEE),
        lambda session: oversight.release(session, visit.principal, agent_id=agent_id, to=to, reason=reason),
    )
    return shown_anew(translations(visit.language).gettext("Fatto.")) if anew else Response(status_code=NO_CONTENT)


@router.post("/operators/{agent_id}/training")
def training(runtime: RuntimeDep, visit: ChangeDep, agent_id: int, on: Annotated[bool, Form()]) -> Response:
    """Have him practise first, or let him begin."""
    runtime.database.transact(
        visit.scope(Permission.AGENT_OVERSEE),
        lambda session: oversight.train(session, visit.principal, agent_id=agent_id, on=on),
    )
    return shown_anew(translations(visit.language).gettext("Fatto."))


@router.post("/operators/{agent_id}/queues/{contract_id}")
def place(runtime: RuntimeDep, visit: ChangeDep, agent_id: int, contract_id: int, fields: TypedDep) -> Response:
    """In which queues he answers: a field for each, empty where he does not."""
    chosen = {name.removeprefix("queue-"): text for name, text in fields.items() if name.startswith("queue-") and text}
    if not all(id_.isdecimal() and len(id_) < 12 and text in map(str, LEVELS) for id_, text in chosen.items()):
        raise InvalidError("Il livello va da 1 a 3.")
    levels = {int(id_): int(text) for id_, text in chosen.items()}

    def work(session: Session) -> None:
        oversight.overseen(session, visit.principal, agent_id=agent_id)
        queue_service.place(session, visit.principal, contract_id=contract_id, agent_id=agent_id, levels=levels)

    runtime.database.transact(visit.scope(Permission.AGENT_OVERSEE), work)
    return shown_anew(translations(visit.language).gettext("Salvato."))


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

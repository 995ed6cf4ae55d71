"""Writing to the agents: the form, what became of each broadcast, and what the agents answer from their consoles."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from sqlalchemy.orm import Session

from crm.access.permissions import Permission
from crm.core import topics
from crm.core.db import Scope
from crm.drafts.places import FormKind, Place
from crm.enti import queries as enti
from telephony.broadcasts import queries, service
from telephony.queues import queries as queues
from web.drafts.written import Written
from web.edge.answers import shown_anew
from web.edge.i18n import translations
from web.edge.templating import fragment, page
from web.edge.visits import ChangeDep, RuntimeDep, Visit, VisitDep
from web.live.hub import Render, Rendered
from web.wiring import Runtime

router = APIRouter(include_in_schema=False)
NO_CONTENT = 204


def render(runtime: Runtime, scope: Scope, visit: Visit) -> Rendered:
    """What was written, and who has read it, or how many."""
    with runtime.database.begin(scope) as session:
        found = queries.sent(session, scope.contracts)
        names = {one.id: one.name for one in queues.with_closed(session, scope.contracts)}
    locks = frozenset().union(*(one.locks for one in found))
    html = fragment("oversight/sent.html", visit.language, broadcasts=found, queues=names, locks=locks, visit=visit)
    return Rendered({"sent": html}, frozenset(topics.broadcasts(one) for one in scope.contracts))


def join(runtime: Runtime, visit: Visit) -> list[tuple[str, Render]]:
    """Whoever oversees the same contracts, and may open the same locks, sees the same."""
    scope = visit.scope(Permission.AGENT_OVERSEE)
    opens = visit.principal.can(Permission.MONITORING_MANAGE)
    key = f"sent:{sorted(scope.contracts)}:{visit.language}:{opens}"
    return [(key, partial(render, runtime, scope, visit))]


@router.get("/broadcasts")
def broadcasts(request: Request, runtime: RuntimeDep, visit: VisitDep) -> Response:
    """The form, and what was written before."""
    ((_, look),) = join(runtime, visit)
    contract_ids = visit.principal.contracts_for(Permission.AGENT_OVERSEE)
    with runtime.database.begin(visit.scope(Permission.AGENT_OVERSEE)) as session:
        places = [
            (one, enti.contract_name(session, one), queues.queues(session, frozenset({one})))
            for one in sorted(contract_ids)
        ]
        written = Written.of(session, visit, [Place(FormKind.BROADCAST, one) for one in contract_ids])
    return page(
        request, "oversight/broadcasts.html", visit.language, visit=visit, csrf=visit.csrf_token, places=places,
        regions=look().regions, written=written,
    )  # fmt: skip


@router.post("/broadcasts/{contract_id}")
def send(
    runtime: RuntimeDep, visit: ChangeDep, contract_id: int, words: Annotated[str, Form()] = "",
    queue: Annotated[str, Form()] = "",
) -> Response:  # fmt: skip
    """Write to the agents of a contract, or of one queue."""
    queue_id = int(queue) if queue.isdecimal() and len(queue) < 12 else None

    def work(session: Session) -> None:
        service.send(session, visit.principal, contract_id=contract_id, words=words, queue_id=queue_id)
        visit.sent(session)

    runtime.database.transact(visit.granted_scope(Permission.AGENT_OVERSEE), work)
    return shown_anew(translations(visit.language).gettext("Inviato."))


@router.post("/broadcasts/{broadcast_id}/withdraw")
def withdraw(runtime: RuntimeDep, visit: ChangeDep, broadcast_id: int) -> Response:
    """Show it no more."""
    runtime.database.transact(
        visit.granted_scope(Permission.AGENT_OVERSEE),
        lambda session: service.withdraw(session, visit.principal, broadcast_id=broadcast_id),
    )
    return Response(status_code=NO_CONTENT)


@router.post("/console/broadcasts/{broadcast_id}/seen")
def seen(runtime: RuntimeDep, visit: ChangeDep, broadcast_id: int) -> Response:
    """It stands on the agent's screen."""
    runtime.database.transact(
        visit.scope(Permission.CALLS_ANSWER),
        lambda session: service.seen(session, visit.principal, broadcast_id=broadcast_id),
    )
    return Response(status_code=NO_CONTENT)


@router.post("/console/broadcasts/{broadcast_id}/read")
def read(runtime: RuntimeDep, visit: ChangeDep, broadcast_id: int) -> Response:
    """The agent says that he has read it."""
    runtime.database.transact(
        visit.scope(Permission.CALLS_ANSWER),
        lambda session: service.read(session, visit.principal, broadcast_id=broadcast_id),
    )
    return Response(status_code=NO_CONTENT)

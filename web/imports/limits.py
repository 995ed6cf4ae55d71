"""How much a full feed may withdraw before somebody says that it may, ente by ente."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response

from crm.access.permissions import Permission
from crm.collection import limits
from crm.enti import queries as enti
from web.edge.templating import page
from web.edge.visits import ChangeDep, RuntimeDep, VisitDep

router = APIRouter(include_in_schema=False)
NO_CONTENT = 204


@router.get("/imports/limits")
def shown(request: Request, runtime: RuntimeDep, visit: VisitDep) -> Response:
    """The bounds of each ente."""
    scope = visit.scope(Permission.COLLECTION_IMPORT)
    with runtime.database.begin(scope) as session:
        badges = enti.badges(session, scope.enti)
        found = limits.limits(session, list(badges))
    return page(
        request, "imports/limits.html", visit.language, visit=visit, csrf=visit.csrf_token, enti=badges.values(),
        limits=found,
    )  # fmt: skip


@router.post("/imports/limits/{ente_id}")
def save(
    runtime: RuntimeDep, visit: ChangeDep, ente_id: int, percent: Annotated[str, Form()] = "",
    rows: Annotated[str, Form()] = "",
) -> Response:  # fmt: skip
    """Set one ente's."""
    scope = visit.scope(Permission.COLLECTION_IMPORT)
    chosen = limits.parse(percent, rows)
    runtime.database.transact(
        scope, lambda session: limits.save(session, visit.principal, ente_id=ente_id, chosen=chosen)
    )
    return Response(status_code=NO_CONTENT, headers={"HX-Redirect": "/imports/limits"})

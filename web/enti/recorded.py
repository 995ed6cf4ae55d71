"""Whether, and how, an ente wants conversations recorded."""

from fastapi import APIRouter, Request, Response

from crm.access.permissions import Permission
from crm.core.errors import NotFoundError
from crm.enti import details
from telephony.recording import administration, queries
from telephony.recording.models import Purpose
from web.edge.templating import page
from web.edge.visits import ChangeDep, RuntimeDep, VisitDep
from web.enti.forms import TypedDep, save

router = APIRouter(include_in_schema=False)


@router.get("/enti/{ente_id}/recording")
def recording(request: Request, runtime: RuntimeDep, visit: VisitDep, ente_id: int) -> Response:
    """What is set."""
    scope = visit.scope(Permission.ENTE_MANAGE)
    if ente_id not in (scope.enti or ()):
        raise NotFoundError("Questo ente non esiste.")
    with runtime.database.begin(scope) as session:
        identity, setting = details.identity(session, ente_id), queries.setting(session, ente_id)
    return page(
        request, "enti/recording.html", visit.language, visit=visit, csrf=visit.csrf_token, ente_id=ente_id,
        identity=identity, setting=setting, purposes=tuple(Purpose), longest=administration.LONGEST,
    )  # fmt: skip


@router.post("/enti/{ente_id}/recording")
def change(runtime: RuntimeDep, visit: ChangeDep, ente_id: int, fields: TypedDep) -> Response:
    """It holds for the next call."""
    return save(
        runtime, visit,
        lambda session: administration.save_setting(
            session, visit.principal, ente_id=ente_id, wanted=administration.parse(fields)
        ),
    )  # fmt: skip

"""One visit to read, and what it brought: signatures and photographs, small and whole."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from sqlalchemy.orm import Session

from crm.access.permissions import Permission
from crm.core.errors import NotFoundError
from crm.enti import queries as enti
from outbound.field.closing import reading
from outbound.field.practices import queries, told
from outbound.field.visits import drawing, pictures
from outbound.field.visits.signs import Sign
from web.edge.templating import page
from web.edge.visits import RuntimeDep, VisitDep
from web.field.forms import inline

router = APIRouter(prefix="/field", include_in_schema=False)


@router.get("/visits/{visit_id}")
def one(request: Request, runtime: RuntimeDep, visit: VisitDep, visit_id: UUID) -> Response:
    """What happened at the door, step by step."""

    def work(session: Session) -> dict[str, Any]:
        practice, found = reading.visit(session, visit_id)
        told.note(session, visit.principal, practice, "field_visit.looked", visit=found.number)
        return {
            "one": found, "practice": practice.id, "number": practice.number,
            "rules": queries.judged(session, visit_id), "ente": enti.badges(session)[practice.ente_id], "Sign": Sign,
        }  # fmt: skip

    found = runtime.database.transact(visit.scope(Permission.FIELD_WATCH), work)
    return page(request, "field/visit.html", visit.language, visit=visit, csrf=visit.csrf_token, **found)


@router.get("/files/{file_id}")
def whole(runtime: RuntimeDep, visit: VisitDep, file_id: UUID) -> Response:
    """A picture as it was taken."""
    picture, content = runtime.database.transact(
        visit.scope(Permission.FIELD_WATCH),
        lambda session: pictures.opened(session, visit.principal, file_id=file_id),
    )
    return inline(content, picture.media_type, picture.name)


@router.get("/files/{file_id}/small")
def small(runtime: RuntimeDep, visit: VisitDep, file_id: UUID) -> Response:
    """The same, as the pages that name it show it: whoever looked at them is noted."""
    with runtime.database.begin(visit.scope(Permission.FIELD_WATCH)) as session:
        content = pictures.seen(session, visit.principal, file_id=file_id).content
    drawn = drawing.small(content)
    if drawn is None:
        raise NotFoundError("Questa immagine non si può mostrare.")
    return inline(drawn, drawing.JPEG, f"{file_id}.jpg")

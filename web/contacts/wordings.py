"""What people are asked to consent to: each ente's wordings, and a new one when it changes."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from sqlalchemy.orm import Session

from crm.access.permissions import Permission
from crm.contacts import consents
from crm.contacts.models import Purpose
from crm.enti import queries as enti
from web.contacts.answers import FieldText
from web.edge.templating import page
from web.edge.visits import ChangeDep, RuntimeDep, VisitDep

router = APIRouter(include_in_schema=False)
NO_CONTENT = 204


@router.get("/consent-texts")
def texts(request: Request, runtime: RuntimeDep, visit: VisitDep) -> Response:
    """The wordings in force, and those before them."""
    scope = visit.scope(Permission.ENTE_MANAGE)
    with runtime.database.begin(scope) as session:
        badges = enti.badges(session)
        mine = sorted((badges[one] for one in scope.enti or ()), key=lambda one: one.name)
        written = consents.every_text(session, [one.id for one in mine])
    return page(
        request, "contacts/wordings.html", visit.language, enti=mine, written=written, purposes=tuple(Purpose),
        visit=visit, csrf=visit.csrf_token,
    )  # fmt: skip


@router.post("/consent-texts")
def publish(
    runtime: RuntimeDep, visit: ChangeDep, ente: Annotated[int, Form()], purpose: Annotated[Purpose, Form()],
    text: FieldText = "",
) -> Response:  # fmt: skip
    """From now on people are asked this."""

    def work(session: Session) -> None:
        consents.publish(session, visit.principal, ente_id=ente, purpose=purpose, text=text)

    runtime.database.transact(visit.scope(Permission.ENTE_MANAGE), work)
    return Response(status_code=NO_CONTENT, headers={"HX-Redirect": "/consent-texts"})

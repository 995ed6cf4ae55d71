"""Documents of a case are handed to its taxpayer by a one-time code, or not any more."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Response
from sqlalchemy.orm import Session

from crm.access.permissions import Permission
from crm.agendas import sites
from crm.cases import rights, views
from crm.cases.consigning import service as consigning
from crm.cases.consigning.service import Preview
from crm.cases.views import CaseView
from crm.core.db import Scope
from crm.core.errors import ConflictError
from web.consigning import routes as handed
from web.edge.visits import ChangeDep, RuntimeDep, Visit
from web.field.forms import told_anew
from web.wiring import Runtime

router = APIRouter(prefix="/cases", include_in_schema=False)


@router.post("/{case_id}/consign")
def consign(
    runtime: RuntimeDep, visit: ChangeDep, case_id: int, document_ids: Annotated[tuple[UUID, ...], Form()] = ()
) -> Response:  # fmt: skip
    """Some of its documents are handed to its taxpayer, by a one-time code."""

    def work(session: Session) -> None:
        at = _page_at(session, runtime, views.one(session, case_id).ente_id)
        if at is None:
            raise ConflictError("L'ente non ha ancora le sue pagine per i cittadini: si aprono dagli appuntamenti.")
        consigning.consign(session, visit.principal, case_id=case_id, document_ids=document_ids, page_at=at)

    runtime.database.transact(scope(visit), work)
    return told_anew("Mandato.", visit)


@router.post("/{case_id}/recall")
def recall(
    runtime: RuntimeDep, visit: ChangeDep, case_id: int, consignment_id: Annotated[UUID, Form()]
) -> Response:  # fmt: skip
    """He is not to open them any more."""
    runtime.database.transact(
        scope(visit),
        lambda session: consigning.withdraw(
            session, visit.principal, case_id=case_id, consignment_id=consignment_id
        ),
    )  # fmt: skip
    return told_anew("Ritirato: non si apre più.", visit)


def _page_at(session: Session, runtime: Runtime, ente_id: int) -> str | None:
    site = sites.of_ente(session, ente_id)
    return handed.page_at(site, runtime.settings.public_url) if site is not None else None


def preview(session: Session, runtime: Runtime, one: CaseView) -> Preview | None:
    """What its taxpayer would get with a code; none where that cannot be."""
    at = _page_at(session, runtime, one.ente_id)
    if at is None or not one.documents or one.contact_id is None:
        return None
    return consigning.preview(session, one.id, page_at=at)


def scope(visit: Visit) -> Scope:
    """The enti for which the visitor may take some step. Raises `ForbiddenError`."""
    held = [one for one in rights.OF.values() if visit.principal.can(one)]
    return visit.scope(held[0] if held else Permission.CASE_WORK)

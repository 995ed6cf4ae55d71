"""The page of an ente's tokens, for whoever administers it."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse
from sqlalchemy.orm import Session

from crm.access.permissions import Permission
from crm.core.db import Scope
from crm.core.errors import NotFoundError
from crm.enti import queries as enti
from crm.tokens import service
from crm.tokens.models import ApiScope
from web.edge.answers import shown_anew
from web.edge.i18n import translations
from web.edge.templating import fragment, page
from web.edge.visits import ChangeDep, RuntimeDep, Visit, VisitDep

router = APIRouter(include_in_schema=False)


@router.get("/enti/{ente_id}/tokens")
def tokens(request: Request, runtime: RuntimeDep, visit: VisitDep, ente_id: int) -> Response:
    """The tokens there are, and a form for another."""
    with runtime.database.begin(_scope(visit, ente_id)) as session:
        found = service.tokens(session, visit.principal, ente_id=ente_id)
        badge = enti.badges(session)[ente_id]
    return page(
        request, "tokens/page.html", visit.language, visit=visit, csrf=visit.csrf_token, badge=badge, tokens=found,
        scopes=tuple(ApiScope), lives=service.LIVES_DAYS,
    )  # fmt: skip


@router.post("/enti/{ente_id}/tokens")
def make(
    runtime: RuntimeDep, visit: ChangeDep, ente_id: int, name: Annotated[str, Form()] = "",
    reports: Annotated[bool, Form()] = False, levels: Annotated[bool, Form()] = False,
    calls: Annotated[bool, Form()] = False,
    days: Annotated[int, Form()] = 0,
) -> Response:  # fmt: skip
    """Make one; its secret is in this answer and nowhere else."""
    asked = {ApiScope.REPORTS: reports, ApiScope.LEVELS: levels, ApiScope.CALLS: calls}
    scopes = {one for one, wanted in asked.items() if wanted}

    def work(session: Session) -> str:
        return service.make(session, visit.principal, ente_id=ente_id, name=name, scopes=scopes, days=days)

    secret = runtime.database.transact(_scope(visit, ente_id), work)
    with runtime.database.begin(_scope(visit, ente_id)) as session:
        found = service.tokens(session, visit.principal, ente_id=ente_id)
    html = fragment("tokens/list.html", visit.language, tokens=found, secret=secret)
    return HTMLResponse(html, headers={"Cache-Control": "no-store"})


@router.post("/enti/tokens/{token_id}/revoke")
def revoke(runtime: RuntimeDep, visit: ChangeDep, token_id: int) -> Response:
    """It admits nobody any more."""

    def work(session: Session) -> None:
        service.revoke(session, visit.principal, token_id=token_id)

    runtime.database.transact(visit.scope(Permission.ENTE_MANAGE), work)
    return shown_anew(translations(visit.language).gettext("Chiave revocata."))


def _scope(visit: Visit, ente_id: int) -> Scope:
    scope = visit.scope(Permission.ENTE_MANAGE)
    if ente_id not in (scope.enti or ()):
        raise NotFoundError("Questo ente non esiste.")
    return scope

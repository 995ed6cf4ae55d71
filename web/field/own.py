"""A field agent's own page: for whom he may act, what runs out, and whom he knows."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response

from crm.access.permissions import Permission
from crm.core.errors import FieldError
from crm.enti import queries as enti
from outbound.field.agents import declaring, overview, queries
from outbound.field.agents.ties import Tie
from web.edge.templating import page
from web.edge.visits import RuntimeDep, VisitDep
from web.field.deeds import VisitDeedDep
from web.field.forms import told_anew

router = APIRouter(prefix="/field/me", include_in_schema=False)
TextField = Annotated[str, Form(max_length=400)]


@router.get("")
def himself(request: Request, runtime: RuntimeDep, visit: VisitDep) -> Response:
    """How he stands."""
    scope = visit.scope(Permission.FIELD_VISIT)
    with runtime.database.begin(scope) as session:
        agent = queries.agent_of(session, visit.principal.user_id)
        view = overview.of_himself(session, agent, scope.enti or ()) if agent else None
        badges = enti.badges(session, scope.enti)
    return page(
        request, "field/me.html", visit.language, visit=visit, csrf=visit.csrf_token, one=view, badges=badges,
        ties=Tie,
    )  # fmt: skip


@router.post("/ties")
def declare(
    deed: VisitDeedDep, codice_fiscale: TextField = "", tie: TextField = "", past: TextField = "",
    note: TextField = "",
) -> Response:  # fmt: skip
    """He knows somebody."""
    if tie not in set(Tie):
        raise FieldError("Scegli che legame è.", "tie")
    deed(declaring.declare, codice_fiscale=codice_fiscale, tie=Tie(tie), past=past == "1", note=note)
    return told_anew("Scritto: se è un contribuente, le sue pratiche non ti saranno mai affidate.", deed.visit)

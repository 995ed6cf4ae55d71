"""The wallboard, and the switch that closes the centre."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response

from crm.access.permissions import Permission
from crm.core import clock
from crm.core.db import Scope
from crm.enti import service as enti
from telephony.agents.models import AgentState
from web.edge.templating import fragment, page
from web.edge.visits import ChangeDep, RuntimeDep, Visit, VisitDep, contract_of
from web.live.hub import Rendered
from web.wallboard.board import read
from web.wiring import Runtime

router = APIRouter(include_in_schema=False)
NO_CONTENT = 204


def render(runtime: Runtime, scope: Scope, language: str, *, can_close: bool) -> Rendered:
    """The board's one region, the same for everybody with this scope, language and right."""
    with runtime.database.begin(scope) as session:
        board = read(session, scope)
    html = fragment("wallboard/board.html", language, board=board, states=tuple(AgentState), can_close=can_close)
    return Rendered({"board": html}, board.topics)


def audience(runtime: Runtime, visit: Visit) -> tuple[str, Scope, bool]:
    """Who sees the same board: its key, its scope, and whether it has the switch."""
    scope = visit.scope(runtime, Permission.BOARD_WATCH)
    can_close = visit.principal.can(Permission.CENTRE_CLOSE)
    return f"board:{scope.enti}:{scope.contracts}:{visit.language}:{can_close}", scope, can_close


@router.get("/wallboard")
def wallboard(request: Request, runtime: RuntimeDep, visit: VisitDep) -> Response:
    """The board on the wall."""
    _, scope, can_close = audience(runtime, visit)
    with runtime.database.begin(Scope.nothing()) as session:
        today = clock.business_day(clock.now(session))
    regions = render(runtime, scope, visit.language, can_close=can_close).regions
    return page(
        request, "wallboard/page.html", visit.language, regions=regions, visit=visit, csrf=visit.csrf_token,
        today=today,
    )  # fmt: skip


@router.post("/wallboard/close")
def close(runtime: RuntimeDep, visit: ChangeDep, reason: Annotated[str, Form()] = "") -> Response:
    """Close the lines now."""
    with runtime.database.begin(visit.scope(runtime, Permission.CENTRE_CLOSE)) as session:
        enti.close_lines(session, visit.principal, contract_id=contract_of(visit), reason=reason)
    return Response(status_code=NO_CONTENT)


@router.post("/wallboard/reopen")
def reopen(runtime: RuntimeDep, visit: ChangeDep) -> Response:
    """Open them again."""
    with runtime.database.begin(visit.scope(runtime, Permission.CENTRE_CLOSE)) as session:
        enti.reopen_lines(session, visit.principal, contract_id=contract_of(visit))
    return Response(status_code=NO_CONTENT)

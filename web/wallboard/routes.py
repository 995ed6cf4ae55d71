"""The wallboard, and the switches that close and reopen the lines of a contract."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response

from crm.access.permissions import Permission
from crm.core import clock
from crm.core.db import Scope
from crm.enti import queries as enti
from crm.enti.service import close_lines, reopen_lines
from telephony.agents.models import AgentState
from web.edge.templating import fragment, page
from web.edge.visits import ChangeDep, RuntimeDep, Visit, VisitDep
from web.live.hub import Render, Rendered
from web.wallboard.board import read
from web.wiring import Runtime

router = APIRouter(include_in_schema=False)
NO_CONTENT = 204
ContractField = Annotated[int, Form()]


def render(runtime: Runtime, scope: Scope, language: str, closable: frozenset[int]) -> Rendered:
    """The board's one region, the same for everybody with this scope, language and contracts to close."""
    with runtime.database.begin(scope) as session:
        board = read(session, scope)
        switches = enti.switches(session, closable) if closable else []
    html = fragment("wallboard/board.html", language, board=board, states=tuple(AgentState), switches=switches)
    return Rendered({"board": html}, board.topics)


def join(runtime: Runtime, visit: Visit) -> list[tuple[str, Render]]:
    """Whoever sees the same enti, and may close the same contracts, sees the same board."""
    scope = visit.scope(Permission.BOARD_WATCH)
    closable = visit.principal.contracts_for(Permission.CENTRE_CLOSE)
    key = f"board:{scope.enti}:{scope.contracts}:{sorted(closable)}:{visit.language}"
    return [(key, partial(render, runtime, scope, visit.language, closable))]


@router.get("/wallboard")
def wallboard(request: Request, runtime: RuntimeDep, visit: VisitDep) -> Response:
    """The board on the wall."""
    ((_, look),) = join(runtime, visit)
    with runtime.database.begin(Scope.nothing()) as session:
        today = clock.business_day(clock.now(session))
    return page(
        request, "wallboard/page.html", visit.language, regions=look().regions, visit=visit, csrf=visit.csrf_token,
        today=today,
    )  # fmt: skip


@router.post("/wallboard/close")
def close(
    runtime: RuntimeDep, visit: ChangeDep, contract: ContractField, reason: Annotated[str, Form()] = ""
) -> Response:
    """Close a contract's lines now."""
    with runtime.database.begin(visit.granted_scope(Permission.CENTRE_CLOSE)) as session:
        close_lines(session, visit.principal, contract_id=contract, reason=reason)
    return Response(status_code=NO_CONTENT)


@router.post("/wallboard/reopen")
def reopen(runtime: RuntimeDep, visit: ChangeDep, contract: ContractField) -> Response:
    """Open them again."""
    with runtime.database.begin(visit.granted_scope(Permission.CENTRE_CLOSE)) as session:
        reopen_lines(session, visit.principal, contract_id=contract)
    return Response(status_code=NO_CONTENT)

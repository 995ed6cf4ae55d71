"""Cases as they change: the pages of several are told that something happened, the page of one also who is on it."""

from functools import partial

from fastapi import APIRouter, Request, Response

from crm.access.permissions import Permission
from crm.access.service import scope_for
from crm.cases import rights, together
from crm.core import topics
from crm.core.db import Scope
from web.edge.templating import fragment
from web.edge.visits import ChangeDep, RuntimeDep, Visit
from web.live.hub import Render, Rendered
from web.wiring import Runtime

router = APIRouter(prefix="/cases", include_in_schema=False)
NO_CONTENT = 204


def refreshed(request: Request) -> bool:
    """Whether the page asks for itself anew, as something changed: nobody opened it."""
    return request.headers.get("x-refresh") == "1"


def join(runtime: Runtime, visit: Visit) -> list[tuple[str, Render]]:
    """Everybody who reads the cases of the same enti is told the same."""
    scope = visit.scope(Permission.CASE_READ)
    return [(f"cases:{scope}:{visit.language}", partial(_several, runtime, visit))]


def join_one(runtime: Runtime, visit: Visit, case_id: int) -> list[tuple[str, Render]]:
    """Everybody has his own: he is told of the others."""
    render = partial(_one, runtime, visit, case_id)
    render()  # whether it is his to see
    return [(f"case:{case_id}:{visit.principal.user_id}:{visit.language}", render)]


@router.post("/{case_id}/begin", status_code=NO_CONTENT)
def begin(runtime: RuntimeDep, visit: ChangeDep, case_id: int) -> Response:
    """The visitor writes something about it."""
    held = [one for one in rights.OF.values() if visit.principal.can(one)]
    runtime.database.transact(
        visit.scope(held[0] if held else Permission.CASE_WORK),
        lambda session: together.begin(session, visit.principal, case_id=case_id),
    )
    return Response(status_code=NO_CONTENT)


def _several(runtime: Runtime, visit: Visit) -> Rendered:
    with runtime.database.begin(Scope.nothing()) as session:
        scope = scope_for(session, visit.principal, Permission.CASE_READ)
    with runtime.database.begin(scope) as session:
        stamp = str(together.last_step(session))
    html = fragment("cases/_live.html", visit.language, stamp=stamp, busy="")
    return Rendered({"case-live": html}, frozenset(topics.cases(one) for one in scope.enti or ()))


def _one(runtime: Runtime, visit: Visit, case_id: int) -> Rendered:
    with runtime.database.begin(visit.scope(Permission.CASE_READ)) as session:
        now = together.now(session, case_id)
    busy = now.busy if now.busy_id != visit.principal.user_id else ""
    html = fragment("cases/_live.html", visit.language, stamp=now.stamp, busy=busy)
    return Rendered({"case-live": html}, frozenset({topics.cases(now.ente_id)}))

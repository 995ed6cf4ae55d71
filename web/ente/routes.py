"""The ente's window: read-only, live; several enti side by side for whoever watches several."""

from functools import partial

from fastapi import APIRouter, Request, Response

from crm.access.permissions import Permission, Principal
from crm.access.service import scope_for
from crm.audit import service as audit
from crm.core import topics
from crm.core.db import Scope
from crm.core.errors import NotFoundError
from crm.enti import queries as enti
from web.edge.templating import fragment, page
from web.edge.visits import RuntimeDep, Visit, VisitDep
from web.ente import window
from web.live.hub import Render, Rendered
from web.reports.shown import period_name
from web.wallboard.board import read
from web.wiring import Runtime

router = APIRouter(include_in_schema=False)
ONE = "ente-"  # how the live socket of one ente's window is named, before the ente's id


def render(runtime: Runtime, by: Principal, ente_id: int, language: str) -> Rendered:
    """One ente's window, the same for everybody with the same rights on it as `by`."""
    with runtime.database.begin(Scope.of_enti([ente_id])) as session:
        view = window.look_into(session, by, ente_id, language)
    return Rendered({"window": fragment("ente/window.html", language, view=view, report_name=period_name)}, view.topics)


def render_several(runtime: Runtime, scope: Scope, language: str) -> Rendered:
    """Several enti side by side: figures alone, nobody's data."""
    with runtime.database.begin(scope) as session:
        board = read(session, scope)
        badges = enti.badges(session, scope.enti)
        beside = window.beside(session, frozenset(badges))
    html = fragment("ente/several.html", language, board=board, beside=beside)
    return Rendered({"window": html}, board.topics | {topics.ente(one) for one in badges})


def join(runtime: Runtime, visit: Visit, ente_id: int | None = None) -> list[tuple[str, Render]]:
    """The audience of one ente's window, or of several enti side by side.

    An ente that the visitor does not watch does not exist for him. The names of today's callers stand in the window:
    to join is a look at them, and noted; a page and its live socket are one look.
    """
    scope, by = visit.scope(Permission.ENTE_WATCH), visit.principal
    watched = scope.enti or frozenset()
    if ente_id is None and len(watched) == 1:
        ente_id = min(watched)
    if ente_id is None:
        key = f"enti:{sorted(watched)}:{sorted(scope.contracts)}:{visit.language}"
        return [(key, partial(render_several, runtime, scope, visit.language))]
    if ente_id not in watched:
        raise NotFoundError("Questo ente non esiste.")
    with runtime.database.begin(Scope.of_enti([ente_id])) as session:
        rights = window.rights_on(session, by, ente_id)
        if rights.personal:
            audit.note_once(session, by, kind="ente.window_opened", ente_id=ente_id)
    key = f"ente:{ente_id}:{rights}:{visit.language}"
    return [(key, partial(render, runtime, by, ente_id, visit.language))]


@router.get("/ente")
def ente_window(request: Request, runtime: RuntimeDep, visit: VisitDep, ente: int | None = None) -> Response:
    """The window; `ente` narrows it to one of several."""
    ((_, look),) = join(runtime, visit, ente)
    with runtime.database.begin(Scope.nothing()) as session:
        watched = scope_for(session, visit.principal, Permission.ENTE_WATCH).enti or frozenset()
        badges = list(enti.badges(session, watched).values())
    chosen = ente if ente is not None else (badges[0].id if len(badges) == 1 else None)
    return page(
        request, "ente/page.html", visit.language, regions=look().regions, visit=visit, csrf=visit.csrf_token,
        badges=badges, chosen=next((one for one in badges if one.id == chosen), None), one=ONE,
    )  # fmt: skip

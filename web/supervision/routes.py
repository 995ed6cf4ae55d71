"""The supervisors' page, and what its buttons do."""

from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Request, Response

from crm.access.permissions import Permission
from crm.core import topics
from crm.core.db import Scope
from crm.enti import queries as enti
from telephony.calls import supervision
from telephony.calls.models import WatchMode
from telephony.queues import queries as queues
from telephony.texts import queries as texts
from web.edge.templating import fragment, page
from web.edge.visits import ChangeDep, RuntimeDep, Visit, VisitDep
from web.live.hub import Render, Rendered
from web.wiring import Runtime

router = APIRouter(include_in_schema=False)
NO_CONTENT = 204
CallField = Annotated[UUID, Form()]


def render(runtime: Runtime, scope: Scope, visit: Visit) -> Rendered:
    """The page's one region. What a supervisor may press depends on where he takes part himself."""
    with runtime.database.begin(scope) as session:
        found = supervision.conversations(session, scope)
        badges = enti.badges(session, scope.enti)
        written = texts.live(session, scope.contracts)
        names = {one.id: one.name for one in queues.with_closed(session, scope.contracts)}
    html = fragment(
        "supervision/board.html", visit.language, conversations=found, badges=badges, queues=names,
        visit=visit, written=written, me=visit.principal.user_id,
        may_read=visit.principal.can(Permission.RECORDING_LISTEN),
    )  # fmt: skip
    return Rendered({"supervision": html}, _topics(scope))


def render_help(runtime: Runtime, scope: Scope, language: str) -> Rendered:
    """How many ask for help: stands in the head of a supervisor's live pages."""
    with runtime.database.begin(scope) as session:
        wanted = sum(one.help_since is not None for one in supervision.conversations(session, scope))
    return Rendered({"help-wanted": fragment("supervision/help.html", language, wanted=wanted)}, _topics(scope))


def join(runtime: Runtime, visit: Visit) -> list[tuple[str, Render]]:
    """Each supervisor is an audience of his own."""
    scope = visit.scope(Permission.CALLS_WATCH)
    key = f"supervision:{visit.principal.user_id}:{visit.language}"
    return [(key, partial(render, runtime, scope, visit)), *join_help(runtime, visit)]


def join_help(runtime: Runtime, visit: Visit) -> list[tuple[str, Render]]:
    """The part that each live page of a supervisor has in its head."""
    if not visit.principal.can(Permission.CALLS_WATCH):
        return []
    scope = visit.scope(Permission.CALLS_WATCH)
    return [(f"help:{scope}:{visit.language}", partial(render_help, runtime, scope, visit.language))]


@router.get("/supervision")
def conversations(request: Request, runtime: RuntimeDep, visit: VisitDep) -> Response:
    """The conversations under way."""
    (_, look), *_ = join(runtime, visit)
    return page(
        request, "supervision/page.html", visit.language, regions=look().regions, visit=visit, csrf=visit.csrf_token
    )


@router.post("/supervision/watch")
def watch(runtime: RuntimeDep, visit: ChangeDep, call: CallField, mode: Annotated[WatchMode, Form()]) -> Response:
    """Take part in a conversation, or take part otherwise."""
    scope = visit.scope(Permission.CALLS_WATCH)
    runtime.database.transact(
        scope, lambda session: supervision.watch(session, visit.principal, call_id=call, mode=mode)
    )
    return Response(status_code=NO_CONTENT)


@router.post("/supervision/leave")
def leave(runtime: RuntimeDep, visit: ChangeDep, call: CallField) -> Response:
    """Go out of it."""
    scope = visit.scope(Permission.CALLS_WATCH)
    runtime.database.transact(scope, lambda session: supervision.leave(session, visit.principal, call_id=call))
    return Response(status_code=NO_CONTENT)


def _topics(scope: Scope) -> frozenset[str]:
    return frozenset(topics.board(one) for one in scope.contracts)

"""The supervisors' page, and what its buttons do."""

from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Request, Response
from sqlalchemy.orm import Session

from crm.access.permissions import Permission
from crm.core import topics
from crm.core.db import Scope
from crm.enti import queries as enti
from telephony.agents.models import AgentState
from telephony.calls import supervision
from telephony.calls.models import WatchMode
from telephony.ivr import service as ivr
from telephony.lines import service as lines
from telephony.queues import queries as queues
from telephony.texts import queries as texts
from web.alerts import routes as alerts
from web.edge.templating import fragment, page
from web.edge.visits import ChangeDep, RuntimeDep, Visit, VisitDep
from web.live.hub import Render, Rendered
from web.oversight import routes as oversight
from web.supervision import now
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


def render_now(runtime: Runtime, scope: Scope, language: str, closable: frozenset[int]) -> Rendered:
    """The levels, the queues and the lines: the same for everybody who supervises, and may close, the same."""
    with runtime.database.begin(scope) as session:
        board = now.read(session, scope, closable)
    shown = {"board": board, "states": tuple(AgentState)}
    regions = {name: fragment(f"supervision/{name}.html", language, **shown) for name in ("levels", "queues", "lines")}
    return Rendered(regions, board.topics)


def join(runtime: Runtime, visit: Visit) -> list[tuple[str, Render]]:
    """Conversations are each supervisor's own audience; the rest is shared by those who see the same."""
    scope, own = visit.scope(Permission.CALLS_WATCH), visit.principal
    closable = own.contracts_for(Permission.CENTRE_CLOSE) & scope.contracts
    key = f"{scope.enti}:{sorted(scope.contracts)}:{sorted(closable)}:{visit.language}"
    return [
        (f"supervision:{own.user_id}:{visit.language}", partial(render, runtime, scope, visit)),
        (f"now:{key}", partial(render_now, runtime, scope, visit.language, closable)),
        *(oversight.join(runtime, visit) if own.can(Permission.AGENT_OVERSEE) else []),
        *(alerts.join(runtime, visit) if own.can(Permission.BOARD_MANAGE) else []),
        *join_help(runtime, visit),
    ]


def join_help(runtime: Runtime, visit: Visit) -> list[tuple[str, Render]]:
    """The part that each live page of a supervisor has in its head."""
    if not visit.principal.can(Permission.CALLS_WATCH):
        return []
    scope = visit.scope(Permission.CALLS_WATCH)
    return [(f"help:{scope}:{visit.language}", partial(render_help, runtime, scope, visit.language))]


@router.get("/supervision")
def conversations(request: Request, runtime: RuntimeDep, visit: VisitDep) -> Response:
    """The live board: levels, queues, agents, conversations."""
    regions = {id_: html for _, look in join(runtime, visit) for id_, html in look().regions.items()}
    return page(request, "supervision/page.html", visit.language, regions=regions, visit=visit, csrf=visit.csrf_token)


@router.post("/supervision/emergency")
def say(
    runtime: RuntimeDep, visit: ChangeDep, contract: Annotated[int, Form()], it: Annotated[str, Form()] = "",
    en: Annotated[str, Form()] = "", ente: Annotated[str, Form()] = "", ends: Annotated[bool, Form()] = False,
) -> Response:  # fmt: skip
    """Write a message for emergencies and switch it on at once."""
    ente_id = int(ente) if ente.isdecimal() and len(ente) < 12 else None

    def work(session: Session) -> None:
        id_ = ivr.write_emergency(
            session, visit.principal, contract_id=contract, ente_id=ente_id, text={"it": it, "en": en}, ends=ends
        )
        ivr.switch_emergency(session, visit.principal, message_id=id_, on=True)

    runtime.database.transact(visit.granted_scope(Permission.CENTRE_CLOSE), work)
    return Response(status_code=NO_CONTENT)


@router.post("/supervision/emergency/{message_id}")
def emergency(runtime: RuntimeDep, visit: ChangeDep, message_id: int, on: Annotated[bool, Form()] = False) -> Response:
    """Switch a message for emergencies that was written before, for callers to hear at once."""
    runtime.database.transact(
        visit.granted_scope(Permission.CENTRE_CLOSE),
        lambda session: ivr.switch_emergency(session, visit.principal, message_id=message_id, on=on),
    )
    return Response(status_code=NO_CONTENT)


@router.post("/supervision/lines/close")
def close_line(
    runtime: RuntimeDep, visit: ChangeDep, number: Annotated[str, Form()], reason: Annotated[str, Form()] = ""
) -> Response:
    """Close one number, until somebody reopens it."""
    runtime.database.transact(
        visit.granted_scope(Permission.CENTRE_CLOSE),
        lambda session: lines.shut(session, visit.principal, number=number, reason=reason),
    )
    return Response(status_code=NO_CONTENT)


@router.post("/supervision/lines/reopen")
def reopen_line(runtime: RuntimeDep, visit: ChangeDep, number: Annotated[str, Form()]) -> Response:
    """Open it again."""
    runtime.database.transact(
        visit.granted_scope(Permission.CENTRE_CLOSE),
        lambda session: lines.reopen(session, visit.principal, number=number),
    )
    return Response(status_code=NO_CONTENT)


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

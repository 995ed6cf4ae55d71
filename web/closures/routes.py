"""Closures for those who ask for them and those who decide; live."""

from datetime import datetime, time
from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Request, Response
from sqlalchemy.orm import Session

from crm.access.permissions import Permission
from crm.access.service import scope_for
from crm.core import clock, topics
from crm.core.clock import ROME
from crm.core.db import Scope
from crm.core.errors import FieldError, ForbiddenError
from crm.enti import closure_queries
from crm.enti import closures as service
from crm.enti import queries as enti
from crm.enti.consent import THOUGHT_OVER
from web.closures import numbers
from web.edge.fields import day_of
from web.edge.templating import fragment, page
from web.edge.visits import ChangeDep, RuntimeDep, Visit, VisitDep
from web.live.hub import Render, Rendered
from web.wiring import Runtime

router = APIRouter(include_in_schema=False)
NO_CONTENT = 204
OPENS = (Permission.CLOSURE_PROPOSE, Permission.CLOSURE_APPROVE, Permission.ENTE_WATCH)
Text = Annotated[str, Form()]


def render(runtime: Runtime, visit: Visit) -> Rendered:
    """One person's list."""
    by = visit.principal
    asks = by.contracts_for(Permission.CLOSURE_PROPOSE)
    with runtime.database.begin(Scope.nothing()) as session:
        seen = _seen(session, visit)
    with runtime.database.begin(Scope.of_enti(seen, asks)) as session:
        decides = scope_for(session, by, Permission.CLOSURE_APPROVE).enti or frozenset()
        shut = numbers.read(session, asks, seen)
        rows = closure_queries.planned(session, asks, seen)
        lost = closure_queries.lost(session, seen)
        badges = enti.badges(session)
        now = clock.now(session)
        boards = {topics.board(one) for one, covered in enti.coverage(session).items() if covered & seen}
    html = fragment(
        "closures/list.html", visit.language, closures=rows, badges=badges, decides=decides, asks=asks, lost=lost,
        now=now, shut=shut, undone_until=now - THOUGHT_OVER,
    )  # fmt: skip
    return Rendered({"closures": html}, frozenset(topics.ente(one) for one in seen) | boards)


def join(runtime: Runtime, visit: Visit) -> list[tuple[str, Render]]:
    """Everybody has his own: what one may ask and decide differs."""
    _admitted(visit)
    return [(f"closures:{visit.principal.user_id}:{visit.language}", partial(render, runtime, visit))]


@router.get("/closures/plan")
def plan(request: Request, runtime: RuntimeDep, visit: VisitDep) -> Response:
    """The page."""
    _admitted(visit)
    asks = visit.principal.contracts_for(Permission.CLOSURE_PROPOSE)
    with runtime.database.begin(Scope.nothing()) as session:
        contracts = [
            (one, enti.contract_name(session, one), list(enti.badges(session, enti.enti_of(session, one)).values()))
            for one in sorted(asks)
        ]
    return page(
        request, "closures/page.html", visit.language, regions=render(runtime, visit).regions, visit=visit,
        csrf=visit.csrf_token, contracts=contracts,
    )  # fmt: skip


@router.post("/closures/propose")
def propose(
    runtime: RuntimeDep, visit: ChangeDep, contract: Annotated[int, Form()],
    ente: Annotated[list[int] | None, Form()] = None, starts_on: Text = "", starts: Text = "", ends_on: Text = "",
    ends: Text = "", reason: Text = "", message: Text = "",
) -> Response:  # fmt: skip
    """Ask for a closure. Days and hours are Rome's."""
    first, last = _instant(starts_on, starts, "starts"), _instant(ends_on, ends, "ends")

    def work(session: Session) -> None:
        service.propose(
            session, visit.principal, contract_id=contract, ente_ids=ente or [], starts_at=first, ends_at=last,
            reason=reason, message=message,
        )  # fmt: skip

    runtime.database.transact(visit.granted_scope(Permission.CLOSURE_PROPOSE), work)
    return Response(status_code=NO_CONTENT)


@router.post("/closures/{closure_id}/decide")
def decide(
    runtime: RuntimeDep, visit: ChangeDep, closure_id: int, approve: Annotated[bool, Form()], reason: Text = ""
) -> Response:
    """Agree, or not."""
    runtime.database.transact(
        visit.scope(Permission.CLOSURE_APPROVE),
        lambda session: service.decide(session, visit.principal, closure_id=closure_id, approve=approve, reason=reason),
    )
    return Response(status_code=NO_CONTENT)


@router.post("/closures/{closure_id}/undo")
def undo(runtime: RuntimeDep, visit: ChangeDep, closure_id: int) -> Response:
    """A decision taken by mistake is taken back."""
    runtime.database.transact(
        visit.scope(Permission.CLOSURE_APPROVE),
        lambda session: service.undo_decision(session, visit.principal, closure_id=closure_id),
    )
    return Response(status_code=NO_CONTENT)


@router.post("/closures/{proposal}/take-back")
def take_back(runtime: RuntimeDep, visit: ChangeDep, proposal: UUID) -> Response:
    """Stay open, or open again."""
    runtime.database.transact(
        visit.granted_scope(Permission.CLOSURE_PROPOSE),
        lambda session: service.take_back(session, visit.principal, proposal=proposal),
    )
    return Response(status_code=NO_CONTENT)


def _seen(session: Session, visit: Visit) -> frozenset[int]:
    scopes = (scope_for(session, visit.principal, one).enti or frozenset() for one in OPENS)
    return frozenset().union(*scopes)


def _admitted(visit: Visit) -> None:
    if not any(visit.principal.can(one) for one in OPENS):
        raise ForbiddenError("Non hai il permesso di vedere le chiusure.")


def _instant(day: str, hour: str, field: str) -> datetime:
    try:
        return datetime.combine(day_of(day), time.fromisoformat(hour or "00:00"), tzinfo=ROME)
    except ValueError:
        raise FieldError("Scegli il giorno e l'ora.", field=field) from None

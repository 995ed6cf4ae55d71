"""Many appointments moved or cancelled together: chosen, proposed, followed while it is done, brought back."""

from datetime import time
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from sqlalchemy.orm import Session

from crm.access.permissions import Permission
from crm.agendas import queries, telling
from crm.agendas.bulk import service
from crm.agendas.bulk.models import BulkKind, BulkState, ItemState
from crm.agendas.bulk.service import Which
from crm.core import clock
from crm.core.db import Scope
from crm.core.errors import NotFoundError
from crm.enti.queries import badges
from web.agendas.parts import Box, Several, day_in, day_needed, hour_in, office_in, show, uuids_in
from web.edge.answers import NO_CONTENT, shown_anew
from web.edge.fields import chosen
from web.edge.templating import fragment
from web.edge.visits import ChangeDep, RuntimeDep, Visit, VisitDep

router = APIRouter(prefix="/agendas", include_in_schema=False)


@router.post("/{office_id}/bulk")
def prepare(
    runtime: RuntimeDep, visit: ChangeDep, office_id: int, kind: Box = "", first: Box = "", last: Box = "",
    desk: Box = "", opens: Box = "", closes: Box = "", outside: Box = "", reason: Box = "",
) -> Response:  # fmt: skip
    """Propose it, and go to the proposal."""
    scope = visit.scope(Permission.AGENDA_MANAGE)
    what = next((one for one in BulkKind if one.value == kind), None)
    if what is None:
        raise NotFoundError("Questa scelta non esiste: ricarica la pagina.")

    def work(session: Session) -> UUID:
        office = office_in(session, scope, office_id)
        today = clock.business_day(clock.now(session))
        since = today if outside else day_needed(first, "first")
        which = Which(
            since, today if outside else day_in(last, since, "last"), chosen(desk),
            hour_in(opens, "opens") if opens else time(0), hour_in(closes, "closes") if closes else time(0),
            bool(outside),
        )  # fmt: skip
        return service.prepare(
            session, visit.principal, ente_id=office.ente_id, office_id=office_id, kind=what, which=which,
            reason=reason,
        )  # fmt: skip

    made = runtime.database.transact(scope, work)
    return Response(status_code=NO_CONTENT, headers={"HX-Redirect": f"/agendas/bulk/{made}"})


@router.get("/bulk/{change_id}")
def change(request: Request, runtime: RuntimeDep, visit: VisitDep, change_id: UUID) -> Response:
    """What is proposed, or what became of it."""
    scope = visit.scope(Permission.AGENDA_MANAGE)
    with runtime.database.begin(scope) as session:
        context = _shown(session, scope, change_id, visit.language)
    return show(request, visit, "agendas/bulk.html", **context)


@router.get("/bulk/{change_id}/progress")
def progress(runtime: RuntimeDep, visit: VisitDep, change_id: UUID) -> Response:
    """How far it has come."""
    scope = visit.scope(Permission.AGENDA_MANAGE)
    with runtime.database.begin(scope) as session:
        context = _shown(session, scope, change_id, visit.language)
    return HTMLResponse(fragment("agendas/_bulk.html", visit.language, **context))


@router.post("/bulk/{change_id}/start")
def start(runtime: RuntimeDep, visit: ChangeDep, change_id: UUID, item: Several = None) -> Response:
    """Do it."""

    def work(session: Session) -> None:
        one = service.get(session, change_id)
        service.start(session, visit.principal, ente_id=one.ente_id, change_id=change_id, chosen=uuids_in(item))

    return _changed(runtime, visit, work)


@router.post("/bulk/{change_id}/undo")
def undo(runtime: RuntimeDep, visit: ChangeDep, change_id: UUID) -> Response:
    """Bring it back."""

    def work(session: Session) -> None:
        one = service.get(session, change_id)
        service.undo(session, visit.principal, ente_id=one.ente_id, change_id=change_id)

    return _changed(runtime, visit, work)


@router.post("/bulk/{change_id}/drop")
def drop(runtime: RuntimeDep, visit: ChangeDep, change_id: UUID) -> Response:
    """It is not to be."""
    scope = visit.scope(Permission.AGENDA_MANAGE)

    def work(session: Session) -> int:
        one = service.get(session, change_id)
        service.drop(session, visit.principal, ente_id=one.ente_id, change_id=change_id)
        return one.office_id

    office_id = runtime.database.transact(scope, work)
    return Response(status_code=NO_CONTENT, headers={"HX-Redirect": f"/agendas/{office_id}/prepare"})


def _changed(runtime: Any, visit: Visit, work: Any) -> Response:
    runtime.database.transact(visit.scope(Permission.AGENDA_MANAGE), work)
    return shown_anew("")


def _shown(session: Session, scope: Scope, change_id: UUID, language: str) -> dict[str, Any]:
    one = service.get(session, change_id)
    office = office_in(session, scope, one.office_id)
    items = service.items(session, change_id)
    views = queries.several(session, [row.appointment_id for row in items])
    rows = [(row, views[row.appointment_id]) for row in items]
    waiting = ItemState.DONE if one.state is BulkState.UNDOING else ItemState.WAITING
    return {
        "change": one, "office": office, "ente": badges(session)[one.ente_id], "rows": rows,
        "services": {each.id: each.called(language) for each in queries.services(session, one.ente_id)},
        "desk_names": {each.id: each.name for each in queries.desks(session, one.office_id)},
        "ways": {view.id: [channel for channel, _ in telling.ways(view.email, view.phone)] for view in views.values()},
        "told": telling.told(session, views.values()),
        "running": one.state in {BulkState.RUNNING, BulkState.UNDOING},
        "done": sum(row.state is not waiting for row, _ in rows),
        "may_undo": one.state is BulkState.DONE and any(row.state is ItemState.DONE for row, _ in rows),
    }  # fmt: skip

"""The pages of practices' reports: which there are, one of them, its files, and a further edition of it."""

from datetime import date, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import StreamingResponse
from sqlalchemy.orm import Session

from crm.access.permissions import Permission
from crm.access.service import scope_for
from crm.core import clock
from crm.core.clock import business_day
from crm.core.errors import ConflictError, NotFoundError
from crm.enti import queries as enti
from outbound.field.closing import report as told
from outbound.field.closing import reports as service
from outbound.field.closing.report import HEAD, REPORT, Report
from outbound.field.closing.reports import Made
from outbound.field.visits.signs import Sign
from web.edge.fields import period_of
from web.edge.spreadsheets import csv_answer
from web.edge.templating import page
from web.edge.visits import RuntimeDep, Visit, VisitDep
from web.field import papers
from web.field.deeds import ManageDep
from web.field.forms import told_anew
from web.reports.files import File, FileKind
from web.reports.routes import handed_out
from web.wiring import Runtime

router = APIRouter(include_in_schema=False)
DAYS = 90  # of which reports are listed, until somebody chooses others
FILES = (FileKind.PDF, FileKind.JSON)
ERASED = "I dati di questo contribuente sono stati cancellati: della relazione resta il sigillo."


@router.get("/field/reports")
def listed(
    request: Request, runtime: RuntimeDep, visit: VisitDep, ente: int | None = None, since: str = "", until: str = ""
) -> Response:
    """The reports of practices closed from a day to a day."""
    scope = visit.scope(Permission.FIELD_WATCH)
    whose = _chosen(scope.enti, ente)
    with runtime.database.begin(scope) as session:
        first, last = _period(session, whose, since, until)
        found = service.listed(session, whose, since=first, until=last)
        closed = service.last_closed(session, whose)
        badges = enti.badges(session, scope.enti or frozenset())
    return page(
        request, "field/reports.html", visit.language, visit=visit, csrf=visit.csrf_token, found=found, badges=badges,
        chosen=ente, since=first, until=last, most=service.LISTED, closed=closed,
    )  # fmt: skip


@router.get("/field/reports.csv")
def table(
    runtime: RuntimeDep, visit: VisitDep, ente: int | None = None, since: str = "", until: str = ""
) -> StreamingResponse:
    """The same as a table, a row for each visit; without who was visited."""
    scope = visit.scope(Permission.FIELD_WATCH)

    def work(session: Session) -> list[tuple[object, ...]]:
        first, last = _period(session, _chosen(scope.enti, ente), since, until)
        found = service.listed(session, _chosen(scope.enti, ente), since=first, until=last, limit=None)
        every = service.contents(session, visit.principal, found)
        return [row for made, one in every for row in told.rows(one, made.edition)]

    return csv_answer("relazioni-visite.csv", HEAD, runtime.database.transact(scope, work))


@router.get("/field/reports/{report_id}")
def one(request: Request, runtime: RuntimeDep, visit: VisitDep, report_id: int) -> Response:
    """A report to read."""
    scope = visit.scope(Permission.FIELD_WATCH)

    def work(session: Session) -> dict[str, Any]:
        made, found = service.one(session, visit.principal, report_id)
        manages = made.ente_id in (scope_for(session, visit.principal, Permission.FIELD_MANAGE).enti or ())
        return {
            "made": made, "report": found, "editions": service.editions(session, made.practice_id),
            "badge": enti.badges(session)[made.ente_id], "sound": service.sound(session, report_id),
            "Sign": Sign, "manages": manages and visit.principal.can(Permission.FIELD_MANAGE),
            "most": service.MOST_REASON,
        }  # fmt: skip

    found = runtime.database.transact(scope, work)
    return page(request, "field/report.html", visit.language, visit=visit, csrf=visit.csrf_token, **found)


@router.get("/field/reports/{report_id}/file.{kind}")
def file(runtime: RuntimeDep, visit: VisitDep, report_id: int, kind: FileKind) -> Response:
    """A report as PDF, or as data: what its seal is of."""
    made, found, pictures = _read(runtime, visit, report_id)
    name = f"relazione-pratica-{made.practice}-edizione-{made.edition}.{kind.value}"
    if kind is FileKind.PDF:
        return handed_out(File(name, "application/pdf", papers.report(made, found, pictures, visit.language)))
    if kind is FileKind.JSON:
        return handed_out(File(name, "application/json", REPORT.dump_json(found, indent=1)))
    raise NotFoundError("Questo file non c'è.")


@router.post("/field/reports/{report_id}/correct")
def correct(deed: ManageDep, report_id: int, reason: Annotated[str, Form(max_length=2_000)] = "") -> Response:
    """A further edition."""
    made = deed(service.correct, report_id=report_id, reason=reason)
    return told_anew("La nuova edizione è pronta.", deed.visit, at=f"/field/reports/{made}")


def _period(session: Session, whose: frozenset[int], since: str, until: str) -> tuple[date, date]:
    """The days that were chosen; else the last ones, or those before the last report where these have none."""
    first, last = period_of(since, until, today=business_day(clock.now(session)), days=DAYS)
    closed = None if since or until else service.last_closed(session, whose)
    return (first, last) if closed is None or closed >= first else (closed - timedelta(days=DAYS), closed)


def _read(runtime: Runtime, visit: Visit, report_id: int) -> tuple[Made, Report, dict[UUID, bytes]]:
    def work(session: Session) -> tuple[Made, Report, dict[UUID, bytes]]:
        made, found = service.one(session, visit.principal, report_id)
        if found is None:
            raise ConflictError(ERASED)
        return made, found, service.pictures_of(session, found)

    return runtime.database.transact(visit.scope(Permission.FIELD_WATCH), work)


def _chosen(watched: frozenset[int] | None, ente: int | None) -> frozenset[int]:
    """Those that he may watch, or the one that he has chosen of them. Raises `NotFoundError`."""
    his = watched or frozenset()
    if ente is not None and ente not in his:
        raise NotFoundError("Questo ente non esiste.")
    return his if ente is None else frozenset({ente})

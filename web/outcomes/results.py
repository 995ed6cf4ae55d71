"""A campaign's results: live, as files, and as reports to the ente."""

from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse
from sqlalchemy.orm import Session

from crm.access.permissions import Permission
from crm.contacts import queries as contacts
from crm.core.db import Scope
from crm.core.errors import ForbiddenError
from crm.enti import queries as enti
from outbound.campaigns import queries as campaigns
from outbound.results import reading, service, watching
from outbound.results.reading import USUAL, WITHIN
from outbound.results.results import Results
from web.edge.answers import shown_anew
from web.edge.i18n import translations
from web.edge.templating import environment, fragment, page
from web.edge.visits import ChangeDep, RuntimeDep, Visit, VisitDep
from web.outcomes import files
from web.outcomes.tables import tables
from web.reports.files import CSV

router = APIRouter(include_in_schema=False)
LIGHT = ("reached", "outcomes", "promises", "costs")
MAY = (Permission.CAMPAIGN_MANAGE, Permission.CAMPAIGN_APPROVE, Permission.ENTE_WATCH)


class FileKind(StrEnum):
    """A file, by its ending."""

    PDF = "pdf"
    XLSX = "xlsx"
    CSV = "csv"


MEDIA = {
    FileKind.PDF: "application/pdf", FileKind.CSV: CSV,
    FileKind.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}  # fmt: skip


@router.get("/campaigns/{campaign_id}/results")
def results(
    request: Request, runtime: RuntimeDep, visit: VisitDep, campaign_id: int, days: int = USUAL
) -> Response:  # fmt: skip
    """What it has brought until now."""
    days = _among(days)
    with runtime.database.begin(_scope(visit)) as session:
        one = campaigns.one(session, campaign_id)
        found = reading.live(session, campaign_id=campaign_id)
        made = service.versions(session, campaign_id)
        badge = enti.badges(session)[one.ente_id]
    return page(
        request, "outcomes/results.html", visit.language, visit=visit, csrf=visit.csrf_token, one=one, ente=badge,
        made=made, days=days, choices=WITHIN, manages=_manages(visit, one.ente_id), **_drawn(found, visit),
    )  # fmt: skip


@router.get("/campaigns/{campaign_id}/results/now")
def now(runtime: RuntimeDep, visit: VisitDep, campaign_id: int) -> Response:
    """What changes by the minute."""
    with runtime.database.begin(_scope(visit)) as session:
        one = campaigns.one(session, campaign_id)
        found = reading.live(session, campaign_id=campaign_id)
    return HTMLResponse(fragment("outcomes/_now.html", visit.language, visit=visit, one=one, **_drawn(found, visit)))


@router.get("/campaigns/{campaign_id}/results/collected")
def collected(runtime: RuntimeDep, visit: VisitDep, campaign_id: int, days: int = USUAL) -> Response:
    """What was collected, and whether the rules were kept, which takes longer to find out."""
    with runtime.database.begin(_scope(visit)) as session:
        seen = watching.watched(session, campaign_id=campaign_id, days=_among(days))
        found = seen.results
        manages = _manages(visit, found.ente_id)
        whose = {one.contact_id for one in found.breaches.first if manages and one.contact_id is not None}
        names = contacts.named(session, whose)
    return HTMLResponse(
        fragment(
            "outcomes/_collected.html", visit.language, visit=visit, names=names, days=_among(days), seen=seen,
            **_drawn(found, visit),
        )
    )  # fmt: skip


@router.get("/campaigns/{campaign_id}/results/file.{kind}")
def file(
    runtime: RuntimeDep, visit: VisitDep, campaign_id: int, kind: FileKind, days: int = USUAL
) -> Response:  # fmt: skip
    """The figures of now; on paper there are reports alone."""
    with runtime.database.begin(_scope(visit)) as session:
        found = reading.read(session, campaign_id=campaign_id, days=_among(days))
    kind = FileKind.XLSX if kind is FileKind.PDF else kind
    return _sent(_contents(found, kind, visit.language), kind, f"campagna-{campaign_id}")


@router.post("/campaigns/{campaign_id}/results/report")
def report(
    runtime: RuntimeDep, visit: ChangeDep, campaign_id: int, days: Annotated[int, Form()] = USUAL
) -> Response:  # fmt: skip
    """Make a report for the ente."""

    def work(session: Session) -> int:
        return service.make(session, visit.principal, campaign_id=campaign_id, days=_among(days))

    version = runtime.database.transact(visit.scope(Permission.CAMPAIGN_MANAGE), work)
    say = translations(visit.language).gettext("Relazione pronta: versione {n}. L'ente la vede.")
    return shown_anew(say.format(n=version))


@router.get("/campaigns/{campaign_id}/reports/{version}/file.{kind}")
def report_file(runtime: RuntimeDep, visit: VisitDep, campaign_id: int, version: int, kind: FileKind) -> Response:
    """A report, as it was made."""
    with runtime.database.begin(_scope(visit)) as session:
        made, found = service.report(session, campaign_id=campaign_id, version=version)
    name = f"campagna-{campaign_id}-v{version}"
    if kind is FileKind.PDF:
        return _sent(files.pdf(found, made, visit.language), kind, name)
    return _sent(_contents(found, kind, visit.language), kind, name)


def _contents(found: Results, kind: FileKind, language: str) -> bytes:
    return files.csv(found, language) if kind is FileKind.CSV else files.workbook(found, language)


def _sent(contents: bytes, kind: FileKind, name: str) -> Response:
    headers = {"content-disposition": f'attachment; filename="{name}.{kind}"', "cache-control": "no-store"}
    return Response(contents, media_type=MEDIA[kind], headers=headers)


def _drawn(found: Results, visit: Visit) -> dict[str, Any]:
    filters = environment(visit.language).filters
    return {
        "found": found, "tables": {one.about: one for one in tables(found, visit.language)},
        "shown": lambda value, kind: files.shown(value, kind, filters),
    }  # fmt: skip


def _among(days: int) -> int:
    return days if days in WITHIN else USUAL


def _manages(visit: Visit, ente_id: int) -> bool:
    can = visit.principal.can(Permission.CAMPAIGN_MANAGE)
    return can and ente_id in (visit.scope(Permission.CAMPAIGN_MANAGE).enti or frozenset())


def _scope(visit: Visit) -> Scope:
    """Of whoever runs campaigns, decides about them for an ente, or watches the ente's service."""
    for one in MAY:
        if visit.principal.can(one):
            return visit.scope(one)
    raise ForbiddenError("Non hai il permesso di fare questa operazione.")

"""The sender's sums beside ours: on a page, on paper, and as a table to download."""

from decimal import Decimal

from fastapi import APIRouter, Request, Response

from crm.access.permissions import Permission
from crm.collection import queries
from crm.collection.reconciliation import Report, Sums
from crm.enti import queries as enti
from web.edge.spreadsheets import csv_answer
from web.edge.templating import page
from web.edge.visits import RuntimeDep, VisitDep
from web.edge.words import word_for

router = APIRouter(include_in_schema=False)
SHOWN = 100


@router.get("/imports/reconciliations")
def history(request: Request, runtime: RuntimeDep, visit: VisitDep) -> Response:
    """What was compared, the newest first."""
    scope = visit.scope(Permission.COLLECTION_IMPORT)
    with runtime.database.begin(scope) as session:
        reports = queries.reports(session, limit=SHOWN)
        badges = enti.badges(session)
    return page(request, "imports/reconciliations.html", visit.language, visit=visit, reports=reports, badges=badges)


@router.get("/imports/reconciliations/{report_id}")
def report(request: Request, runtime: RuntimeDep, visit: VisitDep, report_id: int) -> Response:
    """One comparison, tax by tax."""
    found, name = _found(runtime, visit, report_id)
    return page(request, "imports/reconciliation.html", visit.language, visit=visit, report=found, ente=name)


@router.get("/imports/reconciliations/{report_id}/table.csv")
def table(runtime: RuntimeDep, visit: VisitDep, report_id: int) -> Response:
    """The same for a spreadsheet; amounts in euro."""
    found, _ = _found(runtime, visit, report_id)
    sides, figures = ("gestionale", "Filodiretto", "differenza"), ("posizioni", "residuo", "pagato")
    header = ("Tributo", *(f"{figure}, {side}" for side in sides for figure in figures))
    rows = [
        (word_for(line.tax), *_cells(line.theirs), *_cells(line.ours), *_cells(line.difference()))
        for line in found.lines
    ]
    return csv_answer(f"quadratura-{report_id}.csv", header, rows)


def _found(runtime: RuntimeDep, visit: VisitDep, report_id: int) -> tuple[Report, str]:
    scope = visit.scope(Permission.COLLECTION_IMPORT)
    with runtime.database.begin(scope) as session:
        found = queries.report(session, report_id)
        return found, enti.badges(session)[found.ente_id].name


def _cells(sums: Sums | None) -> tuple[int | Decimal | str, ...]:
    if sums is None:
        return "", "", ""
    return sums.positions, Decimal(sums.residual) / 100, Decimal(sums.paid) / 100

"""A survey's answers as files to take away."""

from fastapi import APIRouter, Response

from crm.access.permissions import Permission
from outbound.cati import queries
from outbound.cati.aapor import Cases, rates
from outbound.cati.exports import files, reading
from outbound.cati.exports.dataset import Dataset
from web.cati.routes import XLSX
from web.edge.i18n import translations
from web.edge.spreadsheets import csv_answer
from web.edge.visits import RuntimeDep, Visit, VisitDep

router = APIRouter(prefix="/questionnaires", include_in_schema=False)
EXPORT = Permission.INTERVIEW_EXPORT


@router.get("/{form_id}/answers.csv")
def as_csv(runtime: RuntimeDep, visit: VisitDep, form_id: int) -> Response:
    """One row an interview."""
    data = _data(runtime, visit, form_id, "csv")
    return csv_answer(f"answers-{form_id}.csv", files.head(data), files.csv_rows(data))


@router.get("/{form_id}/answers.xlsx")
def as_xlsx(runtime: RuntimeDep, visit: VisitDep, form_id: int) -> Response:
    """The same for Excel, with a sheet of what the variables mean."""
    say = translations(visit.language).gettext
    data = _data(runtime, visit, form_id, "xlsx")
    return _file(f"answers-{form_id}.xlsx", files.xlsx(data, (say("Risposte"), say("Variabili"))), XLSX)


@router.get("/{form_id}/answers.sav")
def as_spss(runtime: RuntimeDep, visit: VisitDep, form_id: int) -> Response:
    """The same for SPSS, with labels."""
    data = _data(runtime, visit, form_id, "sav")
    return _file(f"answers-{form_id}.sav", files.spss(data), "application/x-spss-sav")


@router.get("/{form_id}/codebook.xml")
def codebook(runtime: RuntimeDep, visit: VisitDep, form_id: int) -> Response:
    """What the variables mean, for archives and other programs."""
    with runtime.database.begin(visit.scope(EXPORT)) as session:
        data = reading.answers(session, visit.principal, form_id=form_id, what="ddi")
        found = rates(Cases.of(queries.dispositions(session, form_id)))
    return _file(f"codebook-{form_id}.xml", files.codebook(data, found), "application/xml")


@router.get("/{form_id}/paradata.csv")
def paradata(runtime: RuntimeDep, visit: VisitDep, form_id: int) -> Response:
    """Each step of each interview, and how long it took."""
    with runtime.database.begin(visit.scope(EXPORT)) as session:
        rows = list(reading.steps(session, visit.principal, form_id=form_id))
    return csv_answer(f"paradata-{form_id}.csv", reading.STEPS, rows)


def _data(runtime: RuntimeDep, visit: Visit, form_id: int, what: str) -> Dataset:
    with runtime.database.begin(visit.scope(EXPORT)) as session:
        return reading.answers(session, visit.principal, form_id=form_id, what=what)


def _file(name: str, content: bytes, media_type: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(content, media_type=media_type, headers=headers)

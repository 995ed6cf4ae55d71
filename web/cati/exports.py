"""A survey's answers as files to take away: of a questionnaire with all of its interviews, or of one survey."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy.orm import Session

from crm.access.permissions import Permission
from crm.core.errors import NotFoundError
from outbound.cati import figures, queries
from outbound.cati.aapor import Cases, rates
from outbound.cati.exports import files, reading
from outbound.cati.exports.dataset import Dataset
from outbound.cati.exports.reading import Of
from web.cati.routes import XLSX
from web.edge.fields import id_of
from web.edge.i18n import translations
from web.edge.spreadsheets import csv_answer
from web.edge.visits import RuntimeDep, Visit, VisitDep

router = APIRouter(include_in_schema=False)
EXPORT = Permission.INTERVIEW_EXPORT
FORM, SURVEY = "/questionnaires/{form_id}", "/campaigns/{campaign_id}/survey"
Found = Callable[[Session], Of]


def _of(request: Request, visit: VisitDep) -> Found:
    """Of what the address speaks."""
    (kind, text), *_ = request.path_params.items()
    number = id_of(text)
    if number is None:
        raise NotFoundError("Questo indirizzo non esiste.")
    read = reading.of_form if kind == "form_id" else reading.of_survey
    return lambda session: read(session, visit.principal, number)


OfDep = Annotated[Found, Depends(_of)]


@router.get(FORM + "/answers.csv")
@router.get(SURVEY + "/answers.csv")
def as_csv(runtime: RuntimeDep, visit: VisitDep, found: OfDep) -> Response:
    """One row an interview."""
    of, data = _data(runtime, visit, found, "csv")
    return csv_answer(_named(of, "answers", "csv"), files.head(data), files.csv_rows(data))


@router.get(FORM + "/answers.xlsx")
@router.get(SURVEY + "/answers.xlsx")
def as_xlsx(runtime: RuntimeDep, visit: VisitDep, found: OfDep) -> Response:
    """The same for Excel, with a sheet of what the variables mean."""
    say = translations(visit.language).gettext
    of, data = _data(runtime, visit, found, "xlsx")
    return _file(_named(of, "answers", "xlsx"), files.xlsx(data, (say("Risposte"), say("Variabili"))), XLSX)


@router.get(FORM + "/answers.sav")
@router.get(SURVEY + "/answers.sav")
def as_spss(runtime: RuntimeDep, visit: VisitDep, found: OfDep) -> Response:
    """The same for SPSS, with labels."""
    of, data = _data(runtime, visit, found, "sav")
    return _file(_named(of, "answers", "sav"), files.spss(data), "application/x-spss-sav")


@router.get(FORM + "/codebook.xml")
@router.get(SURVEY + "/codebook.xml")
def codebook(runtime: RuntimeDep, visit: VisitDep, found: OfDep) -> Response:
    """What the variables mean, for archives and other programs; a survey's rates are those of all its cases."""
    with runtime.database.begin(visit.scope(EXPORT)) as session:
        of = found(session)
        data = reading.answers(session, visit.principal, of, what="ddi")
        counted = (
            figures.dispositions(session, of.campaign_id)
            if of.campaign_id is not None
            else queries.dispositions(session, of.form_id)
        )
    return _file(_named(of, "codebook", "xml"), files.codebook(data, rates(Cases.of(counted))), "application/xml")


@router.get(FORM + "/paradata.csv")
@router.get(SURVEY + "/paradata.csv")
def paradata(runtime: RuntimeDep, visit: VisitDep, found: OfDep) -> Response:
    """Each step of each interview, and how long it took."""
    with runtime.database.begin(visit.scope(EXPORT)) as session:
        of = found(session)
        rows = list(reading.steps(session, visit.principal, of))
    return csv_answer(_named(of, "paradata", "csv"), reading.STEPS, rows)


def _data(runtime: RuntimeDep, visit: Visit, found: Found, what: str) -> tuple[Of, Dataset]:
    with runtime.database.begin(visit.scope(EXPORT)) as session:
        of = found(session)
        return of, reading.answers(session, visit.principal, of, what=what)


def _named(of: Of, what: str, ending: str) -> str:
    whose = of.form_id if of.campaign_id is None else f"survey-{of.campaign_id}"
    return f"{what}-{whose}.{ending}"


def _file(name: str, content: bytes, media_type: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(content, media_type=media_type, headers=headers)

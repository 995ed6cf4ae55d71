"""The pages of the reports: which there are, one of them to read, and its files."""

from dataclasses import dataclass
from enum import StrEnum
from operator import attrgetter
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from sqlalchemy.orm import Session

from crm.access.permissions import Permission
from crm.access.service import scope_for
from crm.core.db import Scope
from crm.core.errors import NotFoundError
from crm.enti import queries as enti
from crm.reports import addressees, queries, service
from crm.reports.queries import Made
from crm.reports.report import Report, between
from web.edge.answers import shown_anew
from web.edge.i18n import translations
from web.edge.templating import page
from web.edge.visits import ChangeDep, RuntimeDep, Visit, VisitDep
from web.reports import files, shown
from web.reports.charts import by_day, by_hour, drawn
from web.reports.files import File, FileKind
from web.reports.sheets import Column, SheetName, sheets
from web.wiring import Runtime

router = APIRouter(include_in_schema=False)
READ = (  # whole, on the page
    SheetName.LEVELS, SheetName.PENALTIES, SheetName.REMARKS, SheetName.INTERRUPTIONS, SheetName.STOPS,
    SheetName.CHANGED, SheetName.SHIFTED,
)  # fmt: skip
FOLDED = (SheetName.OVER, SheetName.DAYS, SheetName.HOURS)
FOR_MACHINES = (Column.CALL, Column.ENTE_ID, Column.QUEUE_ID)  # numbers that the files alone have
MOST_ROWS = 800  # of a folded table on the page; the files have all


@dataclass(frozen=True, slots=True)
class Table:
    """One of the report's tables as the page shows it."""

    name: StrEnum
    head: list[str]
    right: list[bool]
    rows: list[list[str]]
    more: int  # rows left out
    standing: int  # the column that says how a level stands; -1 where there is none


@router.get("/reports")
def reports(request: Request, runtime: RuntimeDep, visit: VisitDep, ente: int | None = None) -> Response:
    """The reports of the enti that the visitor watches, the newest period first; `ente` narrows them to one."""
    scope = visit.scope(Permission.ENTE_WATCH)
    watched = scope.enti or frozenset()
    if ente is not None and ente not in watched:
        raise NotFoundError("Questo ente non esiste.")
    chosen = watched if ente is None else frozenset({ente})
    with runtime.database.begin(scope) as session:
        whole = queries.whole_contracts(session, visit.principal) if ente is None else frozenset()
        made, making = queries.latest(session, chosen, whole), queries.being_made(session, chosen, whole)
        badges = enti.badges(session, watched)
        contracts = {
            one: enti.contract_name(session, one)
            for one in {each.contract_id for each in made} | {each.contract_id for each in making}
        }
        wishes = queries.wishes(session, visit.principal.user_id)
        told = addressees.addressees(session, chosen)
        addresses = scope_for(session, visit.principal, Permission.REPORT_ADDRESS).enti or frozenset()
    return page(
        request, "reports/list.html", visit.language, visit=visit, csrf=visit.csrf_token, made=made, making=making,
        badges=badges, contracts=contracts, wishes=wishes, chosen=ente, period_name=shown.period_name,
        most=queries.MOST_LISTED, several=len({one.contract_id for one in made}) > 1, told=told, addresses=addresses,
    )  # fmt: skip


@router.get("/reports/{report_id}")
def report(request: Request, runtime: RuntimeDep, visit: VisitDep, report_id: int) -> Response:
    """A report to read."""
    with runtime.database.begin(visit.scope(Permission.ENTE_WATCH)) as session:
        made, found = queries.read(session, visit.principal, report_id)
        versions = queries.versions(session, made)
        older = next((one for one in versions if one.version == made.version - 1), None)
        before = queries.get(session, older.id)[1] if older else None
        differences = between(before, found) if before else ()
        badge = None if made.ente_id is None else enti.badges(session)[made.ente_id]
        concerned = [made.ente_id] if made.ente_id else [], [made.contract_id]
        making = [one for one in queries.being_made(session, *concerned) if _same(one, made)]
    language = visit.language
    lost = translations(language).gettext("perse")
    titles = translations(language).gettext("Giorno per giorno"), translations(language).gettext("Ora per ora")
    charts = [
        (title, drawn(bars, title=title, lost=lost))
        for title, bars in zip(titles, (by_day(found), by_hour(found)), strict=True)
        if bars
    ]
    return page(
        request, "reports/report.html", language, visit=visit, csrf=visit.csrf_token, made=made, report=found,
        badge=badge, versions=versions, differences=differences, older=older, before=before, charts=charts,
        making=making, name=shown.name_of(found, language), summary=dict(_summary(found, language)),
        tables=[one for one in _tables(found, language) if one.rows], read=READ, kinds=tuple(FileKind),
    )  # fmt: skip


@router.get("/reports/{report_id}/file.{kind}")
def whole(runtime: RuntimeDep, visit: VisitDep, report_id: int, kind: FileKind) -> Response:
    """A report in one file."""
    made, found = _read(runtime, visit, report_id)
    return handed_out(files.whole(made, found, kind, visit.language))


@router.get("/reports/{report_id}/{name}.csv")
def table(runtime: RuntimeDep, visit: VisitDep, report_id: int, name: SheetName) -> Response:
    """One of its tables as CSV."""
    made, found = _read(runtime, visit, report_id)
    return handed_out(files.table(made, found, name, visit.language))


@router.post("/reports/{report_id}/anew")
def anew(runtime: RuntimeDep, visit: ChangeDep, report_id: int) -> Response:
    """Have it made again, beside the versions there are."""

    def work(session: Session) -> None:
        service.ask_anew(session, visit.principal, report_id=report_id)

    runtime.database.transact(visit.scope(Permission.ENTE_WATCH), work)
    return shown_anew(translations(visit.language).gettext("La relazione si sta preparando: tra poco è qui."))


@router.post("/reports/wishes/{ente_id}")
def wish(
    runtime: RuntimeDep, visit: ChangeDep, ente_id: int, wanted: Annotated[bool, Form()] = False
) -> Response:  # fmt: skip
    """Whether the visitor wants an e-mail once a report of this ente's is ready."""

    def work(session: Session) -> None:
        service.wish(session, visit.principal, ente_id=ente_id, wanted=wanted)

    runtime.database.transact(visit.scope(Permission.ENTE_WATCH), work)
    return shown_anew(translations(visit.language).gettext("Salvato."))


@router.post("/reports/addressees/{ente_id}")
def address(
    runtime: RuntimeDep, visit: ChangeDep, ente_id: int, address: Annotated[str, Form(max_length=300)] = ""
) -> Response:
    """Where else the monthly reports of an ente are announced."""

    def work(session: Session) -> None:
        addressees.add(session, visit.principal, ente_id=ente_id, address=address)

    runtime.database.transact(visit.scope(Permission.REPORT_ADDRESS), work)
    return shown_anew(translations(visit.language).gettext("Salvato."))


@router.post("/reports/addressees/{ente_id}/remove")
def unaddress(
    runtime: RuntimeDep, visit: ChangeDep, ente_id: int, address: Annotated[str, Form(max_length=300)] = ""
) -> Response:
    """Where they are not announced any more."""

    def work(session: Session) -> None:
        addressees.remove(session, visit.principal, ente_id=ente_id, address=address)

    runtime.database.transact(visit.scope(Permission.REPORT_ADDRESS), work)
    return shown_anew(translations(visit.language).gettext("Salvato."))


def handed_out(file: File) -> Response:
    """A file to download."""
    headers = {"Content-Disposition": f'attachment; filename="{file.name}"', "Cache-Control": "no-store"}
    return Response(file.contents, media_type=file.media_type, headers=headers)


def _read(runtime: Runtime, visit: Visit, report_id: int) -> tuple[Made, Report]:
    scope: Scope = visit.scope(Permission.ENTE_WATCH)
    with runtime.database.begin(scope) as session:
        return queries.read(session, visit.principal, report_id)


def _same(making: queries.Making, made: Made) -> bool:
    alike = attrgetter("ente_id", "contract_id", "period", "first")
    return bool(alike(making) == alike(made))


def _summary(report: Report, language: str) -> list[tuple[str, str]]:
    """The figures of the summary by their names, written."""
    one = next(one for one in sheets(report) if one.name is SheetName.SUMMARY)
    place = [column for column, _ in one.columns].index(Column.VALUE)
    return [(str(row[0]), line[place]) for row, line in zip(one.rows, shown.rows(one, language), strict=True)]


def _tables(report: Report, language: str) -> list[Table]:
    """Columns that say nothing in any row are left out."""
    found = []
    for one in sheets(report):
        if one.name not in {*READ, *FOLDED}:
            continue
        names, lines = shown.heads(one, language), shown.rows(one, language)
        without = {*FOR_MACHINES, *(shown.said_above(report) if one.name is SheetName.LEVELS else ())}
        taken = [
            n
            for n in range(len(names))
            if one.columns[n][0] not in without and any(line[n] != shown.NOTHING for line in lines)
        ]
        standing = [column for column, _ in one.columns].index(Column.STANDING) if one.name is SheetName.LEVELS else -1
        found.append(
            Table(
                one.name, [names[n] for n in taken], [one.columns[n][1] in shown.NUMERIC for n in taken],
                [[line[n] for n in taken] for line in lines[:MOST_ROWS]], max(0, len(lines) - MOST_ROWS),
                taken.index(standing) if standing in taken else -1,
            )
        )  # fmt: skip
    return found

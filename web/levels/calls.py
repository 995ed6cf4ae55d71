"""The calls and the days behind a level's penalty: a page, and the same as files."""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from functools import reduce
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy.orm import Session

from crm.access.permissions import Permission
from crm.access.service import scope_for
from crm.audit import service as audit
from crm.core import clock
from crm.core.errors import NotFoundError
from crm.enti import queries as enti
from crm.levels.behind import Behind
from crm.levels.known import Outbound
from crm.levels.metrics import LATE, OF_DAYS, MetricName
from crm.reports.report import over
from outbound.dialer import staffing
from telephony.queues import queries as queues
from web.edge.templating import page
from web.edge.visits import RuntimeDep, VisitDep
from web.levels.view import Standing, Standings, standings
from web.levels.watched import scope_of, watched
from web.reports import opendocument, workbook
from web.reports.files import CSV, MEDIA, File, FileKind, csv_of
from web.reports.routes import handed_out
from web.reports.sheets import Sheet, over_limits, remarks_on

router = APIRouter(include_in_schema=False)


class FileName(StrEnum):
    """What is handed out, by its address: the two tables apart, or both in one file."""

    OVER = "over.csv"
    REMARKS = "remarks.csv"
    EXCEL = "over.xlsx"
    OPEN = "over.ods"


@dataclass(frozen=True, slots=True)
class Asked:
    """Which level of which period: `begins` is the agreement's, `own` the level's where it has one of its own."""

    metric: MetricName
    callers: str = ""
    service: str = ""
    begins: str = ""
    own: date | None = None
    ente: int | None = None


AskedDep = Annotated[Asked, Depends(Asked)]


@dataclass(frozen=True, slots=True)
class Found:
    """A level, and what stands behind its penalty."""

    standings: Standings
    row: Standing
    behind: tuple[Behind, ...]

    @property
    def sheets(self) -> tuple[Sheet, Sheet]:
        """As the reports have them."""
        told = [over(one, self.standings.first, self.standings.last) for one in self.behind]
        return over_limits(told), remarks_on(told)


@router.get("/levels/{contract_id}/calls")
def calls(request: Request, runtime: RuntimeDep, visit: VisitDep, contract_id: int, asked: AskedDep) -> Response:
    """The calls, or the days, that passed a level's limit in a period, and whether each is paid for."""
    scope = scope_of(visit)
    with runtime.database.begin(scope) as session:
        _watched(session, visit, contract_id, asked)
        found = _found(session, contract_id, asked)
        badges = enti.badges(session, scope.enti)
        decides = scope_for(session, visit.principal, Permission.PENALTY_DECIDE).enti or frozenset()
        names = {one.id: one.name for one in queues.with_closed(session, frozenset({contract_id}))}
    return page(
        request, "levels/calls.html", visit.language, visit=visit, csrf=visit.csrf_token, standings=found.standings,
        row=found.row, behind=found.behind, badges=badges, queues=names, decides=decides, query=request.url.query,
        contests=contract_id in visit.principal.contracts_for(Permission.PENALTY_CONTEST), files=tuple(FileName),
        day_metrics=OF_DAYS, late_metrics=(*LATE, MetricName.COMPLAINTS),
        complaints=MetricName.COMPLAINTS,
    )  # fmt: skip


@router.get("/levels/{contract_id}/outbound")
def outbound(
    request: Request, runtime: RuntimeDep, visit: VisitDep, contract_id: int, begins: str = "",
    own: date | None = None, ente: int | None = None,
) -> Response:  # fmt: skip
    """What the calls by the hour of operators' time are made of: each campaign's days in a period."""
    scope = scope_of(visit)
    with runtime.database.begin(scope) as session:
        asked = Asked(MetricName.OUTBOUND, begins=begins, own=own, ente=ente)
        _watched(session, visit, contract_id, asked)
        found = _found(session, contract_id, asked)
        first, last = found.row.period.span or (found.standings.first, found.standings.last)
        its = staffing.by_campaign(session, contract_id, first, last + timedelta(days=1), ente_id=ente)
    return page(
        request, "levels/outbound.html", visit.language, visit=visit, standings=found.standings, row=found.row,
        campaigns=its, first=first, last=last, total=lambda days: reduce(Outbound.__add__, days),
    )  # fmt: skip


@router.get("/levels/{contract_id}/{name}")
def file(runtime: RuntimeDep, visit: VisitDep, contract_id: int, name: FileName, asked: AskedDep) -> Response:
    """The same as a file. Who took it is in the log of each ente that it is about."""
    with runtime.database.begin(scope_of(visit)) as session:
        _watched(session, visit, contract_id, asked)
        found = _found(session, contract_id, asked)
        one = found.standings
        whose = enti.enti_of(session, contract_id) if asked.ente is None else {asked.ente}
        for ente_id in sorted(whose):
            after = {"entries": len(found.behind), "since": one.first.isoformat(), "until": one.last.isoformat()}
            audit.note(
                session, visit.principal, kind="penalty.exported", ente_id=ente_id, subject=asked.metric, after=after
            )
        at = clock.now(session)
    both, language = found.sheets, visit.language
    match name:
        case FileName.OVER | FileName.REMARKS:
            media, contents = CSV, csv_of(both[name is FileName.REMARKS], language)
        case FileName.EXCEL:
            media, contents = MEDIA[FileKind.XLSX], workbook.of_sheets(both, one.name, at, language)
        case FileName.OPEN:
            media, contents = MEDIA[FileKind.ODS], opendocument.of_sheets(both, one.name, at, language)
    return handed_out(File(f"{asked.metric.value}-{one.first}-{one.last}-{name.value}", media, contents))


def _watched(session: Session, visit: VisitDep, contract_id: int, asked: Asked) -> None:
    if (contract_id, asked.ente) not in set(watched(session, scope_of(visit))):
        raise NotFoundError("Questo contratto non c'è.")


def _found(session: Session, contract_id: int, asked: Asked) -> Found:
    found = standings(session, contract_id, ente_id=asked.ente, begins=asked.begins)
    key = (asked.metric.value, asked.callers, asked.service)
    rows = [one for one in found.rows if one.promise.key == key] if found else []
    row = next((one for one in rows if asked.own in {None, one.told.first}), None)
    if found is None or row is None:
        raise NotFoundError("Questo livello non c'è.")
    mine = tuple(one for one in found.behind if one.verdict.promise.key == key and one.verdict.span == row.period.span)
    return Found(found, row, mine)

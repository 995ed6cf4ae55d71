"""The API's endpoints. All read; each sees the ente of its token alone, by row-level security."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse

from crm.core import clock
from crm.core.db import Scope
from crm.core.errors import FieldError, InvalidError, NotFoundError
from crm.enti import queries as enti
from crm.levels.agreement import Period
from crm.levels.metrics import METRICS, Source, Unit
from crm.reports import queries, reading
from crm.reports.report import Hour, Level, Over, Owed, Report, over
from web.api.v1 import facts
from web.api.v1.admission import AnyDep, ReadsDep, WatchesDep
from web.api.v1.answers import ANSWERS, LANGUAGE, PREFIX
from web.edge.fields import NearDay
from web.edge.visits import RuntimeDep
from web.levels.view import Standings, standings
from web.reports import files
from web.reports.files import FileKind
from web.reports.routes import handed_out
from web.reports.sheets import SheetName

VERSION = "1.1.0"
MOST_DAYS = 366
router = APIRouter(prefix=PREFIX, responses=dict(ANSWERS))
public = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class MetricOut:
    """A metric that contracts promise levels of."""

    name: str
    unit: Unit
    source: Source
    has_threshold: bool
    by_callers: bool


@dataclass(frozen=True, slots=True)
class ReportListed:
    """The newest version of a report."""

    id: int
    contract_id: int
    period: Period
    first: date
    last: date
    version: int
    made_at: datetime
    seal: str


@dataclass(frozen=True, slots=True)
class LevelsOut:
    """How the levels of a contract stand for the ente in a period. `closed_at` and `seal`: none while it is open.

    `over`: the calls over a limit, and the days that are paid for, with what was said of them.
    """

    contract_id: int
    contract: str
    first: date
    last: date
    is_running: bool
    closed_at: datetime | None
    seal: str | None
    levels: tuple[Level, ...]
    penalties: tuple[Owed, ...]
    over: tuple[Over, ...]


@dataclass(frozen=True, slots=True)
class HoursOut:
    """Calls by the hour and kind of caller, as they are counted now; hours without calls left out."""

    contract_id: int
    first: date
    last: date
    as_of: datetime
    hours: tuple[Hour, ...]


@public.get(f"{PREFIX}/openapi.json")
def openapi() -> Response:
    """The description of the API, for everybody."""
    return JSONResponse(described())


@router.get("/metrics", operation_id="metrics")
def metrics(_: AnyDep) -> list[MetricOut]:
    """The catalogue of metrics, by the names that reports and levels use."""
    return [MetricOut(str(name), one.unit, one.source, one.has_threshold, one.by_callers)
            for name, one in METRICS.items()]  # fmt: skip


@router.get("/levels", operation_id="levels")
def levels(runtime: RuntimeDep, token: WatchesDep, begins: NearDay | None = None) -> list[LevelsOut]:
    """How each contract's levels stand: in the period that is running, or in the one that `begins` on a day; contracts
    of which none begins then are left out.
    """
    found, wrong = [], None
    with runtime.database.begin(Scope.of_enti([token.ente_id])) as session:
        for one in sorted(enti.contracts_of(session, token.ente_id)):
            try:
                found.append(
                    standings(session, one, ente_id=token.ente_id, begins=begins.isoformat() if begins else "")
                )
            except FieldError as error:
                wrong = error
    if wrong is not None and not found:
        raise wrong
    return [_levels(one) for one in found if one is not None]


@router.get("/hours", operation_id="hours")
def hours(
    runtime: RuntimeDep, token: WatchesDep, first: Annotated[NearDay, Query(description="The first day, in Rome")],
    last: Annotated[NearDay, Query(description="The last day, at most 366 after the first")],
) -> list[HoursOut]:  # fmt: skip
    """The calls of some days by the hour, contract by contract. The hour that is running is not complete."""
    if not first <= last <= first + timedelta(days=MOST_DAYS):
        raise InvalidError("Il periodo va dal primo all'ultimo giorno, al massimo 366.")
    with runtime.database.begin(Scope.of_enti([token.ente_id])) as session:
        after = last + timedelta(days=1)
        return [
            HoursOut(
                one, first, last, clock.now(session), reading.hours(session, one, token.ente_id, first, after)
            )
            for one in sorted(enti.contracts_of(session, token.ente_id))
        ]  # fmt: skip


@router.get("/reports", operation_id="reports")
def reports(runtime: RuntimeDep, token: ReadsDep, period: Period | None = None) -> list[ReportListed]:
    """The newest version of each report, the latest period first."""
    with runtime.database.begin(Scope.of_enti([token.ente_id])) as session:
        made = queries.latest(session, [token.ente_id])
    return [
        ReportListed(
            one.id, one.contract_id, one.period, one.first, one.last, one.version, one.made_at, one.seal
        )
        for one in made
        if period in {None, one.period}
    ]  # fmt: skip


@router.get("/reports/{report_id}", operation_id="report")
def report(runtime: RuntimeDep, token: ReadsDep, report_id: int) -> files.Document:
    """A report with all of its figures."""
    return files.document(*_read(runtime, token.ente_id, report_id))


@router.get("/reports/{report_id}/file.{kind}", operation_id="report_file", response_class=Response)
def report_file(runtime: RuntimeDep, token: ReadsDep, report_id: int, kind: FileKind) -> Response:
    """A report as a file."""
    return handed_out(files.whole(*_read(runtime, token.ente_id, report_id), kind, LANGUAGE))


@router.get("/reports/{report_id}/{name}.csv", operation_id="report_table", response_class=Response)
def report_table(runtime: RuntimeDep, token: ReadsDep, report_id: int, name: SheetName) -> Response:
    """One table of a report as CSV."""
    return handed_out(files.table(*_read(runtime, token.ente_id, report_id), name, LANGUAGE))


@lru_cache(maxsize=1)
def described() -> dict[str, Any]:
    """OpenAPI 3.1, of the API alone."""
    return get_openapi(
        title="Filodiretto", version=VERSION, routes=[*router.routes, *facts.router.routes],
        description="The figures of one ente's service. At most 60 requests a minute for each token, 30 at once.",
    )  # fmt: skip


def _read(runtime: RuntimeDep, ente_id: int, report_id: int) -> tuple[queries.Made, Report]:
    with runtime.database.begin(Scope.of_enti([ente_id])) as session:
        made, found = queries.get(session, report_id)
    if made.ente_id != ente_id:
        raise NotFoundError("Questa relazione non c'è.")
    return made, found


def _levels(one: Standings) -> LevelsOut:
    closed = one.closed
    return LevelsOut(
        one.contract_id, one.name, one.first, one.last, one.is_running, closed.closed_at if closed else None,
        closed.seal if closed else None, tuple(row.told for row in one.rows),
        tuple(
            Owed(
                row.promise.metric, row.promise.callers, row.promise.service, len(row.penalty.breaches),
                row.penalty.per_mille, row.penalty.euro,
            )
            for row in one.rows
            if row.penalty is not None
        ),
        tuple(over(each, one.first, one.last) for each in one.behind),
    )  # fmt: skip

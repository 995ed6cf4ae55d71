"""What is expected of each queue and of each ente, where they have been called for long and often enough.

These forecasts are made as they are looked at, from the days before today, and not kept: the contract's own are.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse
from sqlalchemy.orm import Session

from crm.access.permissions import Permission
from crm.core.clock import business_day, now
from crm.core.errors import NotFoundError
from crm.enti import queries as enti
from telephony.queues import queries as queues
from telephony.staffing import queries
from telephony.staffing.accuracy import Error, backtest, measured
from telephony.staffing.forecast import QUARTERS, Driver, Expected, Past, learn
from web.edge.i18n import translations
from web.edge.spreadsheets import csv_answer
from web.edge.templating import fragment
from web.edge.visits import RuntimeDep, Visit, VisitDep
from web.staffing.routes import AskedDep, contract_of
from web.staffing.view import DAY, TRIED
from web.wiring import Runtime

router = APIRouter(prefix="/staffing", include_in_schema=False)
DAYS_SHOWN = 7


@dataclass(frozen=True, slots=True)
class Part:
    """A queue or an ente, with its days to come and how far four weeks of trial were off; none: too few calls."""

    name: str
    days: Mapping[date, Expected]
    error: Error | None


@dataclass(frozen=True, slots=True)
class Parts:
    """Those of a contract, each list by its names."""

    days: tuple[date, ...]
    queues: tuple[Part, ...]
    enti: tuple[Part, ...]


@router.get("/parts")
def shown(runtime: RuntimeDep, visit: VisitDep, asked: AskedDep) -> Response:
    """The tables, fetched once the page is there: they take longer than all of it."""
    contract_id, found = _found(runtime, visit, asked.contract)
    return HTMLResponse(fragment("staffing/_parts.html", visit.language, parts=found, contract_id=contract_id))


@router.get("/parts.csv")
def download(runtime: RuntimeDep, visit: VisitDep, asked: AskedDep) -> Response:
    """Each quarter hour of them, for a spreadsheet."""
    _, found = _found(runtime, visit, asked.contract)
    words = translations(visit.language)
    head = [
        words.gettext("Coda o ente"),
        words.gettext("Giorno"),
        words.gettext("Ora"),
        words.gettext("Previste"),
        words.gettext("Da"),
        words.gettext("A"),
    ]
    rows = (
        (part.name, on.isoformat(), f"{n // 4:02}:{n % 4 * 15:02}", *(round(curve[n], 1) for curve in _curves(told)))
        for part in (*found.queues, *found.enti)
        for on, told in part.days.items()
        for n in range(QUARTERS)
        if told.expected[n]
    )
    return csv_answer(f"forecast-{found.days[0].isoformat()}.csv", head, rows)


def _curves(told: Expected) -> tuple[tuple[float, ...], ...]:
    return told.expected, told.low, told.high


def _found(runtime: Runtime, visit: Visit, contract: str) -> tuple[int, Parts]:
    contract_id = contract_of(visit, contract)
    if contract_id is None:
        raise NotFoundError("Questo contratto non c'è.")
    with runtime.database.begin(visit.scope(Permission.STAFFING_PLAN)) as session:
        return contract_id, parts(session, contract_id)


def parts(session: Session, contract_id: int) -> Parts:
    """What is expected of each queue, and, of a contract of several enti, of each of those."""
    today = business_day(now(session))
    covered = enti.badges(session, enti.enti_of(session, contract_id))
    named = {one.id: one.name for one in queues.with_closed(session, frozenset({contract_id}))}
    by_ente = {one.id: one.name for one in covered.values()} if len(covered) > 1 else {}
    why = queries.drivers(session, contract_id, today - queries.HISTORY, today + DAYS_SHOWN * DAY)
    return Parts(
        tuple(today + n * DAY for n in range(DAYS_SHOWN)),
        _parts(session, contract_id, today, why, named, by="queue_id"),
        _parts(session, contract_id, today, why, by_ente, by="ente_id"),
    )


def _parts(
    session: Session, contract_id: int, today: date, why: Mapping[date, frozenset[Driver]], names: Mapping[int, str],
    *, by: Literal["queue_id", "ente_id"],
) -> tuple[Part, ...]:  # fmt: skip
    after = today + DAYS_SHOWN * DAY
    history = queries.histories(session, contract_id, why, by=by) if names else {}
    found = []
    for whose, name in sorted(names.items(), key=lambda one: (one[1], one[0])):
        past = {on: one for on, one in history.get(whose, {}).items() if on < today}
        model = learn(past, today)
        if not model.suffices:
            found.append(Part(name, {}, None))
            continue
        ente_id = whose if by == "ente_id" else None
        opens = queries.opens(session, contract_id, today - TRIED, after, ente_id=ente_id)
        days = {on: model.expect(on, opens[on], why[on]) for on in (today + n * DAY for n in range(DAYS_SHOWN))}
        found.append(Part(name, days, _tried(past, opens, today)))
    return tuple(found)


def _tried(past: Mapping[date, Past], opens: Mapping[date, frozenset[int]], today: date) -> Error:
    return measured(backtest(past, opens, today), past)

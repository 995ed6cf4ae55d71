"""Andamento: for supervisors, administrators and the enti, each as far as his grants reach."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from gettext import NullTranslations
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse
from sqlalchemy.orm import Session

from crm.core import clock
from crm.core.errors import FieldError, NotFoundError
from crm.enti import queries as enti
from crm.levels.metering import Callers
from crm.levels.series import Of
from telephony.queues import queries as queues
from telephony.queues.queries import QueueView
from web.charts import view
from web.charts.view import Whose
from web.edge.fields import day_of
from web.edge.i18n import translations
from web.edge.spreadsheets import csv_answer
from web.edge.templating import page
from web.edge.visits import RuntimeDep, VisitDep
from web.levels.watched import scope_of

router = APIRouter(prefix="/charts", include_in_schema=False)


class Table(StrEnum):
    """What can be taken away as a file."""

    DAY = "day"
    LEVELS = "levels"
    WAITS = "waits"
    WEEK = "week"
    YEAR = "year"


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose calls, and which day, as an address says them."""

    whose: str = ""
    queue: str = ""
    callers: str = ""
    day: str = ""


AskedDep = Annotated[Asked, Depends(Asked)]


@dataclass(frozen=True, slots=True)
class Chosen:
    """The same, checked against what the visitor may see."""

    choices: tuple[Whose, ...]
    whose: Whose
    queues: tuple[QueueView, ...]
    of: Of
    on: date
    today: date


@router.get("")
def charts(request: Request, runtime: RuntimeDep, visit: VisitDep, asked: AskedDep) -> Response:
    """A day by quarter hours and by hours, and the four weeks that end with it."""
    scope = scope_of(visit)
    with runtime.database.begin(scope) as session:
        picked = _chosen(session, view.choices(session, scope), asked)
        context: dict[str, Any] = {"picked": picked, "now": clock.now(session)}
        if picked is not None:
            context |= {
                "day": view.day(session, picked.of, picked.on), "levels": view.levels(session, picked.of, picked.on),
                "lately": view.lately(session, picked.of, picked.on), "badges": enti.badges(session, scope.enti),
            }  # fmt: skip
    return page(
        request, "charts/page.html", visit.language, visit=visit, csrf=visit.csrf_token, asked=asked,
        buckets=list(view.buckets()), callers=list(Callers), **context,
    )  # fmt: skip


@router.get("/year")
def year(request: Request, runtime: RuntimeDep, visit: VisitDep, asked: AskedDep) -> Response:
    """A year by quarter hours to look into, and by weeks to read."""
    scope = scope_of(visit)
    with runtime.database.begin(scope) as session:
        picked = _chosen(session, view.choices(session, scope), asked)
        weeks = list(view.year(session, picked.of).weeks()) if picked is not None else []
        now = clock.now(session)
    return page(
        request, "charts/year.html", visit.language, visit=visit, csrf=visit.csrf_token, asked=asked, picked=picked,
        weeks=weeks, now=now, callers=list(Callers),
    )  # fmt: skip


@router.get("/year.json")
def year_data(runtime: RuntimeDep, visit: VisitDep, asked: AskedDep) -> Response:
    """The year's quarter hours in their order: `start` in seconds of Unix time, then one figure each 900 s."""
    scope = scope_of(visit)
    with runtime.database.begin(scope) as session:
        picked = _chosen(session, view.choices(session, scope), asked)
        if picked is None:
            raise NotFoundError("Questi dati non ci sono.")
        found = view.year(session, picked.of)
    return JSONResponse(
        {"start": int(found.starts_at.timestamp()), "received": found.received, "answered": found.answered}
    )


@router.get("/{table}.csv")
def download(runtime: RuntimeDep, visit: VisitDep, table: Table, asked: AskedDep) -> Response:
    """The figures behind a picture, for a spreadsheet."""
    scope = scope_of(visit)
    with runtime.database.begin(scope) as session:
        picked = _chosen(session, view.choices(session, scope), asked)
        if picked is None:
            raise NotFoundError("Questi dati non ci sono.")
        head, rows = _table(session, table, picked, translations(visit.language))
    return csv_answer(f"{table.value}-{picked.on.isoformat()}.csv", head, rows)


def _table(
    session: Session, table: Table, picked: Chosen, words: NullTranslations
) -> tuple[list[str], list[list[object]]]:
    of, on = picked.of, picked.on
    match table:
        case Table.DAY:
            head = [
                words.gettext("Ora"),
                words.gettext("Ricevute"),
                words.gettext("Risposte"),
                words.gettext("Ricevute il giorno prima"),
                words.gettext("Ricevute 7 giorni prima"),
            ]
            return head, [[at, *values] for at, values in view.day(session, of, on).rows]
        case Table.LEVELS:
            found = view.levels(session, of, on).hours
            shares = [[_percent(one.answered_within), _percent(one.waited_over)] for one in found]
            head = [
                words.gettext("Ora"),
                words.gettext("In coda"),
                words.gettext("Livello di servizio (per cento)"),
                words.gettext("Attese lunghe (per cento)"),
            ]
            return head, [[one.at, one.offered, *both] for one, both in zip(found, shares, strict=True)]
        case Table.WAITS:
            waits = view.lately(session, of, on).waits
            rows = zip(view.buckets(), waits.answered, waits.abandoned, strict=True)
            return [words.gettext("Attesa"), words.gettext("Risposte"), words.gettext("Abbandoni")], [
                list(row) for row in rows
            ]
        case Table.WEEK:
            means = view.lately(session, of, on).week.means
            head = [words.gettext("Giorno (1 è lunedì)"), words.gettext("Ora"), words.gettext("Ricevute, in media")]
            return head, [[weekday + 1, hour, round(mean, 2)] for (weekday, hour), mean in sorted(means.items())]
        case Table.YEAR:
            weeks = view.year(session, of).weeks()
            return [words.gettext("Settimana dal"), words.gettext("Ricevute"), words.gettext("Risposte")], [
                [one.isoformat(), *sums] for one, *sums in weeks
            ]


def _percent(share: Any) -> float | None:
    return None if share is None else round(float(share) * 100, 1)


def _chosen(session: Session, choices: tuple[Whose, ...], asked: Asked) -> Chosen | None:
    """What is asked for; none where there is nothing that the visitor may see."""
    if not choices:
        return None
    whose = view.chosen(choices, asked.whose)
    ours = queues.with_closed(session, frozenset({whose.contract_id}))
    queue_id = view.queue_of(asked.queue)
    if queue_id is not None and queue_id not in {one.id for one in ours}:
        raise NotFoundError("Questa coda non c'è.")
    callers = next((one for one in Callers if one.value == asked.callers), None)
    today = clock.business_day(clock.now(session))
    try:
        on = min(day_of(asked.day), today) if asked.day else today
    except ValueError:
        raise FieldError("Scrivi la data come giorno, mese e anno.", "day") from None
    of = Of(whose.contract_id, whose.ente_id, queue_id, callers)
    return Chosen(choices, whose, ours, of, on, today)

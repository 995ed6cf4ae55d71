"""The week's shifts: planning, copying, publishing."""

import re
from datetime import date, timedelta
from typing import Any

from fastapi import APIRouter, Request, Response
from sqlalchemy.orm import Session

from crm.access.permissions import Permission
from crm.core import clock
from crm.core.errors import NotFoundError
from telephony.staffing import queries, service
from telephony.staffing.forecast import NOTHING, QUARTERS
from telephony.staffing.shifts import written
from web.edge.answers import shown_anew
from web.edge.fields import day_of
from web.edge.i18n import translations
from web.edge.templating import page
from web.edge.visits import ChangeDep, RuntimeDep, VisitDep
from web.enti.forms import TypedDep
from web.staffing import view
from web.staffing.routes import contract_of, day_in, names

router = APIRouter(prefix="/staffing", include_in_schema=False)
DAY, WEEK = timedelta(days=1), timedelta(days=7)
FIELD = re.compile(r"(shift|was)-(\d{1,18})-(\d{4}-\d{2}-\d{2})")  # what is typed, and what stood there before


@router.get("/shifts")
def shifts(request: Request, runtime: RuntimeDep, visit: VisitDep, contract: str = "", week: str = "") -> Response:
    """A week: who is there when, beside how many it takes."""
    contract_id = contract_of(visit, contract)
    context: dict[str, Any] = {"contract_id": contract_id}
    with runtime.database.begin(visit.scope(Permission.STAFFING_PLAN)) as session:
        today = clock.business_day(clock.now(session))
        monday = _monday(day_in(week, today))
        days = [monday + n * DAY for n in range(7)]
        context |= {"contracts": names(session, visit), "monday": monday, "days": days, "today": today}
        if contract_id is not None:
            roster = queries.roster(session, contract_id, days[0], days[-1])
            context |= {
                "agents": queries.agents_of(session, contract_id),
                "cells": {key: written(those) for key, those in roster.items()},
                "published_at": queries.published_at(session, contract_id, monday),
                "usual": queries.usual_shifts(session, contract_id),
                "views": _views(session, contract_id, days),
                "kept_to": queries.kept_to(session, contract_id, days[0], days[-1]),
            }
    return page(request, "staffing/shifts.html", visit.language, visit=visit, csrf=visit.csrf_token, **context)


def _views(session: Session, contract_id: int, days: list[date]) -> list[view.DayView]:
    expected = queries.forecasts(session, contract_id, days[0], days[-1])
    there = view.planned(session, contract_id, days[0], days[-1])
    basis = queries.basis(session, contract_id)
    return [view.day_view(on, expected.get(on, NOTHING), basis, there.get(on, [0] * QUARTERS)) for on in days]


@router.post("/{contract_id}/shifts/{monday}")
def save(runtime: RuntimeDep, visit: ChangeDep, contract_id: int, monday: date, typed: TypedDep) -> Response:
    """The week as it was typed."""
    cells: dict[tuple[int, date], str] = {}
    shown: dict[tuple[int, date], str] = {}
    for name, text in typed.items():
        if match := FIELD.fullmatch(name):
            try:
                (cells if match[1] == "shift" else shown)[int(match[2]), day_of(match[3])] = text
            except ValueError:
                raise NotFoundError("Questo turno non c'è.") from None
    return _done(
        runtime, visit,
        lambda session: service.save_week(
            session, visit.principal, contract_id=contract_id, monday=_monday(monday), cells=cells, shown=shown
        ),
    )  # fmt: skip


@router.post("/{contract_id}/shifts/{monday}/copy")
def copy(runtime: RuntimeDep, visit: ChangeDep, contract_id: int, monday: date) -> Response:
    """The week before once more."""
    return _done(
        runtime, visit,
        lambda session: service.copy_week(
            session, visit.principal, contract_id=contract_id, monday=_monday(monday)
        ),
    )  # fmt: skip


@router.post("/{contract_id}/shifts/{monday}/publish")
def publish(runtime: RuntimeDep, visit: ChangeDep, contract_id: int, monday: date) -> Response:
    """The agents see it from now on."""
    return _done(
        runtime, visit,
        lambda session: service.publish(session, visit.principal, contract_id=contract_id, monday=_monday(monday)),
    )  # fmt: skip


def _done(runtime: Any, visit: Any, work: Any) -> Response:
    runtime.database.transact(visit.scope(Permission.STAFFING_PLAN), work)
    return shown_anew(translations(visit.language).gettext("Salvato."))


def _monday(day: date) -> date:
    """Of a day's week. The calendar's first and last weeks are nobody's."""
    if not date(1900, 1, 8) <= day <= date(2199, 12, 1):
        raise NotFoundError("Questa settimana non c'è.")
    return day - day.weekday() * DAY

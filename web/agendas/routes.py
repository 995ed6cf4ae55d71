"""The staff's pages of offices: which there are, and a day of one."""

from datetime import date, timedelta
from typing import Any

from fastapi import APIRouter, Request, Response
from sqlalchemy.orm import Session

from crm.access.permissions import Permission
from crm.agendas import queries
from crm.core import clock
from crm.core.db import Scope
from crm.core.errors import FieldError, NotFoundError
from crm.enti.details import OfficeView
from web.agendas import view
from web.edge.fields import day_of
from web.edge.templating import page
from web.edge.visits import RuntimeDep, VisitDep

router = APIRouter(prefix="/agendas", include_in_schema=False)
DAY = timedelta(days=1)


@router.get("")
def all_offices(request: Request, runtime: RuntimeDep, visit: VisitDep) -> Response:
    """The offices at which people have appointments."""
    scope = visit.scope(Permission.APPOINTMENT_READ)
    with runtime.database.begin(scope) as session:
        found = view.offices_of(session, scope.enti or frozenset())
        today = clock.business_day(clock.now(session))
        days = [view.office_day(session, one, today, visit.language) for _, those in found for one in those]
    return _page(request, visit, "agendas/offices.html", found=found, days={one.office.id: one for one in days})


@router.get("/{office_id}")
def office_day(request: Request, runtime: RuntimeDep, visit: VisitDep, office_id: int, day: str = "") -> Response:
    """A day of an office: who comes when, at which desk; printed, it hangs beside the door."""
    scope = visit.scope(Permission.APPOINTMENT_READ)
    with runtime.database.begin(scope) as session:
        office = office_in(session, scope, office_id)
        today = clock.business_day(clock.now(session))
        shown = view.office_day(session, office, _day(day, today), visit.language)
    return _page(
        request, visit, "agendas/day.html", shown=shown, today=today, before=shown.day - DAY, after=shown.day + DAY
    )


def office_in(session: Session, scope: Scope, office_id: int) -> OfficeView:
    """An office of an ente that the visitor may see. Raises `NotFoundError`."""
    office = queries.office(session, office_id)
    if office.ente_id not in (scope.enti or ()):
        raise NotFoundError("Questo ufficio non esiste.")
    return office


def _day(text: str, today: date) -> date:
    try:
        return day_of(text) if text else today
    except ValueError:
        raise FieldError("Scrivi la data come giorno, mese e anno.", "day") from None


def _page(request: Request, visit: Any, template: str, **context: Any) -> Response:
    return page(request, template, visit.language, visit=visit, csrf=visit.csrf_token, **context)

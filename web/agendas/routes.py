"""The staff's pages of offices: which there are, and a day of one."""

from datetime import date, timedelta
from functools import partial

from fastapi import APIRouter, Request, Response

from crm.access.permissions import Permission
from crm.core import clock, topics
from crm.core.errors import NotFoundError
from web.agendas import view
from web.agendas.parts import day_in, office_in, show
from web.edge.fields import day_of, id_of
from web.edge.templating import fragment
from web.edge.visits import RuntimeDep, Visit, VisitDep
from web.live.hub import Render, Rendered
from web.wiring import Runtime

router = APIRouter(prefix="/agendas", include_in_schema=False)
DAY = timedelta(days=1)
SUNDAY = 6


@router.get("")
def all_offices(request: Request, runtime: RuntimeDep, visit: VisitDep) -> Response:
    """The offices at which people have appointments."""
    scope = visit.scope(Permission.APPOINTMENT_READ)
    may = visit.principal.can(Permission.AGENDA_MANAGE)
    his = (visit.scope(Permission.AGENDA_MANAGE).enti if may else None) or frozenset()
    with runtime.database.begin(scope) as session:
        found = view.offices_of(session, scope.enti or frozenset(), his)
        today = clock.business_day(clock.now(session))
        days = [view.office_day(session, one, today, visit.language) for _, those in found for one in those]
    return show(request, visit, "agendas/offices.html", found=found, days={one.office.id: one for one in days})


@router.get("/{office_id}")
def office_day(request: Request, runtime: RuntimeDep, visit: VisitDep, office_id: int, day: str = "") -> Response:
    """A day of an office: who comes when, at which desk; printed, it is the desks' list, without numbers and notes."""
    scope = visit.scope(Permission.APPOINTMENT_READ)
    with runtime.database.begin(scope) as session:
        office = office_in(session, scope, office_id)
        today = clock.business_day(clock.now(session))
        shown = view.office_day(session, office, day_in(day, today), visit.language)
    return show(
        request, visit, "agendas/day.html", shown=shown, today=today, before=shown.day - DAY, after=shown.day + DAY
    )


@router.get("/{office_id}/week")
def office_week(request: Request, runtime: RuntimeDep, visit: VisitDep, office_id: int, day: str = "") -> Response:
    """A week of an office, desk by desk: who comes when, and how much is left."""
    scope = visit.scope(Permission.APPOINTMENT_READ)
    with runtime.database.begin(scope) as session:
        office = office_in(session, scope, office_id)
        today = clock.business_day(clock.now(session))
        usual = today + DAY if today.weekday() == SUNDAY else today  # whose week is over
        shown = view.office_week(session, office, day_in(day, usual), visit.language)
    return show(
        request, visit, "agendas/week.html", shown=shown, today=today, before=shown.days[0] - 7 * DAY,
        after=shown.days[0] + 7 * DAY,
    )  # fmt: skip


def render(runtime: Runtime, visit: Visit, office_id: int, day: date) -> Rendered:
    """The day as it stands, for whoever looks at it."""
    scope = visit.scope(Permission.APPOINTMENT_READ)
    with runtime.database.begin(scope) as session:
        shown = view.office_day(session, office_in(session, scope, office_id), day, visit.language)
    html = fragment("agendas/_day.html", visit.language, shown=shown, visit=visit)
    return Rendered({"office-day": html}, frozenset({topics.office(office_id)}))


def join(runtime: Runtime, visit: Visit, number: str) -> list[tuple[str, Render]]:
    """A day's page: `12-2026-11-24`. What is linked there differs by what somebody may. Raises `NotFoundError`."""
    office, _, text = number.partition("-")
    try:
        office_id, day = id_of(office), day_of(text)
    except ValueError:
        office_id, day = None, date.min
    if office_id is None:
        raise NotFoundError("Questo giorno non esiste.")
    work = partial(render, runtime, visit, office_id, day)
    work()
    return [(f"office:{office_id}:{day}:{visit.principal.user_id}:{visit.language}", work)]

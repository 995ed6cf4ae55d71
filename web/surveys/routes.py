"""What callers said of the service, month by month: for supervisors and for the enti."""

from datetime import date, timedelta

from fastapi import APIRouter, Request, Response

from crm.access.permissions import Permission
from crm.core import clock
from crm.core.errors import FieldError
from crm.enti import queries as enti
from telephony.surveys import queries
from telephony.surveys.models import SurveyReason
from telephony.surveys.scale import SCORES
from web.edge.templating import page
from web.edge.visits import RuntimeDep, VisitDep

router = APIRouter(include_in_schema=False)
MONTHS = 12  # to choose from


@router.get("/surveys")
def surveys(request: Request, runtime: RuntimeDep, visit: VisitDep, month: str = "") -> Response:
    """The answers of a month, by queue and ente."""
    with runtime.database.begin(visit.scope(Permission.ENTE_WATCH)) as session:
        now = clock.business_day(clock.now(session)).replace(day=1)
        months = [_before(now, n) for n in range(MONTHS)]
        chosen = next((one for one in months if f"{one:%Y-%m}" == month), None) if month else now
        if chosen is None:
            raise FieldError("Scegli uno dei mesi dell'elenco.", "month")
        found = queries.satisfaction(session, visit.principal, since=chosen, until=_after(chosen))
        badges = enti.badges(session)
    return page(
        request, "surveys/page.html", visit.language, visit=visit, csrf=visit.csrf_token, found=found, months=months,
        chosen=chosen, badges=badges, scores=SCORES, reasons=tuple(SurveyReason), fewest=queries.FEWEST,
    )  # fmt: skip


def _before(month: date, months: int) -> date:
    year, index = divmod(month.year * 12 + month.month - 1 - months, 12)
    return date(year, index + 1, 1)


def _after(month: date) -> date:
    return (month + timedelta(days=32)).replace(day=1)

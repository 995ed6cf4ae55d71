"""The interviewer's page of a case: what was tried, and the button that begins or goes on with its interview."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from crm.access.permissions import Permission
from crm.enti import queries as enti
from outbound.cati import checking, handing, interviews, surveys, wishes
from outbound.cati.models import Found
from outbound.cati.wishes import Wish
from web.edge.answers import told
from web.edge.i18n import translations
from web.edge.templating import page
from web.edge.visits import ChangeDep, RuntimeDep, VisitDep

router = APIRouter(prefix="/survey-cases/{campaign_id}/{contact_id}", include_in_schema=False)
CONDUCT = Permission.INTERVIEW_CONDUCT


@router.get("")
def one(request: Request, runtime: RuntimeDep, visit: VisitDep, campaign_id: int, contact_id: int) -> Response:
    """The case."""
    with runtime.database.begin(visit.scope(CONDUCT)) as session:
        case = surveys.case(session, visit.principal, campaign_id=campaign_id, contact_id=contact_id)
        asked = checking.remembered(session, case.interview_id) if case.check and case.interview_id else ()
        badge = enti.badges(session)[case.ente_id]
    return page(
        request, "cati/case.html", visit.language, visit=visit, csrf=visit.csrf_token, case=case, asked=asked,
        badge=badge, found=Found, wishes=Wish,
    )  # fmt: skip


@router.post("/interview")
def take(runtime: RuntimeDep, visit: ChangeDep, campaign_id: int, contact_id: int) -> Response:
    """Begin its interview, or go on with it."""
    interview_id = runtime.database.transact(
        visit.scope(CONDUCT),
        lambda session: interviews.take(session, visit.principal, campaign_id=campaign_id, contact_id=contact_id),
    )
    return RedirectResponse(f"/interviews/{interview_id}", status_code=303)


@router.post("/keys")
def by_keys(
    runtime: RuntimeDep, visit: ChangeDep, campaign_id: int, contact_id: int, call: Annotated[UUID, Form()]
) -> Response:
    """Whoever is on the line goes on by himself, by the keys of his telephone."""

    def work(session: Session) -> None:
        handing.hand_over(session, visit.principal, call_id=call, campaign_id=campaign_id, contact_id=contact_id)

    runtime.database.transact(visit.scope(CONDUCT), work)
    return Response(status_code=204)


@router.post("/wish")
def wish(
    runtime: RuntimeDep, visit: ChangeDep, campaign_id: int, contact_id: int, wish: Annotated[Wish, Form()],
    words: Annotated[str, Form()] = "",
) -> Response:  # fmt: skip
    """What somebody wants besides."""

    def work(session: Session) -> None:
        wishes.tell(
            session, visit.principal, campaign_id=campaign_id, contact_id=contact_id, wish=wish, words=words
        )  # fmt: skip

    runtime.database.transact(visit.scope(CONDUCT), work)
    said = translations(visit.language).gettext("Scritto: lo segue chi lavora per l'ente.")
    return told(said)


@router.post("/check")
def check(
    runtime: RuntimeDep, visit: ChangeDep, campaign_id: int, contact_id: int, found: Annotated[Found, Form()]
) -> Response:
    """What calling again showed."""

    def work(session: Session) -> None:
        checking.record(session, visit.principal, campaign_id=campaign_id, contact_id=contact_id, found=found)

    runtime.database.transact(visit.scope(CONDUCT), work)
    return RedirectResponse(f"/survey-cases/{campaign_id}/{contact_id}", status_code=303)

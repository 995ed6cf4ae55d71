"""Looking into a campaign's list: whether somebody would be called now, who is put aside and why."""

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse
from sqlalchemy.orm import Session

from crm.access.permissions import Permission
from crm.enti import queries as enti
from outbound.campaigns import people, queries
from outbound.compliance.rules import Reason
from web.edge.templating import fragment, page
from web.edge.visits import ChangeDep, RuntimeDep, Visit, VisitDep

router = APIRouter(include_in_schema=False)
TypedField = Annotated[str, Form(max_length=120)]


@router.get("/campaigns/{campaign_id}/people")
def looked_at(
    request: Request, runtime: RuntimeDep, visit: VisitDep, campaign_id: int, why: Reason | None = None, after: int = 0
) -> Response:
    """Those who are put aside for a reason; without one a sample of the list, and somebody to be looked for."""
    with runtime.database.begin(visit.scope(Permission.CAMPAIGN_MANAGE)) as session:
        context = _shown(session, visit, campaign_id, why, after)
    return page(request, "campaigns/people.html", visit.language, visit=visit, csrf=visit.csrf_token, **context)


@router.post("/campaigns/{campaign_id}/people")
def looked_for(runtime: RuntimeDep, visit: ChangeDep, campaign_id: int, typed: TypedField = "") -> Response:
    """Whoever is meant, and whether he would be called now."""
    with runtime.database.begin(visit.scope(Permission.CAMPAIGN_MANAGE)) as session:
        found = queries.one(session, campaign_id)
        some = people.looked_for(session, visit.principal, campaign=found, typed=typed)
    return HTMLResponse(
        fragment("campaigns/_people.html", visit.language, visit=visit, some=some, typed=typed.strip(), one=found)
    )


def _shown(session: Session, visit: Visit, campaign_id: int, why: Reason | None, after: int) -> dict[str, Any]:
    found, by = queries.one(session, campaign_id), visit.principal
    return {
        "one": found, "ente": enti.badges(session)[found.ente_id], "why": why, "typed": "",
        "some": people.put_aside(session, by, campaign=found, why=why, after=after) if why else None,
        "sample": None if why else people.estimate(session, by, campaign=found),
        "reasons": queries.progress(session, campaign_id).reasons,
    }  # fmt: skip

"""An agent's mandates, on his telephone: those to be answered, with what a tie is known by; those he has."""

from datetime import date
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Request, Response
from sqlalchemy.orm import Session

from crm.access.permissions import Permission
from crm.core import clock
from crm.core.errors import FieldError, ForbiddenError, NotFoundError
from crm.enti import queries as enti
from crm.enti.models import Ente
from outbound.field.agents import queries as of_agents
from outbound.field.agents.models import FieldAgent
from outbound.field.agents.ties import Sign, Tie
from outbound.field.practices import own, queries, service, told
from outbound.field.practices.lifecycle import MandateState
from outbound.field.practices.models import FieldMandate, Practice
from outbound.field.practices.service import Declared
from web.edge import paper
from web.edge.templating import environment, page
from web.edge.visits import RuntimeDep, VisitDep
from web.field.deeds import VisitDeedDep
from web.field.forms import told_anew
from web.letters.routes import PDF_HEADERS

router = APIRouter(prefix="/field/mandates", include_in_schema=False)
TextField = Annotated[str, Form(max_length=500)]
SOURCE = Path(__file__).parent / "mandate.typ"


@router.get("")
def mine(request: Request, runtime: RuntimeDep, visit: VisitDep) -> Response:
    """The visitor's own."""
    with runtime.database.begin(visit.scope(Permission.FIELD_VISIT)) as session:
        agent = of_agents.agent_of(session, visit.principal.user_id)
        found = own.mine(session, agent.id) if agent else []
        offered = [one for one in found if one.state is MandateState.OFFERED]
        signs = (
            of_agents.signs_of(session, agent_id=agent.id, contact_ids=[one.contact_id for one in offered])
            if agent
            else {}
        )
        context: dict[str, Any] = {
            "agent": agent, "badges": enti.badges(session), "offered": offered,
            "accepted": [one for one in found if one.state is MandateState.ACCEPTED], "ties": Tie,
            "namesakes": {one for one, some in signs.items() if Sign.SAME_SURNAME in some},
        }  # fmt: skip
    return page(
        request, "field/mandates.html", visit.language, visit=visit, csrf=visit.csrf_token, **context
    )  # fmt: skip


@router.post("/{mandate_id}/accept")
def accept(deed: VisitDeedDep, mandate_id: UUID, no_ties: TextField = "") -> Response:
    """He accepts, and declares that nothing ties him to this person."""
    deed(service.accept, mandate_id=mandate_id, no_ties=bool(no_ties))
    return told_anew("Accettato: ora vedi l'indirizzo e di che cosa si tratta.", deed.visit)


@router.post("/{mandate_id}/decline")
def decline(
    deed: VisitDeedDep, mandate_id: UUID, tie: TextField = "", past: TextField = "",
    note: TextField = "", reason: TextField = "",
) -> Response:  # fmt: skip
    """He declines: there is a tie, or another reason."""
    if tie and tie not in {one.value for one in Tie}:
        raise FieldError("Scegli che legame è.", "tie")
    declared = Declared(Tie(tie), bool(past), note) if tie else None
    deed(service.decline, mandate_id=mandate_id, tie=declared, reason=reason)
    return told_anew("Rifiutato: andrà qualcun altro.", deed.visit)


@router.get("/{mandate_id}/paper.pdf")
def printed(runtime: RuntimeDep, visit: VisitDep, mandate_id: UUID) -> Response:
    """The mandate on paper, to be shown at the door: it tells nothing of any debt. For its agent, or who manages."""
    manages = visit.principal.can(Permission.FIELD_MANAGE)
    scope = visit.scope(Permission.FIELD_MANAGE if manages else Permission.FIELD_VISIT)

    def work(session: Session) -> tuple[dict[str, Any], date]:
        mandate = session.get(FieldMandate, mandate_id)
        if mandate is None or mandate.state is not MandateState.ACCEPTED:
            raise NotFoundError("Un incarico si stampa quando è stato accettato e finché vale.")
        agent = session.get_one(FieldAgent, mandate.agent_id)
        if not manages and agent.user_id != visit.principal.user_id:
            raise ForbiddenError("Questo incarico è di un altro agente.")
        practice = session.get_one(Practice, mandate.practice_id)
        told.note(session, visit.principal, practice, "field_mandate.printed", agent=agent.id)
        name = queries.one(session, practice.id).name
        day = environment("it").filters["day"]
        return {
            "ente": session.get_one(Ente, practice.ente_id).name, "number": str(practice.number),
            "agent": f"{agent.given_name} {agent.surname}", "badge": str(agent.badge_number),
            "code": agent.badge_code, "whom": name, "where": f"{practice.street}, {practice.postcode} {practice.town}",
            "valid_from": day(mandate.valid_from), "valid_to": day(mandate.valid_to),
            "most_visits": mandate.most_visits, "may_photograph": mandate.may_photograph,
        }, clock.business_day(mandate.accepted_at or mandate.given_at)  # fmt: skip

    words, day = runtime.database.transact(scope, work)
    content = paper.pdf(SOURCE, words, clock.start_of_day(day))
    headers = {**PDF_HEADERS, "content-disposition": f'inline; filename="incarico-{words["number"]}.pdf"'}
    return Response(content, media_type="application/pdf", headers=headers)

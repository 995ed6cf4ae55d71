"""Sharing practices out among agents: a proposal, looked at before it is done."""

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from pydantic import BeforeValidator
from sqlalchemy.orm import Session

from crm.access.permissions import Permission
from crm.core import clock
from crm.core.errors import FieldError
from crm.enti import queries as enti
from outbound.field.agents import queries as of_agents
from outbound.field.practices import assignments, queries, settings
from outbound.field.practices.lifecycle import State
from outbound.field.practices.queries import Filter
from web.edge.answers import shown_anew
from web.edge.fields import NearDay, id_of
from web.edge.i18n import translations
from web.edge.templating import page
from web.edge.visits import RuntimeDep, Visit, VisitDep
from web.field.deeds import ManageDep
from web.field.forms import told_anew
from web.field.practices import limits_of, options

router = APIRouter(prefix="/field/assignments", include_in_schema=False)
NumberField = Annotated[str, Form(max_length=12)]
DayField = Annotated[NearDay | None, BeforeValidator(lambda text: text or None), Form()]
USUAL_MOST = 60  # practices of one agent


@router.get("")
def ask(request: Request, runtime: RuntimeDep, visit: VisitDep) -> Response:
    """For which ente, for how long: what is to be proposed; and the last ones."""
    scope = visit.scope(Permission.FIELD_MANAGE)
    with runtime.database.begin(scope) as session:
        today = clock.business_day(clock.now(session))
        badges = enti.badges(session, scope.enti)
        counts = {one: queries.counted(session, Filter(one)).get(State.OPEN, 0) for one in badges}
        agents = {one: len(of_agents.active(session, ente_id=one, day=today)) for one in badges}
        able = [str(one) for one in badges if counts[one] and agents[one]]
        context = {
            "badges": badges, "counts": counts, "today": today, "most": USUAL_MOST,
            "until": today + timedelta(days=settings.Settings().mandate_days), "usual": settings.Settings(),
            "agents": agents, "ente_options": options(badges), "only": able[0] if len(able) == 1 else "",
            "any": bool(able), "at_once": assignments.MOST, "recent": assignments.recent(session, badges),
        }  # fmt: skip
    return _page(request, visit, "field/assignments.html", **context)


@router.post("")
def propose(
    deed: ManageDep, ente_id: NumberField = "", valid_from: DayField = None,
    valid_to: DayField = None, most_visits: NumberField = "", may_photograph: NumberField = "", most: NumberField = "",
) -> Response:  # fmt: skip
    """Propose who gets which."""
    ente = id_of(ente_id)
    if ente is None:
        raise FieldError("Scegli l'ente.", "ente_id")
    limits = limits_of(valid_from, valid_to, most_visits, may_photograph)
    made = deed(assignments.propose, ente_id=ente, limits=limits, most=id_of(most) or 0)
    return told_anew("Ecco la proposta: guardala prima di confermarla.", deed.visit, at=f"/field/assignments/{made}")


@router.get("/{assignment_id}")
def one(request: Request, runtime: RuntimeDep, visit: VisitDep, assignment_id: int) -> Response:
    """A proposal: who would get what, and why; whom nobody can have."""

    def work(session: Session) -> dict[str, Any]:
        found = assignments.look(session, visit.principal, assignment_id=assignment_id)
        return {"one": found, "ente": enti.badges(session)[found.ente_id]}

    context = runtime.database.transact(visit.scope(Permission.FIELD_MANAGE), work)
    return _page(request, visit, "field/assignment.html", **context)


@router.post("/{assignment_id}/apply")
def apply(deed: ManageDep, assignment_id: int) -> Response:
    """Do it."""
    done = deed(assignments.apply, assignment_id=assignment_id)
    words = translations(deed.visit.language).ngettext("Offerta %(num)s pratica.", "Offerte %(num)s pratiche.", done)
    return shown_anew(words % {"num": done})


@router.post("/{assignment_id}/undo")
def undo(deed: ManageDep, assignment_id: int) -> Response:
    """Take back what nobody has accepted yet."""
    done = deed(assignments.undo, assignment_id=assignment_id)
    words = translations(deed.visit.language).ngettext("Ripresa %(num)s pratica.", "Riprese %(num)s pratiche.", done)
    return shown_anew(words % {"num": done})


@router.post("/{assignment_id}/drop")
def drop(deed: ManageDep, assignment_id: int) -> Response:
    """It is not done."""
    deed(assignments.drop, assignment_id=assignment_id)
    return told_anew("Scartata.", deed.visit, at="/field/assignments")


def _page(request: Request, visit: Visit, template: str, **context: Any) -> Response:
    return page(request, template, visit.language, visit=visit, csrf=visit.csrf_token, **context)

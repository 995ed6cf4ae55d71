"""An agent's pages: the evaluations of his conversations, hearing one again, replying."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Header, Request, Response
from sqlalchemy.orm import Session

from crm.access import queries as access
from crm.access.permissions import Permission
from crm.drafts.places import FormKind, Place
from crm.enti import queries as enti
from crm.enti.queries import Badge
from telephony.quality import queries, service
from telephony.quality.queries import Whole
from telephony.queues import queries as queues
from web.drafts.written import Written
from web.edge.answers import shown_anew
from web.edge.i18n import translations
from web.edge.templating import page
from web.edge.visits import ChangeDep, RuntimeDep, VisitDep
from web.recordings.routes import sent

router = APIRouter(prefix="/me/quality", include_in_schema=False)
SHOWN_AT_ONCE = 12  # of the trend


@router.get("")
def mine(request: Request, runtime: RuntimeDep, visit: VisitDep) -> Response:
    """One's own evaluations and how they went, for nobody else."""
    with runtime.database.begin(visit.scope(Permission.CALLS_ANSWER)) as session:
        found = queries.of_agent(session, visit.principal)
        names = access.named(session, {one.evaluator_id for one in found})
        badges = enti.badges(session, frozenset(one.ente_id for one in found))
        named = {one.id: one.name for one in queues.with_closed(session, visit.principal.contracts)}
    trend = [one for one in reversed(found[:SHOWN_AT_ONCE]) if one.score is not None]
    return page(
        request, "quality/mine.html", visit.language, visit=visit, csrf=visit.csrf_token, found=found, names=names,
        badges=badges, queues=named, trend=trend,
    )  # fmt: skip


@router.get("/{evaluation_id}")
def one(request: Request, runtime: RuntimeDep, visit: VisitDep, evaluation_id: UUID) -> Response:
    """One of them whole."""

    def work(session: Session) -> tuple[Whole, Badge, Written]:
        service.see(session, visit.principal, evaluation_id=evaluation_id)  # first: what comes meanwhile is new again
        whole = queries.own(session, visit.principal, evaluation_id)
        ente = enti.badges(session, frozenset({whole.row.ente_id}))[whole.row.ente_id]
        return whole, ente, Written.of(session, visit, [Place(FormKind.QUALITY, 0, evaluation_id.hex)])

    whole, ente, written = runtime.database.transact(visit.scope(Permission.CALLS_ANSWER), work)
    return page(
        request, "quality/own.html", visit.language, visit=visit, csrf=visit.csrf_token, whole=whole, ente=ente,
        sounds=f"/me/quality/{evaluation_id}/sound", written=written,
    )  # fmt: skip


@router.post("/{evaluation_id}/reply")
def reply(runtime: RuntimeDep, visit: ChangeDep, evaluation_id: UUID, words: Annotated[str, Form()] = "") -> Response:
    """What the agent has to say about it."""

    def work(session: Session) -> None:
        service.reply(session, visit.principal, evaluation_id=evaluation_id, words=words)
        visit.sent(session)

    runtime.database.transact(visit.scope(Permission.CALLS_ANSWER), work)
    return shown_anew(translations(visit.language).gettext("Risposta scritta: chi ha valutato la legge."))


@router.get("/{evaluation_id}/sound/{recording_id}")
def sound(
    runtime: RuntimeDep, visit: VisitDep, evaluation_id: UUID, recording_id: UUID,
    range_: Annotated[str, Header(alias="range")] = "",
) -> Response:  # fmt: skip
    """His own conversation."""
    with runtime.database.begin(visit.scope(Permission.CALLS_ANSWER)) as session:
        found = service.own_sound(session, visit.principal, evaluation_id=evaluation_id, recording_id=recording_id)
    return sent(runtime, found, range_)

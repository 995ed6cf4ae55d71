"""An evaluator's pages: his list, and hearing and scoring on one page."""

from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Header, Request, Response
from fastapi.responses import HTMLResponse
from sqlalchemy.orm import Session

from crm.access import queries as access
from crm.access.permissions import Permission
from crm.core import clock
from crm.core.db import Scope
from crm.core.errors import ForbiddenError
from crm.drafts.places import FormKind, Place
from crm.enti import queries as enti
from telephony.quality import queries, service
from telephony.quality.service import Answers
from telephony.queues import queries as queues
from web.drafts.written import Written
from web.edge.answers import shown_anew
from web.edge.fields import id_of
from web.edge.i18n import translations
from web.edge.templating import fragment, page
from web.edge.visits import ChangeDep, RuntimeDep, Visit, VisitDep
from web.enti.forms import TypedDep
from web.recordings.routes import sent

router = APIRouter(include_in_schema=False)
PERIOD = timedelta(days=90)
MARK, NOTE = "mark-", "note-"


@router.get("/quality")
def evaluations(request: Request, runtime: RuntimeDep, visit: VisitDep) -> Response:
    """What is to be heard, what was, and how the team does."""
    by = visit.principal
    with runtime.database.begin(_scope(visit)) as session:
        found = queries.to_hear(session, by) if by.can(Permission.QUALITY_EVALUATE) else []
        names = access.named(session, {one.agent_id for one in found})
        since = clock.now(session) - PERIOD
        contracts = [
            (one, enti.contract_name(session, one), queries.team(session, by, contract_id=one, since=since))
            for one in sorted(by.contracts_for(Permission.QUALITY_MANAGE))
        ]
        context: dict[str, Any] = {
            "badges": enti.badges(session, frozenset(one.ente_id for one in found)),
            "queues": {one.id: one.name for one in queues.with_closed(session, by.contracts)},
            "locks": queries.locks(session, by), "today": clock.business_day(clock.now(session)),
        }  # fmt: skip
    return page(
        request, "quality/list.html", visit.language, visit=visit, csrf=visit.csrf_token, found=found, names=names,
        contracts=contracts, **context,
    )  # fmt: skip


@router.get("/quality/{evaluation_id}")
def evaluation(request: Request, runtime: RuntimeDep, visit: VisitDep, evaluation_id: UUID) -> Response:
    """The conversation, and the form beside."""
    with runtime.database.begin(visit.scope(Permission.QUALITY_EVALUATE)) as session:
        service.read_replies(session, visit.principal, evaluation_id=evaluation_id)
        whole = queries.given(session, visit.principal, evaluation_id)
        ente = enti.badges(session, frozenset({whole.row.ente_id}))[whole.row.ente_id]
        able = access.able(session, Permission.QUALITY_EVALUATE, contract_id=whole.row.contract_id)
        forms = (FormKind.QUALITY, FormKind.QUALITY_CORRECTION)
        written = Written.of(session, visit, [Place(one, 0, evaluation_id.hex) for one in forms])
    taken = {whole.row.agent_id, whole.row.evaluator_id}
    return page(
        request, "quality/evaluate.html", visit.language, visit=visit, csrf=visit.csrf_token, whole=whole, ente=ente,
        others={one: name for one, name in able.items() if one not in taken}, sounds=f"/quality/{evaluation_id}/sound",
        written=written,
    )  # fmt: skip


@router.post("/quality/{evaluation_id}/draft")
def draft(runtime: RuntimeDep, visit: ChangeDep, evaluation_id: UUID, fields: TypedDep) -> Response:
    """What was marked so far is kept; says when."""
    answers, comment = read(fields)

    def work(session: Session) -> datetime:
        service.save_draft(session, visit.principal, evaluation_id=evaluation_id, answers=answers, comment=comment)
        return clock.now(session)

    at = runtime.database.transact(visit.scope(Permission.QUALITY_EVALUATE), work)
    return HTMLResponse(fragment("quality/_saved.html", visit.language, at=at))


@router.post("/quality/{evaluation_id}/submit")
def submit(runtime: RuntimeDep, visit: ChangeDep, evaluation_id: UUID, fields: TypedDep) -> Response:
    """The score is given."""
    answers, comment = read(fields)
    runtime.database.transact(
        visit.scope(Permission.QUALITY_EVALUATE),
        lambda session: service.submit(
            session, visit.principal, evaluation_id=evaluation_id, answers=answers, comment=comment
        ),
    )
    return shown_anew(translations(visit.language).gettext("Consegnata: l'operatore la vede nella sua pagina."))


@router.post("/quality/{evaluation_id}/correct")
def correct(runtime: RuntimeDep, visit: ChangeDep, evaluation_id: UUID, fields: TypedDep) -> Response:
    """What was given is changed, with the reason."""
    answers, comment = read(fields)

    def work(session: Session) -> None:
        service.correct(
            session, visit.principal, evaluation_id=evaluation_id, answers=answers, comment=comment,
            words=fields.get("words", ""),
        )  # fmt: skip
        visit.sent(session)

    runtime.database.transact(visit.scope(Permission.QUALITY_EVALUATE), work)
    return shown_anew(translations(visit.language).gettext("Corretta: quel che c'era prima resta accanto."))


@router.post("/quality/{evaluation_id}/answer")
def answer(
    runtime: RuntimeDep, visit: ChangeDep, evaluation_id: UUID, words: Annotated[str, Form(alias="answer")] = ""
) -> Response:
    """The evaluator answers the agent."""

    def work(session: Session) -> None:
        service.answer(session, visit.principal, evaluation_id=evaluation_id, words=words)
        visit.sent(session)

    runtime.database.transact(visit.scope(Permission.QUALITY_EVALUATE), work)
    return shown_anew(translations(visit.language).gettext("Risposta scritta."))


@router.post("/quality/{evaluation_id}/calibrate")
def calibrate(
    runtime: RuntimeDep, visit: ChangeDep, evaluation_id: UUID, evaluator: Annotated[str, Form()] = ""
) -> Response:
    """A colleague hears the same conversation."""
    runtime.database.transact(
        visit.scope(Permission.QUALITY_EVALUATE),
        lambda session: service.calibrate(
            session, visit.principal, evaluation_id=evaluation_id, evaluator_id=id_of(evaluator) or 0
        ),
    )
    return shown_anew(
        translations(visit.language).gettext("È nella sua lista. Il confronto si vede quando avete finito.")
    )


@router.get("/quality/{evaluation_id}/sound/{recording_id}")
def sound(
    runtime: RuntimeDep, visit: VisitDep, evaluation_id: UUID, recording_id: UUID,
    range_: Annotated[str, Header(alias="range")] = "",
) -> Response:  # fmt: skip
    """The sound, for its evaluator."""
    with runtime.database.begin(visit.scope(Permission.QUALITY_EVALUATE)) as session:
        found = service.sound(session, visit.principal, evaluation_id=evaluation_id, recording_id=recording_id)
    return sent(runtime, found, range_)


def read(fields: dict[str, str]) -> tuple[Answers, str]:
    """The marks and notes of a form, by criterion, and the comment."""
    keys = {name.removeprefix(start) for name in fields for start in (MARK, NOTE) if name.startswith(start)}
    answers = {
        key: {"mark": fields.get(f"{MARK}{key}", ""), "note": fields.get(f"{NOTE}{key}", "").strip()} for key in keys
    }  # fmt: skip
    return answers, fields.get("comment", "").strip()


def _scope(visit: Visit) -> Scope:
    """Evaluators and those who say what is drawn share a page."""
    for permission in (Permission.QUALITY_EVALUATE, Permission.QUALITY_MANAGE):
        if visit.principal.can(permission):
            return visit.scope(permission)
    raise ForbiddenError("Non hai il permesso di fare questa operazione.")

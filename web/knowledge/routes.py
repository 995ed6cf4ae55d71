"""Looking something up: a page of its own, and the panel beside a call, which follows its topic and ente."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse
from sqlalchemy.orm import Session

from crm.access.permissions import Permission
from crm.core import clock
from crm.drafts.places import FormKind, Place
from crm.enti import queries as enti
from crm.knowledge import queries, service
from crm.knowledge.filling import Situation
from crm.knowledge.models import PieceKind
from crm.knowledge.queries import Where
from telephony.calls import conversation
from telephony.calls.choices import Topic
from telephony.practice import queries as practice
from telephony.practice.people import ENTE
from web.drafts.written import Written
from web.edge.templating import fragment, page
from web.edge.visits import ChangeDep, RuntimeDep, Visit, VisitDep
from web.knowledge.view import excerpt_of, html_of

router = APIRouter(include_in_schema=False)
TextField = Annotated[str, Form()]
TOPICS = {one.value: one for one in Topic}


@router.get("/knowledge")
def knowledge(request: Request, runtime: RuntimeDep, visit: VisitDep) -> Response:
    """All articles, and the search."""
    with runtime.database.begin(visit.scope(Permission.CONTACT_RECORD)) as session:
        found = _found(session, visit, "", beside=False)
    return page(request, "knowledge/page.html", visit.language, visit=visit, csrf=visit.csrf_token, found=found)


@router.get("/knowledge/found")
def of_call(runtime: RuntimeDep, visit: VisitDep) -> Response:
    """The articles for the agent's call, before he looks for something."""
    with runtime.database.begin(visit.scope(Permission.CONTACT_RECORD)) as session:
        return HTMLResponse(_found(session, visit, "", beside=True))


@router.post("/knowledge/found")
def search(
    runtime: RuntimeDep, visit: ChangeDep, q: TextField = "", beside: Annotated[bool, Form()] = False
) -> Response:
    """What is looked for. Posted: somebody may type a name."""
    with runtime.database.begin(visit.scope(Permission.CONTACT_RECORD)) as session:
        return HTMLResponse(_found(session, visit, q, beside=beside))


@router.get("/knowledge/{piece_id}")
def article(request: Request, runtime: RuntimeDep, visit: VisitDep, piece_id: int) -> Response:
    """One article, at an address that one can send to a colleague."""
    with runtime.database.begin(visit.scope(Permission.CONTACT_RECORD)) as session:
        html = _article(session, visit, piece_id, beside=False)
    return page(request, "knowledge/article.html", visit.language, visit=visit, csrf=visit.csrf_token, article=html)


@router.get("/knowledge/{piece_id}/text")
def text(runtime: RuntimeDep, visit: VisitDep, piece_id: int) -> Response:
    """The same beside a call, with its ente's name where the text has a place for it."""
    with runtime.database.begin(visit.scope(Permission.CONTACT_RECORD)) as session:
        return HTMLResponse(_article(session, visit, piece_id, beside=True))


@router.post("/knowledge/{piece_id}/useful")
def useful(
    runtime: RuntimeDep, visit: ChangeDep, piece_id: int, number: Annotated[int, Form()],
    useful: Annotated[bool, Form()], why: TextField = "",
) -> Response:  # fmt: skip
    """Whether it was."""

    def work(session: Session) -> None:
        service.opine(session, visit.principal, piece_id=piece_id, number=number, useful=useful, why=why)
        visit.sent(session)

    runtime.database.transact(visit.scope(Permission.CONTACT_RECORD), work)
    return HTMLResponse(fragment("knowledge/thanks.html", visit.language, piece_id=piece_id))


def _beside(session: Session, visit: Visit) -> tuple[Where, str] | None:
    """For which call, or practice call, something is looked up, and the name of its ente; none without one."""
    if not visit.principal.can(Permission.CALLS_ANSWER):
        return None
    call = conversation.current_call(session, visit.principal.user_id)
    if call is not None:
        ente = enti.badges(session).get(call.ente_id) if call.ente_id is not None else None
        return Where(call.contract_id, call.ente_id, call.topic or ""), ente.name if ente else ""
    practises = practice.current(session, visit.principal.user_id)
    if practises is None or practises.course is None:
        return None
    return Where(min(visit.principal.contracts, default=None), None, practises.written.topic or ""), ENTE


def _found(session: Session, visit: Visit, text: str, *, beside: bool) -> str:
    where, _ = (_beside(session, visit) if beside else None) or (Where(), "")
    found = queries.articles(session, where, text=text)
    return fragment(
        "knowledge/_found.html", visit.language, found=found, beside=beside, asked=text.strip(), topics=TOPICS,
        badges=enti.badges(session), excerpt_of=excerpt_of, of_topic=TOPICS.get(where.topic),
    )  # fmt: skip


def _article(session: Session, visit: Visit, piece_id: int, *, beside: bool) -> str:
    one = queries.piece(session, piece_id)
    of_call = _beside(session, visit) if beside else None
    badges = enti.badges(session)
    situation = Situation(clock.now(session), visit.principal.name, of_call[1]) if of_call else None
    return fragment(
        "knowledge/_article.html", visit.language, one=one, html=html_of(one, situation), beside=beside,
        badge=badges.get(one.ente_id) if one.ente_id is not None else None, topic=TOPICS.get(one.topic),
        is_article=one.kind is PieceKind.ARTICLE, today=clock.business_day(clock.now(session)),
        may_write=visit.principal.can(Permission.KNOWLEDGE_WRITE),
        written=Written.of(session, visit, [Place(FormKind.OPINION, piece_id)]),
    )  # fmt: skip

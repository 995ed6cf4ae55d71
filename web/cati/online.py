"""A survey's questionnaire on the web: one question at a time, by the personal link, without JavaScript."""

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, TypeVar

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from crm.agendas import pace
from crm.agendas.pace import Ask
from crm.core.db import Scope
from crm.core.errors import ConflictError, DomainError, NotFoundError
from crm.enti import queries as enti
from outbound.cati import online
from outbound.cati.online import PATH
from outbound.cati.questionnaire.xlsform import code_of
from outbound.cati.steps import STALE
from web.booking.place import PRIVATE, TOO_OFTEN, spoken
from web.cati.questions import SaidField, buttons, reason, sent, shown
from web.edge.errors import status_of
from web.edge.i18n import said as told
from web.edge.templating import page
from web.edge.visits import RuntimeDep
from web.wiring import Runtime

T = TypeVar("T")
router = APIRouter(prefix=PATH, include_in_schema=False)
RevisionField = Annotated[int, Form()]
TOO_MANY = "Da qui arrivano troppe richieste: aspetta dieci minuti e riprova."


@router.get("/{token}")
def asked(request: Request, runtime: RuntimeDep, token: str) -> Response:
    """The question that is asked now, or thanks. Looking changes nothing."""
    return _answer(request, runtime, token, lambda session: _page(request, session, token))


@router.post("/{token}")
def answer(
    request: Request, runtime: RuntimeDep, token: str, revision: RevisionField, go: Annotated[str, Form()] = "on",
    language: Annotated[str, Form(max_length=80)] = "",
    said: SaidField = [], of: SaidField = [], rank: SaidField = [],  # noqa: B006  # FastAPI copies them
) -> Response:  # fmt: skip
    """Save an answer, go back, or go on in another language."""

    def work(session: Session) -> Response:
        if language:
            online.speak(session, token, revision=revision, language=language)
        elif go == "back":
            online.back(session, token, revision=revision)
        elif refusal := online.answer(session, token, revision=revision, said=sent(said, of, rank)):
            wrong = reason(refusal.error, spoken(request))
            return _page(request, session, token, wrong=wrong, typed=said, places=rank)
        return RedirectResponse(f"{PATH}/{token}", status_code=303, headers=PRIVATE)

    return _answer(request, runtime, token, work)


def _answer(request: Request, runtime: Runtime, token: str, work: Callable[[Session], Response]) -> Response:
    """In the scope of the ente that the link names, as often as people do. What cannot be done is told on the page."""
    ente_id, address = online.ente_of(token), request.client.host if request.client else ""
    scope = Scope.of_enti([ente_id] if ente_id is not None else [])

    def counted(session: Session) -> bool:
        if ente_id is None or ente_id not in enti.badges(session):
            raise NotFoundError(online.BROKEN)
        return pace.allowed(session, ente_id=ente_id, address=address, ask=Ask.SURVEY)

    try:
        if not runtime.database.transact(scope, counted):
            return _told(request, ConflictError(TOO_MANY), status=TOO_OFTEN)
        return runtime.database.transact(scope, work)
    except ConflictError as error:
        if str(error) == STALE:  # the page that is up to date
            return RedirectResponse(f"{PATH}/{token}", status_code=303, headers=PRIVATE)
        return _told(request, error)
    except DomainError as error:
        return _told(request, error)


def _page(
    request: Request, session: Session, token: str, *, wrong: str = "", typed: list[str] | None = None,
    places: list[str] | None = None,
) -> Response:  # fmt: skip
    sheet = online.sheet(session, token)
    screen = replace(sheet.screen, guidance="") if sheet.screen is not None else None  # for interviewers alone
    choices = tuple(replace(one, digit="") for one in buttons(screen, typed)) if screen else ()
    answer = page(
        request, "cati/online.html", spoken(request), status=422 if wrong else 200, sheet=sheet, screen=screen,
        code=code_of(sheet.language), at=f"{PATH}/{token}", ente=enti.badges(session)[sheet.ente_id], wrong=wrong,
        buttons=choices, places=places or [],
        shown=(shown(screen) if typed is None else " ".join(typed)) if screen else "",
    )  # fmt: skip
    answer.headers.update(PRIVATE)
    return answer


def _told(request: Request, error: DomainError, *, status: int = 0) -> Response:
    language = spoken(request)
    answer = page(
        request, "cati/online.html", language, status=status or status_of(error), sheet=None, screen=None,
        message=told(language, str(error)),
    )  # fmt: skip
    answer.headers.update(PRIVATE)
    return answer

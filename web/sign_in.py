"""Signing in and out, and the way from the front door to one's page."""

import hmac
import secrets
from datetime import UTC
from email.utils import format_datetime
from typing import Annotated
from urllib.parse import unquote

import structlog
from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from crm.access import service as access
from crm.access.permissions import Permission
from crm.access.service import SignInError, TooManyAttemptsError
from crm.core.clock import in_rome
from crm.core.db import Scope
from telephony.agents import service as agents
from web.demo.accounts import DEMO_USERS
from web.edge.errors import status_of
from web.edge.i18n import DEFAULT, LANGUAGES, chosen, translations
from web.edge.templating import page
from web.edge.visits import COOKIE, ChangeDep, RuntimeDep, Visit, visit_of
from web.wiring import Runtime

log = structlog.get_logger(__name__)
router = APIRouter(include_in_schema=False)
FORM_COOKIE = "filodiretto_form"  # a sign-in form is answered by the browser it was shown to
SEE_OTHER = 303
UNAUTHORIZED = 401
STALE = "La pagina è rimasta aperta troppo a lungo: riprova."


@router.get("/")
def front_door(runtime: RuntimeDep, request: Request) -> Response:
    """To one's own page."""
    visit = visit_of(runtime, request.cookies.get(COOKIE))
    return RedirectResponse(_home(visit) if visit else "/sign-in", SEE_OTHER)


@router.get("/sign-in")
def sign_in_form(request: Request, runtime: RuntimeDep, back: str = "/") -> Response:
    """The form."""
    return _form(request, runtime, back=back)


@router.post("/sign-in")
def sign_in(
    request: Request, runtime: RuntimeDep, username: Annotated[str, Form()], password: Annotated[str, Form()],
    csrf: Annotated[str, Form()] = "", back: Annotated[str, Form()] = "/",
) -> Response:  # fmt: skip
    """Check name and password."""
    expected = request.cookies.get(FORM_COOKIE, "")
    if not expected or not hmac.compare_digest(csrf.encode(), expected.encode()):
        return _form(request, runtime, back=back, status=UNAUTHORIZED, error=STALE)
    address = request.client.host if request.client else ""
    try:
        with runtime.database.begin(Scope.nothing()) as session:
            known = access.attempt(session, username=username, address=address)
        user_id = access.check(known, password)
        with runtime.database.begin(Scope.nothing()) as session:
            token = access.open_session(session, user_id)
    except SignInError as error:
        return _form(request, runtime, back=back, username=username, status=status_of(error), error=str(error))
    except TooManyAttemptsError as error:
        log.warning("sign_in_paused")
        response = _form(
            request, runtime, back=back, username=username, status=status_of(error), error=str(error),
            at=f"{in_rome(error.until):%H:%M:%S}",
        )  # fmt: skip
        response.headers["retry-after"] = format_datetime(error.until.astimezone(UTC), usegmt=True)
        return response
    response = RedirectResponse(_safe(back), SEE_OTHER)
    response.set_cookie(
        COOKIE, token, max_age=int(access.LIFE.total_seconds()), httponly=True, samesite="lax",
        secure=runtime.settings.secure_cookies,
    )  # fmt: skip
    response.delete_cookie(FORM_COOKIE)
    return response


@router.post("/sign-out")
def sign_out(request: Request, runtime: RuntimeDep, visit: ChangeDep) -> Response:
    """End the session, and an agent's shift with it."""
    with runtime.database.begin(Scope.nothing()) as session:
        agents.leave(session, visit.principal)
        access.sign_out(session, request.cookies.get(COOKIE, ""))
    response = RedirectResponse("/sign-in", SEE_OTHER)
    response.delete_cookie(COOKIE)
    return response


@router.post("/language")
def language(
    runtime: RuntimeDep, visit: ChangeDep, language: Annotated[str, Form()], back: Annotated[str, Form()] = "/"
) -> Response:
    """Speak another language to this user from now on."""
    if language in LANGUAGES:
        with runtime.database.begin(Scope.nothing()) as session:
            access.choose_language(session, visit.principal, language=language)
    return RedirectResponse(_safe(back), SEE_OTHER)


def _form(
    request: Request, runtime: Runtime, *, back: str, username: str = "", status: int = 200, error: str = "",
    **said: str,
) -> Response:  # fmt: skip
    """The form; `error` says what went wrong, and `said` what belongs into that sentence."""
    spoken = chosen((request.headers.get("accept-language") or DEFAULT)[:2])
    form_token = secrets.token_urlsafe(16)
    response = page(
        request, "sign_in.html", spoken, status=status, back=_safe(back), username=username,
        error=translations(spoken).gettext(error) % said if error else "", form_token=form_token,
        demo_users=[user for user in DEMO_USERS if not user.robot] if runtime.settings.demo else [],
    )  # fmt: skip
    response.set_cookie(
        FORM_COOKIE, form_token, max_age=3600, httponly=True, samesite="lax", secure=runtime.settings.secure_cookies
    )
    return response


def _safe(back: str) -> str:
    """A path of ours, never another site's address."""
    back = unquote(back)
    return back if back.startswith("/") and not back.startswith(("//", "/\\")) else "/"


def _home(visit: Visit) -> str:
    """Whoever runs the centre looks at the board, though he may answer calls too; an ente at its own window."""
    for permission, path in (
        (Permission.CENTRE_CLOSE, "/wallboard"),
        (Permission.CALLS_ANSWER, "/console"),
        (Permission.ENTE_WATCH, "/ente"),
        (Permission.BOARD_WATCH, "/wallboard"),
        (Permission.COLLECTION_IMPORT, "/imports"),
    ):
        if visit.principal.can(permission):
            return path
    return "/wallboard"

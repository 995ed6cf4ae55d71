"""Signing in with a password and out again, and the way from the front door to one's page."""

import hmac
import secrets
from datetime import UTC
from email.utils import format_datetime
from typing import Annotated

import structlog
from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from crm.access import second_factor
from crm.access import service as access
from crm.access.permissions import Permission
from crm.access.service import Browser, SignInError, TooManyAttemptsError
from crm.agendas import sites
from crm.core.clock import in_rome
from crm.core.db import Scope
from crm.core.errors import DomainError
from telephony.agents import service as agents
from web.demo.accounts import DEMO_USERS
from web.edge.errors import status_of
from web.edge.i18n import LANGUAGES, translations
from web.edge.templating import page
from web.edge.visits import COOKIE, ChangeDep, RuntimeDep, Visit, VisitDep, visit_of
from web.sign_in.parts import SEE_OTHER, UNAUTHORIZED, browser_of, go_on, remember, safe, set_cookie, spoken
from web.wiring import Runtime

log = structlog.get_logger(__name__)
router = APIRouter(include_in_schema=False)
FORM_COOKIE = "filodiretto_form"  # a sign-in form is answered by the browser it was shown to
STALE = "La pagina è rimasta aperta troppo a lungo: riprova."


@router.get("/")
def front_door(runtime: RuntimeDep, request: Request) -> Response:
    """To one's own page; on an ente's own host name, to where its citizens book."""
    visit = visit_of(runtime, request.cookies.get(COOKIE))
    with runtime.database.begin(Scope.nothing()) as session:
        site = None if visit else sites.by_host(session, request.url.hostname or "")
    if site is not None:
        return RedirectResponse(f"{sites.PATH}/{site.slug}", SEE_OTHER)
    return RedirectResponse(_home(visit) if visit else "/sign-in", SEE_OTHER)


@router.get("/sign-in")
def sign_in_form(request: Request, runtime: RuntimeDep, back: str = "/", left: str = "") -> Response:
    """The form. `left` is the provider of a session that has just ended.

    Whoever was sent here from a page and is signed in all the same (his roles changed, and the page closed) goes back.
    """
    if safe(back) != "/" and visit_of(runtime, request.cookies.get(COOKIE)):
        return RedirectResponse(safe(back), SEE_OTHER)
    return form(request, runtime, back=back, left=left)


@router.post("/sign-in")
def sign_in(
    request: Request, runtime: RuntimeDep, username: Annotated[str, Form()], password: Annotated[str, Form()],
    csrf: Annotated[str, Form()] = "", back: Annotated[str, Form()] = "/",
) -> Response:  # fmt: skip
    """Check name and password."""
    expected = request.cookies.get(FORM_COOKIE, "")
    if not expected or not hmac.compare_digest(csrf.encode(), expected.encode()):
        return form(request, runtime, back=back, status=UNAUTHORIZED, error=STALE)
    browser = browser_of(request)
    try:
        with runtime.database.begin(Scope.nothing()) as session:
            known = access.attempt(session, username=username, address=browser.address, device=browser.device)
        user_id = _checked(runtime, browser, known, password)
        with runtime.database.begin(Scope.nothing()) as session:
            access.still_holds(session, known)
            access.forgive(session, username=username, device=browser.device)
            awaits = second_factor.step_after_password(session, user_id, runtime.second_factor)
            token = access.open_session(session, user_id, browser=browser, awaits=awaits)
    except (SignInError, TooManyAttemptsError) as error:
        return refused(request, runtime, error, back=back, username=username)
    response = go_on(runtime, token=token, awaits=awaits, back=back)
    if awaits is None:
        remember(runtime, request, response, username.strip().lower())
    response.delete_cookie(FORM_COOKIE)
    return response


@router.post("/sign-out")
def sign_out(request: Request, runtime: RuntimeDep, visit: ChangeDep) -> Response:
    """End the session, and an agent's shift with it."""
    with runtime.database.begin(Scope.nothing()) as session:
        agents.leave(session, visit.principal)
        provider = access.sign_out(session, request.cookies.get(COOKIE, ""))
    response = RedirectResponse(f"/sign-in?left={provider}" if provider else "/sign-in", SEE_OTHER)
    response.delete_cookie(COOKIE)
    return response


@router.get("/session")
def session_now(response: Response, visit: VisitDep) -> dict[str, str | int]:
    """For a page whose session ended while something was typed in it: whose the new one is, and its forms' token."""
    response.headers["cache-control"] = "no-store"
    return {"user": visit.principal.user_id, "csrf": visit.csrf_token}


@router.get("/session/begun")
def session_begun(request: Request, visit: VisitDep) -> Response:
    """Signed in again beside a page that waits for it."""
    return page(request, "sign_in/begun.html", visit.language)


@router.post("/language")
def language(
    runtime: RuntimeDep, visit: ChangeDep, language: Annotated[str, Form()], back: Annotated[str, Form()] = "/"
) -> Response:
    """Speak another language to this user from now on."""
    if language in LANGUAGES:
        with runtime.database.begin(Scope.nothing()) as session:
            access.choose_language(session, visit.principal, language=language)
    return RedirectResponse(safe(back), SEE_OTHER)


def refused(
    request: Request, runtime: Runtime, error: DomainError, *, back: str, username: str = "", **said: str
) -> Response:
    """The form again, with what went wrong."""
    if isinstance(error, TooManyAttemptsError):
        log.warning("sign_in_paused")
        said["at"] = f"{in_rome(error.until):%H:%M:%S}"
    response = form(request, runtime, back=back, username=username, status=status_of(error), error=str(error), **said)
    if isinstance(error, TooManyAttemptsError):
        response.headers["retry-after"] = format_datetime(error.until.astimezone(UTC), usegmt=True)
    return response


def form(
    request: Request, runtime: Runtime, *, back: str, username: str = "", status: int = 200, error: str = "",
    left: str = "", **said: str,
) -> Response:  # fmt: skip
    """The form; `error` says what went wrong, and `said` what belongs into that sentence."""
    language, form_token = spoken(request), secrets.token_urlsafe(16)
    providers = runtime.settings.oidc_providers
    response = page(
        request, "sign_in/form.html", language, status=status, back=safe(back), username=username,
        error=translations(language).gettext(error) % said if error else "", form_token=form_token,
        providers=providers, left=next((one for one in providers if one.key == left), None),
        demo_users=[user for user in DEMO_USERS if not user.robot] if runtime.settings.demo else [],
    )  # fmt: skip
    set_cookie(runtime, response, FORM_COOKIE, form_token, 3600)
    return response


def _checked(runtime: Runtime, browser: Browser, known: tuple[int, str | None] | None, password: str) -> int:
    """The user whose password this is. A wrong one for a name that somebody has is in the access log."""
    try:
        return access.check(known, password)
    except SignInError:
        if known is not None:
            with runtime.database.begin(Scope.nothing()) as session:
                access.failed(session, user_id=known[0], browser=browser)
        raise


def _home(visit: Visit) -> str:
    """Whoever runs the centre looks at the board, though he may answer calls too; an ente at its own window.

    Who works on files without answering calls, at a desk or on a campaign, begins with their search; in the field, with
    the page of the doors.
    """
    for permission, path in (
        (Permission.CENTRE_CLOSE, "/wallboard"),
        (Permission.CALLS_ANSWER, "/console"),
        (Permission.ENTE_WATCH, "/ente"),
        (Permission.FIELD_VISIT, "/door"),
        (Permission.FILE_READ, "/files"),
        (Permission.BOARD_WATCH, "/wallboard"),
        (Permission.COLLECTION_IMPORT, "/imports"),
    ):
        if visit.principal.can(permission):
            return path
    return "/me"

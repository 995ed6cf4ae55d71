"""The steps between a right password and a session: a code, setting one up, another password; and one-time links.

Each works without JavaScript: a form, and the same page again with what is wrong at its field.
"""

import hmac
from typing import Annotated, Any, TypeVar

import segno
from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from crm.access import second_factor, users
from crm.access import service as access
from crm.access.errors import SignInError, TooManyAttemptsError
from crm.access.models import Method, Step, User
from crm.access.service import Underway
from crm.core.clock import in_rome
from crm.core.db import Scope
from crm.core.errors import DomainError, FieldError, InvalidError, NotFoundError
from web.edge.errors import status_of
from web.edge.i18n import chosen, said, translations
from web.edge.templating import page
from web.edge.visits import COOKIE, CsrfError, RuntimeDep
from web.sign_in.parts import SEE_OTHER, browser_of, go_on, keep, onward, remember, safe, spoken
from web.wiring import Runtime

router = APIRouter(include_in_schema=False)
T = TypeVar("T")
TextField = Annotated[str, Form()]


@router.get("/sign-in/code")
def code_form(request: Request, runtime: RuntimeDep, back: str = "/") -> Response:
    """Asks for a code of the authenticator, or a recovery code."""
    now = _underway(runtime, request, Step.CODE)
    return _show(request, now, "code", back=back) if now else _again(back)


@router.post("/sign-in/code")
def send_code(
    request: Request, runtime: RuntimeDep, code: TextField = "", csrf: TextField = "", back: TextField = "/"
) -> Response:
    """Check the code. It is counted before that, as a password is."""
    now = _underway(runtime, request, Step.CODE, csrf)
    if now is None:
        return _again(back)
    database, browser = runtime.database, browser_of(request)
    try:
        with database.begin(Scope.nothing()) as session:
            access.attempt_code(session, user_id=now.user_id, address=browser.address)

        def work(session: Session) -> tuple[Method, access.Opened] | None:
            method = second_factor.passes(session, user_id=now.user_id, code=code)
            if method is None:
                access.failed(session, user_id=now.user_id, browser=browser)
                return None
            access.forgive_codes(session, user_id=now.user_id)
            return method, access.advance(session, now, method=method)

        done = database.transact(Scope.nothing(), work)
        if done is None:
            raise FieldError(second_factor.WRONG, "code")
    except SignInError:
        return _again(back)
    except (InvalidError, TooManyAttemptsError) as error:
        return _show(request, now, "code", back=back, error=error)
    response = go_on(runtime, token=done[1].token, awaits=done[1].awaits, back=back)
    remember(runtime, request, response, now.username)
    return response


@router.get("/sign-in/enrol")
def enrol_form(request: Request, runtime: RuntimeDep, back: str = "/") -> Response:
    """Shows the secret, as a QR code and in letters."""
    now = _underway(runtime, request, Step.ENROLMENT)
    return _show_enrolment(runtime, request, now, back=back) if now else _again(back)


@router.post("/sign-in/enrol")
def send_enrolment(
    request: Request, runtime: RuntimeDep, code: TextField = "", csrf: TextField = "", back: TextField = "/"
) -> Response:
    """The first code proves that the authenticator has the secret. Shows the recovery codes, once."""
    now = _underway(runtime, request, Step.ENROLMENT, csrf)
    if now is None:
        return _again(back)

    def work(session: Session) -> tuple[list[str], access.Opened]:
        codes = second_factor.confirm(session, user_id=now.user_id, session_id=now.id, code=code)
        method = Method.CODE if now.method is Method.PASSWORD else now.method
        return codes, access.advance(session, now, method=method)

    try:
        codes, opened = runtime.database.transact(Scope.nothing(), work)
    except SignInError:
        return _again(back)
    except InvalidError as error:
        return _show_enrolment(runtime, request, now, back=back, error=error)
    response = page(
        request, "sign_in/recovery_codes.html", chosen(now.language), codes=codes, onward=onward(opened.awaits, back)
    )
    keep(runtime, response, opened.token)
    remember(runtime, request, response, now.username)
    return response


@router.get("/sign-in/password")
def password_form(request: Request, runtime: RuntimeDep, back: str = "/") -> Response:
    """Asks for another password."""
    now = _underway(runtime, request, Step.PASSWORD)
    return _show(request, now, "password", back=back, name=now.name) if now else _again(back)


@router.post("/sign-in/password")
def send_password(
    request: Request, runtime: RuntimeDep, password: TextField = "", repeated: TextField = "", csrf: TextField = "",
    back: TextField = "/",
) -> Response:  # fmt: skip
    """Another password, from now on."""
    now = _underway(runtime, request, Step.PASSWORD, csrf)
    if now is None:
        return _again(back)
    try:
        with runtime.database.begin(Scope.nothing()) as session:
            user = session.get_one(User, now.user_id)
        hashed = users.checked_hash(user, password, repeated)

        def work(session: Session) -> access.Opened:
            users.set_password(session, user_id=now.user_id, password_hash=hashed, keep_session=now.id)
            return access.advance(session, now)

        opened = runtime.database.transact(Scope.nothing(), work)
    except SignInError:
        return _again(back)
    except InvalidError as error:
        return _show(request, now, "password", back=back, name=now.name, error=error)
    response = go_on(runtime, token=opened.token, awaits=opened.awaits, back=back)
    remember(runtime, request, response, now.username)
    return response


@router.get("/welcome/{token}")
def link_form(request: Request, runtime: RuntimeDep, token: str) -> Response:
    """Whoever has a one-time link chooses his password here. Looking at it does not use it up."""
    with runtime.database.begin(Scope.nothing()) as session:
        user = users.whose_link(session, token)
    if user is None:
        return _link_over(request)
    return _show_link(request, user, token)


@router.post("/welcome/{token}")
def use_link(
    request: Request, runtime: RuntimeDep, token: str, password: TextField = "", repeated: TextField = ""
) -> Response:
    """The password is chosen; one signs in with it as always. The link itself proves that the form is ours."""
    with runtime.database.begin(Scope.nothing()) as session:
        user = users.whose_link(session, token)
    if user is None:
        return _link_over(request)
    try:
        hashed = users.checked_hash(user, password, repeated)
        runtime.database.transact(
            Scope.nothing(), lambda session: users.use_link(session, token=token, password_hash=hashed)
        )
    except NotFoundError:
        return _link_over(request)
    except InvalidError as error:
        return _show_link(request, user, token, error)
    return page(request, "sign_in/welcome_done.html", chosen(user.language), username=user.username)


def _underway(runtime: Runtime, request: Request, step: Step, csrf: str | None = None) -> Underway | None:
    """The session that awaits this step. With `csrf`, raises `CsrfError` unless the form is its own."""
    token = request.cookies.get(COOKIE, "")
    with runtime.database.begin(Scope.nothing()) as session:
        now = access.underway(session, token)
    if now is None or now.awaits is not step:
        return None
    if csrf is not None and not hmac.compare_digest(csrf.encode(), now.csrf_token.encode()):
        raise CsrfError
    return now


def _again(back: str) -> Response:
    return RedirectResponse(f"/sign-in?back={safe(back)}", SEE_OTHER)


def _show_enrolment(
    runtime: Runtime, request: Request, now: Underway, *, back: str, error: DomainError | None = None
) -> Response:
    def work(session: Session) -> second_factor.Enrolment:
        return second_factor.enrol(session, user_id=now.user_id, session_id=now.id)

    told = runtime.database.transact(Scope.nothing(), work)
    return _show(request, now, "enrol", back=back, error=error, secret=told.secret, qr=qr_code(told.uri))


def qr_code(text: str) -> str:
    """A QR code as the address of an image, within the page."""
    return segno.make(text, error="m", micro=False).svg_data_uri(scale=5, border=3, light="#fff")


def _show(
    request: Request, now: Underway, step: str, *, back: str, error: DomainError | None = None, **context: Any
) -> Response:
    return page(
        request, f"sign_in/{step}.html", chosen(now.language), status=status_of(error) if error else 200,
        back=safe(back), csrf_token=now.csrf_token, errors=_said(error, chosen(now.language)), **context,
    )  # fmt: skip


def _show_link(request: Request, user: User, token: str, error: DomainError | None = None) -> Response:
    language = chosen(user.language)
    return page(
        request, "sign_in/welcome.html", language, status=status_of(error) if error else 200, token=token,
        name=user.name, username=user.username, errors=_said(error, language),
    )  # fmt: skip


def _link_over(request: Request) -> Response:
    language = spoken(request)
    message = translations(language).gettext("Questo link non è più valido: chiedine un altro a un amministratore.")
    return page(request, "error.html", language, status=404, code=404, message=message)


def _said(error: DomainError | None, language: str) -> dict[str, str]:
    """What is wrong, by field; under no name what is wrong with no field in particular."""
    if error is None:
        return {}
    if isinstance(error, TooManyAttemptsError):
        return {"": translations(language).gettext(str(error)) % {"at": f"{in_rome(error.until):%H:%M:%S}"}}
    parts = error.parts if isinstance(error, InvalidError) else ()
    return {part.field: said(language, str(part)) for part in parts} or {"": said(language, str(error))}

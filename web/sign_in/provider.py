"""Signing in through an organisation's identity provider: there, back, and out again."""

import json
import time
from dataclasses import asdict, dataclass
from urllib.parse import urlsplit

import structlog
from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from crm.access import identities, second_factor
from crm.access import service as access
from crm.access.errors import SignInError
from crm.access.identities import UnknownIdentityError
from crm.access.models import Method, Step
from crm.core import secrecy
from crm.core.db import Scope
from crm.core.errors import NotFoundError
from crm.core.secrecy import SecrecyError
from web.edge.visits import RuntimeDep
from web.sign_in import oidc
from web.sign_in.oidc import Answer
from web.sign_in.parts import SEE_OTHER, browser_of, go_on, safe, set_cookie
from web.sign_in.routes import refused
from web.wiring import Runtime

log = structlog.get_logger(__name__)
router = APIRouter(include_in_schema=False)
COOKIE = "filodiretto_oidc"
PURPOSE = "oidc request"
BACK_WITHIN_S = 600
EXPIRED = "L'accesso è durato troppo, o era cominciato in un altro browser: ricomincia da qui."


@dataclass(frozen=True, slots=True)
class Kept:
    """What the browser keeps for us while it is away; `until` in seconds since 1970."""

    request: oidc.Request
    back: str
    until: float


@router.get("/sign-in/with/{key}")
def go(request: Request, runtime: RuntimeDep, key: str, back: str = "/") -> Response:
    """To the provider, with what must be the same on the way back sealed in a cookie."""
    client = _client(runtime, key)
    asked = oidc.Request.new(key)
    try:
        address = client.address(asked)
    except SignInError as error:
        return _refused(request, runtime, error, key, back)
    sealed = _seal(runtime, Kept(asked, safe(back), time.time() + BACK_WITHIN_S))
    response = RedirectResponse(address, SEE_OTHER)
    set_cookie(runtime, response, COOKIE, sealed, BACK_WITHIN_S, path="/sign-in")
    return response


@router.get("/sign-in/from/{key}")
def come_back(request: Request, runtime: RuntimeDep, key: str) -> Response:
    """From the provider, with a code that is exchanged for who somebody is."""
    client, kept = _client(runtime, key), _opened(runtime, request.cookies.get(COOKIE, ""))
    if kept is None or kept.until < time.time() or kept.request.provider != key:
        return _refused(request, runtime, SignInError(EXPIRED), key, kept.back if kept else "/")
    back = kept.back
    try:
        answer = client.answer(kept.request, dict(request.query_params))
        token, awaits = _let_in(runtime, request, client.provider.key, answer)
    except SignInError as error:
        return _refused(request, runtime, error, key, back)
    response = go_on(runtime, token=token, awaits=awaits, back=back)
    response.delete_cookie(COOKIE, path="/sign-in")
    return response


@router.get("/sign-out/at/{key}")
def farewell(runtime: RuntimeDep, key: str) -> Response:
    """Sign out at the provider, too."""
    there = _client(runtime, key).farewell(f"{runtime.settings.public_url}/sign-in")
    return RedirectResponse(there or "/sign-in", SEE_OTHER)


def _let_in(runtime: Runtime, request: Request, key: str, answer: Answer) -> tuple[str, Step | None]:
    provider, browser = runtime.oidc[key].provider, browser_of(request)

    def work(session: Session) -> tuple[str, Step | None]:
        user_id = identities.user_for(
            session, answer.claims, links_by_email=provider.links_by_email, creates=provider.creates_users
        )
        awaits = None
        if not (provider.trusts_second_factor or answer.strongly):
            awaits = second_factor.step_after_password(session, user_id, runtime.second_factor)
        if awaits is Step.PASSWORD:  # of which whoever comes this way has no need
            awaits = None
        token = access.open_session(
            session, user_id, browser=browser, method=Method.PROVIDER, provider=key, awaits=awaits
        )
        return token, awaits

    return runtime.database.transact(Scope.nothing(), work)


def _client(runtime: Runtime, key: str) -> oidc.Client:
    if key not in runtime.oidc:
        raise NotFoundError("Questo servizio di accesso non esiste.")
    return runtime.oidc[key]


def _refused(request: Request, runtime: Runtime, error: SignInError, key: str, back: str) -> Response:
    log.warning("oidc_refused", provider=key, host=urlsplit(runtime.oidc[key].provider.issuer).hostname)
    said = {"subject": error.subject} if isinstance(error, UnknownIdentityError) else {}
    response = refused(request, runtime, error, back=back, **said)
    response.delete_cookie(COOKIE, path="/sign-in")
    return response


def _seal(runtime: Runtime, kept: Kept) -> str:
    with runtime.database.begin(Scope.nothing()) as session:
        return secrecy.of(session).seal(PURPOSE, json.dumps(asdict(kept)).encode(), about=b"").hex()


def _opened(runtime: Runtime, cookie: str) -> Kept | None:
    try:
        with runtime.database.begin(Scope.nothing()) as session:
            found = json.loads(secrecy.of(session).open(PURPOSE, bytes.fromhex(cookie), about=b""))
    except (SecrecyError, ValueError):
        return None
    return Kept(oidc.Request(**found["request"]), found["back"], found["until"])

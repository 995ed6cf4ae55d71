"""What the pages of signing in share: cookies, the browser that asks, where to go afterwards."""

from typing import Any
from urllib.parse import quote, unquote

from fastapi import Request, Response
from fastapi.responses import RedirectResponse

from crm.access import devices
from crm.access import service as access
from crm.access.browsers import described
from crm.access.models import Step
from crm.access.service import Browser
from crm.core import secrecy
from crm.core.db import Scope
from web.edge.i18n import DEFAULT, chosen
from web.edge.visits import COOKIE
from web.wiring import Runtime

DEVICE_COOKIE = "filodiretto_device"
SEE_OTHER = 303
UNAUTHORIZED = 401
PAGES = {Step.CODE: "/sign-in/code", Step.ENROLMENT: "/sign-in/enrol", Step.PASSWORD: "/sign-in/password"}


def browser_of(request: Request) -> Browser:
    """From where a request comes."""
    address = request.client.host if request.client else ""
    device = request.cookies.get(DEVICE_COOKIE, "")[:1000]
    return Browser(address, described(request.headers.get("user-agent", "")[:400]), device)


def spoken(request: Request) -> str:
    """The language of somebody whose own is not known yet."""
    return chosen((request.headers.get("accept-language") or DEFAULT)[:2])


def safe(back: str) -> str:
    """A path of ours, never another site's address."""
    back = unquote(back)
    return back if back.startswith("/") and not back.startswith(("//", "/\\")) else "/"


def onward(awaits: Step | None, back: str) -> str:
    """The page of the next step, or where the visitor wanted to go."""
    return safe(back) if awaits is None else f"{PAGES[awaits]}?back={quote(safe(back))}"


def go_on(runtime: Runtime, *, token: str, awaits: Step | None, back: str) -> Response:
    """To the next step, with the session's cookie."""
    response = RedirectResponse(onward(awaits, back), SEE_OTHER)
    keep(runtime, response, token)
    return response


def keep(runtime: Runtime, response: Response, token: str) -> None:
    """Give the browser a session's token."""
    set_cookie(runtime, response, COOKIE, token, int(access.LIFE.total_seconds()))


def remember(runtime: Runtime, request: Request, response: Response, username: str) -> None:
    """This browser has signed in by this name: see `crm.access.devices`."""
    cookie = request.cookies.get(DEVICE_COOKIE, "")[:1000]
    with runtime.database.begin(Scope.nothing()) as session:
        cookie = devices.with_name(secrecy.of(session), cookie, username)
    set_cookie(runtime, response, DEVICE_COOKIE, cookie, devices.LIFE_DAYS * 86_400)


def set_cookie(runtime: Runtime, response: Response, name: str, value: str, max_age: int, **more: Any) -> None:
    """A cookie that no script reads."""
    response.set_cookie(
        name, value, max_age=max_age, httponly=True, samesite="lax", secure=runtime.settings.secure_cookies, **more
    )

"""Who may use the REST API, and how its requests are read and its replies leave."""

import asyncio
import base64
import binascii
import hmac
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.responses import JSONResponse, Response
from starlette.datastructures import FormData
from starlette.types import Receive, Scope, Send

from telephony.carriers.simulator.callbacks import Target
from telephony.carriers.simulator.errors import RestError
from telephony.carriers.simulator.exchange import Exchange
from telephony.carriers.simulator.faults import About, Fault, Kind

EVENTS = frozenset({"initiated", "ringing", "answered", "completed"})


def exchange_of(request: Request) -> Exchange:
    exchange: Exchange = request.app.state.exchange
    return exchange


ExchangeDep = Annotated[Exchange, Depends(exchange_of)]


async def authorised(account_sid: str, request: Request, exchange: ExchangeDep) -> None:
    """HTTP basic: account and token, or API key and secret. Then whatever goes wrong before anything is done."""
    config = exchange.config
    user, password = _credentials(request.headers.get("authorization", ""))
    secrets = {config.account_sid: config.auth_token, config.api_key: config.api_secret}
    expected = secrets.get(user)
    known = expected is not None and hmac.compare_digest(expected.encode(), password.encode())
    if not known or account_sid != config.account_sid:
        raise RestError(401, 20003, "Authenticate")
    await _go_wrong(exchange, about_request(request))


def about_request(request: Request) -> About:
    """What a REST request does, and to which call."""
    params = request.path_params
    call = params.get("call_sid") or (params.get("sid") if "/Calls/" in request.url.path else None)
    if request.method == "GET":
        return About(Kind.READ, "read", call)
    changes_one = call is not None or "sid" in params
    return About(Kind.UPDATE, "update", call) if changes_one else About(Kind.CREATE, "create")


async def _go_wrong(exchange: Exchange, about: About) -> None:
    strikes, faults = exchange.misfortune.strikes, exchange.misfortune.faults
    if strikes(Fault.DOWN, about):
        raise RestError(503, 20503, "Service unavailable")
    if strikes(Fault.HANG, about):
        await asyncio.sleep(faults.hang_s)
        raise RestError(503, 20503, "Service unavailable")
    if strikes(Fault.SERVER_ERROR, about):
        raise RestError(500, 20500, "An internal server error has occurred")
    if strikes(Fault.RATE_LIMIT, about):
        raise RestError(429, 20429, "Too Many Requests", retry_after_s=faults.retry_after_s)
    if strikes(Fault.GONE, about):
        raise RestError(400, 21220, "Call is not in-progress. Cannot redirect.")


def _credentials(header: str) -> tuple[str, str]:
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return user, password


class Form:
    """The fields of a request, read as Twilio reads them."""

    def __init__(self, data: FormData) -> None:
        self._data = data

    def __contains__(self, name: str) -> bool:
        return name in self._data

    def text(self, name: str, default: str = "") -> str:
        value = self._data.get(name, default)
        return value if isinstance(value, str) else default

    def optional(self, name: str) -> str | None:
        return self.text(name) or None

    def flag(self, name: str, *, default: bool = False) -> bool:
        return self.text(name, str(default)).lower() == "true"

    def seconds(self, name: str, default: float) -> float:
        raw = self.text(name)
        if not raw:
            return default
        if not raw.isdigit():
            raise RestError(400, 20001, f"Parameter '{name}' is not valid")
        return float(raw)

    def words(self, name: str) -> frozenset[str]:
        return frozenset(value for value in self._data.getlist(name) if isinstance(value, str) and value)

    def call_callback(self) -> Target | None:
        """StatusCallback with its events; these must be repeated, not joined by spaces."""
        events = self.words("StatusCallbackEvent")
        if any(event not in EVENTS for event in events):
            raise RestError(400, 21626, "Invalid StatusCallbackEvent")
        url = self.text("StatusCallback")
        return Target(url, self.text("StatusCallbackMethod", "POST"), events) if url else None

    def conference_callback(self) -> Target | None:
        url = self.text("ConferenceStatusCallback")
        method = self.text("ConferenceStatusCallbackMethod", "POST")
        return Target(url, method, self.words("ConferenceStatusCallbackEvent")) if url else None


async def read_form(request: Request) -> Form:
    return Form(await request.form(max_files=0, max_fields=200))


FormDep = Annotated[Form, Depends(read_form)]


class LostReply(Response):
    """A reply that never arrives: the connection breaks before its body."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI
        headers = [(b"content-length", b"1000"), (b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 201, "headers": headers})


async def created(exchange: Exchange, subject: str, body: Mapping[str, Any]) -> Response:
    """201, unless a fault delays it behind the first callbacks or loses it."""
    about = About(Kind.CREATE, "created")
    if exchange.misfortune.strikes(Fault.CALLBACK_FIRST, about):
        await exchange.callbacks.first(subject)
    if exchange.misfortune.strikes(Fault.LOSE_REPLY, about):
        return LostReply()
    return JSONResponse(dict(body), status_code=201)

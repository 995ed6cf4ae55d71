"""The Calls resource."""

import asyncio
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Depends, Request, Response

from telephony.carriers.simulator.callbacks import Target
from telephony.carriers.simulator.calls import Call, HungUp, Redirected, Source, Status
from telephony.carriers.simulator.errors import RestError, missing, not_found
from telephony.carriers.simulator.exchange import CLIENT, Exchange
from telephony.carriers.simulator.execution import execute
from telephony.carriers.simulator.rest.access import ExchangeDep, Form, FormDep, authorised, created
from telephony.carriers.simulator.rest.shapes import call_shape, page_shape

router = APIRouter(prefix="/2010-04-01/Accounts/{account_sid}/Calls", dependencies=[Depends(authorised)])
E164 = re.compile(r"^\+[1-9]\d{5,14}$")
MAX_TWIML = 4000
ENDED = "Call is not in-progress. Cannot redirect."


@router.post(".json")
async def create(exchange: ExchangeDep, form: FormDep) -> Response:
    from_, to = parties(exchange, form)
    source = _source(form)
    if source is None:
        raise RestError(400, 21205, "Url parameter is required")
    call = exchange.dial_out(
        from_, to, callback=form.call_callback(), timeout_s=form.seconds("Timeout", 60),
        fallback_url=form.optional("FallbackUrl"), then=lambda placed: execute(exchange, placed, source),
        machine=_detection(form),
    )  # fmt: skip
    return await created(exchange, call.subject, call_shape(call))


@router.get(".json")
async def list_calls(request: Request, exchange: ExchangeDep) -> dict[str, Any]:
    wanted = _filter(request)
    found = [call for call in reversed(exchange.calls.values()) if wanted(call)]
    return page_shape(request, "calls", [call_shape(call) for call in found])


@router.get("/{sid}.json")
async def fetch(sid: str, request: Request, exchange: ExchangeDep) -> dict[str, Any]:
    return call_shape(_find(exchange, sid, request))


@router.post("/{sid}.json")
async def update(sid: str, request: Request, exchange: ExchangeDep, form: FormDep) -> dict[str, Any]:
    """Redirect to a new document, or end. A call that is over refuses both."""
    call = _find(exchange, sid, request)
    status, source = form.optional("Status"), _source(form)
    if status is not None and status not in {"completed", "canceled"}:
        raise RestError(400, 20001, "Parameter 'Status' is not valid")
    if not call.live:
        raise RestError(400, 21220, ENDED)
    if status is not None:
        await _end(call, status)
    elif source is not None:
        if call.status is not Status.IN_PROGRESS:
            raise RestError(400, 21220, ENDED)
        call.fallback_url = form.optional("FallbackUrl") or call.fallback_url
        call.interrupt(Redirected(source))
    return call_shape(call)


@router.delete("/{sid}.json", status_code=204)
async def delete(sid: str, request: Request, exchange: ExchangeDep) -> None:
    call = _find(exchange, sid, request)
    if call.live:
        raise RestError(409, 20409, "Call is in progress and cannot be deleted")
    del exchange.calls[sid]


def parties(exchange: Exchange, form: Form) -> tuple[str, str]:
    """From and To, refused as Twilio refuses them."""
    from_, to = form.text("From"), form.text("To")
    if not to:
        raise missing("To", 21201)
    if not from_:
        raise missing("From", 21213)
    if to.startswith(CLIENT):
        return from_, to
    if not E164.match(to) and not to.startswith("sip:"):
        raise RestError(400, 21211, f"The 'To' number {to} is not a valid phone number.")
    if exchange.numbers.find(from_) is None:
        raise RestError(400, 21210, f"The source phone number provided, {from_}, is not yet verified.")
    return from_, to


def _detection(form: Form) -> Target | None:
    """Where it is told who answered; only what is found out beside the call is known here."""
    wanted = form.text("MachineDetection")
    if not wanted:
        return None
    if wanted not in {"Enable", "DetectMessageEnd"} or not form.flag("AsyncAmd"):
        raise RestError(400, 21247, "Only asynchronous machine detection is simulated")
    url = form.text("AsyncAmdStatusCallback")
    return Target(url, form.text("AsyncAmdStatusCallbackMethod", "POST")) if url else None


def _source(form: Form) -> Source | None:
    if url := form.text("Url"):
        return Source(url=url, method=form.text("Method", "POST"))
    if twiml := form.text("Twiml"):
        if len(twiml) > MAX_TWIML:
            raise RestError(400, 20001, "Parameter 'Twiml' is longer than 4000 characters")
        return Source(twiml=twiml)
    return None


async def _end(call: Call, status: str) -> None:
    """`canceled` leaves a call in progress alone; `completed` ends any."""
    if call.answered is not None and status == "canceled":
        return
    call.interrupt(HungUp("api", Status.CANCELED if call.answered is None else None))
    try:
        async with asyncio.timeout(0.5):
            await call.changes.until(lambda: not call.live)
    except TimeoutError:
        return


def _find(exchange: Exchange, sid: str, request: Request) -> Call:
    call = exchange.calls.get(sid)
    if call is None:
        raise not_found(request.url.path)
    return call


def _filter(request: Request) -> Callable[[Call], bool]:
    """Whether a call is asked for: exact fields, and bounds on when it started and ended."""
    query = request.query_params
    bounds = [
        (attribute, sign, _instant(name, query[name + sign]))
        for name, attribute in (("StartTime", "created"), ("EndTime", "ended"))
        for sign in ("", "<", ">")
        if name + sign in query
    ]

    def wanted(call: Call) -> bool:
        exact = {
            "To": call.to, "From": call.from_, "Status": call.status.value, "ParentCallSid": call.parent_sid,
        }  # fmt: skip
        if any(query[name] != value for name, value in exact.items() if name in query):
            return False
        return all(_within(getattr(call, attribute), sign, bound) for attribute, sign, bound in bounds)

    return wanted


def _within(instant: datetime | None, sign: str, bound: datetime) -> bool:
    if instant is None:
        return False
    if not sign:
        return instant.date() == bound.date()
    return instant <= bound if sign == "<" else instant >= bound


def _instant(name: str, text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise RestError(400, 20001, f"Parameter '{name}' is not valid") from None
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)

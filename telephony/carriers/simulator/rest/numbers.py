"""The IncomingPhoneNumbers resource. To buy a number that the account has is to change it."""

from dataclasses import replace
from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse

from telephony.carriers.simulator.config import Number
from telephony.carriers.simulator.errors import RestError, missing, not_found
from telephony.carriers.simulator.exchange import Exchange
from telephony.carriers.simulator.numbers import Line
from telephony.carriers.simulator.rest.access import ExchangeDep, Form, FormDep, authorised
from telephony.carriers.simulator.rest.calls import E164
from telephony.carriers.simulator.rest.shapes import number_shape, page_shape

router = APIRouter(prefix="/2010-04-01/Accounts/{account_sid}/IncomingPhoneNumbers", dependencies=[Depends(authorised)])
FIELDS = {
    "VoiceUrl": "voice_url",
    "VoiceMethod": "voice_method",
    "VoiceFallbackUrl": "voice_fallback_url",
    "StatusCallback": "status_callback",
    "SmsUrl": "sms_url",
    "FriendlyName": "label",
}


@router.post(".json")
async def create(account_sid: str, exchange: ExchangeDep, form: FormDep) -> Response:
    number = form.text("PhoneNumber")
    if not number:
        raise missing("PhoneNumber", 21451)
    if not E164.match(number):
        raise RestError(400, 21421, f"PhoneNumber {number} is not valid")
    known = exchange.numbers.find(number)
    line = exchange.numbers.register(_changed(known.number if known else Number(number, ""), form))
    exchange.changes.notify()
    return JSONResponse(number_shape(account_sid, line), status_code=201)


@router.get(".json")
async def list_numbers(account_sid: str, request: Request, exchange: ExchangeDep) -> dict[str, Any]:
    query = request.query_params
    found = [
        number_shape(account_sid, line)
        for line in exchange.numbers.all()
        if query.get("PhoneNumber", line.number.number) == line.number.number
        and query.get("FriendlyName", line.number.label) == line.number.label
    ]
    return page_shape(request, "incoming_phone_numbers", found)


@router.get("/{sid}.json")
async def fetch(account_sid: str, sid: str, request: Request, exchange: ExchangeDep) -> dict[str, Any]:
    return number_shape(account_sid, _find(exchange, sid, request))


@router.post("/{sid}.json")
async def update(account_sid: str, sid: str, request: Request, exchange: ExchangeDep, form: FormDep) -> dict[str, Any]:
    line = _find(exchange, sid, request)
    return number_shape(account_sid, exchange.numbers.register(_changed(line.number, form)))


@router.delete("/{sid}.json", status_code=204)
async def delete(sid: str, request: Request, exchange: ExchangeDep) -> None:
    exchange.numbers.release(_find(exchange, sid, request))


def _changed(number: Number, form: Form) -> Number:
    given = {attribute: form.text(name) for name, attribute in FIELDS.items() if name in form}
    return replace(number, **given)


def _find(exchange: Exchange, sid: str, request: Request) -> Line:
    line = exchange.numbers.by_sid(sid)
    if line is None:
        raise not_found(request.url.path)
    return line

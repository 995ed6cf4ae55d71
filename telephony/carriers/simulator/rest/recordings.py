"""The Recordings resource: of a call, and of the account."""

from typing import Any

from fastapi import APIRouter, Depends, Request, Response

from telephony.carriers.simulator.callbacks import Target
from telephony.carriers.simulator.calls import Call, Status
from telephony.carriers.simulator.errors import RestError, not_found
from telephony.carriers.simulator.exchange import Exchange
from telephony.carriers.simulator.recordings import silence
from telephony.carriers.simulator.rest.access import ExchangeDep, FormDep, authorised, created
from telephony.carriers.simulator.rest.shapes import page_shape, recording_shape
from telephony.carriers.simulator.tapes import Tape, sound

router = APIRouter(prefix="/2010-04-01/Accounts/{account_sid}")
OF_CALL = "/Calls/{call_sid}/Recordings"
EVENTS = frozenset({"in-progress", "completed", "absent"})


@router.post(OF_CALL + ".json", dependencies=[Depends(authorised)])
async def create(call_sid: str, request: Request, exchange: ExchangeDep, form: FormDep) -> Response:
    """Record a call that is in progress."""
    call = _call(exchange, call_sid, request)
    if call.status is not Status.IN_PROGRESS:
        raise RestError(400, 21220, "Requested resource is not eligible for recording")
    url, events = form.text("RecordingStatusCallback"), form.words("RecordingStatusCallbackEvent")
    asked = frozenset(word for one in events for word in one.split())
    if asked - EVENTS:
        raise RestError(400, 20001, "Parameter 'RecordingStatusCallbackEvent' is not valid")
    channels = {"": 1, "mono": 1, "dual": 2}.get(form.text("RecordingChannels"))
    if channels is None:
        raise RestError(400, 20001, "Parameter 'RecordingChannels' is not valid")
    callback = Target(url, form.text("RecordingStatusCallbackMethod", "POST"), asked) if url else None
    tape = exchange.tapes.begin(call, channels=channels, callback=callback)
    return await created(exchange, call.subject, recording_shape(tape))


@router.get(OF_CALL + ".json", dependencies=[Depends(authorised)])
async def list_of_call(call_sid: str, request: Request, exchange: ExchangeDep) -> dict[str, Any]:
    _call(exchange, call_sid, request)
    return page_shape(request, "recordings", [recording_shape(one) for one in exchange.tapes.of(call_sid)])


@router.get(OF_CALL + "/{sid}.json", dependencies=[Depends(authorised)])
async def fetch_of_call(call_sid: str, sid: str, request: Request, exchange: ExchangeDep) -> dict[str, Any]:
    return recording_shape(_of_call(exchange, call_sid, sid, request))


@router.post(OF_CALL + "/{sid}.json", dependencies=[Depends(authorised)])
async def update(
    call_sid: str, sid: str, request: Request, exchange: ExchangeDep, form: FormDep
) -> dict[str, Any]:  # fmt: skip
    """Pause, go on, stop."""
    tape = _of_call(exchange, call_sid, sid, request)
    status, behaviour = form.text("Status"), form.text("PauseBehavior", "silence")
    if status not in {"in-progress", "paused", "stopped"} or behaviour not in {"skip", "silence"}:
        raise RestError(400, 20001, "Parameter 'Status' is not valid")
    exchange.tapes.change(tape, status, skips=behaviour == "skip")
    return recording_shape(tape)


@router.get("/Recordings/{sid}.json", dependencies=[Depends(authorised)])
async def fetch(sid: str, request: Request, exchange: ExchangeDep) -> dict[str, Any]:
    tape = exchange.tapes.find(sid)
    if tape is None:
        raise not_found(request.url.path)
    return recording_shape(tape)


@router.delete("/Recordings/{sid}.json", status_code=204, dependencies=[Depends(authorised)])
async def delete(sid: str, exchange: ExchangeDep) -> None:
    """Of those that a document recorded nothing is kept here."""
    tape = exchange.tapes.find(sid)
    if tape is not None:
        exchange.tapes.delete(tape)


@router.get("/Recordings/{sid}")
async def media(sid: str, request: Request, exchange: ExchangeDep) -> Response:
    """As at Twilio, whoever knows its address may listen. Those that a document recorded sound all the same."""
    tape = exchange.tapes.find(sid.removesuffix(".wav"))
    if tape is None:
        return Response(silence(), media_type="audio/x-wav")
    asked = request.query_params.get("RequestedChannels", str(tape.channels))
    if tape.status != "completed" or asked not in {"1", "2"}:
        raise not_found(request.url.path)
    return Response(sound(tape.length_s, int(asked)), media_type="audio/x-wav")


def _call(exchange: Exchange, sid: str, request: Request) -> Call:
    call = exchange.calls.get(sid)
    if call is None:
        raise not_found(request.url.path)
    return call


def _of_call(exchange: Exchange, call_sid: str, sid: str, request: Request) -> Tape:
    """One of a call's; `Twilio.CURRENT` is the one under way."""
    found = exchange.tapes.of(call_sid)
    if sid == "Twilio.CURRENT":
        found = [one for one in found if one.status in {"in-progress", "paused"}]
    else:
        found = [one for one in found if one.sid == sid]
    if not found:
        raise not_found(request.url.path)
    return found[0]

"""The JSON API of simulated citizens: place calls, press keys, hang up, misbehave as a carrier."""

import asyncio
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Request
from pydantic import BaseModel, ConfigDict, Field

from telephony.carriers.simulator.access import citizen_allowed
from telephony.carriers.simulator.callees import ANYBODY, Callee
from telephony.carriers.simulator.callers import read_callers
from telephony.carriers.simulator.calls import Call, Direction, Source, Status
from telephony.carriers.simulator.citizens import Step, hang_up, live_by
from telephony.carriers.simulator.config import Suggestion
from telephony.carriers.simulator.exchange import CLIENT, Exchange
from telephony.carriers.simulator.execution import execute
from telephony.carriers.simulator.numbers import Line
from telephony.carriers.simulator.rest.access import ExchangeDep
from telephony.carriers.simulator.views import call_view, overview

SUGGESTED = 5
DIGITS = r"^[0-9*#]{1,40}$"


UNANSWERED = frozenset({Status.BUSY, Status.NO_ANSWER, Status.FAILED})


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class StepIn(Strict):
    """See `citizens.Step`."""

    say_digits: Annotated[str, Field(pattern=DIGITS)] | None = None
    say_words: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    after_s: Annotated[float, Field(ge=0)] = 0.0
    before_queue: bool = False
    patience_s: Annotated[float, Field(ge=0)] | None = None
    talk_s: Annotated[float, Field(ge=0)] | None = None
    wait_s: Annotated[float, Field(ge=0)] | None = None
    hang_up: bool = False


class CallIn(Strict):
    from_: Annotated[str, Field(alias="from", min_length=1, max_length=40)]
    to: Annotated[str, Field(pattern=r"^\+[1-9]\d{5,14}$")]
    script: list[StepIn] = []
    for_person: bool = False


class DigitsIn(Strict):
    digits: Annotated[str, Field(pattern=DIGITS)]


class WordsIn(Strict):
    words: Annotated[str, Field(min_length=1, max_length=200)]


class CalleeIn(Strict):
    """See `callees.Callee`; no number stands for whoever has not been chosen."""

    number: Annotated[str, Field(pattern=r"^(\+[1-9]\d{5,14})?$")]
    answer_after_s: Annotated[float, Field(ge=0)] = 2.0
    outcome: Status | None = None
    script: list[StepIn] = []
    machine: bool = False


def citizens_only(request: Request, exchange: ExchangeDep) -> None:
    """Loopback or bearer token; and no page of another site may call on a visitor's behalf."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    peer = request.client.host if request.client else ""
    came_from = request.headers.get("origin")
    if came_from is not None and came_from.partition("://")[2] != request.headers.get("host"):
        raise HTTPException(403, "another site's page may not do this")
    if not citizen_allowed(exchange.config, peer, token if scheme.lower() == "bearer" else None):
        raise HTTPException(403, "only from this machine, or with the simulator's token")


router = APIRouter(prefix="/simulator", dependencies=[Depends(citizens_only)])


def place_call(
    exchange: Exchange, line: Line, from_: str, script: list[Step], *, for_person: bool = False
) -> Call:  # fmt: skip
    """A citizen picks up the telephone."""
    number = line.number
    source = Source(url=number.voice_url, method=number.voice_method)
    call = exchange.dial_in(line, from_, lambda placed: execute(exchange, placed, source))
    call.for_person = for_person
    live_by(call, script, exchange.config.pace)
    return call


@router.get("/setup")
async def setup(exchange: ExchangeDep) -> dict[str, Any]:
    """What the page needs: the numbers that can be called, and callers to suggest."""
    numbers = [{"number": line.number.number, "label": line.number.label} for line in exchange.numbers.all()]
    suggestions = exchange.config.suggestions or await asyncio.to_thread(_from_callers, exchange)
    return {"numbers": numbers, "suggestions": [asdict(each) for each in suggestions]}


def _from_callers(exchange: Exchange) -> tuple[Suggestion, ...]:
    path = exchange.config.traffic.callers_file
    callers = read_callers(path) if path is not None and path.exists() else []
    named = [caller for caller in callers if caller.name]
    return tuple(
        Suggestion(caller.number, caller.name, caller.to, caller.notice_number or "") for caller in named[:SUGGESTED]
    )


@router.get("/operators")
async def operators(exchange: ExchangeDep) -> dict[str, Any]:
    """Who could answer now, and where a person may sit down to do it."""
    product_url = exchange.config.colleagues.product_url
    return asdict(exchange.devices.staff()) | {"console": f"{product_url}/console" if product_url else ""}


@router.get("/calls")
async def list_calls(exchange: ExchangeDep) -> dict[str, Any]:
    return overview(exchange)


@router.post("/calls", status_code=201)
async def create(body: CallIn, exchange: ExchangeDep) -> dict[str, Any]:
    line = exchange.numbers.find(body.to)
    if line is None or not line.number.voice_url:
        raise HTTPException(404, f"nobody answers {body.to}: it is not one of the account's numbers")
    if exchange.misfortune.down:
        raise HTTPException(503, "the telephone network is out of order")
    return call_view(place_call(exchange, line, body.from_, _steps(body.script), for_person=body.for_person))


@router.get("/calls/{sid}")
async def fetch(sid: str, exchange: ExchangeDep) -> dict[str, Any]:
    return call_view(_find(exchange, sid))


@router.post("/calls/{sid}/digits")
async def press(sid: str, body: DigitsIn, exchange: ExchangeDep) -> dict[str, Any]:
    call = _find(exchange, sid)
    if not call.live:
        raise HTTPException(409, "the call is over")
    call.press(body.digits)
    return call_view(call)


@router.post("/calls/{sid}/words")
async def speak(sid: str, body: WordsIn, exchange: ExchangeDep) -> dict[str, Any]:
    call = _find(exchange, sid)
    if not call.live:
        raise HTTPException(409, "the call is over")
    call.speak(body.words)
    return call_view(call)


@router.post("/calls/{sid}/answer")
async def answer(sid: str, exchange: ExchangeDep) -> dict[str, Any]:
    """Somebody whom the product calls picks up now."""
    call = _find(exchange, sid)
    if call.status is not Status.RINGING or call.direction is Direction.INBOUND or call.to.startswith(CLIENT):
        raise HTTPException(409, "nobody's telephone rings there")
    call.picked_up.set()
    return call_view(call)


@router.post("/calls/{sid}/hangup")
async def end(sid: str, exchange: ExchangeDep) -> dict[str, Any]:
    call = _find(exchange, sid)
    hang_up(call)
    return call_view(call)


@router.put("/callees")
async def set_callee(body: CalleeIn, exchange: ExchangeDep) -> dict[str, Any]:
    """How somebody whom the product calls will behave."""
    if body.outcome is not None and body.outcome not in UNANSWERED:
        raise HTTPException(422, f"a call that is not answered ends {', '.join(sorted(UNANSWERED))}")
    callee = Callee(body.answer_after_s, body.outcome, tuple(_steps(body.script)), body.machine)
    exchange.callees.set(body.number, callee)
    exchange.changes.notify()
    return {"number": body.number, "manner": callee.manner}


@router.delete("/callees/{number}", status_code=204)
@router.delete("/callees", status_code=204)
async def forget_callee(exchange: ExchangeDep, number: str = ANYBODY) -> None:
    """Somebody, or whoever was not chosen, behaves as usual again."""
    if not exchange.callees.forget(number):
        raise HTTPException(404, "nobody chose how this number answers")
    exchange.changes.notify()


def _steps(script: list[StepIn]) -> list[Step]:
    return [Step(**step.model_dump()) for step in script]


def _find(exchange: Exchange, sid: str) -> Call:
    call = exchange.calls.get(sid)
    if call is None:
        raise HTTPException(404, "no such call")
    return call

"""The JSON API of citizens' telephones: the SMS they got, answering one, and being out of reach."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException
from pydantic import Field

from telephony.carriers.simulator import twiml
from telephony.carriers.simulator.citizens_api import Strict, citizens_only
from telephony.carriers.simulator.errors import DocumentError
from telephony.carriers.simulator.exchange import Exchange
from telephony.carriers.simulator.faults import About, Kind
from telephony.carriers.simulator.faults import Fate as Way
from telephony.carriers.simulator.messages import Fate, Text
from telephony.carriers.simulator.rest.access import ExchangeDep

router = APIRouter(prefix="/simulator", dependencies=[Depends(citizens_only)])
PHONE = r"^\+[1-9]\d{5,14}$"


class TextIn(Strict):
    from_: Annotated[str, Field(alias="from", pattern=PHONE)]
    to: Annotated[str, Field(pattern=PHONE)]
    body: Annotated[str, Field(min_length=1, max_length=1600)]


class PhoneIn(Strict):
    number: Annotated[str, Field(pattern=PHONE)]
    fate: Fate


@router.get("/texts")
async def list_texts(exchange: ExchangeDep, number: str = "") -> dict[str, Any]:
    """What a telephone shows; without a number, those that have got something, and the mail if there is any."""
    if number:
        return {"texts": [_view(one) for one in exchange.texts.of(number)]}
    latest = {(one.from_ if one.inbound else one.to): one for one in exchange.texts.texts.values()}
    return {"phones": [{"number": number, **_view(one)} for number, one in reversed(latest.items())]}


@router.post("/texts", status_code=201)
async def write(body: TextIn, exchange: ExchangeDep) -> dict[str, Any]:
    """A citizen writes to one of our numbers; what the product answers reaches him, unless he has opted out."""
    line = exchange.numbers.find(body.to)
    if line is None or not line.number.sms_url:
        raise HTTPException(404, f"nobody reads what is written to {body.to}")
    text = exchange.texts.receive(body.from_, body.to, body.body)
    way = exchange.misfortune.fate(About(Kind.MESSAGE, text.subject, event="received"))
    if way.delay_s:
        exchange.texts.begin(_tell(exchange, line.number.sms_url, text, way))
        return _view(text) | {"answers": []}
    try:
        return _view(text) | {"answers": await _tell(exchange, line.number.sms_url, text, way)}
    except DocumentError as error:
        raise HTTPException(502, error.message) from None


async def _tell(exchange: Exchange, url: str, text: Text, way: Way) -> list[str]:
    """The product hears of an SMS as the fault wants it: late, twice, or never. What it answers is sent."""
    await asyncio.sleep(way.delay_s)
    answers: list[str] = []
    for _ in range(way.copies):
        reply = await exchange.webhooks.request(url, "POST", exchange.texts.params(text), forged=way.forged)
        verbs = twiml.parse(reply.text, reply.url) if reply.text else ()
        answers += [verb.text for verb in verbs if verb.name == "Message"]
    for answer in answers:
        exchange.texts.answer(text.to, text.from_, answer)
    return answers


@router.put("/phones")
async def set_phone(body: PhoneIn, exchange: ExchangeDep) -> dict[str, str]:
    """What becomes of what is sent to somebody."""
    exchange.texts.fates[body.number] = body.fate
    return {"number": body.number, "fate": body.fate.value}


@router.get("/mail")
async def mail(exchange: ExchangeDep) -> dict[str, Any]:
    """The e-mails that reached the mail server which stands in for a real one, the latest first."""
    return {"mails": list(exchange.mail)}


def _view(text: Text) -> dict[str, Any]:
    return {
        "sid": text.sid, "from": text.from_, "to": text.to, "body": text.body, "inbound": text.inbound,
        "status": text.status, "at": text.created.isoformat(timespec="seconds"),
    }  # fmt: skip

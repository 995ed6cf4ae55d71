"""The Messages resource."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Depends, Request, Response

from telephony.carriers.simulator.callbacks import Target
from telephony.carriers.simulator.errors import RestError, missing, not_found
from telephony.carriers.simulator.messages import Text
from telephony.carriers.simulator.rest.access import ExchangeDep, FormDep, authorised, created
from telephony.carriers.simulator.rest.calls import E164
from telephony.carriers.simulator.rest.shapes import message_shape, page_shape

router = APIRouter(prefix="/2010-04-01/Accounts/{account_sid}/Messages", dependencies=[Depends(authorised)])
MAX_BODY = 1600


@router.post(".json")
async def create(exchange: ExchangeDep, form: FormDep) -> Response:
    from_, to, body = form.text("From"), form.text("To"), form.text("Body")
    if not to:
        raise missing("To", 21604)
    if not from_:
        raise RestError(400, 21603, "A 'From' phone number is required.")
    if not E164.match(to):
        raise RestError(400, 21211, f"The 'To' number {to} is not a valid phone number.")
    if not body:
        raise RestError(400, 21602, "Message body is required.")
    if len(body) > MAX_BODY:
        raise RestError(400, 21617, "The concatenated message body exceeds the 1600 character limit.")
    if exchange.numbers.find(from_) is None:
        raise RestError(400, 21606, f"The 'From' phone number {from_} is not a valid, message-capable number.")
    url = form.optional("StatusCallback")
    text = exchange.texts.send(from_, to, body, Target(url) if url else None)
    return await created(exchange, text.subject, message_shape(text))


@router.get(".json")
async def list_messages(request: Request, exchange: ExchangeDep) -> dict[str, Any]:
    wanted = _filter(request)
    found = [text for text in reversed(exchange.texts.texts.values()) if wanted(text)]
    return page_shape(request, "messages", [message_shape(text) for text in found])


@router.get("/{sid}.json")
async def fetch(sid: str, request: Request, exchange: ExchangeDep) -> dict[str, Any]:
    text = exchange.texts.texts.get(sid)
    if text is None:
        raise not_found(request.url.path)
    return message_shape(text)


def _filter(request: Request) -> Callable[[Text], bool]:
    query = request.query_params
    bounds = [(sign, _instant(query["DateSent" + sign])) for sign in ("", "<", ">") if "DateSent" + sign in query]

    def wanted(text: Text) -> bool:
        exact = {"To": text.to, "From": text.from_}
        if any(query[name] != value for name, value in exact.items() if name in query):
            return False
        at = text.sent or text.created
        return all(
            at.date() == bound.date() if not sign else (at <= bound if sign == "<" else at >= bound)
            for sign, bound in bounds
        )

    return wanted


def _instant(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise RestError(400, 20001, "Parameter 'DateSent' is not valid") from None
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)

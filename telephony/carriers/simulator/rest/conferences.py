"""The Conferences resource."""

from typing import Any

from fastapi import APIRouter, Depends, Request

from telephony.carriers.simulator.conferences import Conference, Left
from telephony.carriers.simulator.errors import RestError, not_found
from telephony.carriers.simulator.exchange import Exchange
from telephony.carriers.simulator.rest.access import ExchangeDep, FormDep, authorised
from telephony.carriers.simulator.rest.shapes import conference_shape, page_shape

router = APIRouter(prefix="/2010-04-01/Accounts/{account_sid}/Conferences", dependencies=[Depends(authorised)])


@router.get(".json")
async def list_conferences(request: Request, exchange: ExchangeDep) -> dict[str, Any]:
    query = request.query_params
    found = [
        conference_shape(conference)
        for conference in reversed(exchange.conferences.values())
        if query.get("FriendlyName", conference.friendly_name) == conference.friendly_name
        and query.get("Status", conference.status.value) == conference.status.value
    ]
    return page_shape(request, "conferences", found)


@router.get("/{sid}.json")
async def fetch(sid: str, request: Request, exchange: ExchangeDep) -> dict[str, Any]:
    return conference_shape(find_conference(exchange, sid, request))


@router.post("/{sid}.json")
async def update(sid: str, request: Request, exchange: ExchangeDep, form: FormDep) -> dict[str, Any]:
    conference = find_conference(exchange, sid, request)
    if (status := form.optional("Status")) is not None:
        if status != "completed":
            raise RestError(400, 20001, "Parameter 'Status' is not valid")
        if conference.live:
            conference.end("conference-ended-via-api", Left.ENDED_VIA_API)
    return conference_shape(conference)


def find_conference(exchange: Exchange, sid: str, request: Request) -> Conference:
    """By sid alone: only the creation of a participant accepts a friendly name."""
    conference = exchange.conferences.get(sid)
    if conference is None:
        raise not_found(request.url.path)
    return conference

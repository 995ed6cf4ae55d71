"""The account itself, and the sound of recordings."""

from typing import Any

from fastapi import APIRouter, Depends, Response

from telephony.carriers.simulator.exchange import API_VERSION
from telephony.carriers.simulator.recordings import silence
from telephony.carriers.simulator.rest.access import ExchangeDep, authorised

router = APIRouter(prefix="/2010-04-01/Accounts/{account_sid}")


@router.get(".json", dependencies=[Depends(authorised)])
async def fetch(account_sid: str, exchange: ExchangeDep) -> dict[str, Any]:
    return {
        "sid": exchange.config.account_sid,
        "friendly_name": "Simulator",
        "owner_account_sid": account_sid,
        "status": "active",
        "type": "Full",
        "uri": f"/{API_VERSION}/Accounts/{account_sid}.json",
    }


@router.delete("/Recordings/{sid}.json", status_code=204, dependencies=[Depends(authorised)])
async def delete(account_sid: str, sid: str) -> None:
    """Nothing is kept of it here."""


@router.get("/Recordings/{sid}")
async def recording(account_sid: str, sid: str) -> Response:  # noqa: ARG001 - parts of the address
    """Every recording sounds the same. As at Twilio, whoever knows its address may listen."""
    return Response(silence(), media_type="audio/x-wav")

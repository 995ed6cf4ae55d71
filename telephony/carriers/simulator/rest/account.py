"""The account itself."""

from typing import Any

from fastapi import APIRouter, Depends

from telephony.carriers.simulator.exchange import API_VERSION
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

"""The JSON API of what goes wrong: how often, and what is wanted for one call or for all."""

from dataclasses import asdict, replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException
from pydantic import Field

from telephony.carriers.simulator.citizens_api import Strict, citizens_only
from telephony.carriers.simulator.faults import STRIKES, Fault, Kind
from telephony.carriers.simulator.rest.access import ExchangeDep

Probability = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[float, Field(ge=0)]


class FaultsIn(Strict):
    """Only what is given changes; null for `calls_per_second` lifts the limit."""

    seed: int | None = None
    drop: Probability | None = None
    duplicate: Probability | None = None
    reorder: Probability | None = None
    delay: Probability | None = None
    delay_s: Seconds | None = None
    callback_before_reply: Probability | None = None
    lose_reply: Probability | None = None
    rate_limit: Probability | None = None
    retry_after_s: Annotated[int, Field(ge=0)] | None = None
    bad_signature: Probability | None = None
    server_error: Probability | None = None
    hang: Probability | None = None
    hang_s: Seconds | None = None
    gone: Probability | None = None
    down: bool | None = None
    calls_per_second: Annotated[float, Field(gt=0)] | None = None


class InjectionIn(Strict):
    """See `faults.Injection`."""

    fault: Fault
    share: Probability = 1.0
    times: Annotated[int, Field(ge=1)] | None = None
    kind: Kind | None = None
    event: Annotated[str, Field(max_length=40)] | None = None
    call: Annotated[str, Field(max_length=34)] | None = None


router = APIRouter(prefix="/simulator", dependencies=[Depends(citizens_only)])


@router.get("/faults")
async def faults(exchange: ExchangeDep) -> dict[str, Any]:
    return asdict(exchange.misfortune.faults)


@router.put("/faults")
async def set_faults(body: FaultsIn, exchange: ExchangeDep) -> dict[str, Any]:
    given = body.model_dump(exclude_unset=True)
    exchange.set_faults(replace(exchange.misfortune.faults, **given))
    return asdict(exchange.misfortune.faults)


@router.get("/injections")
async def injections(exchange: ExchangeDep) -> dict[str, Any]:
    """What is wanted to go wrong, and how often each has struck."""
    return {"injections": [asdict(one) for one in exchange.misfortune.injections.values()]}


@router.post("/injections", status_code=201)
async def inject(body: InjectionIn, exchange: ExchangeDep) -> dict[str, Any]:
    if body.kind is not None and body.kind not in STRIKES[body.fault]:
        fits = ", ".join(sorted(STRIKES[body.fault]))
        raise HTTPException(422, f"{body.fault} strikes {fits} alone")
    if body.call is not None and body.call not in exchange.calls:
        raise HTTPException(404, "no such call")
    made = exchange.misfortune.inject(**body.model_dump())
    exchange.changes.notify()
    return asdict(made)


@router.delete("/injections/{injection_id}", status_code=204)
async def withdraw(injection_id: int, exchange: ExchangeDep) -> None:
    if not exchange.misfortune.withdraw(injection_id):
        raise HTTPException(404, "no such injection")
    exchange.changes.notify()


@router.delete("/injections", status_code=204)
async def recover(exchange: ExchangeDep) -> None:
    """Nothing goes wrong any more."""
    exchange.recover()

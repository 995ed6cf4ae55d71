"""What the carrier tells of lines on which a campaign calls somebody."""

from uuid import UUID

from fastapi import APIRouter, Response
from sqlalchemy.orm import Session

from crm.core import clock
from outbound.dialer import lines
from telephony.calls.service import Heard, carrier_instant
from web.api.hooks import HookDep
from web.api.webhooks import NO_CONTENT

router = APIRouter(prefix="/telephony/{contract_id}/lines/{line_id}", include_in_schema=False)


@router.post("/answered")
def answered(hook: HookDep, contract_id: int, line_id: UUID) -> Response:
    """He answers: what does he hear?"""
    to, sid = hook.runtime.addresses, hook["CallSid"]
    return hook.answer(contract_id, lambda session: lines.answered(session, line_id, sid, to))


@router.post("")
def status(hook: HookDep, contract_id: int, line_id: UUID) -> Response:
    """The line's status is another."""
    sid, told = hook["CallSid"], hook["CallStatus"]
    key = f"line:{line_id}:{sid}:{told}:{hook['SequenceNumber']}"

    def work(session: Session) -> None:
        at = carrier_instant(hook.told_at(), clock.now(session))
        lines.told(session, line_id, sid, told, Heard(key, at, detail=(("status", told),)))

    hook.in_contract(contract_id, work)
    return Response(status_code=NO_CONTENT)


@router.post("/machine")
def machine(hook: HookDep, contract_id: int, line_id: UUID) -> Response:
    """The carrier knows who answered."""
    hook.in_contract(contract_id, lambda session: lines.machine(session, line_id, hook["AnsweredBy"]))
    return Response(status_code=NO_CONTENT)

"""The carrier's webhooks of a questionnaire that is answered by keys. Each is one transaction."""

from uuid import UUID

from fastapi import APIRouter, Response
from sqlalchemy.orm import Session

from outbound.cati import by_keys
from telephony.calls.reception import Reply
from web.api.hooks import HookDep

router = APIRouter(prefix="/telephony/{contract_id}/calls/{call_id}/questions", include_in_schema=False)
HASH = "#"


@router.post("")
def put(hook: HookDep, contract_id: int, call_id: UUID, step: int) -> Response:
    """The caller has come to the questionnaire, or goes on with it."""
    to = hook.runtime.addresses
    return hook.answer(contract_id, lambda session: by_keys.put(session, call_id, step=step, to=to), step=step)


@router.post("/code")
def code(hook: HookDep, contract_id: int, call_id: UUID, step: int, attempt: int) -> Response:
    """He keyed his personal code."""
    to, keyed = hook.runtime.addresses, hook["Digits"]

    def work(session: Session) -> Reply:
        return by_keys.code(session, call_id, step=step, attempt=attempt, keyed=keyed, to=to)

    return hook.answer(contract_id, work, step=step)


@router.post("/keys")
def keys(
    hook: HookDep, contract_id: int, call_id: UUID, step: int, revision: int, attempt: int
) -> Response:  # fmt: skip
    """He keyed something at a question, or nothing in time."""
    to, keyed, hashed = hook.runtime.addresses, hook["Digits"], hook["FinishedOnKey"] == HASH

    def work(session: Session) -> Reply:
        return by_keys.keys(
            session, call_id, step=step, revision=revision, attempt=attempt, keyed=keyed, hashed=hashed, to=to
        )

    return hook.answer(contract_id, work, step=step)

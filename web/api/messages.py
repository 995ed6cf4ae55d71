"""The carrier's webhooks about SMS: what became of one, and what somebody wrote. Signed, as those of calls."""

from uuid import UUID

import structlog
from fastapi import APIRouter, Response
from sqlalchemy.orm import Session

from crm.contacts import queries as contacts
from crm.contacts.phone import to_e164
from crm.core.db import Scope
from crm.messages import outbox
from crm.messages.answers import answer
from crm.messages.wording import spoken
from crm.messages.words import language_of, means
from telephony.carriers.port import Reply
from telephony.lines import queries as lines
from telephony.messages.receipts import reason_of, state_of
from telephony.queues.routing import ITALIAN
from telephony.texts import reception
from telephony.texts.reception import Received
from web.api.hooks import HookDep
from web.api.webhooks import NO_CONTENT

log = structlog.get_logger(__name__)
router = APIRouter(prefix="/telephony", include_in_schema=False)
MAX_SID = 64


@router.post("/messages/{ente_id}/{message_id}")
def became(hook: HookDep, ente_id: int, message_id: UUID) -> Response:
    """An SMS of ours was sent, arrived, or did not. The address is ours, and was signed."""
    told, sid = state_of(hook["MessageStatus"]), hook["MessageSid"]
    code = int(hook["ErrorCode"]) if hook["ErrorCode"].isdecimal() and len(hook["ErrorCode"]) < 10 else None

    def work(session: Session) -> bool:
        assert told is not None
        return outbox.heard(session, message_id=message_id, external_id=sid, told=told, reason=reason_of(code))

    if told is not None and 0 < len(sid) <= MAX_SID:
        known = hook.runtime.database.transact(Scope.of_enti([ente_id]), work)
        log.info("message_heard", message=str(message_id), told=told.value, known=known)
    return Response(status_code=NO_CONTENT)


@router.post("/texts")
def wrote(hook: HookDep) -> Response:
    """Somebody wrote to one of our numbers: the opt-out word, the one that takes it back, or something else.

    Anything else is a conversation, where the contract holds them; else he is told that nobody reads it.
    """
    with hook.runtime.database.begin(Scope.nothing()) as session:
        line = lines.in_use(session, hook["To"])
    who, meant = to_e164(hook["From"]), means(hook["Body"])
    if line is None or who is None:
        return hook.reply(())
    media = int(hook["NumMedia"]) if hook["NumMedia"].isdecimal() and len(hook["NumMedia"]) < 4 else 0
    text = Received(hook["MessageSid"], who, reception.readable(hook["Body"]), media)
    if meant is None and (text.body or media) and 0 < len(text.sid) <= MAX_SID:
        received = hook.in_contract(line.contract_id, lambda session: reception.receive(session, text, line))
        if received:  # what is answered goes through the outbox, and is seen in the conversation
            return hook.reply(())

    def work(session: Session) -> str:
        if meant is not None:
            reception.opt(session, contract_id=line.contract_id, citizen=who, stops=meant)
            if meant and 0 < len(text.sid) <= MAX_SID:
                reception.stopped(session, text, line)
        return _language(session, who, hook["Body"])

    language = hook.in_contract(line.contract_id, work)
    if meant is not None:
        log.info("opt_out_heard", contract=line.contract_id, stop=meant)
    if hook["OptOutType"]:  # the carrier has answered already
        return hook.reply(())
    return hook.reply((Reply(answer(meant, language)),))


def _language(session: Session, who: str, body: str) -> str:
    """In which language he is answered: STOP is said in all of them, so that another than Italian that he is known to
    speak goes before the word's.
    """
    known = {contacts.get(session, one.contact_id).language for one in contacts.reached_at(session, who)}
    his = spoken(known.pop()) if len(known) == 1 else ITALIAN
    return his if his != ITALIAN else language_of(body)

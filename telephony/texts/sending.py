"""What is written to the citizen of a thread: owed through the one outbox, and kept in the thread."""

from uuid import UUID

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from crm.access.permissions import Principal
from crm.core import clock
from crm.core.db import table_of
from crm.enti import queries as enti
from crm.messages import service as messages
from crm.messages.models import MessageChannel
from crm.messages.service import Order
from crm.messages.templates import MessageTemplate
from telephony.texts.lifecycle import LiveThread
from telephony.texts.models import TextMessage

_MESSAGE = table_of(TextMessage)


def say(session: Session, live: LiveThread, body: str, *, cause: str, by: Principal | None = None) -> UUID:
    """Write to the citizen, from the number to which he wrote; the same cause once. `by` none: the system.

    The outbox's row keeps the words until they have left. Raises `InvalidError` for a text that is no SMS.
    """
    order = Order(
        home(session, live), MessageTemplate.CONVERSATION.value, {"text": body}, channel=MessageChannel.SMS,
        address=live.citizen, language=live.language, sender=live.line,
    )  # fmt: skip
    message_id = messages.owe(session, by, order, cause=f"text:{live.id}:{cause}")
    there = select(_MESSAGE.c.id).where(_MESSAGE.c.thread_id == live.id, _MESSAGE.c.message_id == message_id)
    if session.execute(there).first() is None:
        session.execute(
            insert(_MESSAGE).values(
                thread_id=live.id, contract_id=live.contract_id, ente_id=live.ente_id, inbound=False,
                body=body.strip(), media=0, at=clock.now(session), agent_id=by.user_id if by else None,
                message_id=message_id,
            )
        )  # fmt: skip
    return message_id


def home(session: Session, live: LiveThread) -> int:
    """In whose name it is sent: its ente's; while that is unknown, the first of the contract's."""
    return live.ente_id if live.ente_id is not None else min(enti.enti_of(session, live.contract_id))

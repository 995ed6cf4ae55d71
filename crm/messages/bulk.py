"""Owing many people of an ente a message each: rows, timelines, and one job for so many of them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.core import clock, jobs
from crm.core.db import table_of
from crm.messages import outbox
from crm.messages.models import UNDER_WAY, Message, MessageChannel, MessageState, Reason
from crm.messages.templates import TEMPLATES, MessageTemplate

DELIVER = "messages.deliver_many"  # the kind of the job that sends so many
AT_ONCE = 50
_M = table_of(Message)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message to a contact, whoever made sure that it may be sent. Its cause is its own: `id` is new."""

    id: UUID
    contact_id: int
    channel: MessageChannel
    address: str
    subject: str
    body: str


def owe(session: Session, *, ente_id: int, template: MessageTemplate, outgoing: Sequence[Outgoing]) -> None:
    """Owe all of them, to be sent at once."""
    at, lives = clock.now(session), TEMPLATES[template].lives
    rows = [
        Message(
            id=one.id, ente_id=ente_id, contact_id=one.contact_id, cause=f"{template}:{one.id}", channel=one.channel,
            template=template.value, language="it", address=one.address, subject=one.subject, body=one.body,
            state=MessageState.OWED, attempts=0, looks=0, made_at=at, due_at=at, expires_at=at + lives,
        )
        for one in outgoing
    ]  # fmt: skip
    session.add_all(rows)
    session.flush()
    for row in rows:
        outbox.tell(session, row)
    _wake(session, ente_id, [one.id for one in outgoing])


def to_do(session: Session, message_ids: Collection[UUID]) -> list[UUID]:
    """Those of them about which there is something to do now."""
    due = (_M.c.state.in_(UNDER_WAY), (_M.c.state == MessageState.SENT) & (_M.c.due_at <= clock.now(session)))
    rows = select(_M.c.id).where(_M.c.id.in_(message_ids), due[0] | due[1])
    return list(session.scalars(rows))


def unsent(session: Session, message_ids: Collection[UUID]) -> list[UUID]:
    """Those that surely have not left, locked: nobody has ever tried to send them."""
    never = (_M.c.state == MessageState.OWED, _M.c.attempts == 0)
    return list(session.scalars(select(_M.c.id).where(_M.c.id.in_(message_ids), *never).with_for_update()))


def owed(session: Session, message_ids: Collection[UUID]) -> list[UUID]:
    """Those that are to be sent, locked; some may have been tried."""
    these = (_M.c.id.in_(message_ids), _M.c.state == MessageState.OWED)
    return list(session.scalars(select(_M.c.id).where(*these).with_for_update()))


def take_back(session: Session, message_ids: Collection[UUID]) -> None:
    """They are not sent any more."""
    for row in session.scalars(select(Message).where(Message.id.in_(message_ids)).with_for_update()).all():
        outbox.end(session, row, MessageState.WITHHELD, Reason.CANCELLED)


def wake_unheard(session: Session, *, ente_id: int, message_ids: Sequence[UUID]) -> None:
    """They were sent, and nobody said what became of them: they are asked about."""
    _wake(session, ente_id, message_ids)


def _wake(session: Session, ente_id: int, message_ids: Sequence[UUID]) -> None:
    for start in range(0, len(message_ids), AT_ONCE):
        some = [str(one) for one in message_ids[start : start + AT_ONCE]]
        jobs.enqueue(session, ente_id=ente_id, kind=DELIVER, argument={"messages": some})

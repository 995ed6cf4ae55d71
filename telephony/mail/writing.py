"""What leaves a mailbox: through the one outbox, each with a row of its own in its thread."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.access.permissions import Principal
from crm.contacts.email import to_email
from crm.core import clock
from crm.core.db import Database, Scope
from crm.enti import queries as enti
from crm.messages import service as messages
from crm.messages.models import Message, MessageChannel
from crm.messages.outbox import Leased
from crm.messages.service import Order
from crm.messages.templates import MessageTemplate
from telephony.mail import boxes, secrets
from telephony.mail.automatic import Nature
from telephony.mail.boxes import Box
from telephony.mail.errors import MailboxError
from telephony.mail.models import Mail, Mailbox, MailboxKind, MailThread
from telephony.mail.secrets import Tokens
from telephony.messages.delivery import NoRouteError, Route, Routes
from telephony.messages.mail import message_id

MOST_REFERENCES = 20


def acknowledge(session: Session, box: Box, thread: MailThread, *, to: str, answers: str) -> None:
    """Tell whoever wrote that it came, once a thread, if he can be written to. The caller has made sure that a person
    wrote it.
    """
    if to_email(to) != to or to == box.address:
        return
    _write(
        session, None, box, thread, to=to, answers=(answers,), template=MessageTemplate.MAIL_RECEIVED, values={},
        cause=f"mail:{thread.id}:received",
    )  # fmt: skip


def answer(
    session: Session, by: Principal, box: Box, thread: MailThread, *, to: str, text: str, answers: Sequence[str],
    once: UUID,
) -> UUID:  # fmt: skip
    """Owe an agent's answer, to leave after the seconds in which it can be taken back; its mail's id."""
    return _write(
        session, by, box, thread, to=to, answers=answers, template=MessageTemplate.MAIL_ANSWER, values={"text": text},
        cause=f"mail:{thread.id}:{once}", delay=messages.UNDO,
    )  # fmt: skip


def routes(tokens: Tokens) -> Routes:
    """How mails of these templates leave: by their mailbox's own server."""

    def route(database: Database, one: Leased) -> Route | None:
        def read(session: Session) -> tuple[Mail, MailThread, Mailbox, secrets.Secret] | None:
            mail = session.scalars(select(Mail).where(Mail.outbox_id == one.id)).one_or_none()
            if mail is None:
                return None
            row = session.get_one(Mailbox, mail.mailbox_id)
            return mail, session.get_one(MailThread, mail.thread_id), row, secrets.opened(session, row)

        with database.begin(Scope.of_enti([one.ente_id])) as session:
            contract_ids = enti.contracts_of(session, one.ente_id)
        found = database.transact(Scope.of_enti([one.ente_id], contract_ids), read)
        if found is None:
            return None
        mail, thread, row, secret = found
        if row.closed_at is not None:
            raise NoRouteError("the mailbox is closed", permanent=True)
        try:
            credential = secrets.credential(row.auth, secret, tokens)
        except MailboxError as error:
            raise NoRouteError(str(error), permanent=False) from error
        mailer = boxes.writer(row)(credential)
        answers = tuple(mail.answers.split())[-MOST_REFERENCES:]
        return Route(mailer, row.name, answers, thread.code, by_hand=mail.agent_id is not None)

    return route


def _write(
    session: Session, by: Principal | None, box: Box, thread: MailThread, *, to: str, answers: Sequence[str],
    template: MessageTemplate, values: dict[str, Any], cause: str, delay: timedelta = timedelta(),
) -> UUID:  # fmt: skip
    assert thread.ente_id is not None
    channel = MessageChannel.PEC if box.kind is MailboxKind.PEC else MessageChannel.EMAIL
    order = Order(thread.ente_id, template, {**values, "code": thread.code}, channel=channel, address=to)
    outbox_id = messages.owe(session, by, order, cause=cause, delay=delay)
    known = session.scalar(select(Mail.id).where(Mail.outbox_id == outbox_id))
    if known is not None:
        return known
    row, now = session.get_one(Message, outbox_id), clock.now(session)
    mail = Mail(
        id=uuid4(), thread_id=thread.id, contract_id=box.contract_id, ente_id=thread.ente_id, mailbox_id=box.id,
        inbound=False, message_id=message_id(outbox_id, box.address), answers=" ".join(answers), size=len(row.body),
        sender=box.address, sender_name=box.name, recipients=[{"address": to, "name": "", "copied": False}],
        subject=row.subject, words=row.body, has_html=False, cut=False,
        nature=Nature.AUTOMATIC if by is None else Nature.PERSON, at=now, taken_at=now,
        agent_id=by.user_id if by else None, outbox_id=outbox_id,
    )  # fmt: skip
    session.add(mail)
    session.flush()
    return mail.id

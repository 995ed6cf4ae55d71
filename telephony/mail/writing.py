"""What leaves a mailbox: through the one outbox, each with a row of its own in its thread."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial
from mimetypes import guess_type
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.access.permissions import Principal
from crm.contacts.email import to_email
from crm.core import clock, topics
from crm.core.db import Database, Scope, touch
from crm.documents.store import DocumentStore, StoreError
from crm.enti import queries as enti
from crm.messages import service as messages
from crm.messages.models import Message, MessageChannel
from crm.messages.outbox import NOT_ARRIVED, Leased
from crm.messages.service import Order
from crm.messages.templates import MessageTemplate
from crm.messages.wording import Written
from telephony.mail import boxes, copies, enclosing, secrets, waiting
from telephony.mail.automatic import Nature
from telephony.mail.boxes import Box
from telephony.mail.copies import Lost
from telephony.mail.errors import MailboxError
from telephony.mail.models import Mail, Mailbox, MailboxKind, MailEnclosure, MailThread
from telephony.mail.secrets import Secret, Tokens
from telephony.messages.delivery import NoRouteError, Route, Routes
from telephony.messages.mail import Attached, message_id

MOST_REFERENCES = 20
OF_MAILBOXES = (MessageTemplate.MAIL_RECEIVED, MessageTemplate.MAIL_IN_CASE, MessageTemplate.MAIL_ANSWER)


def acknowledge(
    session: Session, box: Box, thread: MailThread, *, to: str, answers: str, case: str = ""
) -> None:  # fmt: skip
    """Tell whoever wrote that it came, once a thread, and once more with the number of the case that came of it; if he
    can be written to. The caller has made sure that a person wrote it.
    """
    if to_email(to) != to or to == box.address:
        return
    _write(
        session, None, box, thread, to=to, answers=(answers,),
        template=MessageTemplate.MAIL_IN_CASE if case else MessageTemplate.MAIL_RECEIVED,
        values={"number": case} if case else {}, cause=f"mail:{thread.id}:received{case and f':{case}'}",
    )  # fmt: skip


def answer(
    session: Session, by: Principal, box: Box, thread: MailThread, *, to: str, text: str, answers: Sequence[str],
    once: UUID, copied: Sequence[str] = (),
) -> UUID:  # fmt: skip
    """Owe an agent's answer, to leave after the seconds in which it can be taken back; its mail's id."""
    return _write(
        session, by, box, thread, to=to, answers=answers, template=MessageTemplate.MAIL_ANSWER, values={"text": text},
        cause=f"mail:{thread.id}:{once}", delay=messages.UNDO, copied=copied,
    )  # fmt: skip


def prepared(session: Session, box: Box, thread: MailThread, *, to: str, text: str) -> Written:
    """An answer's words as they would leave. Raises `InvalidError`."""
    return messages.prepare(session, _order(box, thread, MessageTemplate.MAIL_ANSWER, {"text": text}, to)).written


def routes(tokens: Tokens, store: DocumentStore) -> Routes:
    """How mails of these templates leave: by their mailbox's own server, with the files that the store has."""

    def route(database: Database, one: Leased) -> Route | None:
        def read(session: Session) -> tuple[Mail, MailThread, Mailbox, Secret, list[MailEnclosure]] | None:
            mail = session.scalars(select(Mail).where(Mail.outbox_id == one.id)).one_or_none()
            if mail is None:
                return None
            row = session.get_one(Mailbox, mail.mailbox_id)
            return mail, session.get_one(MailThread, mail.thread_id), row, secrets.opened(session, row), [
                *enclosing.of_mails(session, [mail.id]).get(mail.id, ())
            ]  # fmt: skip

        with database.begin(Scope.of_enti([one.ente_id])) as session:
            contract_ids = enti.contracts_of(session, one.ente_id)
        scope = Scope.of_enti([one.ente_id], contract_ids)
        found = database.transact(scope, read)
        if found is None:
            return None
        mail, thread, row, secret, files = found
        if row.closed_at is not None:
            raise NoRouteError("the mailbox is closed", permanent=True)

        def keep(old: Secret, new: Secret) -> None:
            database.transact(scope, partial(secrets.renewed, mailbox_id=row.id, old=old, new=new))

        try:
            credential = secrets.credential(row.auth, secret, tokens, keep)
        except MailboxError as error:
            raise NoRouteError(str(error), permanent=False) from error
        mailer = boxes.writer(row)(credential)
        answers = tuple(mail.answers.split())[-MOST_REFERENCES:]
        copied = tuple(one["address"] for one in mail.recipients if one["copied"])
        return Route(
            mailer, row.name, answers, thread.code, by_hand=mail.agent_id is not None, copied=copied,
            attached=tuple(_attached(store, one) for one in files), not_let_in=partial(tokens.refused, secret),
            not_copied=partial(not_copied, mail_id=mail.id, why=Lost.REFUSED),
        )  # fmt: skip

    return route


def did_not_leave(session: Session, message_id: UUID) -> None:
    """A message has just ended: of an answer that was not taken somebody hears in its conversation, which is open
    again.
    """
    row = session.get(Message, message_id)
    if row is None or row.state not in NOT_ARRIVED or row.ended_at != clock.now(session):
        return
    mail = session.scalars(select(Mail).where(Mail.outbox_id == message_id)).one_or_none()
    if mail is None:
        return
    thread = session.get_one(MailThread, mail.thread_id, with_for_update=True, populate_existing=True)
    waiting.not_arrived(session, thread, mail, clock.now(session), certified=row.channel is MessageChannel.PEC)
    thread.version += 1
    session.flush()
    touch(session, topics.mail(thread.contract_id), topics.mail_thread(thread.id))


def not_copied(session: Session, addresses: Sequence[str], *, mail_id: UUID, why: Lost) -> None:
    """Copies of an answer did not arrive: whoever looks at the conversation sees to whom."""
    mail = session.get_one(Mail, mail_id, with_for_update=True, populate_existing=True)
    mail.recipients = copies.without(mail.recipients, addresses, why)
    session.flush()
    touch(session, topics.mail_thread(mail.thread_id))


def _write(
    session: Session, by: Principal | None, box: Box, thread: MailThread, *, to: str, answers: Sequence[str],
    template: MessageTemplate, values: dict[str, Any], cause: str, delay: timedelta = timedelta(),
    copied: Sequence[str] = (),
) -> UUID:  # fmt: skip
    order = _order(box, thread, template, values, to)
    outbox_id = messages.owe(session, by, order, cause=cause, delay=delay)
    known = session.scalar(select(Mail.id).where(Mail.outbox_id == outbox_id))
    if known is not None:
        return known
    row, now = session.get_one(Message, outbox_id), clock.now(session)
    whom = [{"address": one, "name": "", "copied": n > 0} for n, one in enumerate((to, *copied))]
    mail = Mail(
        id=uuid4(), thread_id=thread.id, contract_id=box.contract_id, ente_id=thread.ente_id, mailbox_id=box.id,
        inbound=False, message_id=message_id(outbox_id, box.address), answers=" ".join(answers), size=len(row.body),
        sender=box.address, sender_name=box.name, recipients=whom,
        subject=row.subject, words=row.body, has_html=False, cut=False,
        nature=Nature.AUTOMATIC if by is None else Nature.PERSON, at=now, taken_at=now,
        agent_id=by.user_id if by else None, outbox_id=outbox_id,
    )  # fmt: skip
    session.add(mail)
    session.flush()
    return mail.id


def _order(box: Box, thread: MailThread, template: MessageTemplate, values: Mapping[str, Any], to: str) -> Order:
    assert thread.ente_id is not None
    channel = MessageChannel.PEC if box.kind is MailboxKind.PEC else MessageChannel.EMAIL
    return Order(thread.ente_id, template, {**values, "code": thread.code}, channel=channel, address=to)


def _attached(store: DocumentStore, file: MailEnclosure) -> Attached:
    """A file as it goes with a mail. Raises `NoRouteError` while the store is away."""
    try:
        content = store.read(file.ente_id, file.sha256, most=enclosing.MOST_BYTES)
    except StoreError as error:
        raise NoRouteError(str(error), permanent=error.permanent) from error
    return Attached(file.name, guess_type(file.name)[0] or "application/octet-stream", content)

"""Owing somebody a message, in the transaction of its cause; taking it back; and who said the opt-out word."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.access.service import require_on
from crm.audit import service as audit
from crm.contacts import queries as contacts
from crm.contacts import told
from crm.contacts.models import ReachKind
from crm.core import clock, topics
from crm.core.db import table_of, touch
from crm.core.errors import ConflictError, InvalidError, NotFoundError
from crm.enti import queries as enti
from crm.messages import outbox, queries, rules
from crm.messages.fields import Name
from crm.messages.models import UNDER_WAY, Message, MessageChannel, MessageState, MessageStop, Reason
from crm.messages.rules import Address, Facts, Go, Wanted, Withheld
from crm.messages.templates import TEMPLATES
from crm.messages.wording import Template, Written, spoken, write

MAX_CAUSE = 120
UNDO = timedelta(seconds=8)  # what somebody sends by hand waits so long, to be taken back
_NO_WORDS = Written("", "")


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be said to whom. Without a contact, `channel` and `address` say where. The ente's name is known."""

    ente_id: int
    template: str
    values: Mapping[str, Any]
    contact_id: int | None = None
    channel: MessageChannel | None = None
    address: str | None = None
    language: str | None = None
    sender: str | None = None  # the number from which an SMS leaves; none: the ente's
    calendar: str = ""  # an entry for calendars (RFC 5545), to go with an e-mail


@dataclass(frozen=True, slots=True)
class Prepared:
    """A message as it would go out now."""

    template: Template
    decision: Go | Withheld
    language: str
    written: Written

    @property
    def address(self) -> Address | None:
        """Where it would go, or would have gone."""
        return self.decision.address


def prepare(session: Session, order: Order) -> Prepared:
    """The message as it would go out now, for whoever wants to look before. Raises `InvalidError`."""
    template = TEMPLATES.get(order.template)
    if template is None:
        raise InvalidError("Questo messaggio non esiste.")
    facts, his_language = _facts(session, order)
    decision = rules.decide(_wanted(template, order), facts, now=clock.now(session))
    language = spoken(order.language or his_language)
    known = {"ente": _ente_name(session, order.ente_id)} if "ente" in template.fields else {}
    values = {**known, **order.values}
    written = _NO_WORDS
    if decision.address is not None and not (isinstance(decision, Withheld) and decision.reason is Reason.NOT_VERIFIED):
        written = write(
            template, values, channel=decision.address.channel, language=language, verified=decision.address.verified
        )  # fmt: skip
    return Prepared(template, decision, language, written)


def _ente_name(session: Session, ente_id: int) -> str:
    """As messages say it: short, where the whole name takes too much of an SMS."""
    badge = enti.badges(session)[ente_id]
    return badge.name if len(badge.name) <= Name().longest else badge.short_name


def owe(
    session: Session, by: Principal | None, order: Order, *, cause: str, delay: timedelta = timedelta(),
    expires_at: datetime | None = None, call_id: UUID | None = None,
) -> UUID:  # fmt: skip
    """Owe a message, or find that its cause made one already. Returns its id; what stands against it is in the row.

    `by` none is the system. The row, its timeline entry, the audit and the job are of the caller's transaction.
    Raises `InvalidError` for values or an address that are wrong, `NotFoundError` for a contact that is not the ente's.
    """
    if by is not None:
        require_on(session, by, Permission.CONTACT_RECORD, ente_id=order.ente_id)
    if not 0 < len(cause) <= MAX_CAUSE:
        raise ValueError("a cause has a name")
    own = (Message.ente_id == order.ente_id, Message.cause == cause)
    if (already := session.execute(select(Message.id).where(*own)).scalar_one_or_none()) is not None:
        return already
    ready, at = prepare(session, order), clock.now(session)
    decision, address = ready.decision, ready.address
    goes = isinstance(decision, Go)
    due_at = max(at + delay, decision.at) if isinstance(decision, Go) else at
    made = session.execute(
        insert(table_of(Message))
        .values(
            id=uuid4(), ente_id=order.ente_id, contact_id=order.contact_id, cause=cause,
            channel=address.channel if address else None, template=ready.template.key, language=ready.language,
            address=address.value if address else "", sender=order.sender, subject=ready.written.subject,
            calendar=order.calendar if goes and address and address.channel is MessageChannel.EMAIL else "",
            body=ready.written.body if goes or not ready.template.secret else "",
            state=MessageState.OWED if goes else MessageState.WITHHELD,
            reason=decision.reason if isinstance(decision, Withheld) else None, attempts=0, looks=0, made_at=at,
            made_by=by.user_id if by else None, call_id=call_id, due_at=due_at,
            expires_at=expires_at or due_at + ready.template.lives, ended_at=None if goes else at,
        )
        .on_conflict_do_nothing(index_elements=["ente_id", "cause"])
        .returning(table_of(Message).c.id)
    ).scalar_one_or_none()  # fmt: skip
    if made is None:  # somebody else was first, this very moment
        return session.execute(select(Message.id).where(*own)).scalar_one()
    row = session.get_one(Message, made)
    audit.note(
        session, by, kind="message.owed", ente_id=row.ente_id, contact_id=row.contact_id, subject=f"message:{row.id}",
        call_id=call_id,
        after={
            "template": row.template, "state": row.state.value, "reason": row.reason.value if row.reason else None,
            **({"channel": row.channel, "address": row.address} if row.contact_id is not None else {}),
        },
    )  # fmt: skip
    outbox.tell(session, row)
    if goes:
        outbox.wake(session, row)
    return row.id


def cancel(session: Session, by: Principal, *, message_id: UUID) -> None:
    """Take it back, as long as nobody has begun to send it. Said twice, it is no error."""
    by.require(Permission.CONTACT_RECORD)
    row = session.get(Message, message_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFoundError("Questo messaggio non esiste.")
    require_on(session, by, Permission.CONTACT_RECORD, ente_id=row.ente_id)
    if row.state is MessageState.WITHHELD and row.reason is Reason.CANCELLED:
        return
    if row.state is not MessageState.OWED or row.attempts:
        raise ConflictError("Il messaggio è già partito.")
    outbox.end(session, row, MessageState.WITHHELD, Reason.CANCELLED)
    audit.note(
        session, by, kind="message.cancelled", ente_id=row.ente_id, contact_id=row.contact_id,
        subject=f"message:{row.id}", call_id=row.call_id,
    )  # fmt: skip


def withdraw(session: Session, *, ente_id: int, causes: Collection[str]) -> None:
    """What these causes owe and has not left yet stays: it would tell what is no longer so."""
    owed = (Message.ente_id == ente_id, Message.cause.in_(causes), Message.state == MessageState.OWED)
    for row in session.scalars(select(Message).where(*owed).with_for_update()).all():
        outbox.end(session, row, MessageState.WITHHELD, Reason.CANCELLED)


def stop(session: Session, *, ente_id: int, channel: MessageChannel, address: str) -> None:
    """Somebody at this address wants no more messages. Said again it is no error."""
    row = {"ente_id": ente_id, "channel": channel, "address": address, "stopped_at": clock.now(session)}
    added = (
        insert(table_of(MessageStop)).values(row).on_conflict_do_nothing().returning(table_of(MessageStop).c.address)
    )
    if session.execute(added).first() is not None:
        _tell_stop(session, "message.stopped", ente_id, channel, address)


def restart(session: Session, *, ente_id: int, channel: MessageChannel, address: str) -> None:
    """He takes it back."""
    key = (MessageStop.ente_id == ente_id, MessageStop.channel == channel, MessageStop.address == address)
    gone = session.execute(delete(MessageStop).where(*key).returning(MessageStop.address)).first()
    if gone is not None:
        _tell_stop(session, "message.restarted", ente_id, channel, address)


def forget_addresses(session: Session, message_ids: Collection[UUID]) -> frozenset[UUID]:
    """Empty where these went, and their words, but for those to a contact; which ones are still under way."""
    these = Message.id.in_(message_ids), Message.contact_id.is_(None)
    under_way = frozenset(session.scalars(select(Message.id).where(*these, Message.state.in_(UNDER_WAY))))
    emptied = {"address": "", "subject": "", "body": "", "external_id": None}
    session.execute(update(Message).where(*these, Message.state.not_in(UNDER_WAY)).values(**emptied))
    return under_way


def _tell_stop(session: Session, kind: str, ente_id: int, channel: MessageChannel, address: str) -> None:
    """In the audit of whoever is reached there; of nobody known it holds no number."""
    theirs = [one.contact_id for one in contacts.reached_at(session, address) if one.ente_id == ente_id]
    for contact_id in theirs:
        audit.note(
            session, None, kind=kind, ente_id=ente_id, contact_id=contact_id,
            after={"channel": channel.value, "address": address},
        )  # fmt: skip
        touch(session, topics.contact(contact_id))
    if not theirs:
        audit.note(session, None, kind=kind, ente_id=ente_id, after={"channel": channel.value})


def _wanted(template: Template, order: Order) -> Wanted:
    telling = frozenset({MessageChannel.EMAIL} if template.needs_verified else ())
    return Wanted(template.kind, template.channels, order.channel, order.address, telling)


def _facts(session: Session, order: Order) -> tuple[Facts, str | None]:
    if order.contact_id is not None:
        contact = contacts.get(session, order.contact_id)
        if contact.ente_id != order.ente_id:
            raise NotFoundError("Contribuente non trovato.")
        return queries.facts(session, contact)
    if order.channel is None or order.address is None:
        raise InvalidError("Scrivi a quale indirizzo.", field="address")
    kind = ReachKind.PHONE if order.channel is MessageChannel.SMS else ReachKind.EMAIL
    if told.parse_reach(kind, order.address) != order.address:
        raise InvalidError("L'indirizzo non è scritto come si deve.", field="address")
    address = Address(order.channel, order.address)
    return queries.facts_of_address(session, order.ente_id, address), None

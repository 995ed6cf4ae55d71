"""Reading what decides about messages, and what was sent."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.contacts import consents, preferences
from crm.contacts import queries as contacts
from crm.contacts.models import Purpose
from crm.contacts.queries import ContactView
from crm.core import clock
from crm.core.errors import NotFoundError
from crm.enti.calendar import Timetable
from crm.enti.models import Ente
from crm.messages.models import Message, MessageChannel, MessageSetting, MessageState, MessageStop, Reason
from crm.messages.rules import Address, Facts, Quiet, fit
from crm.messages.templates import TEMPLATES

SHOWN_FOR, MOST = timedelta(days=30), 200


@dataclass(frozen=True, slots=True)
class MessageView:
    """A message, without its words."""

    id: UUID
    ente_id: int
    contact_id: int | None
    channel: MessageChannel | None
    template: str
    address: str
    state: MessageState
    reason: Reason | None
    due_at: datetime
    ended_at: datetime | None
    made_by: int | None


def get(session: Session, message_id: UUID) -> MessageView:
    """One message. Raises `NotFoundError`."""
    row = session.get(Message, message_id, populate_existing=True)
    if row is None:
        raise NotFoundError("Questo messaggio non esiste.")
    return _view(row)


def _view(row: Message) -> MessageView:
    return MessageView(**{name: getattr(row, name) for name in MessageView.__dataclass_fields__})


def states(session: Session, ente_id: int, causes: Collection[str]) -> Mapping[str, MessageState]:
    """How the messages of these causes stand, of those that made one."""
    rows = select(Message.cause, Message.state).where(Message.ente_id == ente_id, Message.cause.in_(causes))
    return {row.cause: row.state for row in session.execute(rows)}


def undelivered(session: Session, ente_ids: Collection[int]) -> list[MessageView]:
    """What did not arrive at somebody who is no contact of these enti, of the last month, the latest first.

    A contact's is a follow-up about him; a code is asked for again.
    """
    rows = session.scalars(
        select(Message)
        .where(
            Message.contact_id.is_(None), Message.ended_at > clock.now(session) - SHOWN_FOR,
            Message.ente_id.in_(ente_ids), Message.state.in_([MessageState.FAILED, MessageState.EXPIRED]),
            Message.template.not_in([one.key for one in TEMPLATES.values() if one.secret]),
        )
        .order_by(Message.ended_at.desc(), Message.id)
        .limit(MOST)
    )  # fmt: skip
    return [_view(row) for row in rows]


def facts(session: Session, contact: ContactView) -> tuple[Facts, str]:
    """What decides about messages of an ente to a contact of its own, merged ones with him; and his language."""
    everywhere = contacts.same_person(session, contact.id)
    same = contacts.of_ente(everywhere, contact.ente_id)
    ids = [one.id for one in same]
    addresses = fit([reach for one in same for reach in one.reaches])
    asked = preferences.of_contacts(session, ids)
    consent = consents.standing(consents.of_contacts(session, ids)).get(Purpose.DIGITAL_MESSAGES)
    found = Facts(
        addresses=addresses, stopped=stopped(session, contact.ente_id, addresses),
        consented=consent.given if consent else None, do_not_call=asked.do_not_call,
        deceased=contacts.person_of(everywhere).deceased, wishes=asked.wishes, quiet=quiet(session, contact.ente_id),
    )  # fmt: skip
    return found, asked.wishes.language or contact.language


def facts_of_address(session: Session, ente_id: int, address: Address) -> Facts:
    """The same of an address of which nobody says whose it is."""
    return Facts((address,), stopped=stopped(session, ente_id, [address]), quiet=quiet(session, ente_id))


def quiet(session: Session, ente_id: int) -> Quiet:
    """When an ente lets nobody be disturbed. Its lines may be open on holidays: what it wants of people waits."""
    own, ente = session.get(MessageSetting, ente_id), session.get_one(Ente, ente_id)
    timetable = Timetable((), observes_holidays=True, patron=(ente.patron_month, ente.patron_day))
    return Quiet(own.quiet_from, own.quiet_until, timetable) if own else Quiet(timetable=timetable)


def known_externally(session: Session, *, ente_id: int, address: str) -> frozenset[str]:
    """The carrier's ids of the messages to this address that are known: what is looked for is none of them."""
    rows = select(Message.external_id).where(
        Message.ente_id == ente_id, Message.address == address, Message.external_id.is_not(None)
    )
    return frozenset(one for one in session.scalars(rows) if one is not None)


def stopped(
    session: Session, ente_id: int, addresses: Collection[Address]
) -> frozenset[tuple[MessageChannel, str]]:  # fmt: skip
    """Those of these addresses at which somebody said that he wants no more messages of this ente."""
    values = {one.value for one in addresses}
    if not values:
        return frozenset()
    rows = session.execute(
        select(MessageStop.channel, MessageStop.address).where(
            MessageStop.ente_id == ente_id, MessageStop.address.in_(values)
        )
    )
    return frozenset((channel, address) for channel, address in rows)

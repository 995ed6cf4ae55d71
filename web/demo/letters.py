"""The demonstration's messages: some leave as it starts, one has not arrived and somebody is to look after it."""

import random
from datetime import date, datetime, time, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.contacts.models import ContactReach, ReachKind
from crm.core.clock import ROME
from crm.enti.models import Ente
from crm.messages import outbox, service
from crm.messages.models import Message, MessageChannel, MessageState, Reason
from crm.messages.service import Order
from crm.messages.templates import MessageTemplate
from web.demo.places import OVERSEEN

PLACE = "sportello, primo piano"
AFTER = timedelta(minutes=2)  # the carrier then knows the lines


def write_to(session: Session, *, today: date) -> None:
    """What people of the ente that is looked at most are sent, unless it was before."""
    ente_id = session.scalars(select(Ente.id).where(Ente.cadastral_code == OVERSEEN)).one()
    if session.execute(select(Message.id).where(Message.ente_id == ente_id).limit(1)).first():
        return
    dice = random.Random(f"letters:{today}:{ente_id}")  # noqa: S311 (invented data)
    at = datetime.combine(today + timedelta(days=1), time(10, 30), tzinfo=ROME)
    values = {MessageTemplate.APPOINTMENT: {"at": at, "place": PLACE}, MessageTemplate.CALL_BACK: {
        "at": at, "line": "+39 0571 000 000",
    }}  # fmt: skip
    for channel, kind in ((MessageChannel.SMS, ReachKind.PHONE), (MessageChannel.EMAIL, ReachKind.EMAIL)):
        reached = session.scalars(
            select(ContactReach.contact_id)
            .where(ContactReach.ente_id == ente_id, ContactReach.kind == kind)
            .distinct()
            .order_by(ContactReach.contact_id)
            .limit(200)
        ).all()
        for place, contact_id in enumerate(dice.sample(reached, min(3, len(reached)))):
            template = dice.choice(tuple(values))
            order = Order(ente_id, template.value, values[template], contact_id=contact_id, channel=channel)
            made = service.owe(session, None, order, cause=f"demo:{channel.value}:{place}", delay=AFTER)
            if place == 0:
                _did_not_arrive(session, made)


def _did_not_arrive(session: Session, made: UUID) -> None:
    row = session.get_one(Message, made)
    if row.ended_at is None:
        outbox.end(session, row, MessageState.FAILED, Reason.NOT_DELIVERED)

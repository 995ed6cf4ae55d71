"""Who is told that an agent needs help, whether he looks at the page or not; and told again while nobody answers."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.access.models import User
from crm.access.permissions import Permission
from crm.access.queries import to_tell
from crm.contacts.names import full_name
from crm.contacts.phone import spaced
from crm.messages import service as messages
from crm.messages.models import Message, MessageChannel, MessageState, Reason
from crm.messages.service import Order
from crm.messages.templates import MessageTemplate
from outbound.field.agents import company
from outbound.field.agents.models import FieldAgent
from outbound.field.visits.models import AlarmKind, FieldAlarm

Say = Callable[[AlarmKind, str], str]  # what it is, in a language


@dataclass(frozen=True, slots=True)
class Telling:
    """What whoever is told needs: the address of the page where it is answered, and the words for it."""

    link: str
    say: Say


@dataclass(frozen=True, slots=True)
class Notice:
    """One who is told: `whom` by name, or a number; `due_at` in the future: unless somebody answers before."""

    whom: str
    channel: MessageChannel | None
    state: MessageState
    reason: Reason | None
    due_at: datetime
    ended_at: datetime | None


def tell(session: Session, alarm: FieldAlarm, agent: FieldAgent, telling: Telling) -> list[UUID]:
    """Owe all that is said of an alarm, in the transaction in which it is raised; the messages' ids.

    Rule: whoever manages the ente's visits has an e-mail at once, and another while nobody answers; the number on call
    has an SMS of a danger at once, and of whatever nobody has answered within the minutes that the company chose.
    """
    watch = company.watch(session)
    whom = [
        (f"{one.id}", MessageChannel.EMAIL, one.email, one.language)
        for one in to_tell(session, Permission.FIELD_MANAGE, ente_id=alarm.ente_id)
        if one.email
    ]
    on_call = [("on_call", MessageChannel.SMS, watch.phone, "it")] if watch.phone else []
    now = [*whom, *(on_call if alarm.kind is AlarmKind.PANIC else ())]
    later = timedelta(minutes=watch.minutes)
    rounds = (
        (MessageTemplate.FIELD_ALARM, now, timedelta()), (MessageTemplate.FIELD_ALARM_OPEN, [*whom, *on_call], later)
    )  # fmt: skip
    return [
        messages.owe(
            session, None,
            Order(
                alarm.ente_id, template,
                {
                    "what": telling.say(alarm.kind, language), "agent": full_name(agent.surname, agent.given_name),
                    "phone": spaced(agent.phone), "link": telling.link,
                },
                channel=channel, address=address, language=language,
            ),
            cause=f"{template}:{alarm.id}:{who}", delay=delay,
        )
        for template, some, delay in rounds
        for who, channel, address, language in some
    ]  # fmt: skip


def answered(session: Session, alarm: FieldAlarm) -> None:
    """Somebody answers: what has not left yet stays."""
    causes = session.scalars(select(Message.cause).where(Message.id.in_(alarm.told))).all()
    messages.withdraw(session, ente_id=alarm.ente_id, causes=causes)


def notices(session: Session, alarms: Collection[FieldAlarm]) -> dict[UUID, list[Notice]]:
    """Who was told of each, and who will be, in the order of time."""
    of = {one: alarm.id for alarm in alarms for one in alarm.told}
    rows = session.execute(
        select(Message, User.name)
        .outerjoin(User, User.email == Message.address)
        .where(Message.id.in_(of)).order_by(Message.due_at, Message.channel, Message.address)
    )  # fmt: skip
    found: dict[UUID, list[Notice]] = {alarm.id: [] for alarm in alarms}
    for row, name in rows:
        whom = name or (spaced(row.address) if row.channel is MessageChannel.SMS else row.address)
        found[of[row.id]].append(Notice(whom, row.channel, row.state, row.reason, row.due_at, row.ended_at))
    return found

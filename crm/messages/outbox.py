"""A message's row while it is sent: taken under lease, and what came of it written down.

Whoever sends holds a job's lease (`crm.core.jobs`); a row that is being sent when somebody takes it may have been sent
by whoever died at it. `turn` tells apart those who come one after the other: who is late writes nothing.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from crm.contacts import queries as contacts
from crm.contacts import told
from crm.core import clock, jobs, topics
from crm.core.db import touch
from crm.enti import queries as enti
from crm.follow_ups import service as follow_ups
from crm.follow_ups.models import FollowUpKind
from crm.messages import queries, rules
from crm.messages.lifecycle import follows, wait_after
from crm.messages.models import Message, MessageChannel, MessageState, Reason
from crm.messages.rules import Address, Wanted, Withheld
from crm.messages.templates import TEMPLATES
from crm.timeline import service as timeline
from crm.timeline.models import EntryKind

NOT_ARRIVED = (MessageState.FAILED, MessageState.EXPIRED)
_UNDER_WAY = (MessageState.SENDING, MessageState.UNKNOWN)
DELIVER = "messages.deliver"  # the kind of the jobs that send, look for, and look after messages
_NOTES = {
    MessageChannel.SMS: "Un SMS non è arrivato: guarda la cronologia e cerca un altro recapito.",
    MessageChannel.EMAIL: "Un'e-mail non è arrivata: guarda la cronologia e cerca un altro recapito.",
    MessageChannel.PEC: "Una PEC non è arrivata: guarda la cronologia e cerca un altro recapito.",
}


@dataclass(frozen=True, slots=True)
class Leased:
    """A message to be sent, or (`may_have_left`) to be looked for; or already sent, to be looked after."""

    id: UUID
    ente_id: int
    channel: MessageChannel
    cause: str
    template: str
    language: str
    address: str
    subject: str
    body: str
    calendar: str  # to go with an e-mail; none: empty
    made_at: datetime
    first_tried_at: datetime
    may_have_left: bool
    sent: bool
    attempts: int
    looks: int
    external_id: str | None
    known: frozenset[str]  # other messages to this address at the carrier
    sender: str | None  # the number that it leaves from; none: the ente's

    @property
    def turn(self) -> tuple[int, int]:
        """Changes with each who takes it."""
        return self.attempts, self.looks


def wake(session: Session, row: Message) -> None:
    """Owe the job that goes on with this message when it is due."""
    argument = {"message": str(row.id)}
    jobs.enqueue(session, ente_id=row.ente_id, kind=DELIVER, argument=argument, due_at=row.due_at)


def lease(session: Session, message_id: UUID) -> Leased | None:
    """Take a message that is due. None: there is nothing to do about it any more, or yet."""
    row = _locked(session, message_id)
    if row is None:
        return None
    match row.state:
        case MessageState.OWED:
            if not _may_go(session, row):
                return None
            row.state, row.attempts, row.tried_at = MessageState.SENDING, row.attempts + 1, clock.now(session)
            row.first_tried_at = row.first_tried_at or row.tried_at
            left, sent = False, False
        case MessageState.SENDING | MessageState.UNKNOWN:
            row.looks, left, sent = row.looks + 1, True, False
        case MessageState.SENT if row.channel is MessageChannel.SMS:
            row.looks, left, sent = row.looks + 1, True, True
        case _:
            return None
    session.flush()
    assert row.channel is not None
    assert row.first_tried_at is not None
    known = queries.known_externally(session, ente_id=row.ente_id, address=row.address)
    return Leased(
        row.id, row.ente_id, row.channel, row.cause, row.template, row.language, row.address, row.subject, row.body,
        row.calendar, row.made_at, row.first_tried_at, left, sent, row.attempts, row.looks, row.external_id, known,
        row.sender,
    )  # fmt: skip


def sent(session: Session, one: Leased, *, external_id: str | None = None, look_after: timedelta | None = None) -> None:
    """It was taken. `look_after`: when to ask what became of it, should nobody say.

    What went to many is not woken one by one: `bulk.wake_unheard` does.
    """
    row = _locked(session, one.id)
    if row is None:
        return
    row.external_id = row.external_id or external_id
    if follows(row.state, row.reason, MessageState.SENT):
        _move(session, row, MessageState.SENT)
    if look_after is not None and row.state is MessageState.SENT:
        row.due_at = clock.now(session) + look_after
        if not TEMPLATES[row.template].mass:
            wake(session, row)
    session.flush()


def again(session: Session, one: Leased) -> None:
    """It was not taken, through trouble that may pass: after a while once more, while it still means something."""
    row = _mine(session, one)
    if row is None:
        return
    row.state, row.due_at = MessageState.OWED, clock.now(session) + wait_after(row.attempts)
    if row.due_at >= row.expires_at:
        end(session, row, MessageState.EXPIRED, Reason.TOO_LATE)
        return
    session.flush()
    tell(session, row)
    wake(session, row)


def unknown(session: Session, one: Leased, *, wait: timedelta) -> None:
    """Nobody knows whether it was taken: after a while it is looked for, or once more sent where that does no harm."""
    row = _mine(session, one)
    if row is None:
        return
    row.state, row.due_at = MessageState.UNKNOWN, clock.now(session) + wait
    session.flush()
    tell(session, row)
    wake(session, row)


def repeat_later(session: Session, one: Leased) -> None:
    """It may have been taken once, and the repetition met trouble before it left: that was no repetition."""
    row = _mine(session, one)
    if row is None:
        return
    row.state, row.looks, row.attempts = MessageState.UNKNOWN, row.looks - 1, row.attempts + 1
    row.due_at = clock.now(session) + wait_after(row.attempts)
    if row.due_at >= row.expires_at:
        end(session, row, MessageState.FAILED, Reason.NOT_SURE)
        return
    session.flush()
    tell(session, row)
    wake(session, row)


def failed(session: Session, one: Leased, reason: Reason) -> None:
    """It will not arrive."""
    row = _mine(session, one)
    if row is not None:
        end(session, row, MessageState.FAILED, reason)


def look_again(session: Session, one: Leased, *, wait: timedelta) -> None:
    """It was sent, and there is no news of it: look once more, later."""
    row = _mine(session, one, MessageState.SENT)
    if row is not None:
        row.due_at = clock.now(session) + wait
        session.flush()
        wake(session, row)


def heard(
    session: Session, *, message_id: UUID, external_id: str, told: MessageState, reason: Reason | None = None
) -> bool:
    """The carrier says what became of it. False: there is no such message, or it is another's word."""
    row = _locked(session, message_id)
    if row is None or (row.external_id is not None and row.external_id != external_id):
        return False
    row.external_id = external_id
    session.flush()
    if follows(row.state, row.reason, told):
        if told is MessageState.FAILED:
            end(session, row, told, reason or Reason.NOT_DELIVERED)
        else:
            _move(session, row, told)
    return True


def broken(session: Session, message_id: UUID) -> None:
    """It could not be dealt with, through a fault of ours."""
    row = _locked(session, message_id)
    if row is not None and row.ended_at is None and row.state is not MessageState.SENT:
        end(session, row, MessageState.FAILED, Reason.BROKEN)


def end(session: Session, row: Message, state: MessageState, reason: Reason) -> None:
    """Nothing more is done about it. What was to arrive and did not is shown to somebody."""
    _settle(session, row, state, reason)
    if reason is Reason.BAD_ADDRESS and row.contact_id is not None:
        told.not_reached(session, ente_id=row.ente_id, contact_id=row.contact_id, value=row.address)
    if state not in NOT_ARRIVED or row.channel is None or _is_secret(row) or TEMPLATES[row.template].mass:
        return
    if row.contact_id is None:  # on the page of everybody's follow-ups
        touch(session, *(topics.follow_ups(one) for one in enti.contracts_of(session, row.ente_id)))
    else:
        follow_ups.owe(
            session, ente_id=row.ente_id, contact_id=row.contact_id, kind=FollowUpKind.CHECK,
            note=_NOTES[row.channel], call_id=row.call_id,
        )  # fmt: skip


def tell(session: Session, row: Message) -> None:
    """The timeline; a code is not on it. Whoever shows the message itself looks again."""
    touch(session, topics.message(row.id))
    if row.contact_id is None:
        return
    timeline.record(
        session, ente_id=row.ente_id, contact_id=row.contact_id, kind=EntryKind.MESSAGE, source=row.id,
        occurred_at=row.made_at, author_id=row.made_by, status=row.state.value,
        detail={
            "channel": row.channel.value if row.channel else None, "template": row.template, "to": row.address,
            "why": row.reason.value if row.reason else None,
            "due_at": row.due_at.isoformat() if row.state is MessageState.OWED else None,
            "note": "" if _is_secret(row) else "\n\n".join(one for one in (row.subject, row.body) if one),
        },
    )  # fmt: skip


def _may_go(session: Session, row: Message) -> bool:
    """Whether it may be sent now: since it was owed he may have said that he wants none, or night may have fallen."""
    at = clock.now(session)
    if at >= row.expires_at:
        end(session, row, MessageState.EXPIRED, Reason.TOO_LATE)
        return False
    if row.due_at > at:
        wake(session, row)
        return False
    template = TEMPLATES[row.template]
    assert row.channel is not None
    wanted = Wanted(template.kind, template.channels, row.channel, row.address)
    if row.contact_id is None:
        facts = queries.facts_of_address(session, row.ente_id, Address(row.channel, row.address))
    else:
        facts = queries.facts(session, contacts.get(session, row.contact_id))[0]
    decision = rules.decide(wanted, facts, now=at)
    if isinstance(decision, Withheld):
        end(session, row, MessageState.WITHHELD, decision.reason)
        return False
    if decision.at > at:
        row.due_at = decision.at
        session.flush()
        if row.due_at >= row.expires_at:
            end(session, row, MessageState.EXPIRED, Reason.TOO_LATE)
        else:
            wake(session, row)
            tell(session, row)
        return False
    return True


def _move(session: Session, row: Message, state: MessageState) -> None:
    at = clock.now(session)
    row.sent_at = row.sent_at or at
    row.ended_at = at if state is MessageState.DELIVERED else None
    _settle(session, row, state, None)


def _settle(session: Session, row: Message, state: MessageState, reason: Reason | None) -> None:
    row.state, row.reason = state, reason
    if state is not MessageState.SENT:
        row.ended_at = clock.now(session)
    if _is_secret(row):
        row.body = ""
    session.flush()
    tell(session, row)


def _is_secret(row: Message) -> bool:
    return TEMPLATES[row.template].secret


def _locked(session: Session, message_id: UUID) -> Message | None:
    return session.get(Message, message_id, with_for_update=True, populate_existing=True)


def _mine(session: Session, one: Leased, *states: MessageState) -> Message | None:
    """The row, if nobody came after us and the carrier has not told more meanwhile."""
    row = _locked(session, one.id)
    mine = row is not None and (row.attempts, row.looks) == one.turn
    return row if row is not None and mine and row.state in (states or _UNDER_WAY) else None

"""An agent's conversations by SMS as his console shows them: the list, and the one that he has in front."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.access import queries as access
from crm.access.permissions import Permission
from crm.contacts import card as cards
from crm.contacts import queries as contacts
from crm.contacts.queries import ContactView
from crm.core import topics
from crm.enti import queries as enti
from crm.enti.queries import Badge
from crm.files import queries as files
from crm.files.gate import Gate
from crm.messages.models import Message, MessageState, Reason
from telephony.calls.models import ProposedBy
from telephony.lines import queries as lines
from telephony.queues import queries as queues
from telephony.texts import settings
from telephony.texts.models import TextDesk, TextMessage, TextThread, ThreadState
from telephony.texts.phrases import Phrase, filled
from web.edge.visits import Visit
from web.files.speakers import Offered, offered_in
from web.files.view import TaxpayerFile, read_file

UNSETTLED = frozenset({MessageState.OWED, MessageState.SENDING, MessageState.UNKNOWN, MessageState.SENT})
LOST = frozenset({MessageState.FAILED, MessageState.EXPIRED, MessageState.WITHHELD})


@dataclass(frozen=True, slots=True)
class Card:
    """One of the agent's threads in his list. `since`: his last word, while he waits for an answer."""

    id: UUID
    state: ThreadState
    who: str | None
    citizen: str
    ente: Badge | None
    queue: str
    since: datetime | None
    unread: bool
    in_front: bool


@dataclass(frozen=True, slots=True)
class Bubble:
    """Something written. Ours has what became of it."""

    id: int
    inbound: bool
    body: str
    media: int
    at: datetime
    author: str | None  # none: the system
    state: MessageState | None
    reason: Reason | None

    @property
    def lost(self) -> bool:
        """Whether it did not arrive."""
        return self.state in LOST


@dataclass(frozen=True, slots=True)
class Asked:
    """Who may be writing, while his file is closed."""

    id: int
    name: str
    codice_fiscale: str
    born_on: date | None
    birthplace: str | None
    address: str | None
    gate: Gate
    speakers: Offered
    rows: frozenset[int]
    version: str
    proposed_by: ProposedBy | None


@dataclass(frozen=True, slots=True)
class Front:
    """The thread that the agent has in front of him."""

    card: Card
    line: str
    reopened: int
    bubbles: tuple[Bubble, ...]
    asked: Asked | None
    file: TaxpayerFile | None
    draft: str
    topic: str | None
    disposition: str | None
    note: str
    once: str  # another one after each reply
    phrases: tuple[tuple[Phrase, str], ...]  # with its words
    may_tell: bool
    topics: frozenset[str]


@dataclass(frozen=True, slots=True)
class Threads:
    """Everything of conversations by SMS on a console. `held`: the agent's contracts hold them."""

    held: bool
    cards: tuple[Card, ...]
    front: Front | None

    @property
    def next_id(self) -> UUID | None:
        """Where the key that switches leads: what is new first, then the one after the one in front."""
        news = [one.id for one in self.cards if one.unread and not one.in_front]
        if news:
            return news[0]
        ids = [one.id for one in self.cards]
        at = next((n for n, one in enumerate(self.cards) if one.in_front), -1)
        return ids[(at + 1) % len(ids)] if ids else None

    @property
    def unread(self) -> int:
        """How many have something new."""
        return sum(one.unread for one in self.cards)


NONE = Threads(held=False, cards=(), front=None)


def read(session: Session, visit: Visit, answered_at: datetime | None, public_url: str) -> Threads:
    """An agent's threads. A call that he has answered since he chose one comes before it."""
    if not settings.all_settings(session):
        return NONE
    agent_id = visit.principal.user_id
    mine = TextThread.agent_id == agent_id, TextThread.state != ThreadState.CLOSED
    rows = session.execute(
        select(TextThread).where(*mine).order_by(TextThread.begun_at, TextThread.id)
        .execution_options(populate_existing=True)
    ).scalars().all()  # fmt: skip
    held = bool(visit.principal.contracts_for(Permission.CALLS_ANSWER) & settings.all_settings(session).keys())
    desk = session.get(TextDesk, agent_id, populate_existing=True) if rows else None
    chosen = desk.thread_id if desk and (answered_at is None or desk.chosen_at > answered_at) else None
    row = next((one for one in rows if one.id == chosen and one.state is not ThreadState.OFFERED), None)
    badges = enti.badges(session, frozenset(one.ente_id for one in rows if one.ente_id is not None)) if rows else {}
    listed = tuple(
        _card(session, one, badges.get(one.ente_id) if one.ente_id else None, in_front=one is row) for one in rows
    )
    front = None
    if row is not None:
        front = _front(session, visit, row, next(one for one in listed if one.in_front), public_url)
    return Threads(held or bool(rows), listed, front)


def bubbles(session: Session, thread_id: UUID) -> tuple[Bubble, ...]:
    """All that was written in a thread, in order."""
    written = session.execute(
        select(TextMessage, Message.state, Message.reason)
        .outerjoin(Message, Message.id == TextMessage.message_id)
        .where(TextMessage.thread_id == thread_id)
        .order_by(TextMessage.id)
    ).all()
    names = access.named(session, {one.agent_id for one, _, _ in written if one.agent_id is not None})
    return tuple(
        Bubble(
            one.id, one.inbound, one.body, one.media, one.at,
            names.get(one.agent_id) if one.agent_id is not None else None, state, reason,
        )
        for one, state, reason in written
    )  # fmt: skip


def _card(session: Session, row: TextThread, ente: Badge | None, *, in_front: bool) -> Card:
    owes = row.replied_at is None or row.wrote_at > row.replied_at
    unread = row.state is ThreadState.OFFERED or (
        not in_front and (row.seen_at is None or row.wrote_at > row.seen_at)
    )  # fmt: skip
    who = contacts.get(session, row.contact_id).name if row.contact_id is not None else None
    return Card(
        row.id, row.state, who, row.citizen, ente, queues.queue(session, row.queue_id).name,
        row.wrote_at if owes else None, unread, in_front,
    )  # fmt: skip


def _front(session: Session, visit: Visit, row: TextThread, card: Card, public_url: str) -> Front:
    person = contacts.same_person(session, row.contact_id) if row.contact_id is not None else []
    opening = files.opening(session, visit.principal, contact_id=person[0].id) if person else None
    file = (
        read_file(session, visit.principal, person, opening)
        if opening is not None and opening.call_id == row.id
        else None
    )
    said = bubbles(session, row.id)
    line = lines.line(session, row.line)
    name = card.ente.name if card.ente else enti.contract_name(session, row.contract_id)
    link = f"{public_url}/info/{row.ente_id}" if row.ente_id is not None else public_url
    agent = visit.principal.name.split(" ")[0]
    ours = [one for one in said if not one.inbound]
    return Front(
        card, line.label if line else row.line, row.reopened, said,
        _asked(session, visit, row, person) if person and file is None else None, file, row.draft,
        row.topic, row.disposition, row.note,
        f"{row.id}:{len(ours)}",
        tuple((one, filled(one, row.language, agent=agent, ente=name, link=link)) for one in Phrase),
        file is not None, _watched(session, row, said) | {topics.contact(one.id) for one in person},
    )  # fmt: skip


def _watched(session: Session, row: TextThread, said: Sequence[Bubble]) -> frozenset[str]:
    """The messages of which there may still be news."""
    if not any(one.state in UNSETTLED for one in said):
        return frozenset()
    ids = select(TextMessage.message_id).where(
        TextMessage.thread_id == row.id, TextMessage.message_id.is_not(None)
    )  # fmt: skip
    return frozenset(topics.message(one) for one in session.execute(ids).scalars() if one is not None)


def _asked(session: Session, visit: Visit, row: TextThread, same: Sequence[ContactView]) -> Asked:
    contact = same[0]
    return Asked(
        contact.id, contact.name, contact.codice_fiscale, contact.born_on, contact.birthplace,
        contact.address.line if contact.address else None, files.gate(session, contact.ente_id),
        offered_in(session, visit, same, talk=row.id.hex), frozenset(one.id for one in same),
        cards.summary(session, same).version, row.proposed_by,
    )  # fmt: skip

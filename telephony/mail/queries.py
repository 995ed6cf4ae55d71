"""The inbox as it is read: which correspondences, one of them with everything in it, who else is at it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select, tuple_
from sqlalchemy.orm import Session

from crm.access.models import User
from crm.access.permissions import Permission, Principal
from crm.access.service import scope_for
from crm.contacts import queries as contacts
from crm.core import clock
from crm.core.db import table_of
from crm.core.errors import NotFoundError
from crm.messages.models import Message, MessageState, Reason
from telephony.mail import copies
from telephony.mail.automatic import Nature
from telephony.mail.composing import others_in
from telephony.mail.copies import Lost
from telephony.mail.headers import address_of
from telephony.mail.models import (
    Mail,
    MailAttachment,
    Mailbox,
    MailboxKind,
    MailEnclosure,
    MailThread,
    Matched,
    PecReceipt,
    ThreadState,
)
from telephony.mail.threads import codes_in
from telephony.queues import queries as queues

PAGE = 50
ANSWERING = timedelta(minutes=2)  # after he was last seen writing
_THREAD, _MAIL, _BOX = table_of(MailThread), table_of(Mail), table_of(Mailbox)


class Folder(StrEnum):
    """Which correspondences."""

    OPEN = "open"  # somebody waits: who is to be answered first before all
    MINE = "mine"
    ANSWERED = "answered"
    ASIDE = "aside"
    CLOSED = "closed"


_STATE = {
    Folder.OPEN: ThreadState.OPEN, Folder.MINE: ThreadState.OPEN, Folder.ANSWERED: ThreadState.ANSWERED,
    Folder.ASIDE: ThreadState.ASIDE, Folder.CLOSED: ThreadState.CLOSED,
}  # fmt: skip
WAITING_FIRST = frozenset({Folder.OPEN, Folder.MINE})


@dataclass(frozen=True, slots=True)
class BoxView:
    """A mailbox in the list of folders; how many wait there."""

    id: int
    contract_id: int
    ente_id: int | None
    name: str
    address: str
    certified: bool
    waiting: int


@dataclass(frozen=True, slots=True)
class Row:
    """A correspondence in the list."""

    id: UUID
    ente_id: int | None
    mailbox_id: int
    code: str
    subject: str
    snippet: str
    correspondent: str
    correspondent_name: str
    state: ThreadState
    suggested: str | None
    topic: str | None
    assignee_id: int | None
    last_at: datetime
    waiting_since: datetime | None
    answer_by: datetime | None
    attachments: int
    trouble: bool


@dataclass(frozen=True, slots=True)
class Piece:
    """A mail of a correspondence, with what is attached and what became of it."""

    mail: Mail
    attachments: Sequence[MailAttachment]
    receipts: Sequence[PecReceipt]
    state: MessageState | None = None
    reason: Reason | None = None
    due_at: datetime | None = None
    enclosed: Sequence[MailEnclosure] = ()

    @property
    def lost(self) -> tuple[tuple[str, Lost], ...]:
        """Which copies did not arrive."""
        return copies.lost(self.mail.recipients)


@dataclass(frozen=True, slots=True)
class Correspondence:
    """All of it, the first mail first. `proposed`: who has the address, while nobody has said who it is."""

    thread: MailThread
    box: Mailbox
    pieces: Sequence[Piece]
    contact: str
    proposed: Sequence[tuple[int, str]]
    answering: str  # a colleague who is writing an answer


def boxes_of(session: Session, by: Principal) -> list[BoxView]:
    """The mailboxes that he looks after: those of his queues, and of none; all of them for whoever sets them up."""
    rows = list(session.scalars(select(Mailbox).order_by(Mailbox.name, Mailbox.id)))
    counted = select(_THREAD.c.mailbox_id, func.count()).where(_THREAD.c.state == ThreadState.OPEN)
    rows_of = session.execute(counted.group_by(_THREAD.c.mailbox_id))
    waiting: dict[int, int] = {row[0]: row[1] for row in rows_of}
    return [
        BoxView(
            row.id, row.contract_id, row.ente_id, row.name, row.address, row.kind is MailboxKind.PEC,
            waiting.get(row.id, 0),
        )
        for row in rows if _looks_after(session, by, row)
    ]  # fmt: skip


def listed(
    session: Session, by: Principal, folder: Folder, *, boxes: Collection[int],
    after: tuple[datetime, UUID] | None = None,
) -> list[Row]:  # fmt: skip
    """A page of a folder of these mailboxes: who is to be answered first before all, elsewhere what came last."""
    waits = folder in WAITING_FIRST
    at: ColumnElement[Any] = _THREAD.c.answer_by if waits else _THREAD.c.last_at
    which = [_THREAD.c.state == _STATE[folder], _THREAD.c.mailbox_id.in_(boxes)]
    if folder is Folder.MINE:
        which.append(_THREAD.c.assignee_id == by.user_id)
    place = tuple_(at, _THREAD.c.id)
    if after is not None:
        which.append(place > after if waits else place < after)
    order = (at.asc(), _THREAD.c.id.asc()) if waits else (at.desc(), _THREAD.c.id.desc())
    columns = [_THREAD.c[name] for name in Row.__dataclass_fields__]
    return [Row(*row) for row in session.execute(select(*columns).where(*which).order_by(*order).limit(PAGE))]


def found(session: Session, asked: str, *, boxes: Collection[int]) -> list[Row]:
    """The correspondences with this code, or with whoever has this address; the last first."""
    which: list[ColumnElement[bool]] = [_THREAD.c.code.in_(codes_in(asked))]
    if address := address_of(asked):
        which.append(_THREAD.c.correspondent == address)
    columns = [_THREAD.c[name] for name in Row.__dataclass_fields__]
    rows = select(*columns).where(or_(*which), _THREAD.c.mailbox_id.in_(boxes))
    return [Row(*row) for row in session.execute(rows.order_by(_THREAD.c.last_at.desc()).limit(PAGE))]


def thread(session: Session, by: Principal, thread_id: UUID, *, locked: bool = False) -> tuple[MailThread, Mailbox]:
    """One that he may read, with its mailbox. Raises `NotFoundError`."""
    by.require(Permission.MAIL_ANSWER)
    row = session.get(MailThread, thread_id, with_for_update=locked, populate_existing=True)
    box = session.get(Mailbox, row.mailbox_id) if row is not None else None
    if row is None or box is None or row.ente_id in by.kept_from or not _looks_after(session, by, box):
        raise NotFoundError("Questo messaggio non esiste.")
    return row, box


def correspondence(session: Session, by: Principal, thread_id: UUID) -> Correspondence:
    """All of it. Raises `NotFoundError`."""
    row, box = thread(session, by, thread_id)
    mails = list(
        session.scalars(select(Mail).where(Mail.thread_id == row.id).order_by(Mail.at, Mail.taken_at, Mail.id))
    )
    ids = [one.id for one in mails]
    files = _by(
        session.scalars(select(MailAttachment).where(MailAttachment.mail_id.in_(ids)).order_by(MailAttachment.part)),
        "mail_id",
    )
    receipts = _by(
        session.scalars(select(PecReceipt).where(PecReceipt.of_mail_id.in_(ids)).order_by(PecReceipt.id)), "of_mail_id"
    )
    ours = _by(
        session.scalars(
            select(MailEnclosure).where(MailEnclosure.mail_id.in_(ids))
            .order_by(MailEnclosure.added_at, MailEnclosure.id)
        ), "mail_id",
    )  # fmt: skip
    own = {one.mail_id for rows in receipts.values() for one in rows}
    sent = {
        one.id: one
        for one in session.scalars(
            select(Message).where(Message.id.in_([one.outbox_id for one in mails if one.outbox_id]))
        )
    }
    pieces = []
    for one in mails:
        if one.id in own:  # it stands with the mail that it is about
            continue
        message = sent.get(one.outbox_id) if one.outbox_id else None
        enclosed = ours.get(one.id, ())
        piece = Piece(one, files.get(one.id, ()), receipts.get(one.id, ()), enclosed=enclosed)
        if message is not None:
            piece = replace(piece, state=message.state, reason=message.reason, due_at=message.due_at)
        pieces.append(piece)
    known = contacts.named(session, [row.contact_id]) if row.contact_id is not None else {}
    return Correspondence(
        row, box, pieces, known.get(row.contact_id or 0, ""), _proposed(session, row), _answering(session, by, row)
    )  # fmt: skip


def mail(session: Session, by: Principal, mail_id: UUID) -> Mail:
    """A mail that he may read. Raises `NotFoundError`."""
    row = session.get(Mail, mail_id)
    if row is None:
        raise NotFoundError("Questo messaggio non esiste.")
    thread(session, by, row.thread_id)
    return row


def attachment(session: Session, by: Principal, attachment_id: int) -> tuple[Mail, MailAttachment]:
    """A file, with its mail. Raises `NotFoundError`."""
    row = session.get(MailAttachment, attachment_id)
    if row is None:
        raise NotFoundError("Questo allegato non esiste.")
    return mail(session, by, row.mail_id), row


def last_of(session: Session, row: MailThread) -> Mail | None:
    """What a person wrote last."""
    theirs = (Mail.thread_id == row.id, Mail.inbound, Mail.nature == Nature.PERSON)
    return session.scalars(
        select(Mail).where(*theirs).order_by(Mail.at.desc(), Mail.taken_at.desc()).limit(1)
    ).one_or_none()


def others(last: Mail | None, box: Mailbox) -> tuple[str, ...]:
    """Whom else a mail was for: they could get a copy of the answer."""
    if last is None:
        return ()
    return others_in((one["address"] for one in last.recipients), but={box.address, last.sender})


def may_read(session: Session, by: Principal, row: MailThread) -> bool:
    """Whether a correspondence is in a mailbox that he looks after, of an ente whose mails he answers."""
    answers = scope_for(session, by, Permission.MAIL_ANSWER) if by.can(Permission.MAIL_ANSWER) else None
    if answers is None or row.ente_id in by.kept_from or row.ente_id not in (answers.enti or ()):
        return False
    box = session.get(Mailbox, row.mailbox_id)
    return box is not None and _looks_after(session, by, box)


def may_be_told(session: Session, row: MailThread) -> bool:
    """Whether what concerns him alone may be written to this address: it is verified as his, and as nobody else's."""
    if row.contact_id is None or row.matched is Matched.PROPOSED:
        return False
    theirs = [key.contact_id for key, verified in contacts.written_from(session, row.correspondent) if verified]
    return theirs == [row.contact_id]


def _looks_after(session: Session, by: Principal, box: Mailbox) -> bool:
    if box.queue_id is None or by.can(Permission.MAILBOX_MANAGE):
        return True
    return by.user_id in queues.members(session, box.contract_id).get(box.queue_id, {})


def _proposed(session: Session, row: MailThread) -> list[tuple[int, str]]:
    if row.matched in {Matched.AGENT, Matched.VERIFIED} or not row.correspondent:
        return []
    theirs = [key for key, _ in contacts.written_from(session, row.correspondent) if row.ente_id in {None, key.ente_id}]
    names = contacts.named(session, [one.contact_id for one in theirs])
    return sorted(names.items(), key=lambda one: one[1])


def _answering(session: Session, by: Principal, row: MailThread) -> str:
    if row.answering_id in {None, by.user_id} or row.answering_at is None:
        return ""
    if row.answering_at < clock.now(session) - ANSWERING:
        return ""
    return session.scalar(select(User.name).where(User.id == row.answering_id)) or ""


def _by(rows: Any, name: str) -> dict[Any, list[Any]]:
    found: dict[Any, list[Any]] = {}
    for one in rows:
        found.setdefault(getattr(one, name), []).append(one)
    return found

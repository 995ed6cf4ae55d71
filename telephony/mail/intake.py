"""A mail that was fetched is taken: written once with its thread, its files and its receipt, and acknowledged.

All of it is one transaction, together with how far the mailbox has been read; its bytes are in the store before.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from uuid import UUID, uuid4

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from crm.cases import having, hearing
from crm.cases.told import label
from crm.contacts import queries as contacts
from crm.core import clock, topics
from crm.core.db import table_of, touch
from crm.documents import service as documents
from crm.documents.scanning import NOT_SCANNED, Scanned
from crm.messages import outbox
from crm.messages.models import Message, MessageState, Reason
from telephony.mail import copies, knowing, story, threads, waiting, writing
from telephony.mail.automatic import Nature
from telephony.mail.boxes import Box
from telephony.mail.certified import PecKind
from telephony.mail.copies import Lost
from telephony.mail.knowing import Candidate
from telephony.mail.models import Mail, MailAttachment, MailboxKind, MailThread, PecReceipt, ThreadState
from telephony.mail.reading import Reading
from telephony.mail.suggesting import suggested
from telephony.mail.threads import Known

LONGEST_WORDS = 100_000
_MAIL = table_of(Mail)
_UNHEARD: Mapping[int, Scanned] = MappingProxyType({})
_FAILED = {
    PecKind.NOT_ACCEPTED: Reason.REFUSED, PecKind.NOT_DELIVERED: Reason.NOT_DELIVERED, PecKind.VIRUS: Reason.REFUSED,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Came:
    """A mail as it was fetched. `kept_under`: the ente in whose part of the store its bytes are."""

    reading: Reading
    uidvalidity: int
    uid: int
    size: int
    at: datetime
    kept_under: int
    scanned: Mapping[int, Scanned] = field(default_factory=lambda: _UNHEARD)  # by part


def take(session: Session, box: Box, came: Came) -> UUID | None:
    """Take a mail; its id. None: it is there already."""
    said = came.reading
    mail_id, now = uuid4(), clock.now(session)
    ours = _ours(session, box, said)
    thread, fresh = _thread(session, box, came, ours)
    added = session.execute(
        insert(_MAIL)
        .values(
            id=mail_id, thread_id=thread.id, contract_id=box.contract_id, ente_id=thread.ente_id, mailbox_id=box.id,
            inbound=True, uidvalidity=came.uidvalidity, uid=came.uid, message_id=said.message_id,
            answers=" ".join(said.references), digest=said.digest, kept_under=came.kept_under, size=came.size,
            sender=said.sender.address, sender_name=said.sender.name, recipients=_recipients(said),
            subject=said.subject, words=said.words[:LONGEST_WORDS], has_html=bool(said.html),
            cut=said.cut or len(said.words) > LONGEST_WORDS, nature=said.nature,
            pec=said.pec.kind if said.pec else None, proof=said.proof if said.pec else None, sent_at=said.sent_at,
            at=came.at, taken_at=now,
        )
        .on_conflict_do_nothing()
        .returning(_MAIL.c.id)
    ).first()  # fmt: skip
    if added is None:
        if fresh:
            session.delete(thread)
            session.flush()
        return None
    documents.receive(session, ente_id=came.kept_under, sha256=said.digest)
    _attach(session, thread, mail_id, came)
    if said.pec is not None and said.pec.is_receipt:
        _hear_receipt(session, box, thread, mail_id, said, ours)
    elif said.bounce is not None and ours is not None and said.bounce.failed:
        no_mailbox = said.bounce.status.startswith("5.1")
        reason = Reason.BAD_ADDRESS if no_mailbox else Reason.NOT_DELIVERED
        _failed(session, box, thread, ours, came.at, reason, at=said.bounce.failed)
    if not fresh:
        _advance(session, box, thread, said, came)
    if fresh and said.nature is Nature.PERSON and box.acknowledges and thread.ente_id is not None:
        writing.acknowledge(session, box, thread, to=said.answers_to, answers=said.message_id)
    if not fresh and thread.case_id is not None and said.nature is Nature.PERSON:
        _hear_case(session, box, thread, said)
    story.tell(session, thread, mail_id)
    touch(session, topics.mail(box.contract_id), topics.mail_thread(thread.id))
    return mail_id


def _hear_case(session: Session, box: Box, thread: MailThread, said: Reading) -> None:
    """It is about a case: whoever has that is told, and whoever wrote that it came to him, once."""
    assert thread.case_id is not None
    case = hearing.heard(session, case_id=thread.case_id)
    if case is None:
        return
    thread.assignee_id = thread.assignee_id or (case.owner_id if having.has(session, case) else None)
    if box.acknowledges:
        writing.acknowledge(session, box, thread, to=said.answers_to, answers=said.message_id, case=label(case))


def taken_already(session: Session, box: Box, *, message_id: str, digest: str) -> bool:
    """Whether these very bytes were taken before, under whichever number."""
    same = (Mail.mailbox_id == box.id, Mail.message_id == message_id, Mail.digest == digest, Mail.inbound)
    return session.execute(select(Mail.id).where(*same).limit(1)).first() is not None


def _ours(session: Session, box: Box, said: Reading) -> Mail | None:
    """The mail of ours that a receipt or a bounce is about."""
    original = (
        said.pec.original_id if said.pec and said.pec.is_receipt else said.bounce.original_id if said.bounce else ""
    )
    if not original:
        return None
    named = (Mail.message_id == original, Mail.mailbox_id == box.id, ~Mail.inbound)
    return session.scalars(select(Mail).where(*named).limit(1)).one_or_none()


def _thread(session: Session, box: Box, came: Came, ours: Mail | None) -> tuple[MailThread, bool]:
    """Where it belongs, locked; and whether that was begun by it."""
    said = came.reading
    found: UUID | None = ours.thread_id if ours is not None else None
    if found is None:
        codes = threads.codes_in(said.subject)
        known, _ = threads.thread_of(
            references=said.references, codes=codes, sender=said.sender.address,
            by_id=_by_id(session, box, said.references), by_code=_by_code(session, box, codes),
        )  # fmt: skip
        found = known.id if known is not None else None
    if found is not None:
        return session.get_one(MailThread, found, with_for_update=True, populate_existing=True), False
    match = knowing.match_of(_candidates(session, said.sender.address), ente_id=box.ente_id)
    topic = suggested(said.subject, said.words, box.rules) if said.nature is Nature.PERSON else None
    row = MailThread(
        id=uuid4(), contract_id=box.contract_id, ente_id=match.candidate.ente_id if match else box.ente_id,
        mailbox_id=box.id, code=threads.new_code(), subject=said.subject, snippet=said.snippet,
        correspondent=said.sender.address, correspondent_name=said.sender.name,
        state=ThreadState.ASIDE,
        contact_id=match.candidate.contact_id if match else None, matched=match.how if match else None,
        suggested=topic.value if topic else None, begun_at=came.at, last_at=came.at,
        mails=0, attachments=0, trouble=False, version=0,
    )  # fmt: skip
    _advance(session, box, row, said, came)
    session.add(row)
    session.flush()
    return row, True


def _by_id(session: Session, box: Box, references: tuple[str, ...]) -> Mapping[str, Known]:
    if not references:
        return {}
    rows = session.execute(
        select(Mail.message_id, Mail.thread_id).where(Mail.mailbox_id == box.id, Mail.message_id.in_(references))
    )
    return {message_id: Known(thread_id, frozenset()) for message_id, thread_id in rows}


def _by_code(session: Session, box: Box, codes: tuple[str, ...]) -> Mapping[str, Known]:
    found = {}
    for code in codes:
        thread_id = session.scalar(
            select(MailThread.id).where(MailThread.mailbox_id == box.id, MailThread.code == code)
        )
        if thread_id is not None:
            people = session.scalars(select(Mail.sender).where(Mail.thread_id == thread_id, Mail.inbound).distinct())
            found[code] = Known(thread_id, frozenset(people))
    return found


def _candidates(session: Session, address: str) -> list[Candidate]:
    if not address:
        return []
    return [Candidate(key.ente_id, key.contact_id, good) for key, good in contacts.written_from(session, address)]


def _attach(session: Session, thread: MailThread, mail_id: UUID, came: Came) -> None:
    session.add_all(
        MailAttachment(
            mail_id=mail_id, contract_id=thread.contract_id, ente_id=thread.ente_id, part=one.part, name=one.name,
            media_type=one.media_type, kind=one.kind, doubtful=one.doubtful, size=one.size,
            sha256=one.sha256, scan=(scan := came.scanned.get(one.part, NOT_SCANNED)).scan,
            virus=scan.virus,
        )
        for one in came.reading.attachments
    )  # fmt: skip
    session.flush()


def _advance(session: Session, box: Box, thread: MailThread, said: Reading, came: Came) -> None:
    """What a mail does to its thread: somebody waits again, or nobody does."""
    thread.mails, thread.version = min(thread.mails + 1, 30_000), thread.version + 1
    thread.attachments = min(thread.attachments + len(said.attachments), 30_000)
    thread.last_at = max(thread.last_at, came.at)
    if said.nature is Nature.PERSON:
        waiting.begins(session, thread, came.at, certified=box.kind is MailboxKind.PEC)
        thread.snippet = said.snippet
    session.flush()


def _hear_receipt(
    session: Session, box: Box, thread: MailThread, mail_id: UUID, said: Reading, ours: Mail | None
) -> None:
    pec = said.pec
    assert pec is not None
    believed = knowing.counts(pec, said.proof, ours=ours is not None, address=box.address)
    data = pec.data
    session.add(
        PecReceipt(
            mail_id=mail_id, contract_id=thread.contract_id, ente_id=thread.ente_id,
            of_mail_id=ours.id if ours is not None else None, kind=pec.kind, original_id=pec.original_id[:250],
            recipient=(data.delivered_to or "".join(one for one, _ in data.recipients[:1])) if data else "",
            provider=data.provider if data else "", identifier=data.identifier if data else "",
            error=(data.trouble or data.error) if data else "", at=data.at if data else None, believed=believed,
        )
    )  # fmt: skip
    session.flush()
    if not believed or ours is None or ours.outbox_id is None:
        return
    his = [data.delivered_to] if data and data.delivered_to else []
    if pec.kind is PecKind.DELIVERED and not copies.is_of_others(ours.recipients, his):
        told = {"message_id": ours.outbox_id, "external_id": str(ours.outbox_id)}
        given_up = session.get_one(Message, ours.outbox_id).state is MessageState.FAILED
        outbox.heard(session, **told, told=MessageState.DELIVERED)  # type: ignore[arg-type]  # names of its own
        if given_up and session.get_one(Message, ours.outbox_id).state is MessageState.DELIVERED:
            waiting.arrived(session, thread, ours, certified=box.kind is MailboxKind.PEC)
    elif pec.kind in _FAILED:
        _failed(session, box, thread, ours, said.sent_at or clock.now(session), _FAILED[pec.kind], at=his)


def _failed(
    session: Session, box: Box, thread: MailThread, ours: Mail, since: datetime, reason: Reason, *, at: Collection[str]
) -> None:  # fmt: skip
    """What we wrote did not arrive at these addresses (none known: at whom it was for): whoever wrote still waits for
    it, and has since he did. That a copy did not arrive is noted, and no more.
    """
    writing.not_copied(session, tuple(at), mail_id=ours.id, why=Lost.NOT_DELIVERED)
    if copies.is_of_others(ours.recipients, at):
        return
    if ours.outbox_id is not None:
        outbox.heard(
            session, message_id=ours.outbox_id, external_id=str(ours.outbox_id), told=MessageState.FAILED, reason=reason
        )
    waiting.not_arrived(session, thread, ours, since, certified=box.kind is MailboxKind.PEC)


def _recipients(said: Reading) -> list[dict[str, object]]:
    pairs = [(one, False) for one in said.to] + [(one, True) for one in said.copied]
    return [{"address": one.address, "name": one.name, "copied": copied} for one, copied in pairs]

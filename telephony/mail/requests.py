"""Cases that come of mails: opened from a conversation, told in it, and told of what is written in it later."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid5

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm.access.permissions import Principal
from crm.cases import documents as case_documents
from crm.cases.documents import Brought
from crm.cases.lifecycle import Channel, State, Topic
from crm.cases.models import Case
from crm.cases.told import label
from crm.core.errors import ConflictError, FieldError, InvalidError
from crm.documents.models import Scan
from telephony.mail import copies, deeds, queries
from telephony.mail.kinds import FileKind
from telephony.mail.models import Mail, MailAttachment, MailboxKind, MailThread, Matched

_ONCE = UUID("f0c0a6f7-52a5-4a58-9d6d-6b8c2b8f3b11")  # the namespace in which a case's reply is given once
_TAKEN = frozenset({FileKind.PDF, FileKind.IMAGE})


@dataclass(frozen=True, slots=True)
class Suggested:
    """What a case begins with that comes of a conversation. `files`: those that a case can have; `others`: how many it
    cannot, which stay where they are.
    """

    thread: MailThread
    topic: Topic
    channel: Channel
    contact_id: int | None
    reasons: str
    mail: Mail
    files: Sequence[MailAttachment]
    others: int


@dataclass(frozen=True, slots=True)
class OfThread:
    """The case of a conversation."""

    id: int
    label: str
    topic: Topic
    state: State
    rests: bool


@dataclass(frozen=True, slots=True)
class OfCase:
    """A conversation of a case. `lost`: to whom copies of our answers did not arrive."""

    thread: MailThread
    lost: tuple[str, ...]


def topic_of(topic: str | None) -> Topic:
    """What a mail is about, as cases have it: what is none of theirs asks for information. Pure."""
    return Topic(topic) if topic in set(Topic) else Topic.INFORMATION


def suggested(session: Session, by: Principal, *, thread_id: UUID) -> Suggested:
    """What one would open. Raises `ConflictError` where there is a case already, or nobody knows of which ente."""
    row, box = queries.thread(session, by, thread_id)
    first = session.scalars(
        select(Mail).where(Mail.thread_id == row.id, Mail.inbound).order_by(Mail.at, Mail.id).limit(1)
    ).one_or_none()
    _require_free(row)
    if first is None:
        raise ConflictError("In questa conversazione nessuno ha scritto.")
    its = select(Mail.id).where(Mail.thread_id == row.id, Mail.inbound)
    files = list(
        session.scalars(select(MailAttachment).where(MailAttachment.mail_id.in_(its)).order_by(MailAttachment.id))
    )
    good = [one for one in files if _fits(one)]
    certain = row.contact_id if row.matched in {Matched.VERIFIED, Matched.AGENT} else None
    channel = Channel.PEC if box.kind is MailboxKind.PEC else Channel.EMAIL
    return Suggested(
        row, topic_of(row.topic or row.suggested), channel, certain, first.words[:4_000].strip(), first, good,
        len(files) - len(good),
    )  # fmt: skip


def came(session: Session, by: Principal, thread_id: UUID) -> datetime:
    """When it was asked for: when the conversation began."""
    return queries.thread(session, by, thread_id)[0].begun_at


def originals(session: Session, found: Suggested) -> Mapping[UUID, tuple[int, str]]:
    """Where the bytes of the mails are from which its files come: by mail the ente in the store, and their digest."""
    ids = {one.mail_id for one in found.files}
    rows = session.execute(select(Mail.id, Mail.kept_under, Mail.digest).where(Mail.id.in_(ids)))
    return {id_: (under, digest) for id_, under, digest in rows if under is not None and digest is not None}


def become(
    session: Session, by: Principal, *, thread_id: UUID, case_id: int, documents: Collection[Brought] = ()
) -> None:
    """The conversation is about this case, of the same person, from now on; its files are the case's documents, too."""
    row, _ = queries.thread(session, by, thread_id, locked=True)
    _require_free(row)
    case = session.get_one(Case, case_id)
    if case.ente_id != row.ente_id or (case.contact_id is not None and case.contact_id != row.contact_id):
        raise InvalidError("La richiesta è di un altro: riapri la conversazione e ricomincia da lì.")
    for one in documents:
        case_documents.add(session, by, case_id=case.id, brought=one)
    deeds.became(session, by, row, case_id=case.id, label=label(case))


def of_thread(session: Session, row: MailThread) -> OfThread | None:
    """The case that it is about."""
    case = session.get(Case, row.case_id) if row.case_id is not None else None
    return OfThread(case.id, label(case), case.topic, case.state, case.rests) if case is not None else None


def of_case(session: Session, by: Principal, case_id: int) -> list[OfCase]:
    """The conversations about a case that he may read, the last first."""
    rows = select(MailThread).where(MailThread.case_id == case_id).order_by(MailThread.last_at.desc())
    found = session.scalars(rows.execution_options(populate_existing=True)).all()
    return [OfCase(one, _lost(session, one)) for one in found if queries.may_read(session, by, one)]


def unread_since(session: Session, case_id: int) -> datetime | None:
    """Since when somebody waits for an answer to what he wrote after the case was opened."""
    opened_at = select(Case.opened_at).where(Case.id == case_id).scalar_subquery()
    waits = (MailThread.case_id == case_id, MailThread.waiting_since > opened_at)
    return session.scalar(select(func.min(MailThread.waiting_since)).where(*waits))


def reply(session: Session, by: Principal, case: Case, words: str) -> UUID | None:
    """Answer a case in its conversation; the message's id. None: there is no conversation, or what is to be said may
    not be told there.
    """
    threads = of_case(session, by, case.id) if words else []
    if not threads:
        return None
    row = threads[0].thread
    once = uuid5(_ONCE, f"{case.id}:{case.version}")
    try:
        mail_id = deeds.answer(
            session, by, thread_id=row.id, version=row.version, text=words, once=once,
            sure=queries.may_be_told(session, row),
        )  # fmt: skip
    except (FieldError, ConflictError):
        return None
    return session.get_one(Mail, mail_id).outbox_id


def _lost(session: Session, row: MailThread) -> tuple[str, ...]:
    ours = session.scalars(select(Mail.recipients).where(Mail.thread_id == row.id, ~Mail.inbound))
    return tuple(dict.fromkeys(who for one in ours for who, _ in copies.lost(one)))


def _fits(file: MailAttachment) -> bool:
    """Whether a case can have it. By what is in it, and looked through."""
    bad = file.doubtful or file.scan in {Scan.INFECTED, Scan.FAILED, Scan.TOO_LARGE}
    return file.kind in _TAKEN and not bad and 0 < file.size <= case_documents.MOST_BYTES


def _require_free(row: MailThread) -> None:
    if row.ente_id is None:
        raise ConflictError("Prima di' chi scrive: così si sa per quale ente.")
    if row.case_id is not None:
        raise ConflictError("Questa conversazione ha già una richiesta.")

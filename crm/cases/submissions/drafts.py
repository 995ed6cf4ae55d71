"""A citizen's way to a request: what he has written so far is kept, encrypted, for two hours; then it is sent once.

His link holds a token of the draft and nothing about him.
"""

import json
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from crm.agendas import codes as tokens
from crm.agendas.codes import Use
from crm.agendas.drafts import language_in
from crm.cases import documents, service
from crm.cases.documents import Brought
from crm.cases.lifecycle import Channel, Topic
from crm.cases.models import Case
from crm.cases.saying import Request
from crm.cases.submissions import codes, rules
from crm.cases.submissions.models import CaseSender, SubmissionDraft, SubmissionFile
from crm.cases.submissions.rules import Told
from crm.cases.told import label
from crm.core import clock, secrecy
from crm.core.db import new_id, table_of
from crm.core.errors import ConflictError, NotFoundError
from crm.documents import service as contents
from crm.documents.privacy import let_go
from crm.messages import service as messages
from crm.messages.service import Order
from crm.messages.templates import MessageTemplate
from crm.messages.wording import LANGUAGES

KEPT = timedelta(hours=2)
_PURPOSE = "submission.draft"
_FILE = table_of(SubmissionFile)


@dataclass(frozen=True, slots=True)
class File:
    """A file that he has added."""

    id: UUID
    name: str
    size: int


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of it."""

    case_id: int
    number: str
    code: str


@dataclass(frozen=True, slots=True)
class Draft:
    """How far somebody is."""

    token: str
    topic: Topic
    language: str
    told: Told
    files: tuple[File, ...]
    sent: Sent | None


def begin(session: Session, *, ente_id: int, topic: Topic, language: str, again: str = "") -> str:
    """Somebody wants to write about this; the token of his draft. `again`: that with which he came back to choose."""
    if topic not in rules.ANONYMOUS:
        raise NotFoundError("Questa scelta non esiste: ricarica la pagina.")
    row = _come_back(session, ente_id, again)
    if row is None:
        row = SubmissionDraft(id=new_id(session), ente_id=ente_id)
        session.add(row)
    row.topic, row.changed_at = topic, clock.now(session)
    row.language = language if language in LANGUAGES else LANGUAGES[0]
    session.flush()
    return _token(session, row)


def read(session: Session, *, ente_id: int, token: str) -> Draft:
    """How far it is. Raises `NotFoundError` for one that is forgotten."""
    row = _mine(session, ente_id, token)
    files = session.scalars(
        select(SubmissionFile).where(SubmissionFile.draft_id == row.id)
        .order_by(SubmissionFile.added_at, SubmissionFile.id)
    )  # fmt: skip
    return Draft(
        _token(session, row), row.topic, row.language, _told(session, row),
        tuple(File(one.id, one.name, one.size) for one in files), _sent(session, row),
    )  # fmt: skip


def jot(session: Session, *, ente_id: int, token: str, **typed: str) -> None:
    """Keep some fields as they are typed, right or wrong: they are looked at when he goes on."""
    row = _open(session, ente_id, token)
    if typed:
        _keep(session, row, replace(_told(session, row), **typed))


def speak(session: Session, *, ente_id: int, token: str, language: str) -> str:
    """Go on in another language; the token, which says it."""
    row = _open(session, ente_id, token)
    row.language = language if language in LANGUAGES else LANGUAGES[0]
    session.flush()
    return _token(session, row)


def add_file(session: Session, *, ente_id: int, token: str, brought: Brought) -> None:
    """A file whose contents are stored. Raises `ConflictError` for too many; brought again it is no error."""
    row = _open(session, ente_id, token)
    mine = SubmissionFile.draft_id == row.id
    if session.scalar(select(SubmissionFile.id).where(mine, SubmissionFile.sha256 == brought.sha256)) is not None:
        return
    if (session.scalar(select(func.count()).select_from(SubmissionFile).where(mine)) or 0) >= rules.MOST_FILES:
        raise ConflictError(f"Ci sono già {rules.MOST_FILES} file: per aggiungerne un altro togline uno.")
    contents.receive(session, ente_id=ente_id, sha256=brought.sha256)
    session.add(
        SubmissionFile(
            id=uuid4(), ente_id=ente_id, draft_id=row.id, name=documents.cleaned(brought.name),
            media_type=brought.media_type, size=brought.size, sha256=brought.sha256, scan=brought.scan,
            added_at=clock.now(session),
        )
    )  # fmt: skip
    session.flush()


def drop_file(session: Session, *, ente_id: int, token: str, file_id: UUID) -> None:
    """He wants it there no more. Said again it is no error."""
    row = _open(session, ente_id, token)
    _drop(session, ente_id, _FILE.c.draft_id == row.id, _FILE.c.id == file_id)


def send(session: Session, *, ente_id: int, token: str, follow_at: str) -> Sent:
    """Send it: a case is opened, with its files. Sent twice, it is one. Raises `InvalidError` for what is missing.

    `follow_at`: the page where he follows it. Where he left an address, number and code go there.
    """
    row = _mine(session, ente_id, token)
    if (already := _sent(session, row)) is not None:
        return already
    told = rules.sender(rules.story(_told(session, row)), row.topic)

    def beside(case: Case) -> None:
        session.add(
            CaseSender(
                case_id=case.id, ente_id=ente_id, language=row.language, given_name=told.given_name,
                surname=told.surname, codice_fiscale=told.codice_fiscale, email=told.email, phone=told.phone,
                page=follow_at,
            )
        )  # fmt: skip
        session.flush()

    request = Request(row.topic, Channel.WEB, told.reasons, told.asked)
    case_id = service.registered(
        session, None, request=request, contact_id=None, ente_id=ente_id, then=beside
    ).id  # fmt: skip
    _hand_over(session, row, case_id)
    row.case_id, row.told, row.changed_at = case_id, None, clock.now(session)
    session.flush()
    sent = _sent(session, row)
    assert sent is not None
    _acknowledge(session, ente_id, sent)
    return sent


def forget(session: Session, *, ente_id: int) -> int:
    """Delete what nobody goes on with, and its files; how many there were."""
    old = (
        SubmissionDraft.ente_id == ente_id, SubmissionDraft.changed_at < clock.now(session) - KEPT,
    )  # fmt: skip
    gone = session.scalars(select(SubmissionDraft.id).where(*old).with_for_update(skip_locked=True)).all()
    _drop(session, ente_id, _FILE.c.draft_id.in_(gone))
    session.execute(delete(SubmissionDraft).where(SubmissionDraft.id.in_(gone)))
    return len(gone)


def _hand_over(session: Session, row: SubmissionDraft, case_id: int) -> None:
    """Its files are the case's."""
    case = service.locked(session, case_id)
    for one in session.scalars(select(SubmissionFile).where(SubmissionFile.draft_id == row.id)).all():
        documents.attach(session, None, case, Brought(one.name, one.media_type, one.size, one.sha256, one.scan))
        session.delete(one)


def _acknowledge(session: Session, ente_id: int, sent: Sent) -> None:
    found = session.get_one(CaseSender, sent.case_id)
    if (there := found.reached_at) is None:
        return
    order = Order(
        ente_id, MessageTemplate.CASE_FOLLOW.value, {"number": sent.number, "code": sent.code, "link": found.page},
        channel=there[0], address=there[1], language=found.language,
    )  # fmt: skip
    messages.owe(session, None, order, cause=f"case:{sent.case_id}:follow")


def _drop(session: Session, ente_id: int, *which: Any) -> None:
    gone = list(
        session.execute(delete(_FILE).where(_FILE.c.ente_id == ente_id, *which).returning(_FILE.c.sha256)).scalars()
    )
    if gone:
        let_go(session, ente_id=ente_id, digests=gone)


def _sent(session: Session, row: SubmissionDraft) -> Sent | None:
    if row.case_id is None:
        return None
    code = codes.code_of(session, ente_id=row.ente_id, case_id=row.case_id)
    return Sent(row.case_id, label(session.get_one(Case, row.case_id)), code)


def _mine(session: Session, ente_id: int, token: str) -> SubmissionDraft:
    own, dot, _ = token.partition(".")
    found = tokens.read_token(session, Use.SUBMISSION, ente_id, own) if not dot or language_in(token) else None
    row = None if found is None else session.get(SubmissionDraft, found, with_for_update=True, populate_existing=True)
    if row is None or row.ente_id != ente_id or row.changed_at < clock.now(session) - KEPT:
        raise NotFoundError("Quello che avevi scritto non c'è più: sono passate due ore. Puoi ricominciare.")
    return row


def _come_back(session: Session, ente_id: int, token: str) -> SubmissionDraft | None:
    try:
        row = _mine(session, ente_id, token)
    except NotFoundError:
        return None
    return row if row.case_id is None else None


def _open(session: Session, ente_id: int, token: str) -> SubmissionDraft:
    row = _mine(session, ente_id, token)
    if row.case_id is not None:
        raise ConflictError("È già stata mandata.")
    row.changed_at = clock.now(session)
    return row


def _token(session: Session, row: SubmissionDraft) -> str:
    return f"{tokens.token(session, Use.SUBMISSION, row.ente_id, row.id)}.{row.language}"


def _told(session: Session, row: SubmissionDraft) -> Told:
    if row.told is None:
        return Told()
    return rules.kept(json.loads(secrecy.of(session).open(_PURPOSE, row.told, about=row.id.bytes)))


def _keep(session: Session, row: SubmissionDraft, told: Told) -> None:
    row.told = secrecy.of(session).seal(_PURPOSE, json.dumps(asdict(told)).encode(), about=row.id.bytes)
    session.flush()

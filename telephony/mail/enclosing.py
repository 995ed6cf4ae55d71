"""Files that go with an answer: of whoever is writing it until it is sent, then of the mail.

Their contents are in the store of documents before the row that names them.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.orm import Session

from crm.access.permissions import Principal
from crm.core import clock
from crm.core.db import Database, Scope, table_of
from crm.core.each import total_of_each
from crm.core.errors import ConflictError, FieldError, NotFoundError
from crm.documents import privacy as kept
from crm.documents import service as documents
from crm.documents.models import Scan
from crm.documents.scanning import Scanned
from crm.drafts.service import KEPT
from crm.enti import queries as enti
from telephony.mail import queries
from telephony.mail.bodies import clean_name
from telephony.mail.kinds import FileKind, doubtful, kind_of
from telephony.mail.models import MailEnclosure

MOST, MOST_BYTES = 10, 15_000_000  # of one answer, together: servers take 25 MB or more, and base64 adds a third
TAKEN = frozenset({FileKind.PDF, FileKind.IMAGE, FileKind.DOCUMENT, FileKind.SIGNED, FileKind.TEXT})
TOO_MUCH = "Gli allegati sono troppo grandi: tutti insieme al massimo 15 MB."
_E = table_of(MailEnclosure)


@dataclass(frozen=True, slots=True)
class Brought:
    """A file that somebody wants to send."""

    name: str
    kind: FileKind
    size: int
    sha256: str


def brought(name: str, content: bytes) -> Brought:
    """What it is, by what is in it. Raises `FieldError` for what is not sent. Pure."""
    if not content:
        raise FieldError("Scegli un file, che non sia vuoto.", "file")
    if len(content) > MOST_BYTES:
        raise FieldError(TOO_MUCH, "file")
    kind = kind_of(content)
    called = clean_name(name, number=1, kind=kind)
    if kind not in TAKEN:
        raise FieldError("Si mandano PDF, immagini, documenti, file firmati e testi: questo file è altro.", "file")
    if doubtful(called, kind):
        raise FieldError("Il file non è ciò che dice il suo nome, o può eseguire comandi: non si manda.", "file")
    return Brought(called, kind, len(content), sha256(content).hexdigest())


def may_enclose(session: Session, by: Principal, *, thread_id: UUID) -> int:
    """The ente in whose part of the store its files lie; asked before their contents are stored."""
    row, _ = queries.thread(session, by, thread_id)
    if row.ente_id is None:
        raise ConflictError("Prima di' chi scrive: così si sa per quale ente.")
    return row.ente_id


def enclose(session: Session, by: Principal, *, thread_id: UUID, file: Brought, scanned: Scanned) -> None:
    """One more file for the answer that he is writing; its contents are stored. Brought again it is no error."""
    if scanned.scan is Scan.INFECTED:
        raise FieldError("In questo file è stato trovato un virus: non si manda.", "file")
    if scanned.scan is Scan.FAILED:
        raise FieldError("L'antivirus non ha risposto: riprova fra poco.", "file")
    if scanned.scan is Scan.TOO_LARGE:
        raise FieldError("Il file è troppo grande per l'antivirus: dividilo, o riducilo.", "file")
    row, _ = queries.thread(session, by, thread_id, locked=True)
    if row.ente_id is None:
        raise ConflictError("Prima di' chi scrive: così si sa per quale ente.")
    there = written(session, by, thread_id)
    if any(one.sha256 == file.sha256 for one in there):
        return
    if len(there) >= MOST:
        raise FieldError(f"Al massimo {MOST} allegati.", "file")
    if sum(one.size for one in there) + file.size > MOST_BYTES:
        raise FieldError(TOO_MUCH, "file")
    documents.receive(session, ente_id=row.ente_id, sha256=file.sha256)
    session.add(
        MailEnclosure(
            id=uuid4(), ente_id=row.ente_id, contract_id=row.contract_id, thread_id=row.id, agent_id=by.user_id,
            name=file.name, kind=file.kind, size=file.size, sha256=file.sha256, scan=scanned.scan,
            added_at=clock.now(session),
        )
    )  # fmt: skip
    session.flush()


def take_out(session: Session, by: Principal, *, thread_id: UUID, enclosure_id: UUID) -> None:
    """It does not go with the answer after all. Twice is once."""
    queries.thread(session, by, thread_id)
    _let_go(session, *_written(by.user_id, thread_id), _E.c.id == enclosure_id)


def written(session: Session, by: Principal, thread_id: UUID) -> list[MailEnclosure]:
    """The files of the answer that he is writing."""
    rows = select(MailEnclosure).where(*_written(by.user_id, thread_id))
    return list(session.scalars(rows.order_by(MailEnclosure.added_at, MailEnclosure.id)))


def of_mails(session: Session, mail_ids: Collection[UUID]) -> Mapping[UUID, list[MailEnclosure]]:
    """What went with these answers."""
    found: dict[UUID, list[MailEnclosure]] = {}
    rows = select(MailEnclosure).where(MailEnclosure.mail_id.in_(mail_ids))
    for one in session.scalars(rows.order_by(MailEnclosure.added_at, MailEnclosure.id)):
        assert one.mail_id is not None
        found.setdefault(one.mail_id, []).append(one)
    return found


def one(session: Session, by: Principal, enclosure_id: UUID) -> MailEnclosure:
    """A file, to be read: of an answer, or of the one that he himself is writing. Raises `NotFoundError`."""
    row = session.get(MailEnclosure, enclosure_id)
    if row is None or (row.mail_id is None and row.agent_id != by.user_id):
        raise NotFoundError("Questo allegato non esiste.")
    queries.thread(session, by, row.thread_id)
    return row


def sent(session: Session, by: Principal, *, thread_id: UUID, mail_id: UUID) -> None:
    """They go with this answer."""
    session.execute(update(_E).where(*_written(by.user_id, thread_id)).values(mail_id=mail_id))


def taken_back(session: Session, by: Principal, *, thread_id: UUID, mail_id: UUID) -> None:
    """The answer did not leave: they are its writer's again, beside what he has brought since."""
    again = select(_E.c.sha256).where(*_written(by.user_id, thread_id))
    _let_go(session, _E.c.mail_id == mail_id, _E.c.sha256.in_(again))
    session.execute(update(_E).where(_E.c.mail_id == mail_id).values(mail_id=None, added_at=clock.now(session)))


def given_up(session: Session, thread_id: UUID) -> None:
    """It is about another ente: what was brought for an answer in the first one's name is nobody's."""
    _let_go(session, _E.c.thread_id == thread_id, _E.c.mail_id.is_(None))


def forget_old(database: Database) -> int:
    """What nobody has sent for as long as drafts are kept; how many there were."""
    with database.begin(Scope.nothing()) as session:
        served = enti.served(session)
    return total_of_each(
        served, lambda ente_id: database.transact(Scope.of_enti([ente_id]), partial(_forget_old, ente_id=ente_id))
    )


def _forget_old(session: Session, *, ente_id: int) -> int:
    old = _E.c.added_at < clock.now(session) - KEPT
    return _let_go(session, _E.c.ente_id == ente_id, _E.c.mail_id.is_(None), old)


def of_threads(session: Session, *, ente_id: int, thread_ids: Collection[UUID]) -> int:
    """Forget all files of these correspondences; how many there were."""
    return _let_go(session, _E.c.ente_id == ente_id, _E.c.thread_id.in_(thread_ids))


def _written(user_id: int, thread_id: UUID) -> tuple[ColumnElement[bool], ...]:
    return _E.c.thread_id == thread_id, _E.c.agent_id == user_id, _E.c.mail_id.is_(None)


def _let_go(session: Session, *which: ColumnElement[bool]) -> int:
    gone = session.execute(delete(_E).where(*which).returning(_E.c.ente_id, _E.c.sha256)).all()
    for ente_id in {row.ente_id for row in gone}:
        kept.let_go(session, ente_id=ente_id, digests=[row.sha256 for row in gone if row.ente_id == ente_id])
    return len(gone)

"""Changes to documents: the collection system's statements, and the arrival of contents."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.access.service import require_on
from crm.audit import service as audit
from crm.contacts.disclosure import Matter
from crm.core import clock, topics
from crm.core.db import table_of, touch
from crm.core.errors import ConflictError
from crm.core.passing import Passing
from crm.core.recordset import with_more
from crm.core.stated import Silence, StatedTable
from crm.documents import queries
from crm.documents.models import Document, DocumentContent
from crm.documents.queries import DocumentView
from crm.files import queries as files

_STATED = StatedTable(
    Document, key="reference",
    columns=(
        "contact_id", "reference", "position_reference", "kind", "title", "dated", "media_type", "size", "sha256",
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class DocumentStatement(Passing):
    """What the collection system says of one document. `row` holds the columns in JSON, all but the contact."""

    reference: str
    codice_fiscale: str
    as_of: datetime
    digest: str
    row: str

    @property
    def key(self) -> str:
        """What tells two documents of an ente apart."""
        return self.reference


@dataclass(frozen=True, slots=True)
class StatedDocument:
    """What is stored of the last statement about a document."""

    id: int
    contact_id: int
    as_of: datetime
    digest: str
    withdrawn_as_of: datetime | None


def stated(session: Session, *, ente_id: int, references: Collection[str]) -> dict[str, StatedDocument]:
    """The stored statements about these documents, by reference; unknown ones are absent."""
    if not references:
        return {}
    rows = _STATED.known(session, ente_id=ente_id, keys=references, more=("contact_id",))
    return {row.key: StatedDocument(row.id, row.contact_id, row.as_of, row.digest, row.withdrawn_as_of) for row in rows}


def state(
    session: Session, *, ente_id: int, statements: Sequence[DocumentStatement], contact_ids: Mapping[str, int],
    gone: Mapping[str, datetime | None],
) -> None:  # fmt: skip
    """Write statements, at most one a reference; an older one never replaces a newer one.

    `contact_ids` gives the contact of each codice fiscale named, `gone` since when a document is withdrawn.
    """
    if statements:
        rows = (
            with_more(one.row, contact_id=contact_ids[one.codice_fiscale], withdrawn_as_of=gone.get(one.reference))
            for one in statements
        )
        session.execute(_STATED.upsert(ente_id=ente_id, told=_STATED.told(rows)))


def withdraw(session: Session, *, ente_id: int, ids: Collection[int], as_of: datetime | None) -> None:
    """The collection system no longer has these documents as of an instant; or (None) it has them again."""
    if ids:
        session.execute(_STATED.withdraw(ente_id=ente_id, ids=ids, as_of=as_of))


def unnamed(session: Session, silence: Silence) -> tuple[int, int]:
    """How many documents there are, and how many of them a full feed no longer has."""
    for row in _STATED.count_unnamed(session, silence):
        return row.rows, row.unnamed
    return 0, 0


def withdraw_unnamed(session: Session, silence: Silence, *, after: str, limit: int) -> tuple[str | None, set[int], int]:
    """Withdraw some of what a full feed no longer has: the last key, or None when none is left; contacts; how many."""
    rows = _STATED.withdraw_unnamed(session, silence, after=after, limit=limit, more=("contact_id",))
    return (rows[-1].key if rows else None), {row.contact_id for row in rows}, len(rows)


def revive_named(session: Session, silence: Silence) -> None:
    """Documents that a full feed names are there as of the feed."""
    _STATED.revive_named(session, silence)


def bring(session: Session, by: Principal, *, ente_id: int, size: int) -> None:
    """Somebody brings documents in an archive of so many bytes. Raise `ForbiddenError` unless he may for this ente."""
    require_on(session, by, Permission.COLLECTION_IMPORT, ente_id=ente_id)
    audit.note(session, by, kind="documents.brought", ente_id=ente_id, after={"bytes": size})


def receive(session: Session, *, ente_id: int, sha256: str) -> bool:
    """Contents are in the store. False when they were there already."""
    added = session.execute(
        insert(table_of(DocumentContent))
        .values(ente_id=ente_id, sha256=sha256, received_at=clock.now(session))
        .on_conflict_do_nothing()
        .returning(DocumentContent.sha256)
    ).one_or_none()
    contact_ids = session.execute(
        select(Document.contact_id).where(Document.ente_id == ente_id, Document.sha256 == sha256)
    ).scalars()
    touch(session, *(topics.contact(one) for one in contact_ids))
    return added is not None


def not_come(session: Session, *, ente_id: int, document_id: int, why: str) -> None:
    """The collection system was asked for contents, and did not give them.

    A document may be stated as of a little later than now: it is not restated by that.
    """
    session.execute(
        update(Document)
        .where(Document.ente_id == ente_id, Document.id == document_id)
        .values(tried_at=func.greatest(clock.now(session), Document.as_of), trouble=why[:200])
    )


def open_document(session: Session, by: Principal, *, document_id: int) -> DocumentView:
    """A document is about to be read: the file must be open, and documents among what may be told; it is audited.

    Raises `ForbiddenError`, or `ConflictError` while its contents are not there.
    """
    by.require(Permission.FILE_READ)
    found = queries.get(session, document_id)
    opening = files.require_open(session, by, contact_id=found.contact_id, matter=Matter.DOCUMENTS)
    if found.received_at is None:
        raise ConflictError("Il documento non è ancora arrivato dal gestionale.")
    audit.note(
        session, by, kind="document.opened", ente_id=found.ente_id, contact_id=found.contact_id,
        subject=f"{found.reference}: {found.title}", call_id=opening.call_id, reason=opening.reason,
    )  # fmt: skip
    return found

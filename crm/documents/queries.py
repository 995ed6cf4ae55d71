"""Reading the list of documents."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Select, any_, bindparam, exists, func, or_, select
from sqlalchemy.orm import Session

from crm.core import clock
from crm.core.errors import NotFoundError
from crm.documents.models import Document, DocumentContent, DocumentKind

AGAIN_AFTER = timedelta(days=1)  # until contents that could not be had are asked for again
MOST = 500  # of one person: beyond that the oldest are not listed


@dataclass(frozen=True, slots=True)
class DocumentView:
    """A document of a file; `received_at` is None until its contents are there."""

    id: int
    ente_id: int
    contact_id: int
    reference: str
    position_reference: str | None
    kind: DocumentKind
    title: str
    dated: date | None
    media_type: str
    size: int
    sha256: str
    received_at: datetime | None


_THERE = Document.withdrawn_as_of.is_(None)  # the others are kept for what refers to them
_COLUMNS: tuple[Any, ...] = tuple(
    getattr(Document, name) for name in DocumentView.__dataclass_fields__ if name != "received_at"
)
_LISTED: Select[*tuple[Any, ...]] = select(*_COLUMNS, DocumentContent.received_at).outerjoin(
    DocumentContent, (DocumentContent.ente_id == Document.ente_id) & (DocumentContent.sha256 == Document.sha256)
)
_OF_CONTACTS = (
    _LISTED.where(Document.contact_id == any_(bindparam("contacts", type_=ARRAY(BigInteger))), _THERE)
    .order_by(Document.dated.desc().nulls_last(), Document.id.desc())
    .limit(MOST)
)


def of_contacts(session: Session, contact_ids: Collection[int]) -> list[DocumentView]:
    """The documents of these contacts, newest first; those without a date last."""
    return [DocumentView(*row) for row in session.execute(_OF_CONTACTS, {"contacts": list(contact_ids)})]


def get(session: Session, document_id: int) -> DocumentView:
    """One document. Raises `NotFoundError` when there is none in the scope, or the collection system withdrew it."""
    row = session.execute(_LISTED.where(Document.id == document_id, _THERE)).one_or_none()
    if row is None:
        raise NotFoundError("Questo documento non esiste più: ricarica la pagina.")
    return DocumentView(*row)


@dataclass(frozen=True, slots=True)
class WantedView:
    """A document whose contents are to be fetched: what they must be."""

    id: int
    reference: str
    size: int
    sha256: str


def wanted(session: Session, *, ente_id: int, limit: int) -> list[WantedView]:
    """Documents of an ente without their contents, but for those asked for in vain within a day and not restated."""
    lately = clock.now(session) - AGAIN_AFTER
    there = exists().where(DocumentContent.ente_id == ente_id, DocumentContent.sha256 == Document.sha256)
    rows = session.execute(
        select(Document.id, Document.reference, Document.size, Document.sha256)
        .where(Document.ente_id == ente_id, _THERE, ~there)
        .where(or_(Document.tried_at.is_(None), Document.tried_at < lately, Document.tried_at < Document.as_of))
        .order_by(Document.id)
        .limit(limit)
    )
    return [WantedView(*row) for row in rows]


def troubles(session: Session, *, limit: int = 20) -> list[tuple[int, str, str]]:
    """Ente, reference and reason of documents that the gestionale did not give, the latest first."""
    there = exists().where(DocumentContent.ente_id == Document.ente_id, DocumentContent.sha256 == Document.sha256)
    rows = session.execute(
        select(Document.ente_id, Document.reference, Document.trouble)
        .where(Document.trouble.is_not(None), _THERE, ~there)
        .order_by(Document.tried_at.desc(), Document.id)
        .limit(limit)
    )
    return [(ente_id, reference, trouble or "") for ente_id, reference, trouble in rows]


def awaited(session: Session) -> dict[int, int]:
    """How many documents of each ente in the scope are listed without their contents."""
    rows = session.execute(
        select(Document.ente_id, func.count().label("listed"))
        .outerjoin(
            DocumentContent,
            (DocumentContent.ente_id == Document.ente_id) & (DocumentContent.sha256 == Document.sha256),
        )
        .where(DocumentContent.sha256.is_(None), _THERE)
        .group_by(Document.ente_id)
    )
    return {row.ente_id: row.listed for row in rows}

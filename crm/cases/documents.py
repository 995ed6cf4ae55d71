"""Files of a case: their contents are in the store of documents before the row that names them."""

import re
from dataclasses import dataclass
from uuid import UUID, uuid4

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm.access.permissions import Principal
from crm.cases import rights, told
from crm.cases.lifecycle import Deed, Who
from crm.cases.models import Case, CaseDocument
from crm.cases.service import locked
from crm.core import clock
from crm.core.errors import ConflictError, FieldError, ForbiddenError, NotFoundError
from crm.documents import service as documents
from crm.documents.models import Scan

MOST_BYTES, MOST = 10_000_000, 50
_KINDS = {b"%PDF-": "application/pdf", b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png"}


@dataclass(frozen=True, slots=True)
class Brought:
    """A file that somebody brings. `sha256` of its contents, in hexadecimal; `scan`: what the scanner said of them."""

    name: str
    media_type: str
    size: int
    sha256: str
    scan: Scan = Scan.NOT_SCANNED


def kind_of(content: bytes) -> str:
    """What some bytes are, by themselves and not by their name. Raises `FieldError` for what is not taken."""
    if not content:
        raise FieldError("Il file è vuoto, o non è stato scelto.", "file")
    if len(content) > MOST_BYTES:
        raise FieldError("Il file è troppo grande: al massimo 10 MB.", "file")
    found = next((kind for magic, kind in _KINDS.items() if content.startswith(magic)), None)
    if found is None:
        raise FieldError("Serve un file PDF, JPEG o PNG.", "file")
    return found


def cleaned(name: str) -> str:
    """A file's name without folders or signs that do something somewhere; never empty."""
    last = re.split(r"[/\\]", name)[-1]
    return "".join(one for one in last if one.isprintable() and one not in '<>:"|?*')[-120:].strip() or "documento"


def may_add(session: Session, by: Principal, *, case_id: int) -> int:
    """The ente of a case to which `by` may add files; asked before their contents are stored."""
    row = locked(session, case_id)
    rights.require(session, by, Who.OPERATOR, row.ente_id)
    return row.ente_id


def add(session: Session, by: Principal, *, case_id: int, brought: Brought) -> UUID:
    """A file whose contents are stored; its id. Brought again it is no error."""
    row = locked(session, case_id)
    rights.require(session, by, Who.OPERATOR, row.ente_id)
    return attach(session, by, row, brought)


def attach(session: Session, by: Principal | None, row: Case, brought: Brought) -> UUID:
    """The same to a case that is locked. `by` none: the citizen, on the pages."""
    case_id = row.id
    its = CaseDocument.case_id == case_id
    known = session.scalar(select(CaseDocument.id).where(its, CaseDocument.sha256 == brought.sha256))
    if known is not None:
        return known
    if (session.scalar(select(func.count()).select_from(CaseDocument).where(its)) or 0) >= MOST:
        raise ConflictError(f"Una richiesta ha al massimo {MOST} documenti.")
    documents.receive(session, ente_id=row.ente_id, sha256=brought.sha256)
    at, new = clock.now(session), uuid4()
    session.add(
        CaseDocument(
            id=new, ente_id=row.ente_id, case_id=case_id, name=cleaned(brought.name), media_type=brought.media_type,
            size=brought.size, sha256=brought.sha256, scan=brought.scan, added_at=at,
            added_by=by.user_id if by else None,
        )
    )  # fmt: skip
    told.step(session, by, row, Deed.ATTACH, at, words=cleaned(brought.name))
    return new


def look(session: Session, by: Principal, *, document_id: UUID) -> CaseDocument:
    """A file is about to be read: the access log says so. Raises `NotFoundError`; `ForbiddenError`: it has a virus."""
    found = session.get(CaseDocument, document_id)
    if found is None:
        raise NotFoundError("Questo documento non c'è.")
    if found.scan is Scan.INFECTED:
        raise ForbiddenError("In questo documento è stato trovato un virus: non si può aprire.")
    row = session.get_one(Case, found.case_id)
    told.note(session, by, row, "case.document_looked", document=found.name)
    return found

"""What a stranger wrote, as he wrote it: HTML in a frame without rights, files, the original. Nothing of it runs."""

from typing import Any
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Response
from sqlalchemy.orm import Session

from crm.access.permissions import Permission
from crm.audit import service as audit
from crm.core.errors import ConflictError, ForbiddenError, NotFoundError
from crm.documents.models import Scan
from crm.documents.store import StoreError
from telephony.mail import queries
from telephony.mail.kinds import shown
from telephony.mail.models import MOST_BYTES, Mail
from telephony.mail.reading import part_of, read
from telephony.mail.sanitising import sanitised
from web.edge.i18n import translations
from web.edge.visits import RuntimeDep, Visit, VisitDep
from web.wiring import Runtime

router = APIRouter(prefix="/mail/messages", include_in_schema=False)
_STYLE = (
    "body{font:16px/1.5 sans-serif;margin:12px;overflow-wrap:anywhere;color:#1a1a1a;background:#fff}"
    "img{max-width:100%}img:not([src]){border:1px dashed #5b6f82;padding:4px}"
)
# A hash would let it be `'self'` nowhere: whatever else says `style` in the letter is left out when it is cleaned.
_POLICY = "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'; frame-ancestors 'self'"
_FILES = "default-src 'none'; sandbox"
_PDF = "default-src 'none'; object-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none'"
_AWAY = "L'originale non si può leggere adesso: riprova, o avvisa chi gestisce il sistema."


@router.get("/{mail}/html")
def html(runtime: RuntimeDep, visit: VisitDep, mail: UUID) -> Response:
    """The letter's HTML, made safe; pictures that are elsewhere are not fetched."""
    said = read(_original(runtime, visit, mail)[1])
    pictures = {one.cid: (one.media_type, one.content) for one in said.attachments if one.cid}
    safe = sanitised(said.html, pictures)
    written = f"<!doctype html><meta charset=utf-8><title>-</title><style>{_STYLE}</style>"
    if safe.blocked:
        told = translations(visit.language).gettext("Immagini da altri siti non mostrate")
        written += f"<p><small>{told}: {safe.blocked}</small></p>"
    return _given(f"{written}{safe.html}".encode(), "text/html; charset=utf-8", _POLICY)


@router.get("/{mail}/original")
def original(runtime: RuntimeDep, visit: VisitDep, mail: UUID) -> Response:
    """The bytes as they came."""
    row, content = _original(runtime, visit, mail)
    return _given(content, "application/octet-stream", _FILES, name=str(row.id) + ".eml")


@router.get("/{mail}/files/{attachment}")
def file(runtime: RuntimeDep, visit: VisitDep, mail: UUID, attachment: int) -> Response:
    """A file that came with it: shown where a browser may, else to be saved; not one in which something was found."""
    with runtime.database.begin(visit.scope(Permission.MAIL_ANSWER)) as session:
        row, one = queries.attachment(session, visit.principal, attachment)
        if row.id != mail:
            raise NotFoundError("Questo allegato non esiste.")
        if one.scan is Scan.INFECTED:
            raise ForbiddenError("In questo allegato è stato trovato un virus: non si può aprire.")
        _note(session, visit, row)
        part, name, media, plain = one.part, one.name, one.media_type, shown(one.kind) and not one.doubtful
    found = part_of(_read(runtime, row), part)
    if found is None:
        raise NotFoundError("Questo allegato non esiste.")
    known = media in {"application/pdf", "image/png", "image/jpeg", "image/gif"}
    if plain and known:
        return _given(found.content, media, _PDF if media == "application/pdf" else _FILES, name=name, inline=True)
    return _given(found.content, "application/octet-stream", _FILES, name=name)


def _original(runtime: Runtime, visit: Visit, mail_id: UUID) -> tuple[Mail, bytes]:
    with runtime.database.begin(visit.scope(Permission.MAIL_ANSWER)) as session:
        row = queries.mail(session, visit.principal, mail_id)
        _note(session, visit, row)
    return row, _read(runtime, row)


def _read(runtime: Runtime, row: Mail) -> bytes:
    if row.digest is None or row.kept_under is None:
        raise NotFoundError("L'originale non è più conservato.")
    try:
        return runtime.documents.read(row.kept_under, row.digest, most=MOST_BYTES)
    except StoreError as error:
        raise ConflictError(_AWAY) from error


def _note(session: Session, visit: Visit, row: Mail) -> None:
    if row.ente_id is not None:
        audit.note_once(session, visit.principal, kind="mail.read", ente_id=row.ente_id, call_id=row.thread_id)


def _given(content: bytes, media: str, policy: str, *, name: str = "", inline: bool = False) -> Response:
    headers: dict[str, Any] = {
        "content-security-policy": policy, "cache-control": "no-store", "cross-origin-resource-policy": "same-origin",
    }  # fmt: skip
    if name:
        headers["content-disposition"] = f"{'inline' if inline else 'attachment'}; filename*=UTF-8''{quote(name)}"
    return Response(content, media_type=media, headers=headers)

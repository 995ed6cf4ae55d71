"""The company's files about its agents: kept by their digest, with what they are by their own bytes."""

import hashlib

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from crm.core import clock
from crm.core.db import table_of
from crm.core.errors import FieldError, NotFoundError
from outbound.field.agents.models import AgentFile

MOST_BYTES = 5_000_000
PDF = "application/pdf"
_MAGIC = {b"%PDF-": PDF, b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png"}


def media_of(content: bytes, field: str) -> str:
    """What some bytes are. Raises `FieldError` for anything but a PDF, JPEG or PNG of at most five megabytes."""
    if len(content) > MOST_BYTES:
        raise FieldError("Il file è troppo grande: al massimo 5 MB.", field)
    found = next((media for magic, media in _MAGIC.items() if content.startswith(magic)), None)
    if found is None:
        raise FieldError("Serve un file PDF, JPEG o PNG.", field)
    return found


def keep(session: Session, content: bytes, *, field: str = "file") -> str:
    """Keep some bytes, with the row that will name them; keeping them again changes nothing. Their digest."""
    media, sha256 = media_of(content, field), hashlib.sha256(content).hexdigest()
    session.execute(
        insert(table_of(AgentFile))
        .values(sha256=sha256, media=media, content=content, kept_at=clock.now(session))
        .on_conflict_do_nothing()
    )
    return sha256


def read(session: Session, sha256: str | None) -> AgentFile:
    """A file, by the digest that a row has, if any. Raises `NotFoundError`."""
    found = session.get(AgentFile, sha256) if sha256 else None
    if found is None:
        raise NotFoundError("Questo file non c'è.")
    return found

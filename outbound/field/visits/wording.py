"""An ente's words at the door: the latest version holds, and older ones stay to be read."""

from dataclasses import asdict

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.access.permissions import Principal
from crm.audit import service as audit
from crm.core import clock
from crm.core.errors import InvalidError
from outbound.field.practices.rights import require_deciding
from outbound.field.visits.models import FieldWords
from outbound.field.visits.words import Words, wrong


def of_ente(session: Session, ente_id: int) -> tuple[int, Words]:
    """The version that holds and its words; version 0 are those that everybody has until he writes his own."""
    row = session.scalar(
        select(FieldWords).where(FieldWords.ente_id == ente_id).order_by(FieldWords.version.desc()).limit(1)
    )
    return (row.version, Words(**row.said)) if row else (0, Words())


def of_version(session: Session, ente_id: int, version: int) -> Words | None:
    """The words of a version; 0 are those that everybody has until he writes his own."""
    if version == 0:
        return Words()
    row = session.scalar(select(FieldWords).where(FieldWords.ente_id == ente_id, FieldWords.version == version))
    return Words(**row.said) if row else None


def versions(session: Session, ente_id: int) -> list[FieldWords]:
    """All that were written, the latest first."""
    rows = select(FieldWords).where(FieldWords.ente_id == ente_id).order_by(FieldWords.version.desc())
    return list(session.scalars(rows))


def write(session: Session, by: Principal, *, ente_id: int, words: Words) -> int:
    """A new version; its number, which is that of now when nothing is different.

    Raises `InvalidError`, field by field, for what may not be said at a door.
    """
    require_deciding(session, by, ente_id)
    if parts := tuple(wrong(words)):
        raise InvalidError("Queste parole non si possono usare così.", parts=parts)
    version, before = of_ente(session, ente_id)
    if version and before == words:
        return version
    version += 1
    session.add(
        FieldWords(
            ente_id=ente_id, version=version, said=asdict(words), written_at=clock.now(session), written_by=by.user_id
        )
    )
    session.flush()
    audit.note(
        session, by, kind="field_words.written", ente_id=ente_id, subject=f"version:{version}", before=asdict(before),
        after=asdict(words),
    )  # fmt: skip
    return version

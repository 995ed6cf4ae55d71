"""What visits brought: signatures for receipt and photographs of places, listed, and opened by whom it concerns."""

from collections import Counter
from collections.abc import Collection, Mapping
from types import MappingProxyType
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.access.service import require_on
from crm.audit import service as audit
from crm.core.errors import NotFoundError
from outbound.field.practices.models import Practice
from outbound.field.visits.drawing import Picture
from outbound.field.visits.models import FieldFile, FileKind, Visit

NAMED: Mapping[FileKind, str] = MappingProxyType({FileKind.SIGNATURE: "firma", FileKind.PHOTOGRAPH: "foto"})
ENDINGS: Mapping[str, str] = MappingProxyType({"image/png": "png", "image/jpeg": "jpg"})


def of_visits(session: Session, visit_ids: Collection[UUID]) -> dict[UUID, tuple[Picture, ...]]:
    """The pictures of each of these visits: signatures first."""
    content = FieldFile.content
    rows = session.execute(
        select(
            FieldFile.id, FieldFile.visit_id, FieldFile.kind, FieldFile.media_type, func.octet_length(content),
            func.encode(func.sha256(content), "hex"), Visit.number,
        )
        .join(Visit, Visit.id == FieldFile.visit_id)
        .where(FieldFile.visit_id.in_(list(visit_ids)))
        .order_by(FieldFile.visit_id, FieldFile.kind.desc(), FieldFile.id)
    )  # fmt: skip
    found: dict[UUID, list[Picture]] = {}
    counted: Counter[tuple[UUID, FileKind]] = Counter()
    for file_id, visit_id, kind, media_type, size, sha256, number in rows:
        counted[visit_id, kind] += 1
        name = f"visita-{number}-{NAMED[kind]}-{counted[visit_id, kind]}.{ENDINGS[media_type]}"
        found.setdefault(visit_id, []).append(Picture(file_id, name, kind, media_type, size, sha256))
    return {visit_id: tuple(some) for visit_id, some in found.items()}


def seen(session: Session, by: Principal, *, file_id: UUID) -> FieldFile:
    """One, for whoever watches the visits of its ente. Raises `NotFoundError`, `ForbiddenError`."""
    found = session.get(FieldFile, file_id)
    if found is None:
        raise NotFoundError("Questa immagine non c'è più.")
    require_on(session, by, Permission.FIELD_WATCH, ente_id=found.ente_id)
    return found


def opened(session: Session, by: Principal, *, file_id: UUID) -> tuple[Picture, bytes]:
    """One, whole; that it was opened is noted."""
    found = seen(session, by, file_id=file_id)
    picture = next(one for one in of_visits(session, [found.visit_id])[found.visit_id] if one.id == file_id)
    practice = session.get_one(Practice, session.get_one(Visit, found.visit_id).practice_id)
    audit.note(
        session, by, kind="field_file.opened", ente_id=found.ente_id, contact_id=practice.contact_id,
        subject=str(practice.number), after={"file": picture.name},
    )  # fmt: skip
    return picture, found.content


def contents(session: Session, ids: Collection[UUID]) -> dict[UUID, bytes]:
    """What is in these, of those that are still there."""
    rows = session.execute(select(FieldFile.id, FieldFile.content).where(FieldFile.id.in_(list(ids))))
    return {row.id: row.content for row in rows}

"""What is told of practices: on the taxpayer's timeline, and in the access log."""

from uuid import NAMESPACE_URL, UUID, uuid5

from sqlalchemy.orm import Session

from crm.access.permissions import Principal
from crm.audit import service as audit
from crm.timeline import service as timeline
from crm.timeline.models import EntryKind
from outbound.field.practices.models import Practice


def source_of(practice: Practice) -> UUID:
    """What its entry on the timeline is about."""
    return uuid5(NAMESPACE_URL, f"field_practice/{practice.ente_id}/{practice.id}")


def tell(session: Session, practice: Practice, by: Principal | None) -> None:
    """A practice, as it stands, on its taxpayer's timeline."""
    timeline.record(
        session, ente_id=practice.ente_id, contact_id=practice.contact_id, kind=EntryKind.PRACTICE,
        source=source_of(practice), occurred_at=practice.opened_at, author_id=by.user_id if by else None,
        status=practice.state.value,
        detail={
            "practice": practice.id, "number": practice.number, "origin": practice.origin.value,
            "closed": practice.closed.value if practice.closed else None,
            "closed_at": practice.closed_at.isoformat() if practice.closed_at else None, "note": "",
        },
    )  # fmt: skip


def note(session: Session, by: Principal | None, practice: Practice, kind: str, **what: object) -> None:
    """In the access log, under the taxpayer's key."""
    audit.note(
        session, by, kind=kind, ente_id=practice.ente_id, contact_id=practice.contact_id,
        subject=str(practice.number), after=what,
    )  # fmt: skip

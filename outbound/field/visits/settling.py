"""What stood apart is settled by a supervisor, in his words."""

from uuid import UUID

from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.access.service import require_on
from crm.audit import service as audit
from crm.core import clock, topics
from crm.core.db import touch
from crm.core.errors import FieldError, NotFoundError
from outbound.field.visits.models import FieldEntry

LONGEST = 400


def settle(session: Session, by: Principal, *, entry_id: UUID, words: str) -> None:
    """Somebody has looked at what stood apart, and says what was done about it. Twice is once."""
    by.require(Permission.FIELD_MANAGE)
    row = session.get(FieldEntry, entry_id, with_for_update=True, populate_existing=True)
    if row is None or row.apart is None:
        raise NotFoundError("Questa registrazione non esiste.")
    require_on(session, by, Permission.FIELD_MANAGE, ente_id=row.ente_id)
    words = " ".join(words.split())
    if not 0 < len(words) <= LONGEST:
        raise FieldError(f"Scrivi che cosa ne è stato, in {LONGEST} caratteri al massimo.", field="words")
    if row.settled_at is None:
        row.settled_at, row.settled_by, row.settled = clock.now(session), by.user_id, words
        session.flush()
        audit.note(session, by, kind="field_entry.settled", ente_id=row.ente_id, subject=f"entry:{row.id}")
        touch(session, topics.field(row.ente_id))

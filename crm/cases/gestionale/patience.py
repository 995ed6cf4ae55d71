"""How long an ente waits for its collection system: for its answer to what was proposed, then to see it in its feed."""

from sqlalchemy.orm import Session

from crm.access.permissions import Principal
from crm.audit import service as audit
from crm.cases import rights
from crm.cases.gestionale.models import GestionaleDays
from crm.cases.lifecycle import Who
from crm.core import clock
from crm.core.errors import FieldError

USUAL, MOST = 15, 180  # days of the calendar


def days(session: Session, ente_id: int) -> int:
    """Of the calendar."""
    row = session.get(GestionaleDays, ente_id)
    return USUAL if row is None else row.days


def write(session: Session, by: Principal, *, ente_id: int, new: int) -> None:
    """The ente's from now on; terms that run keep theirs. Raises `FieldError`."""
    rights.require(session, by, Who.SUPERVISOR, ente_id)
    if not 1 <= new <= MOST:
        raise FieldError(f"Un numero intero di giorni, da 1 a {MOST}.", "gestionale_days")
    was, row = days(session, ente_id), session.get(GestionaleDays, ente_id) or GestionaleDays(ente_id=ente_id)
    row.days, row.changed_at, row.changed_by = new, clock.now(session), by.user_id
    session.add(row)
    session.flush()
    audit.note(
        session, by, kind="case.gestionale_days", ente_id=ente_id, before={"days": was}, after={"days": new}
    )  # fmt: skip

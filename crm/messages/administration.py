"""What administrators write about an ente's messages: when nobody is to be disturbed."""

from datetime import time

from sqlalchemy.orm import Session

from crm.access.permissions import Principal
from crm.core.errors import FieldError, InvalidError
from crm.enti.administration import managed, record
from crm.messages import queries
from crm.messages.models import MessageSetting


def save_quiet(session: Session, by: Principal, *, ente_id: int, starts: str, ends: str) -> None:
    """Say from when in the evening until when in the morning nobody is disturbed, in Roman time.

    Raises `InvalidError` with what is wrong at each field.
    """
    managed(session, by, ente_id)
    quiet_from, quiet_until = _hour(starts, "quiet_from"), _hour(ends, "quiet_until")
    if quiet_until >= quiet_from:
        raise FieldError("Al mattino il silenzio finisce prima dell'ora a cui comincia la sera.", "quiet_until")
    was = queries.quiet(session, ente_id)
    row = session.get(MessageSetting, ente_id) or MessageSetting(ente_id=ente_id)
    row.quiet_from, row.quiet_until = quiet_from, quiet_until
    session.add(row)
    session.flush()
    before, after = _said(was.starts, was.ends), _said(quiet_from, quiet_until)
    record(session, by, "quiet_hours.changed", ente_id, before, after)


def _hour(text: str, field: str) -> time:
    try:
        found = time.fromisoformat(text.strip())
    except ValueError:
        found = None
    if found is None or found.tzinfo is not None or found.second or found.microsecond:
        wrong = "Scrivi l'ora, per esempio 21:00."
        raise InvalidError(wrong, parts=[InvalidError(wrong, field=field)])
    return found


def _said(starts: time, ends: time) -> dict[str, str]:
    """As the audit has it."""
    return {"quiet_from": f"{starts:%H:%M}", "quiet_until": f"{ends:%H:%M}"}

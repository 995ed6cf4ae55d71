"""Who is answering a questionnaire by himself on the telephone just now: nobody else calls him."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, select

from crm.core.db import table_of
from outbound.cati.models import Interview, InterviewState, Mode

_I = table_of(Interview)


def answering(contact_ids: ColumnElement[Any], now: ColumnElement[datetime]) -> Select[int]:
    """Selects those of these contacts with whom a telephone's keys are at it, as long as they are heard of."""
    return select(_I.c.contact_id).where(
        _I.c.contact_id == contact_ids, _I.c.mode == Mode.IVR, _I.c.state == InterviewState.RUNNING,
        _I.c.held_until > now,
    )  # fmt: skip

"""Whoever has a file open asks the ente's gestionale for its person's present state.

Asked is as before a call (`crm.collection.sources.lookups`), with no transaction open; what may be asked, by whom and
how often is decided here.
"""

from datetime import timedelta

from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.audit import queries as audits
from crm.audit import service as audit
from crm.collection.sources import lookups
from crm.collection.sources.port import Lookup
from crm.contacts import queries as contacts
from crm.contacts.calling import persons
from crm.core import clock
from crm.core.errors import ConflictError
from crm.files import queries

REFRESHED = "file.refreshed"
AGAIN = timedelta(seconds=30)  # before a gestionale that has answered is asked once more about the same person
MOST, WITHIN = 20, timedelta(minutes=10)  # questions of one user, whomever they are about
NOT_OFFERED = (
    "Il gestionale di questo ente non risponde per un singolo contribuente: valgono i dati dell'ultimo flusso."
)
TOO_MANY = "Hai già chiesto molte volte al gestionale: riprova fra qualche minuto."


def offered(session: Session, ente_id: int) -> bool:
    """Whether an ente's gestionale answers about one taxpayer."""
    return lookups.offer(session, ente_id) is not None


def begin(session: Session, by: Principal, *, contact_id: int) -> int | None:
    """Somebody wants to know it now: the ente whose gestionale is to be asked; none: it has answered a moment ago.

    Raises `ForbiddenError` while the file is not open, `ConflictError` where the ente offers nothing of the kind, or
    when he has asked too often.
    """
    by.require(Permission.FILE_READ)
    opening = queries.require_open(session, by, contact_id=contact_id)
    ente_id = contacts.get(session, contact_id).ente_id
    if not offered(session, ente_id):
        raise ConflictError(NOT_OFFERED)
    now = clock.now(session)
    rows = persons(session, [contact_id])[contact_id]
    known = lookups.last(session, rows)
    if all(
        one in known and known[one].outcome is Lookup.ANSWERED and known[one].asked_at > now - AGAIN for one in rows
    ):
        return None
    if audits.deeds_of(session, by.user_id, REFRESHED, since=now - WITHIN) >= MOST:
        raise ConflictError(TOO_MANY)
    audit.note(
        session, by, kind=REFRESHED, ente_id=ente_id, contact_id=contact_id, call_id=opening.call_id,
        reason=opening.reason,
    )  # fmt: skip
    return ente_id

"""Death, the end of a business, insolvency, as people tell them before the collection system knows."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.access.service import require_on
from crm.contacts import queries
from crm.contacts.models import ConditionKind, Contact, ContactCondition
from crm.contacts.recording import Telling, as_json, recordable, trace, words, wrong
from crm.core import clock
from crm.core.errors import NotFoundError

EARLIEST = date(1900, 1, 1)
_FACTS = ("kind", "since", "source", "note")


@dataclass(frozen=True, slots=True)
class Reported:
    """A report, and the one it took the place of."""

    id: int
    replaced_id: int | None


def report(
    session: Session, by: Principal, *, contact_id: int, kind: ConditionKind, since: date | None = None,
    note: str = "", telling: Telling,
) -> Reported:  # fmt: skip
    """Somebody told it. Told otherwise, the last word stands."""
    contact = recordable(session, by, contact_id)
    legal = queries.is_legal(session, contact_id)
    _check(contact, kind, since, clock.business_day(clock.now(session)), legal=legal)
    note = words(note, field="note")
    standing = _end_standing(session, by, contact_id, kind)
    row = ContactCondition(
        ente_id=contact.ente_id, contact_id=contact_id, kind=kind, since=since, source=telling.source, note=note,
        told_at=clock.now(session), told_by=by.user_id, call_id=telling.call_id,
    )  # fmt: skip
    session.add(row)
    session.flush()
    trace(
        session, by, "condition.told", ente_id=row.ente_id, contact_id=contact_id, call_id=telling.call_id,
        before=as_json(standing, _FACTS) if standing else None, after=as_json(row, _FACTS),
    )  # fmt: skip
    return Reported(row.id, standing.id if standing else None)


def withdraw(session: Session, by: Principal, *, condition_id: int) -> None:
    """It was not so after all. Withdrawn twice, it is no error."""
    row = _row(session, by, condition_id)
    if row.withdrawn_at is None:
        _end(session, by, row)
        trace(
            session, by, "condition.withdrawn", ente_id=row.ente_id, contact_id=row.contact_id,
            before=as_json(row, _FACTS),
        )  # fmt: skip


def reinstate(session: Session, by: Principal, *, condition_id: int) -> None:
    """It was so, and withdrawn by mistake, or by another report that was one: that stands no longer."""
    row = _row(session, by, condition_id)
    recordable(session, by, row.contact_id)
    if row.withdrawn_at is None:
        return
    standing = _end_standing(session, by, row.contact_id, row.kind)
    row.withdrawn_at, row.withdrawn_by = None, None
    session.flush()
    trace(
        session, by, "condition.reinstated", ente_id=row.ente_id, contact_id=row.contact_id,
        before=as_json(standing, _FACTS) if standing else None, after=as_json(row, _FACTS),
    )  # fmt: skip


def _row(session: Session, by: Principal, condition_id: int) -> ContactCondition:
    by.require(Permission.CONTACT_RECORD)
    row = session.get(ContactCondition, condition_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFoundError("Segnalazione non trovata.")
    require_on(session, by, Permission.CONTACT_RECORD, ente_id=row.ente_id)
    return row


def _check(contact: Contact, kind: ConditionKind, since: date | None, today: date, *, legal: bool) -> None:
    if kind is ConditionKind.DECEASED and legal:
        raise wrong("Una società o un ente non muore: scegli «Attività cessata».", field="kind")
    if since and since < EARLIEST:
        raise wrong("La data è troppo lontana: ricontrollala.", field="since")
    if since and since > today:
        raise wrong("La data è nel futuro: ricontrollala.", field="since")
    if since and contact.born_on and since < contact.born_on:
        raise wrong("La data viene prima della nascita: ricontrollala.", field="since")


def _end_standing(
    session: Session, by: Principal, contact_id: int, kind: ConditionKind
) -> ContactCondition | None:  # fmt: skip
    """What was told until now stands no longer; none when nothing was."""
    row = session.scalars(
        select(ContactCondition).where(
            ContactCondition.contact_id == contact_id, ContactCondition.kind == kind,
            ContactCondition.withdrawn_at.is_(None),
        )
    ).one_or_none()  # fmt: skip
    if row is not None:
        _end(session, by, row)
    return row


def _end(session: Session, by: Principal, row: ContactCondition) -> None:
    row.withdrawn_at, row.withdrawn_by = clock.now(session), by.user_id
    session.flush()

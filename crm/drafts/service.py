"""Keeping what is typed, giving it back to whoever typed it, and forgetting it. Nobody else ever reads it."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.access.service import require_on
from crm.contacts import queries as contacts
from crm.core import clock, secrecy
from crm.core.db import Database, Scope, table_of
from crm.core.each import total_of_each
from crm.drafts.models import FormDraft
from crm.drafts.places import FormKind, Place
from crm.enti import queries as enti

KEPT = timedelta(days=7)  # from when something was typed last
MOST_FIELDS, LONGEST = 40, 8000  # as many values, of as many characters; what is more is cut off
NEEDS = {
    FormKind.CORRECTION: Permission.PROPOSAL_MAKE, FormKind.NOTIFICATION_PROBLEM: Permission.PROPOSAL_MAKE,
    FormKind.APPOINTMENT: Permission.APPOINTMENT_MANAGE, FormKind.GATE: Permission.FILE_READ,
    FormKind.QUALITY: Permission.CALLS_ANSWER, FormKind.QUALITY_CORRECTION: Permission.QUALITY_EVALUATE,
    FormKind.BROADCAST: Permission.AGENT_OVERSEE, FormKind.LIST: Permission.LIST_MANAGE,
    FormKind.MAIL: Permission.MAIL_ANSWER, FormKind.LETTER: Permission.CASE_WORK,
}  # fmt: skip
Fields = Mapping[str, Sequence[str]]  # the values of each field by its name
_DRAFT = table_of(FormDraft)
_PURPOSE = "form.draft"


def needs(place: Place) -> Permission:
    """What whoever fills in this form may do."""
    return NEEDS.get(place.form, Permission.CONTACT_RECORD)


def save(session: Session, by: Principal, *, place: Place, writing: UUID, fields: Fields) -> None:
    """Keep what the form holds now; nothing typed keeps nothing. `writing` is the form as it was shown once: what
    comes of it after it was sent is let go. Raises `ForbiddenError`, or `NotFoundError` for whom nobody knows.
    """
    ente_id = _ente(session, by, place)
    kept = _cut(fields)
    if not kept:
        _mine(session, by, place, sealed=None, sent=None, ente_id=ente_id, writing=writing)
        return
    about = _about(by.user_id, str(place))
    sealed = secrecy.of(session).seal(_PURPOSE, json.dumps(kept).encode(), about=about)
    _mine(session, by, place, sealed=sealed, sent=None, ente_id=ente_id, writing=writing)


def forget(session: Session, by: Principal, *, place: Place, writing: UUID) -> None:
    """The form was sent, or given up. Of an opinion not even that is kept: nobody shall know who has one."""
    if place.form is FormKind.OPINION:
        session.execute(delete(_DRAFT).where(_DRAFT.c.user_id == by.user_id, _DRAFT.c.place == str(place)))
        return
    _mine(session, by, place, sealed=None, sent=writing, ente_id=_ente(session, by, place), writing=writing)


def kept(session: Session, by: Principal, places: Iterable[Place]) -> dict[Place, dict[str, list[str]]]:
    """What he has typed into these forms."""
    named = {str(one): one for one in places}
    return _opened(session, by, FormDraft.place.in_(named), named)


def of_contacts(session: Session, by: Principal, contact_ids: Sequence[int]) -> dict[Place, dict[str, list[str]]]:
    """What he has typed about these."""
    return _opened(session, by, FormDraft.contact_id.in_(contact_ids))


def forget_old(database: Database) -> int:
    """Delete what nobody has gone on with for a week, and what was sent before then; how many there were."""
    with database.begin(Scope.nothing()) as session:
        served, nobodys = enti.served(session), _forget_old(session)
    return nobodys + total_of_each(served, lambda one: database.transact(Scope.of_enti([one]), _forget_old))


def opened(session: Session, row: FormDraft) -> dict[str, list[str]]:
    """What a row holds. Raises `SecrecyError`."""
    if row.sealed is None:
        return {}
    found = secrecy.of(session).open(_PURPOSE, row.sealed, about=_about(row.user_id, row.place))
    fields: dict[str, list[str]] = json.loads(found)
    return fields


def _forget_old(session: Session) -> int:
    old = delete(_DRAFT).where(_DRAFT.c.saved_at < clock.now(session) - KEPT).returning(_DRAFT.c.place)
    return len(session.execute(old).all())


def _ente(session: Session, by: Principal, place: Place) -> int | None:
    if not place.of_contact:
        by.require(needs(place))
        return None
    ente_id = contacts.get(session, place.about).ente_id
    require_on(session, by, needs(place), ente_id=ente_id)
    return ente_id


def _mine(
    session: Session, by: Principal, place: Place, *, sealed: bytes | None, sent: UUID | None, ente_id: int | None,
    writing: UUID,
) -> None:  # fmt: skip
    values = {"sealed": sealed, "sent": sent, "saved_at": clock.now(session)}
    whose = {
        "user_id": by.user_id, "place": str(place), "ente_id": ente_id,
        "contact_id": place.about if place.of_contact else None,
    }  # fmt: skip
    session.execute(
        insert(_DRAFT)
        .values({**whose, **values})
        .on_conflict_do_update(
            index_elements=["user_id", "place"], set_=values, where=_DRAFT.c.sent.is_distinct_from(writing)
        )
    )


def _opened(
    session: Session, by: Principal, which: ColumnElement[bool], named: Mapping[str, Place] | None = None
) -> dict[Place, dict[str, list[str]]]:
    statement = select(FormDraft).where(FormDraft.user_id == by.user_id, which, FormDraft.sealed.is_not(None))
    rows = session.scalars(statement.order_by(FormDraft.saved_at).execution_options(populate_existing=True))
    return {(named or {}).get(row.place) or Place.parse(row.place): opened(session, row) for row in rows}


def _cut(fields: Fields) -> dict[str, list[str]]:
    """Bounded, and nothing at all where every field is empty."""
    found = {name[:60]: [one[:LONGEST] for one in values[:MOST_FIELDS]] for name, values in fields.items()}
    found = dict(list(found.items())[:MOST_FIELDS])
    return found if any(one.strip() for values in found.values() for one in values) else {}


def _about(user_id: int, place: str) -> bytes:
    return f"{user_id}:{place}".encode()

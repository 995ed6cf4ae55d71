"""Leave in writing to speak for others: stored, shown with its end, ended."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.access.service import require_on
from crm.contacts.disclosure import GENERAL, Matter, Term
from crm.contacts.models import Contact, Mandate, Relation
from crm.contacts.names import full_name
from crm.contacts.recording import HIMSELF, Telling, as_json, wrong
from crm.contacts.relations import FACTS, MandateView, check_term, locked, mandate_view, note, our_word
from crm.core import clock
from crm.core.errors import NotFoundError

MAX_DOCUMENT = 120
SOON = timedelta(days=30)  # how long before its end a mandate is said to end
_OWN = ("document", "covers", "valid_from", "valid_to")


class Standing(StrEnum):
    """Where a mandate is in its life."""

    TO_COME = "to_come"
    VALID = "valid"
    ENDING = "ending"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Whom:
    """Somebody for whom a mandate lets its holder speak."""

    contact_id: int
    name: str
    codice_fiscale: str
    relation_id: int


@dataclass(frozen=True, slots=True)
class Listed:
    """A mandate in the list, with those it is about."""

    mandate: MandateView
    standing: Standing
    whom: tuple[Whom, ...]


def standing_of(term: Term, today: date) -> Standing:
    """Where a mandate is in its life, today. Pure."""
    if term.ends and term.ends < today:
        return Standing.ENDED
    if term.starts and today < term.starts:
        return Standing.TO_COME
    return Standing.ENDING if term.ends and term.ends <= today + SOON else Standing.VALID


# -- reading ------------------------------------------------------------------------------------------------------


def held_by(session: Session, *, ente_id: int, codice_fiscale: str) -> list[MandateView]:
    """The mandates that somebody holds under an ente, the latest first."""
    rows = session.scalars(
        select(Mandate)
        .where(Mandate.ente_id == ente_id, Mandate.codice_fiscale == codice_fiscale)
        .order_by(Mandate.valid_from.desc(), Mandate.id.desc())
    )
    return [mandate_view(row) for row in rows]


def listed(
    session: Session, *, ended: bool = False, ente_id: int | None = None, limit: int = 50, offset: int = 0
) -> list[Listed]:
    """The mandates of the scope: those that hold or will, the next to end first; or the ended ones, the last first."""
    today = clock.business_day(clock.now(session))
    last_day = func.coalesce(Mandate.valid_to, date.max)
    wanted: list[ColumnElement[bool]] = [last_day < today if ended else last_day >= today]
    if ente_id is not None:
        wanted.append(Mandate.ente_id == ente_id)
    rows = session.scalars(
        select(Mandate)
        .where(*wanted)
        .order_by(last_day.desc() if ended else last_day, Mandate.name, Mandate.id)
        .limit(limit)
        .offset(offset)
    ).all()
    whom = _whom(session, [row.id for row in rows])
    return [
        Listed(view, standing_of(view.term, today), tuple(whom.get(view.id, ()))) for view in map(mandate_view, rows)
    ]


def _whom(session: Session, mandate_ids: Collection[int]) -> dict[int, list[Whom]]:
    found: dict[int, list[Whom]] = {}
    rows = session.execute(
        select(Mandate.id, Contact.id, Contact.surname, Contact.given_name, Contact.codice_fiscale, Relation.id)
        .join(Relation, Relation.mandate_id == Mandate.id)
        .join(Contact, Contact.id == Relation.contact_id)
        .where(Mandate.id.in_(mandate_ids))
        .order_by(Contact.name_key, Relation.id)
    )
    for mandate_id, contact_id, surname, given_name, code, relation_id in rows:
        found.setdefault(mandate_id, []).append(Whom(contact_id, full_name(surname, given_name), code, relation_id))
    return found


# -- writing ------------------------------------------------------------------------------------------------------


def give(
    session: Session, by: Principal, *, relation_id: int, document: str, covers: Collection[Matter], term: Term,
    telling: Telling = HIMSELF,
) -> int:  # fmt: skip
    """Store that a delegate or an accountant showed a mandate for a contact. Returns its id: others may be added to it
    (`extend`), as an accountant's many clients are.
    """
    row = locked(session, by, relation_id)
    document = " ".join(document.split())
    if not document or len(document) > MAX_DOCUMENT or not document.isprintable():
        raise wrong(
            f"Scrivi dove si trova il mandato (protocollo, archivio), in al massimo {MAX_DOCUMENT} caratteri.",
            field="document",
        )
    if not frozenset(covers) - GENERAL:
        raise wrong("Scegli almeno un argomento su cui il mandato vale.", field="covers")
    starts = term.starts or clock.business_day(clock.now(session))
    check_term(Term(starts, term.ends))
    mandate = Mandate(
        ente_id=row.ente_id, codice_fiscale=row.codice_fiscale, name=row.name, document=document,
        covers=sorted(frozenset(covers) | GENERAL), valid_from=starts, valid_to=term.ends,
        written_at=clock.now(session), written_by=by.user_id,
    )  # fmt: skip
    session.add(mandate)
    session.flush()
    _name(session, by, row, mandate, telling, "mandate.stored")
    return mandate.id


def extend(session: Session, by: Principal, *, relation_id: int, mandate_id: int, telling: Telling = HIMSELF) -> None:
    """A mandate that its holder gave before is for this contact as well."""
    row = locked(session, by, relation_id)
    mandate = session.get(Mandate, mandate_id)
    if mandate is None or mandate.ente_id != row.ente_id or mandate.codice_fiscale != row.codice_fiscale:
        raise NotFoundError("Mandato non trovato.")
    _name(session, by, row, mandate, telling, "mandate.extended")


def end(session: Session, by: Principal, *, mandate_id: int, on: date | None) -> date | None:
    """It holds until this day, included, for everybody it is about; none: it has no end after all.

    Returns the last day that was known before.
    """
    by.require(Permission.CONTACT_RECORD)
    row = session.get(Mandate, mandate_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFoundError("Mandato non trovato.")
    require_on(session, by, Permission.CONTACT_RECORD, ente_id=row.ente_id)
    check_term(Term(row.valid_from, on))
    before, was, row.valid_to = _as_json(row), row.valid_to, on
    session.flush()
    for relation in session.scalars(select(Relation).where(Relation.mandate_id == mandate_id)):
        note(session, by, relation, "mandate.ended", before, _as_json(row))
    return was


def _name(session: Session, by: Principal, row: Relation, mandate: Mandate, telling: Telling, kind: str) -> None:
    before, row.mandate_id = as_json(row, FACTS), mandate.id
    our_word(session, by, row, telling)
    session.flush()
    note(session, by, row, kind, before, {**as_json(row, FACTS), **_as_json(mandate)})


def _as_json(row: Mandate) -> dict[str, Any]:
    return as_json(row, _OWN)

"""Who may speak for a taxpayer: relations and mandates, and what each may be told."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import and_, select
from sqlalchemy.orm import Session, aliased

from crm.access.permissions import Permission, Principal
from crm.access.service import require_on
from crm.contacts import narrowing, queries
from crm.contacts.codice_fiscale import parse_codice_fiscale
from crm.contacts.disclosure import (
    BY_MANDATE,
    GENERAL,
    OPEN,
    STRANGER,
    TAXPAYER,
    Cover,
    Disclosure,
    Matter,
    RelationKind,
    Speaker,
    Term,
    check_relation,
    disclosure,
)
from crm.contacts.models import Contact, Mandate, Relation, Source
from crm.contacts.names import full_name, who_key
from crm.contacts.phone import to_e164
from crm.contacts.queries import ContactView
from crm.contacts.recording import HIMSELF, Telling, as_json, recordable, trace, wrong
from crm.core import clock
from crm.core.errors import InvalidError, NotFoundError

MAX_NAME = 160
FACTS = ("kind", "codice_fiscale", "name", "phone", "valid_from", "valid_to", "mandate_id", "source")  # for the audit
WHO = ("codice_fiscale", "name", "phone")
_Him = aliased(Contact)  # the one a relation names, when he is a contact of the same ente


@dataclass(frozen=True, slots=True)
class MandateView:
    """Leave in writing to speak for others; `covers` always has the general matters."""

    id: int
    ente_id: int
    codice_fiscale: str | None
    name: str
    document: str
    covers: frozenset[Matter]
    term: Term


@dataclass(frozen=True, slots=True)
class RelationView:
    """Somebody who has to do with a contact. `other_id` is his own contact, when the ente has one."""

    id: int
    ente_id: int
    contact_id: int
    kind: RelationKind
    codice_fiscale: str | None
    name: str
    phone: str | None
    term: Term
    source: Source
    stated: bool
    other_id: int | None
    mandate: MandateView | None

    @property
    def by_mandate(self) -> bool:
        """Whether nothing but a mandate lets him hear anything."""
        return self.kind in BY_MANDATE

    @property
    def speaker(self) -> Speaker:
        """The same as `disclosure` wants it."""
        mandate = Cover(self.mandate.covers, self.mandate.term) if self.mandate else None
        return Speaker(relation=self.kind, term=self.term, mandate=mandate)


@dataclass(frozen=True, slots=True)
class Said:
    """What was known of a relation that can be told anew: whom it is to and of what kind cannot."""

    name: str
    phone: str | None
    term: Term
    source: Source


@dataclass(frozen=True, slots=True)
class Written:
    """A relation, and what was known of it before; nothing, when it is new."""

    id: int
    before: Said | None


@dataclass(frozen=True, slots=True)
class Client:
    """A contact for whom somebody acts, and as what."""

    contact_id: int
    ente_id: int
    name: str
    codice_fiscale: str
    relation: RelationView


# -- reading ------------------------------------------------------------------------------------------------------


def of_contacts(session: Session, contact_ids: Collection[int]) -> list[RelationView]:
    """Who has to do with these contacts, by kind and name."""
    rows = session.execute(_RELATIONS.where(Relation.contact_id.in_(contact_ids)))
    return sorted((_view(*row) for row in rows), key=lambda one: (one.kind, one.name, one.id))


def clients_of(session: Session, codice_fiscale: str) -> list[Client]:
    """For whom somebody with this codice fiscale acts, over the enti of the scope: an accountant's many clients."""
    rows = session.execute(
        _RELATIONS.add_columns(Contact).join(Contact, Contact.id == Relation.contact_id)
        .where(Relation.codice_fiscale == codice_fiscale)
        .order_by(Contact.name_key, Relation.id)
    )  # fmt: skip
    return [
        Client(
            contact.id,
            contact.ente_id,
            full_name(contact.surname, contact.given_name),
            contact.codice_fiscale,
            _view(*row),
        )
        for *row, contact in rows
    ]


def get(session: Session, relation_id: int) -> RelationView:
    """One relation. Raises `NotFoundError` when there is none in the scope."""
    row = session.execute(_RELATIONS.where(Relation.id == relation_id)).one_or_none()
    if row is None:
        raise NotFoundError("Relazione non trovata.")
    return _view(*row)


def may_be_told(session: Session, rows: Collection[ContactView], *, relation_id: int | None) -> dict[int, Disclosure]:
    """What somebody may be told today of a person, by ente; `rows` are all of that person's (`queries.same_person`).

    Without a relation it is anybody else. A title, such as an heir's, holds with every ente; a mandate, with one.
    """
    if relation_id is None:
        return _disclosed(session, rows, dict.fromkeys((one.ente_id for one in rows), STRANGER))
    relation = get(session, relation_id)
    if relation.contact_id not in {one.id for one in rows}:
        raise NotFoundError("Relazione non trovata.")
    elsewhere = replace(relation.speaker, mandate=None)
    speakers = {one.ente_id: relation.speaker if one.ente_id == relation.ente_id else elsewhere for one in rows}
    return _disclosed(session, rows, speakers)


def told_to_each(
    session: Session, rows: Collection[ContactView], related: Collection[RelationView]
) -> dict[int, Disclosure]:
    """What each of these may be told today of a person under the ente of the relation, by relation id."""
    rules = narrowing.rules(session, {one.ente_id for one in related})
    today, person = clock.business_day(clock.now(session)), queries.person_of(rows)
    return {
        one.id: disclosure(person, one.speaker, today=today, narrowed=rules.get((one.ente_id, one.kind)))
        for one in related
    }


def told_himself(session: Session, rows: Collection[ContactView]) -> dict[int, Disclosure]:
    """What the taxpayer himself may be told, by ente; nobody is a company himself."""
    return _disclosed(session, rows, dict.fromkeys((one.ente_id for one in rows), TAXPAYER))


# -- writing ------------------------------------------------------------------------------------------------------


def relate(
    session: Session, by: Principal, *, contact_id: int, kind: RelationKind, codice_fiscale: str = "", name: str = "",
    phone: str = "", term: Term = OPEN, mandate_id: int | None = None, source: Source = Source.TAXPAYER,
    call_id: UUID | None = None,
) -> Written:  # fmt: skip
    """Write down who has to do with a contact; said again of the same somebody, the last word stands.

    Raises `InvalidError` with what to do at each field.
    """
    telling, contact = Telling(source, call_id), recordable(session, by, contact_id)
    legal = queries.is_legal(session, contact_id)
    who = _who(contact, kind, codice_fiscale, name, phone, term, legal=legal)
    if mandate_id is not None:
        _mandate_of(session, contact.ente_id, mandate_id)
    key = who_key(who["codice_fiscale"], who["name"])
    row = session.scalars(
        select(Relation)
        .where(Relation.contact_id == contact_id, Relation.kind == kind, Relation.who_key == key)
        .with_for_update()
    ).one_or_none()
    before, said = (as_json(row, FACTS), _said(row)) if row else (None, None)
    if row is None:
        row = Relation(ente_id=contact.ente_id, contact_id=contact_id, kind=kind, who_key=key, stated=False)
        session.add(row)
    for column, value in {**who, "mandate_id": mandate_id or row.mandate_id}.items():
        setattr(row, column, value)
    _as_told(session, by, row, telling)
    session.flush()
    note(session, by, row, "relation.recorded", before, as_json(row, FACTS))
    return Written(row.id, said)


def restore(session: Session, by: Principal, *, relation_id: int, was: Said) -> None:
    """What was told last was a mistake: what was known before stands again.

    It is the collection system's word again only while that states the relation: its next statement corrects us.
    """
    row = locked(session, by, relation_id)
    contact = session.get_one(Contact, row.contact_id)
    legal = queries.is_legal(session, row.contact_id)
    who = _who(contact, row.kind, row.codice_fiscale or "", was.name, was.phone or "", was.term, legal=legal)
    before = as_json(row, FACTS)
    for column, value in who.items():
        setattr(row, column, value)
    if was.source is Source.GESTIONALE and row.stated:
        row.source, row.call_id, row.told_at, row.told_by = was.source, None, None, None
    else:
        _as_told(session, by, row, Telling(was.source))
    session.flush()
    note(session, by, row, "relation.recorded", before, as_json(row, FACTS))


def end(
    session: Session, by: Principal, *, relation_id: int, on: date | None, telling: Telling = HIMSELF
) -> date | None:
    """It holds until this day, included; afterwards nothing may be told by it. None: it has no end after all.

    Returns the last day that was known before.
    """
    row = locked(session, by, relation_id)
    check_term(Term(row.valid_from, on))
    before, was, row.valid_to = as_json(row, FACTS), row.valid_to, on
    our_word(session, by, row, telling)
    session.flush()
    note(session, by, row, "relation.ended", before, as_json(row, FACTS))
    return was


def remove(session: Session, by: Principal, *, relation_id: int) -> None:
    """It was written by mistake. What the collection system states stays: it is for the ente to have it put right."""
    row = locked(session, by, relation_id)
    if row.stated:
        raise InvalidError("Lo dichiara il gestionale: si può far finire qui, o proporre una correzione all'ente.")
    session.delete(row)
    session.flush()
    note(session, by, row, "relation.removed", as_json(row, FACTS), None)


# -- inside -------------------------------------------------------------------------------------------------------


def _disclosed(
    session: Session, rows: Collection[ContactView], speakers: Mapping[int, Speaker]
) -> dict[int, Disclosure]:
    """A death that one row knows of is known: whoever answers may not speak as if it were not."""
    today = clock.business_day(clock.now(session))
    rules = narrowing.rules(session, speakers)
    return {
        ente_id: disclosure(
            queries.person_of(rows), speaker, today=today,
            narrowed=rules.get((ente_id, speaker.relation)) if speaker.relation else None,
        )
        for ente_id, speaker in speakers.items()
    }  # fmt: skip


_RELATIONS = (
    select(Relation, Mandate, _Him.id, _Him.surname, _Him.given_name)
    .outerjoin(Mandate, and_(Mandate.ente_id == Relation.ente_id, Mandate.id == Relation.mandate_id))
    .outerjoin(_Him, and_(_Him.ente_id == Relation.ente_id, _Him.codice_fiscale == Relation.codice_fiscale))
)


def _view(
    relation: Relation, mandate: Mandate | None, other_id: int | None, surname: str | None, given_name: str | None
) -> RelationView:
    own_name = full_name(surname, given_name) if surname else None
    return RelationView(
        id=relation.id, ente_id=relation.ente_id, contact_id=relation.contact_id, kind=relation.kind,
        codice_fiscale=relation.codice_fiscale, name=relation.name or own_name or relation.codice_fiscale or "",
        phone=relation.phone, term=Term(relation.valid_from, relation.valid_to), source=relation.source,
        stated=relation.stated, other_id=other_id, mandate=mandate_view(mandate) if mandate else None,
    )  # fmt: skip


def mandate_view(row: Mandate) -> MandateView:
    """A mandate as a value; general matters are always covered."""
    covers = frozenset(map(Matter, row.covers)) | GENERAL
    term = Term(row.valid_from, row.valid_to)
    return MandateView(row.id, row.ente_id, row.codice_fiscale, row.name, row.document, covers, term)


def locked(session: Session, by: Principal, relation_id: int) -> Relation:
    """A relation that `by` may change."""
    by.require(Permission.CONTACT_RECORD)
    row = session.get(Relation, relation_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFoundError("Relazione non trovata.")
    require_on(session, by, Permission.CONTACT_RECORD, ente_id=row.ente_id)
    return row


def _mandate_of(session: Session, ente_id: int, mandate_id: int) -> None:
    mandate = session.get(Mandate, mandate_id)
    if mandate is None or mandate.ente_id != ente_id:
        raise NotFoundError("Mandato non trovato.")


def _who(
    contact: Contact, kind: RelationKind, codice_fiscale: str, name: str, phone: str, term: Term, *, legal: bool
) -> dict[str, Any]:
    """The fields of a relation, checked; everything that is wrong is said at once."""
    errors: list[InvalidError] = []
    code, number = codice_fiscale.strip() or None, None
    try:
        check_relation(kind, legal=legal)
        check_term(term)
    except InvalidError as error:
        errors.extend(error.parts or (error,))
    if code is not None:
        try:
            code = parse_codice_fiscale(code)
        except InvalidError as error:
            errors.append(InvalidError(str(error), field="codice_fiscale"))
    if phone.strip() and (number := to_e164(phone.strip())) is None:
        errors.append(InvalidError("Non è un numero di telefono: ricontrolla le cifre.", field="phone"))
    name = " ".join(name.split())
    if len(name) > MAX_NAME or not name.isprintable():
        errors.append(InvalidError(f"Scrivi il nome in al massimo {MAX_NAME} caratteri.", field="name"))
    if not name and code is None:
        errors.append(InvalidError("Scrivi almeno il nome o il codice fiscale.", field="name"))
    if code == contact.codice_fiscale:
        errors.append(InvalidError("È il contribuente stesso.", field="codice_fiscale"))
    if errors:
        raise InvalidError("Ricontrolla i campi indicati.", parts=errors)
    return {
        "codice_fiscale": code, "name": name, "phone": number, "valid_from": term.starts, "valid_to": term.ends,
    }  # fmt: skip


def _said(row: Relation) -> Said:
    return Said(row.name, row.phone, Term(row.valid_from, row.valid_to), row.source)


def check_term(term: Term) -> None:
    """Raise `InvalidError` when it ends before it begins."""
    if term.starts and term.ends and term.ends < term.starts:
        raise wrong("La fine viene prima dell'inizio: ricontrolla le date.", field="valid_to")


def our_word(session: Session, by: Principal, row: Relation, telling: Telling) -> None:
    """What people said of a stated relation is theirs from now on: no later feed puts it back."""
    if row.source is Source.GESTIONALE:
        _as_told(session, by, row, telling)


def _as_told(session: Session, by: Principal, row: Relation, telling: Telling) -> None:
    row.source, row.call_id = telling.source, telling.call_id
    row.told_at, row.told_by = clock.now(session), by.user_id


def note(
    session: Session, by: Principal, row: Relation, kind: str, before: dict[str, Any] | None,
    after: dict[str, Any] | None,
) -> None:  # fmt: skip
    """The trace of a change of a relation, in the log of both: what says who somebody is goes with him alone."""
    told = {
        row.contact_id: (_but(before, WHO), {"relation": row.id, **_but(after, WHO)}),
        _other_id(session, row): (_only(before, WHO), _only(after, WHO)),
    }
    for contact_id, (was, now) in told.items():
        if contact_id is not None:
            trace(
                session, by, kind, ente_id=row.ente_id, contact_id=contact_id, call_id=row.call_id, before=was,
                after=now,
            )  # fmt: skip


def _other_id(session: Session, row: Relation) -> int | None:
    """The contact of somebody whom a relation names."""
    his = Contact.ente_id == row.ente_id, Contact.codice_fiscale == row.codice_fiscale
    return session.execute(select(Contact.id).where(*his)).scalar_one_or_none() if row.codice_fiscale else None


def _only(facts: Mapping[str, Any] | None, names: Collection[str]) -> dict[str, Any]:
    return {name: value for name, value in (facts or {}).items() if name in names}


def _but(facts: Mapping[str, Any] | None, names: Collection[str]) -> dict[str, Any]:
    return {name: value for name, value in (facts or {}).items() if name not in names}

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
from crm.audit import service as audit
from crm.contacts import queries
from crm.contacts.codice_fiscale import parse_codice_fiscale
from crm.contacts.disclosure import (
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
from crm.contacts.models import Contact, DisclosureRule, Mandate, PersonKind, Relation, Source
from crm.contacts.names import full_name, who_key
from crm.contacts.phone import to_e164
from crm.contacts.queries import ContactView
from crm.core import clock, topics
from crm.core.db import touch
from crm.core.errors import InvalidError, NotFoundError

MAX_NAME = 160
MAX_DOCUMENT = 120
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
    def speaker(self) -> Speaker:
        """The same as `disclosure` wants it."""
        mandate = Cover(self.mandate.covers, self.mandate.term) if self.mandate else None
        return Speaker(relation=self.kind, term=self.term, mandate=mandate)


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


def mandates(session: Session, *, ente_id: int, codice_fiscale: str) -> list[MandateView]:
    """The mandates that somebody holds under an ente, the latest first."""
    rows = session.scalars(
        select(Mandate)
        .where(Mandate.ente_id == ente_id, Mandate.codice_fiscale == codice_fiscale)
        .order_by(Mandate.valid_from.desc(), Mandate.id.desc())
    )
    return [_mandate(row) for row in rows]


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


def told_himself(session: Session, rows: Collection[ContactView]) -> dict[int, Disclosure]:
    """What the taxpayer himself may be told, by ente; nobody is a company himself."""
    return _disclosed(session, rows, dict.fromkeys((one.ente_id for one in rows), TAXPAYER))


# -- writing ------------------------------------------------------------------------------------------------------


def relate(
    session: Session, by: Principal, *, contact_id: int, kind: RelationKind, codice_fiscale: str = "", name: str = "",
    phone: str = "", term: Term = OPEN, mandate_id: int | None = None, source: Source = Source.TAXPAYER,
    call_id: UUID | None = None,
) -> int:  # fmt: skip
    """Write down who has to do with a contact; said again of the same somebody, the last word stands.

    Returns the relation's id. Raises `InvalidError` with what to do at each field.
    """
    contact = _recordable(session, by, contact_id)
    who = _who(contact, kind, codice_fiscale, name, phone, term)
    if mandate_id is not None:
        _mandate_of(session, contact.ente_id, mandate_id)
    key = who_key(who["codice_fiscale"], who["name"])
    row = session.scalars(
        select(Relation)
        .where(Relation.contact_id == contact_id, Relation.kind == kind, Relation.who_key == key)
        .with_for_update()
    ).one_or_none()
    before = _as_json(row) if row else None
    if row is None:
        row = Relation(ente_id=contact.ente_id, contact_id=contact_id, kind=kind, who_key=key, stated=False)
        session.add(row)
    for column, value in {**who, "mandate_id": mandate_id or row.mandate_id}.items():
        setattr(row, column, value)
    row.source, row.told_at, row.told_by, row.call_id = source, clock.now(session), by.user_id, call_id
    session.flush()
    _note(session, by, row, "relation.recorded", before, _as_json(row))
    return row.id


def end(session: Session, by: Principal, *, relation_id: int, on: date) -> None:
    """It holds until this day, included; afterwards nothing may be told by it."""
    row = _relation(session, by, relation_id)
    if row.valid_from and on < row.valid_from:
        raise InvalidError("La fine viene prima dell'inizio: ricontrolla la data.", field="valid_to")
    before, row.valid_to = _as_json(row), on
    _our_word(session, by, row)
    session.flush()
    _note(session, by, row, "relation.ended", before, _as_json(row))


def remove(session: Session, by: Principal, *, relation_id: int) -> None:
    """It was written by mistake. What the collection system states stays: it is for the ente to have it put right."""
    row = _relation(session, by, relation_id)
    if row.stated:
        raise InvalidError("Lo dichiara il gestionale: si può far finire qui, o proporre una correzione all'ente.")
    session.delete(row)
    session.flush()
    _note(session, by, row, "relation.removed", _as_json(row), None)


def give_mandate(
    session: Session, by: Principal, *, relation_id: int, document: str, covers: Collection[Matter], term: Term
) -> int:
    """Store that a delegate or an accountant showed a mandate for a contact. Returns its id: others may be added to it
    (`relate` with `mandate_id`), as an accountant's many clients are.
    """
    row = _relation(session, by, relation_id)
    document = " ".join(document.split())
    if not document or len(document) > MAX_DOCUMENT:
        raise InvalidError(
            f"Scrivi dove si trova il mandato (protocollo, archivio), in al massimo {MAX_DOCUMENT} caratteri.",
            field="document",
        )
    if not frozenset(covers) - GENERAL:
        raise InvalidError("Scegli almeno un argomento su cui il mandato vale.", field="covers")
    starts = term.starts or clock.business_day(clock.now(session))
    _check_term(Term(starts, term.ends))
    mandate = Mandate(
        ente_id=row.ente_id, codice_fiscale=row.codice_fiscale, name=row.name, document=document,
        covers=sorted(frozenset(covers) | GENERAL), valid_from=starts, valid_to=term.ends,
        written_at=clock.now(session), written_by=by.user_id,
    )  # fmt: skip
    session.add(mandate)
    session.flush()
    before, row.mandate_id = _as_json(row), mandate.id
    _our_word(session, by, row)
    session.flush()
    _note(session, by, row, "mandate.stored", before, {**_as_json(row), **_mandate_as_json(mandate)})
    return mandate.id


def end_mandate(session: Session, by: Principal, *, mandate_id: int, on: date) -> None:
    """A mandate holds until this day, included, for everybody it is about."""
    by.require(Permission.CONTACT_RECORD)
    row = session.get(Mandate, mandate_id, with_for_update=True)
    if row is None:
        raise NotFoundError("Mandato non trovato.")
    require_on(session, by, Permission.CONTACT_RECORD, ente_id=row.ente_id)
    _check_term(Term(row.valid_from, on))
    before, row.valid_to = _mandate_as_json(row), on
    session.flush()
    for relation in session.scalars(select(Relation).where(Relation.mandate_id == mandate_id)):
        _note(session, by, relation, "mandate.ended", before, _mandate_as_json(row))


# -- inside -------------------------------------------------------------------------------------------------------


def _disclosed(
    session: Session, rows: Collection[ContactView], speakers: Mapping[int, Speaker]
) -> dict[int, Disclosure]:
    """A death that one row knows of is known: whoever answers may not speak as if it were not."""
    today = clock.business_day(clock.now(session))
    rules = {
        (rule.ente_id, rule.relation): frozenset(map(Matter, rule.matters))
        for rule in session.scalars(select(DisclosureRule).where(DisclosureRule.ente_id.in_(speakers)))
    }
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
        stated=relation.stated, other_id=other_id, mandate=_mandate(mandate) if mandate else None,
    )  # fmt: skip


def _mandate(row: Mandate) -> MandateView:
    covers = frozenset(map(Matter, row.covers)) | GENERAL
    term = Term(row.valid_from, row.valid_to)
    return MandateView(row.id, row.ente_id, row.codice_fiscale, row.name, row.document, covers, term)


def _recordable(session: Session, by: Principal, contact_id: int) -> ContactView:
    by.require(Permission.CONTACT_RECORD)
    contact = queries.get(session, contact_id)
    require_on(session, by, Permission.CONTACT_RECORD, ente_id=contact.ente_id)
    return contact


def _relation(session: Session, by: Principal, relation_id: int) -> Relation:
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
    contact: ContactView, kind: RelationKind, codice_fiscale: str, name: str, phone: str, term: Term
) -> dict[str, Any]:
    """The fields of a relation, checked; everything that is wrong is said at once."""
    wrong: list[InvalidError] = []
    code, number = codice_fiscale.strip() or None, None
    try:
        check_relation(kind, legal=contact.kind is PersonKind.LEGAL)
        _check_term(term)
    except InvalidError as error:
        wrong.append(error)
    if code is not None:
        try:
            code = parse_codice_fiscale(code)
        except InvalidError as error:
            wrong.append(InvalidError(str(error), field="codice_fiscale"))
    if phone.strip() and (number := to_e164(phone.strip())) is None:
        wrong.append(InvalidError("Non è un numero di telefono: ricontrolla le cifre.", field="phone"))
    name = " ".join(name.split())
    if len(name) > MAX_NAME or not name.isprintable():
        wrong.append(InvalidError(f"Scrivi il nome in al massimo {MAX_NAME} caratteri.", field="name"))
    if not name and code is None:
        wrong.append(InvalidError("Scrivi almeno il nome o il codice fiscale.", field="name"))
    if code == contact.codice_fiscale:
        wrong.append(InvalidError("È il contribuente stesso.", field="codice_fiscale"))
    if wrong:
        raise InvalidError("Ricontrolla i campi indicati.", parts=wrong)
    return {
        "codice_fiscale": code, "name": name, "phone": number, "valid_from": term.starts, "valid_to": term.ends,
    }  # fmt: skip


def _check_term(term: Term) -> None:
    if term.starts and term.ends and term.ends < term.starts:
        raise InvalidError("La fine viene prima dell'inizio: ricontrolla le date.", field="valid_to")


def _our_word(session: Session, by: Principal, row: Relation) -> None:
    """What people said of a stated relation is theirs from now on: no later feed puts it back."""
    if row.source is Source.GESTIONALE:
        row.source, row.told_at, row.told_by = Source.TAXPAYER, clock.now(session), by.user_id


def _as_json(row: Relation) -> dict[str, Any]:
    names = ("kind", "codice_fiscale", "name", "phone", "valid_from", "valid_to", "mandate_id", "source")
    return {name: _plain(getattr(row, name)) for name in names}


def _mandate_as_json(row: Mandate) -> dict[str, Any]:
    return {name: _plain(getattr(row, name)) for name in ("document", "covers", "valid_from", "valid_to")}


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _note(
    session: Session, by: Principal, row: Relation, kind: str, before: dict[str, Any] | None,
    after: dict[str, Any] | None,
) -> None:  # fmt: skip
    audit.note(
        session, by, kind=kind, ente_id=row.ente_id, contact_id=row.contact_id, call_id=row.call_id, before=before,
        after=after,
    )  # fmt: skip
    touch(session, topics.contact(row.contact_id))

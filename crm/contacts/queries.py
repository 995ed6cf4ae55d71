"""Reads of contacts, as frozen values. Row-level security bounds them to the scope's enti.

Every search is by an operator that PostgreSQL calls leakproof (`=`, ranges): any other would lose its index under
row-level security.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Self, TypeVar

from sqlalchemy import ARRAY, ColumnElement, Select, Text, bindparam, func, select, text, true, union_all
from sqlalchemy.orm import Session

from crm.contacts.addresses import Address
from crm.contacts.codice_fiscale import parse_codice_fiscale, parse_partita_iva
from crm.contacts.disclosure import Person
from crm.contacts.models import (
    AddressKind,
    ConditionKind,
    Contact,
    ContactAddress,
    ContactCondition,
    ContactReach,
    LastOutcome,
    NameStump,
    PersonKind,
    ReachKind,
    Source,
    Verification,
)
from crm.contacts.names import fold, full_name, words_of
from crm.contacts.phone import to_e164
from crm.contacts.slips import is_slip, stumps
from crm.core.db import table_of
from crm.core.errors import InvalidError, NotFoundError
from crm.positions import queries as positions
from crm.positions.notice import parse_notice_number

D = TypeVar("D", ContactReach, ContactAddress, ContactCondition)
V = TypeVar("V")
SHORTEST_NAME = 2
LAST_LETTER = "\U0010ffff"
MOST_MEANT = 60  # ways to put a name right that are looked for
_REACH = table_of(ContactReach)
_STUMP, _CONTACT = table_of(NameStump), table_of(Contact)
_WORDS = (
    select(_STUMP.c.word).where(_STUMP.c.stump == func.any(bindparam("stumps", type_=ARRAY(Text)))).distinct()
)  # fmt: skip
_REACHED_AT = select(_REACH.c.ente_id, _REACH.c.contact_id).where(_REACH.c.value == bindparam("value")).distinct()


def _beginning() -> Select[int]:
    """Contacts by the beginnings of their names: each key is one descent of each index, already in order.

    A range, because PostgreSQL takes `^@` to an index for a constant beginning alone. The keys are in the C collation.
    """
    asked = (
        func.unnest(bindparam("keys", type_=ARRAY(Text)))
        .table_valued("key", with_ordinality="place", name="asked")
        .render_derived()
    )
    either = [
        select(_CONTACT.c.id, column.label("name"))
        .where(column >= asked.c.key, column < asked.c.key + LAST_LETTER)
        .order_by(column)
        .limit(bindparam("limit"))
        .correlate(asked)
        .subquery()
        for column in (_CONTACT.c.name_key, _CONTACT.c.given_key)
    ]
    found = union_all(*(select(one) for one in either)).lateral("found")
    return (
        select(found.c.id)
        .select_from(asked.join(found, true()))
        .group_by(found.c.id)
        .order_by(func.min(asked.c.place), func.min(found.c.name), found.c.id)
        .limit(bindparam("limit"))
    )


_BEGINNING = _beginning()

# The rows of one person: those with his codice fiscale in any ente of the scope, those that merges join to them, and
# so on until nobody new is found.
_SAME_PERSON = text(
    """
    WITH RECURSIVE person (id, codice_fiscale) AS (
        SELECT id, codice_fiscale FROM contact WHERE id = :id
        UNION
        SELECT other.id, other.codice_fiscale FROM person JOIN LATERAL (
            SELECT id, codice_fiscale FROM contact WHERE codice_fiscale = person.codice_fiscale
            UNION ALL
            SELECT c.id, c.codice_fiscale FROM contact_merge m JOIN contact c ON c.id = m.merged_id
            WHERE m.kept_id = person.id AND m.undone_at IS NULL
            UNION ALL
            SELECT c.id, c.codice_fiscale FROM contact_merge m JOIN contact c ON c.id = m.kept_id
            WHERE m.merged_id = person.id AND m.undone_at IS NULL
        ) other ON true
    )
    SELECT id FROM person
    """
)


@dataclass(frozen=True, slots=True)
class ReachView:
    """A way to reach a contact: who told it, whether it was found right, what came of the last attempt.

    `stated`: the collection system says it now.
    """

    kind: ReachKind
    value: str
    source: Source
    id: int = 0
    stated: bool = True
    told_at: datetime | None = None
    verification: Verification = Verification.UNVERIFIED
    verified_at: datetime | None = None
    outcome: LastOutcome | None = None
    outcome_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class AddressView(Address):
    """An address of a contact, with the same particulars."""

    kind: AddressKind = AddressKind.RESIDENCE
    source: Source = Source.GESTIONALE
    id: int = 0
    stated: bool = True
    told_at: datetime | None = None
    verification: Verification = Verification.UNVERIFIED
    verified_at: datetime | None = None
    outcome: LastOutcome | None = None
    outcome_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Condition:
    """A death, a cessation, an insolvency: since when, if that is known, and who told it."""

    kind: ConditionKind
    since: date | None
    source: Source
    id: int | None = None  # none: the collection system's
    note: str = ""


@dataclass(frozen=True, slots=True)
class ContactView:
    """A taxpayer of one ente, as of an instant."""

    id: int
    ente_id: int
    codice_fiscale: str
    partita_iva: str | None
    kind: PersonKind
    surname: str
    given_name: str | None
    born_on: date | None
    birthplace: str | None
    language: str
    residential: bool | None
    deceased_on: date | None
    ceased_on: date | None
    insolvent_since: date | None
    as_of: datetime
    reaches: tuple[ReachView, ...] = ()
    addresses: tuple[AddressView, ...] = ()
    conditions: tuple[Condition, ...] = ()  # the collection system's, then what people told

    @property
    def name(self) -> str:
        """Given name and surname, or the company's name."""
        return full_name(self.surname, self.given_name)

    @property
    def address(self) -> AddressView | None:
        """Where he is: residence or seat, else domicile; none that was found wrong."""
        right = [one for one in self.addresses if one.verification is not Verification.WRONG]
        return min(right, key=lambda one: one.kind is AddressKind.DOMICILE, default=None)

    @classmethod
    def of(cls, row: Contact, **details: Any) -> Self:
        """The row as a value, with its reaches, addresses and what people told of its conditions."""
        plain = {name: getattr(row, name) for name in cls.__dataclass_fields__ if hasattr(Contact, name)}
        return cls(**plain, **details)


@dataclass(frozen=True, slots=True)
class ContactKey:
    """Which contact, of which ente."""

    ente_id: int
    contact_id: int


def get(session: Session, contact_id: int) -> ContactView:
    """One contact. Raises `NotFoundError` when there is none in the scope."""
    found = _views(session, Contact.id == contact_id, limit=1)
    if not found:
        raise NotFoundError("Contribuente non trovato.")
    return found[0]


def named(session: Session, contact_ids: Collection[int]) -> dict[int, str]:
    """The names of these contacts, as far as they are in the scope."""
    if not contact_ids:
        return {}
    rows = session.execute(
        select(_CONTACT.c.id, _CONTACT.c.given_name, _CONTACT.c.surname).where(_CONTACT.c.id.in_(contact_ids))
    )
    return {id_: f"{given} {surname}" if given else surname for id_, given, surname in rows}


def by_reach(session: Session, value: str, *, limit: int = 20) -> list[ContactView]:
    """Contacts of the scope with this phone in E.164, e-mail or PEC."""
    reached = select(ContactReach.contact_id).where(ContactReach.value == value)
    return _views(session, Contact.id.in_(reached), limit=limit)


def reached_at(session: Session, value: str) -> list[ContactKey]:
    """Which contacts of the scope have this phone in E.164, e-mail or PEC."""
    return [ContactKey(*row) for row in session.execute(_REACHED_AT, {"value": value})]


def same_person(session: Session, contact: ContactView) -> list[ContactView]:
    """Whose rows a person's file shows: this contact, then the same person in each ente of the scope, merges included.

    The one way to know it: no row of a merged contact moves, so whatever is about him is looked up under all of these.
    """
    ids = list(session.execute(_SAME_PERSON, {"id": contact.id}).scalars())
    found = _views(session, Contact.id.in_(ids), limit=len(ids))
    return sorted(found, key=lambda one: (one.id != contact.id, one.ente_id, one.id))


def person_of(rows: Iterable[ContactView]) -> Person:
    """What decides who may be told what of a person whose rows these are: what one of them knows is known."""
    rows = list(rows)
    kinds = {one.kind for row in rows for one in row.conditions}
    return Person(
        legal=rows[0].kind is PersonKind.LEGAL, deceased=ConditionKind.DECEASED in kinds,
        ceased=ConditionKind.CEASED in kinds, insolvent=ConditionKind.INSOLVENT in kinds,
    )  # fmt: skip


def by_codice_fiscale(session: Session, codice_fiscale: str) -> list[ContactView]:
    """The same person in each ente of the scope: one file, united as it is read."""
    return _views(session, Contact.codice_fiscale == codice_fiscale)


def search(session: Session, text: str, limit: int = 20) -> list[ContactView]:
    """Contacts by what somebody typed: codice fiscale, partita IVA, notice number or phone in any writing,
    or the beginning of the name in either order. Exact matches come first; by name otherwise, those with one slip in
    one word after those without.
    """
    found = [view for look in _LOOKS for view in look(session, text, limit)]
    if not found and len(key := fold(text)) >= SHORTEST_NAME:
        ids = _beginning_with(session, [key], limit)
        if len(ids) < limit:
            ids += _beginning_with(session, _meant(session, key), limit)
        named = {view.id: view for view in _views(session, Contact.id.in_(ids), limit=2 * limit)} if ids else {}
        found = [named[id_] for id_ in ids if id_ in named]
    return list({view.id: view for view in found}.values())[:limit]


def _beginning_with(session: Session, keys: list[str], limit: int) -> list[int]:
    """The contacts whose name begins with one of these keys, in either order; as the keys come, then by name."""
    if not keys:
        return []
    return list(session.execute(_BEGINNING, {"keys": keys, "limit": limit}).scalars())


def _meant(session: Session, key: str) -> list[str]:
    """What may have been meant, if one word was typed with one slip: each time the key with that word put right."""
    typed = key.split(" ")
    asked = {word: stumps(word) for word in words_of(key)}
    if not asked:
        return []
    every = sorted(frozenset().union(*asked.values()))
    known = set(session.execute(_WORDS, {"stumps": every}).scalars())
    return [
        " ".join((*typed[:place], meant, *typed[place + 1 :]))
        for place, word in enumerate(typed)
        for meant in sorted(known)
        if word in asked and is_slip(word, meant)
    ][:MOST_MEANT]


def _by_code(session: Session, text: str, limit: int) -> list[ContactView]:
    try:
        code = parse_codice_fiscale(text)
    except InvalidError:
        return []
    return _views(session, Contact.codice_fiscale == code, limit=limit)


def _by_partita_iva(session: Session, text: str, limit: int) -> list[ContactView]:
    try:
        code = parse_partita_iva(text)
    except InvalidError:
        return []
    return _views(session, Contact.partita_iva == code, limit=limit)


def _by_notice(session: Session, text: str, limit: int) -> list[ContactView]:
    try:
        number = parse_notice_number(text)
    except InvalidError:
        return []
    contact_ids = {position.contact_id for position in positions.by_notice(session, number)}
    return _views(session, Contact.id.in_(contact_ids), limit=limit) if contact_ids else []


def _by_phone(session: Session, text: str, limit: int) -> list[ContactView]:
    if any(char.isalpha() for char in text) or (value := to_e164(text)) is None:
        return []
    return by_reach(session, value, limit=limit)


_LOOKS: tuple[Callable[[Session, str, int], list[ContactView]], ...] = (
    _by_code,
    _by_partita_iva,
    _by_notice,
    _by_phone,
)


def _views(session: Session, condition: ColumnElement[bool], *, limit: int = 100) -> list[ContactView]:
    rows = session.scalars(
        select(Contact).where(condition).order_by(Contact.name_key, Contact.ente_id, Contact.id).limit(limit)
    ).all()
    ids = [row.id for row in rows]
    reaches, addresses = _details(session, ContactReach, ids), _details(session, ContactAddress, ids)
    conditions = _details(session, ContactCondition, ids, ContactCondition.withdrawn_at.is_(None))
    return [
        ContactView.of(
            row,
            reaches=tuple(_view(ReachView, one) for one in reaches.get(row.id, ())),
            addresses=tuple(_view(AddressView, one) for one in addresses.get(row.id, ())),
            conditions=(*_stated(row), *(_view(Condition, one) for one in conditions.get(row.id, ()))),
        )
        for row in rows
    ]


def _details(session: Session, model: type[D], ids: list[int], *more: ColumnElement[bool]) -> dict[int, list[D]]:
    """The rows beside these contacts, by contact."""
    found: dict[int, list[D]] = {}
    if ids:
        for row in session.scalars(select(model).where(model.contact_id.in_(ids), *more).order_by(model.id)):
            found.setdefault(row.contact_id, []).append(row)
    return found


def _view(kind: type[V], row: object) -> V:
    return kind(**{name: getattr(row, name) for name in kind.__dataclass_fields__})  # type: ignore[attr-defined]


def _stated(row: Contact) -> list[Condition]:
    """What the collection system says of death, cessation and insolvency."""
    told = (
        (ConditionKind.DECEASED, row.deceased_on), (ConditionKind.CEASED, row.ceased_on),
        (ConditionKind.INSOLVENT, row.insolvent_since),
    )  # fmt: skip
    return [Condition(kind, since, Source.GESTIONALE) for kind, since in told if since]

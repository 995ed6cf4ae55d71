"""Reads of contacts, as frozen values. Row-level security bounds them to the scope's enti."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter
from sqlalchemy import ColumnElement, ScalarSelect, Select, Text, bindparam, cast, func, select, text
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import Session

from crm.contacts.addresses import Address
from crm.contacts.disclosure import Person
from crm.contacts.models import (
    AddressKind,
    ConditionKind,
    Contact,
    ContactAddress,
    ContactCondition,
    ContactReach,
    LastOutcome,
    PersonKind,
    ReachKind,
    Source,
    Verification,
)
from crm.contacts.names import full_name
from crm.core.db import Base, table_of
from crm.core.errors import NotFoundError

V = TypeVar("V")
_REACH = table_of(ContactReach)
_REACHED_AT = select(_REACH.c.ente_id, _REACH.c.contact_id).where(_REACH.c.value == bindparam("value")).distinct()


# The rows of one person: those with his codice fiscale in any ente of the scope, those that merges join to them, and
# so on until nobody new is found.
_SAME_PERSON = """
    ANY (ARRAY (WITH RECURSIVE person (id, codice_fiscale) AS (
        SELECT id, codice_fiscale FROM contact WHERE id = :one_of_his
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
    SELECT id FROM person))
"""


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
    no_sms_since: datetime | None = None


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
    withdrawn_as_of: datetime | None  # since when the collection system no longer has him
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


class _Beside(Generic[V]):
    """A contact's rows of another table, read in his own row: a statement each would take longer than all of them."""

    def __init__(self, view: type[V], model: type[Base], *only: ColumnElement[bool]) -> None:
        table = table_of(model)
        fields = [part for name in view.__dataclass_fields__ for part in (name, table.c[name])]  # type: ignore[attr-defined]
        found = func.json_agg(aggregate_order_by(func.json_build_object(*fields), table.c.id))
        mine = select(cast(found, Text)).where(table.c.contact_id == _CONTACT.c.id, *only)
        self.column: ScalarSelect[str] = mine.scalar_subquery()
        self._views = TypeAdapter(tuple[view, ...])  # type: ignore[valid-type]

    def views(self, written: str | None) -> tuple[V, ...]:
        """The rows as views, in the order in which they were written; none: there are no rows."""
        return self._views.validate_json(written) if written else ()


# Asked whenever somebody is looked at: built once.
_CONTACT = table_of(Contact)
_REACHES, _ADDRESSES = _Beside(ReachView, ContactReach), _Beside(AddressView, ContactAddress)
_CONDITIONS = _Beside(Condition, ContactCondition, ContactCondition.withdrawn_at.is_(None))
_ROWS = select(
    *(_CONTACT.c[name] for name in ContactView.__dataclass_fields__ if name in _CONTACT.c),
    _REACHES.column.label("reaches"), _ADDRESSES.column.label("addresses"), _CONDITIONS.column.label("conditions"),
).order_by(_CONTACT.c.name_key, _CONTACT.c.ente_id, _CONTACT.c.id)  # fmt: skip
_ONE = _ROWS.where(_CONTACT.c.id == bindparam("contact"))
_HIS = _ROWS.where(_CONTACT.c.id == text(_SAME_PERSON))


@dataclass(frozen=True, slots=True)
class ContactKey:
    """Which contact, of which ente."""

    ente_id: int
    contact_id: int


def get(session: Session, contact_id: int) -> ContactView:
    """One contact. Raises `NotFoundError` when there is none in the scope."""
    found = _views(session, _ONE, contact=contact_id)
    if not found:
        raise NotFoundError("Contribuente non trovato.")
    return found[0]


def named(session: Session, contact_ids: Collection[int]) -> dict[int, str]:
    """The names of these contacts, as far as they are in the scope."""
    if not contact_ids:
        return {}
    rows = session.execute(select(Contact.id, Contact.given_name, Contact.surname).where(Contact.id.in_(contact_ids)))
    return {id_: full_name(surname, given) for id_, given, surname in rows}


def reached_at(session: Session, value: str) -> list[ContactKey]:
    """Which contacts of the scope have this phone in E.164, e-mail or PEC."""
    return [ContactKey(*row) for row in session.execute(_REACHED_AT, {"value": value})]


def written_from(session: Session, address: str) -> list[tuple[ContactKey, bool]]:
    """Which contacts of the scope have this e-mail or PEC, and whether it is verified as theirs; none found wrong."""
    theirs = (
        select(_REACH.c.ente_id, _REACH.c.contact_id, func.bool_or(_REACH.c.verification == Verification.VERIFIED))
        .where(_REACH.c.value == address, _REACH.c.verification != Verification.WRONG)
        .group_by(_REACH.c.ente_id, _REACH.c.contact_id).order_by(_REACH.c.ente_id, _REACH.c.contact_id)
    )  # fmt: skip
    return [(ContactKey(ente_id, contact_id), verified) for ente_id, contact_id, verified in session.execute(theirs)]


def same_person(session: Session, contact_id: int) -> list[ContactView]:
    """Whose rows a person's file shows: this contact, then the same person in each ente of the scope, merges included.

    The one way to know it: no row of a merged contact moves, so whatever is about him is looked up under all of these.
    Raises `NotFoundError` when there is no such contact in the scope.
    """
    found = _views(session, _HIS, one_of_his=contact_id)
    if not found:
        raise NotFoundError("Contribuente non trovato.")
    return sorted(found, key=lambda one: (one.id != contact_id, one.ente_id, one.id))


def is_legal(session: Session, contact_id: int) -> bool:
    """Whether the person is a company or a body, by all rows that state him."""
    return person_of(same_person(session, contact_id)).legal


def of_ente(rows: Iterable[ContactView], ente_id: int) -> list[ContactView]:
    """The person's rows of one ente: more than one where contacts were merged."""
    return [row for row in rows if row.ente_id == ente_id]


def person_of(rows: Iterable[ContactView]) -> Person:
    """What decides who may be told what of a person whose rows these are: what one of them knows is known.

    A sole trader, stated as himself and as his business, is a person.
    """
    rows = list(rows)
    kinds = {one.kind for row in rows for one in row.conditions}
    return Person(
        legal=all(row.kind is PersonKind.LEGAL for row in rows), deceased=ConditionKind.DECEASED in kinds,
        ceased=ConditionKind.CEASED in kinds, insolvent=ConditionKind.INSOLVENT in kinds,
    )  # fmt: skip


def _views(session: Session, which: Select[Any], **about: int) -> list[ContactView]:
    return [_view(dict(row)) for row in session.execute(which, about).mappings()]


def _view(row: dict[str, Any]) -> ContactView:
    reaches, addresses = _REACHES.views(row.pop("reaches")), _ADDRESSES.views(row.pop("addresses"))
    told = _CONDITIONS.views(row.pop("conditions"))
    return ContactView(**row, reaches=reaches, addresses=addresses, conditions=(*_stated(row), *told))


def _stated(row: Mapping[str, Any]) -> list[Condition]:
    """What the collection system says of death, cessation and insolvency."""
    told = (
        (ConditionKind.DECEASED, row["deceased_on"]), (ConditionKind.CEASED, row["ceased_on"]),
        (ConditionKind.INSOLVENT, row["insolvent_since"]),
    )  # fmt: skip
    return [Condition(kind, since, Source.GESTIONALE) for kind, since in told if since]


def with_code(session: Session, *, ente_id: int, codice_fiscale: str) -> int | None:
    """The id of an ente's contact with this codice fiscale, as `parse_codice_fiscale` writes it."""
    return session.scalar(
        select(Contact.id).where(Contact.ente_id == ente_id, Contact.codice_fiscale == codice_fiscale)
    )

"""Reads of contacts, as frozen values. Row-level security bounds them to the scope's enti.

Every search is by an operator that PostgreSQL calls leakproof (`=`, `^@`): any other would lose its index under
row-level security.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Self

from sqlalchemy import ColumnElement, bindparam, or_, select
from sqlalchemy.orm import Session

from crm.contacts.codice_fiscale import parse_codice_fiscale, parse_partita_iva
from crm.contacts.models import Contact, ContactReach, PersonKind, ReachKind
from crm.contacts.names import fold
from crm.contacts.phone import to_e164
from crm.core.db import table_of
from crm.core.errors import InvalidError, NotFoundError
from crm.positions import queries as positions
from crm.positions.notice import parse_notice_number

SHORTEST_NAME = 2
_REACH = table_of(ContactReach)
_REACHED_AT = select(_REACH.c.ente_id, _REACH.c.contact_id).where(_REACH.c.value == bindparam("value")).distinct()


@dataclass(frozen=True, slots=True)
class ReachView:
    """A way to reach a contact, and who told it."""

    kind: ReachKind
    value: str
    source: str


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
    address: str | None
    postcode: str | None
    town: str | None
    language: str
    as_of: datetime
    reaches: tuple[ReachView, ...]

    @property
    def name(self) -> str:
        """Given name and surname, or the company's name."""
        return f"{self.given_name} {self.surname}" if self.given_name else self.surname

    @classmethod
    def of(cls, row: Contact, reaches: Collection[ReachView]) -> Self:
        """The row as a value."""
        plain = {name: getattr(row, name) for name in cls.__dataclass_fields__ if name != "reaches"}
        return cls(**plain, reaches=tuple(reaches))


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


def by_reach(session: Session, value: str, *, limit: int = 20) -> list[ContactView]:
    """Contacts of the scope with this phone in E.164, e-mail or PEC."""
    reached = select(ContactReach.contact_id).where(ContactReach.value == value)
    return _views(session, Contact.id.in_(reached), limit=limit)


def reached_at(session: Session, value: str) -> list[ContactKey]:
    """Which contacts of the scope have this phone in E.164, e-mail or PEC."""
    return [ContactKey(*row) for row in session.execute(_REACHED_AT, {"value": value})]


def by_codice_fiscale(session: Session, codice_fiscale: str) -> list[ContactView]:
    """The same person in each ente of the scope: one file, united as it is read."""
    return _views(session, Contact.codice_fiscale == codice_fiscale)


def search(session: Session, text: str, limit: int = 20) -> list[ContactView]:
    """Contacts by what somebody typed: codice fiscale, partita IVA, notice number or phone in any writing,
    or the beginning of the name in either order. Exact matches come first; by name otherwise.
    """
    found = [view for look in _LOOKS for view in look(session, text, limit)]
    if not found and len(key := fold(text)) >= SHORTEST_NAME:
        written = or_(*(Contact.name_key.op("^@")(order) for order in _orders(key)))
        return _views(session, written, limit=limit)
    return list({view.id: view for view in found}.values())[:limit]


def _orders(key: str) -> list[str]:
    """A folded name as it was typed and, of several words, with the first ones put last."""
    words = key.split(" ")
    return [" ".join((*words[start:], *words[:start])) for start in range(len(words))]


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
    reaches: dict[int, list[ReachView]] = {row.id: [] for row in rows}
    if rows:
        for reach in session.scalars(
            select(ContactReach).where(ContactReach.contact_id.in_(reaches)).order_by(ContactReach.id)
        ):
            reaches[reach.contact_id].append(ReachView(reach.kind, reach.value, reach.source))
    return [ContactView.of(row, reaches[row.id]) for row in rows]

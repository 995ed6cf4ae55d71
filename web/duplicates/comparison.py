"""Two contacts side by side, line by line, with the lines in which they differ."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from crm.contacts.models import ReachKind
from crm.contacts.phone import spaced
from crm.contacts.queries import ContactView
from crm.duplicates.queries import Side


class Line(StrEnum):
    """What is compared."""

    NAME = "name"
    CODICE_FISCALE = "codice_fiscale"
    PARTITA_IVA = "partita_iva"
    BORN_ON = "born_on"
    BIRTHPLACE = "birthplace"
    ADDRESSES = "addresses"
    PHONES = "phones"
    MAIL = "mail"
    AS_OF = "as_of"
    POSITIONS = "positions"
    CONTACTS = "contacts"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the comparison: what each says, as lists of values, and whether that differs.

    What one of the two does not say is no difference: it may just be missing.
    """

    line: Line
    values: tuple[tuple[Any, ...], tuple[Any, ...]]
    differs: bool


_COUNTED = {Line.AS_OF, Line.POSITIONS, Line.CONTACTS}


def rows_of(sides: tuple[Side, Side]) -> list[Row]:
    """The comparison, without the lines on which neither has anything to say."""
    one, other = (_lines(side) for side in sides)
    return [
        Row(line, (one[line], other[line]), _differ(line, one[line], other[line]))
        for line in Line
        if one[line] or other[line]
    ]


def _differ(line: Line, one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    return line not in _COUNTED and bool(one) and bool(other) and set(one).isdisjoint(other)


def _lines(side: Side) -> dict[Line, tuple[Any, ...]]:
    contact = side.contact
    return {
        Line.NAME: (contact.name,), Line.CODICE_FISCALE: (contact.codice_fiscale,),
        Line.PARTITA_IVA: _said(contact.partita_iva), Line.BORN_ON: _said(contact.born_on),
        Line.BIRTHPLACE: _said(contact.birthplace), Line.ADDRESSES: tuple(one.line for one in contact.addresses),
        Line.PHONES: tuple(spaced(one) for one in _reaches(contact, phones=True)),
        Line.MAIL: _reaches(contact, phones=False), Line.AS_OF: (contact.as_of,), Line.POSITIONS: (side.positions,),
        Line.CONTACTS: (side.contacts,),
    }  # fmt: skip


def _said(value: Any) -> tuple[Any, ...]:
    return () if value is None else (value,)


def _reaches(contact: ContactView, *, phones: bool) -> tuple[str, ...]:
    return tuple(one.value for one in contact.reaches if (one.kind is ReachKind.PHONE) is phones)

"""Who holds personal data: each feature says what it has of a person, how it is copied and what becomes of it.

A holder names its tables. A test compares them with the database, so that a new table with persons in it cannot be
forgotten. `TableHolder` serves a table whose rows name their contact; whatever is more than that has its own class.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import ColumnElement, CursorResult, Table, delete, select, update
from sqlalchemy.orm import Session


class Fate(StrEnum):
    """What becomes of rows about an erased person."""

    DELETED = "deleted"
    ANONYMISED = "anonymised"  # the row stays and says of nobody: counts and sums are as before
    UNREADABLE = "unreadable"  # encrypted, and the key is destroyed


@dataclass(frozen=True, slots=True)
class Person:
    """A taxpayer of an ente, with all the rows that are he."""

    ente_id: int
    contact_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the copy: rows of plain values, by the name of a file and a title that people read.

    `contents` are files of the store of documents, each with the name it gets and its digest; `kept` those that stand
    in the rows themselves, each with its name.
    """

    name: str
    title: str
    rows: Sequence[Mapping[str, Any]]
    contents: Sequence[tuple[str, str]] = ()
    kept: Sequence[tuple[str, bytes]] = ()


@dataclass(frozen=True, slots=True)
class Went:
    """What became of how many rows. `why`: the reason for which an emptied row stays."""

    title: str
    rows: int
    fate: Fate
    why: str = ""

    def stored(self) -> dict[str, Any]:
        """As a row keeps it."""
        return asdict(self)


class Holder(Protocol):
    """A feature that has personal data."""

    @property
    def tables(self) -> frozenset[str]:
        """The tables it answers for."""

    def export(self, session: Session, person: Person) -> list[Section]:
        """Everything about the person."""

    def obstacles(self, session: Session, person: Person) -> list[str]:
        """What stands against erasing him now, each in a sentence."""

    def erase(self, session: Session, person: Person) -> list[Went]:
        """Erase him. In the dry run this is rolled back."""


@dataclass(frozen=True, slots=True)
class TableHolder:
    """A table whose rows name their contact. `emptied` gives columns their new values; without it rows are deleted."""

    table: Table
    title: str
    emptied: Mapping[str, Any] = field(default_factory=dict)
    why: str = ""
    hidden: frozenset[str] = frozenset({"digest", "name_key", "given_key"})  # of ours alone
    column: str = "contact_id"

    @property
    def tables(self) -> frozenset[str]:
        """One table."""
        return frozenset({self.table.name})

    def export(self, session: Session, person: Person) -> list[Section]:
        """All columns but those that say nothing of anybody."""
        columns = [one for one in self.table.columns if one.name not in self.hidden]
        statement = select(*columns).where(*self.of(person)).order_by(*self.table.primary_key.columns)
        return [Section(self.table.name, self.title, [plain(row) for row in session.execute(statement).mappings()])]

    def obstacles(self, session: Session, person: Person) -> list[str]:  # noqa: ARG002  # others have some
        """None."""
        return []

    def erase(self, session: Session, person: Person) -> list[Went]:
        """Empty the rows, or delete them."""
        if self.emptied:
            count = rows_of(session.execute(update(self.table).where(*self.of(person)).values(dict(self.emptied))))
            return [Went(self.title, count, Fate.ANONYMISED, self.why)]
        return [Went(self.title, rows_of(session.execute(delete(self.table).where(*self.of(person)))), Fate.DELETED)]

    def of(self, person: Person) -> tuple[ColumnElement[bool], ...]:
        """The person's rows."""
        return (self.table.c.ente_id == person.ente_id, self.table.c[self.column].in_(person.contact_ids))


def rows_of(result: Any) -> int:
    """How many rows a statement changed."""
    assert isinstance(result, CursorResult)
    return result.rowcount


def plain(value: Any) -> Any:
    """A value as JSON has it."""
    match value:
        case datetime() | date():
            return value.isoformat()
        case UUID() | Decimal():
            return str(value)
        case StrEnum():
            return value.value
        case bytes():
            return value.hex()
        case Mapping():
            return {name: plain(one) for name, one in value.items()}
        case list() | tuple():
            return [plain(one) for one in value]
        case _:
            return value

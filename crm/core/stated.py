"""Tables whose rows are the collection system's statements: one an ente and key, and the later statement stands.

A row that the collection system no longer has is kept, for history refers to it, and says since when it is withdrawn.
Whether a statement finds it withdrawn is decided where feeds are merged (`crm.collection.merge`).
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Row,
    Select,
    Update,
    any_,
    bindparam,
    func,
    literal,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, Insert, insert
from sqlalchemy.orm import Session

from crm.core.db import Base, table_of
from crm.core.recordset import each_key, incoming

IsNamed = Callable[[ColumnElement[str]], ColumnElement[bool]]
Merge = Callable[[Any, Any], ColumnElement[Any]]
"""What a column becomes, of the stored row and the new one."""


@dataclass(frozen=True, slots=True)
class Silence:
    """What a full feed does not say: its ente, its instant, and whether it names a key all the same."""

    ente_id: int
    as_of: datetime
    is_named: IsNamed


class StatedTable:
    """One such table: what tells its rows apart within an ente, and the columns that a statement fills.

    A column in `merged` becomes what that says; any other what the later statement has.
    Besides those it has `id`, `ente_id`, `as_of`, `digest` and `withdrawn_as_of`, and is unique by ente and key.
    """

    def __init__(
        self, model: type[Base], *, key: str, columns: tuple[str, ...], merged: Mapping[str, Merge] | None = None
    ) -> None:  # fmt: skip
        self._table = table_of(model)
        self._key = self._table.c[key]
        self._columns = (*columns, "as_of", "digest", "withdrawn_as_of")
        self._merged = merged or {}
        self._known: dict[tuple[str, ...], Select[Any]] = {}

    def known(
        self, session: Session, *, ente_id: int, keys: Collection[str], more: tuple[str, ...] = ()
    ) -> Iterable[Row[Any]]:
        """What is stored under these keys: `key`, `id`, `as_of`, `digest`, `withdrawn_as_of`, and columns `more`."""
        if more not in self._known:  # to put it together takes longer than to ask it
            self._known[more] = self._knowing(more)
        return session.execute(self._known[more], {"keys": list(keys), "ente_id": ente_id})

    def _knowing(self, more: tuple[str, ...]) -> Select[Any]:
        table, wanted = self._table, each_key(())
        names = ("id", "as_of", "digest", "withdrawn_as_of", *more)
        found = (
            select(table.c.ente_id, *(table.c[name] for name in names))
            .where(self._key == wanted.c.key)
            .offset(0)
            .lateral("found")
        )
        return (
            select(wanted.c.key, *(found.c[name] for name in names))
            .select_from(wanted.join(found, true()))
            .where(found.c.ente_id == bindparam("ente_id"))
        )

    def told(self, rows: Iterable[Mapping[str, Any] | str]) -> FromClause:
        """Statements as a relation, sent in one parameter. Dates and instants as ISO text."""
        return incoming(self._table, self._columns, rows)

    def upsert(self, *, ente_id: int, told: FromClause) -> Insert:
        """Write what a relation tells, at most one row a key; an older statement never replaces a newer one.

        Of two with the same instant the one written later stands. The relation may be any that has the columns of a
        statement: rows on their way, or a table into which they were copied.
        """
        statement = insert(self._table).from_select(
            ["ente_id", *self._columns],
            select(literal(ente_id), *(told.c[name] for name in self._columns)),
            include_defaults=False,
        )
        stored, new = self._table.c, statement.excluded
        news = or_(new.digest != stored.digest, new.withdrawn_as_of.is_distinct_from(stored.withdrawn_as_of))
        return statement.on_conflict_do_update(
            index_elements=[stored.ente_id, self._key],
            set_={
                name: self._merged[name](stored, new) if name in self._merged else new[name]
                for name in self._columns
                if name != self._key.name
            },
            where=or_(new.as_of > stored.as_of, (new.as_of == stored.as_of) & news),
        )

    def withdraw(self, *, ente_id: int, ids: Collection[int], as_of: datetime | None) -> Update:
        """Mark rows as withdrawn as of an instant, or (None) as there again."""
        table = self._table
        wanted = any_(bindparam("ids", list(ids), type_=ARRAY(BigInteger)))
        return update(table).where(table.c.id == wanted, table.c.ente_id == ente_id).values(withdrawn_as_of=as_of)

    def count_unnamed(self, session: Session, silence: Silence, *by: str) -> Iterable[Row[Any]]:
        """Of what is there, by these columns: `rows`, and `unnamed`, that is what the feed no longer has."""
        table = self._table
        groups = [table.c[name] for name in by]
        counted = select(
            *groups, func.count().label("rows"), func.count().filter(self._unnamed(silence)).label("unnamed")
        ).where(table.c.ente_id == silence.ente_id, table.c.withdrawn_as_of.is_(None))
        return session.execute(counted.group_by(*groups))

    def withdraw_unnamed(
        self, session: Session, silence: Silence, *, after: str, limit: int, more: tuple[str, ...] = ()
    ) -> list[Row[Any]]:
        """Withdraw so many of what the feed no longer has, in the order of their keys: `key`, `id`, columns `more`."""
        table = self._table
        chosen = (
            select(table.c.id)
            .where(
                table.c.ente_id == silence.ente_id, self._key > after, table.c.withdrawn_as_of.is_(None),
                self._unnamed(silence),
            )
            .order_by(self._key)
            .limit(limit)
        )  # fmt: skip
        withdrawn = (
            update(table)
            .where(table.c.id.in_(chosen), table.c.ente_id == silence.ente_id)
            .values(withdrawn_as_of=silence.as_of)
            .returning(self._key.label("key"), table.c.id, *(table.c[name] for name in more))
        )
        return sorted(session.execute(withdrawn).all(), key=lambda row: row.key)

    def revive_named(self, session: Session, silence: Silence) -> None:
        """What the feed names is there as of the feed, if it was withdrawn no later than that."""
        table = self._table
        session.execute(
            update(table)
            .where(
                table.c.ente_id == silence.ente_id, table.c.withdrawn_as_of <= silence.as_of,
                silence.is_named(self._key),
            )
            .values(withdrawn_as_of=None)
        )  # fmt: skip

    def _unnamed(self, silence: Silence) -> ColumnElement[bool]:
        return (self._table.c.as_of < silence.as_of) & ~silence.is_named(self._key)

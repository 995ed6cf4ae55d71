"""Tables whose rows are the collection system's statements: one an ente and key, and the later statement stands."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import FromClause, literal, or_, select, true
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.orm import Session

from crm.core.db import Base, table_of
from crm.core.recordset import each_key, incoming


class StatedTable:
    """One such table: what tells its rows apart within an ente, and the columns that a statement fills.

    Besides those it has `ente_id`, `as_of` and `digest`, and is unique by ente and key.
    """

    def __init__(self, model: type[Base], *, key: str, columns: tuple[str, ...]) -> None:
        self._table = table_of(model)
        self._key = self._table.c[key]
        self._columns = (*columns, "as_of", "digest")

    def known(
        self, session: Session, *, ente_id: int, keys: Collection[str], names: str
    ) -> Iterable[tuple[str, int, datetime, str]]:
        """What is stored under these keys: the key, the id in the column `names`, `as_of`, `digest`."""
        table, wanted = self._table, each_key(keys)
        found = (
            select(table.c.ente_id, table.c[names].label("id"), table.c.as_of, table.c.digest)
            .where(self._key == wanted.c.key)
            .offset(0)
            .lateral("found")
        )
        rows = session.execute(
            select(wanted.c.key, found.c.id, found.c.as_of, found.c.digest)
            .select_from(wanted.join(found, true()))
            .where(found.c.ente_id == ente_id)
        )
        return (tuple(row) for row in rows)

    def told(self, rows: Iterable[Mapping[str, Any]]) -> FromClause:
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
        return statement.on_conflict_do_update(
            index_elements=[stored.ente_id, self._key],
            set_={name: new[name] for name in self._columns if name != self._key.name},
            where=or_(new.as_of > stored.as_of, (new.as_of == stored.as_of) & (new.digest != stored.digest)),
        )

"""Many rows in one statement: sent as one JSON value, unfolded and typed by the database."""

import json
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, JSON, FromClause, Table, Text, bindparam, cast, column, func
from sqlalchemy.sql.selectable import TableValuedAlias


def each_key(keys: Collection[str]) -> TableValuedAlias:
    """`keys` as a relation of one column, `key`, to be joined to a LATERAL look-up fenced by OFFSET 0.

    Each key is then one descent of an index. With `= ANY (keys)` and the ente beside it, a table without statistics
    (a first import) is read whole: the planner multiplies the ente of the query by the ente of the row policy,
    expects one row, and any index on the ente seems as good. So the ente is compared outside of the fence.
    """
    value = bindparam("keys", list(keys), type_=ARRAY(Text))
    return func.unnest(value).table_valued("key", name="wanted").render_derived()


def incoming(table: FromClause, columns: Iterable[str], rows: Iterable[Mapping[str, Any] | str]) -> TableValuedAlias:
    """`rows` as a relation named `incoming` with these columns of `table`. Instants and dates as ISO text.

    A row may be JSON text already: whoever reads a feed writes each once, in a process of its own.

    One parameter whatever the number of rows, so that neither SQLAlchemy nor the server compiles a long
    statement: a thousand rows cost a few milliseconds.
    """
    assert isinstance(table, Table)
    told = f"[{','.join(row if isinstance(row, str) else json.dumps(row) for row in rows)}]"
    value = cast(bindparam("incoming", told, type_=Text), JSON)
    typed = [column(name, table.c[name].type) for name in columns]
    return func.json_to_recordset(value).table_valued(*typed, name="incoming").render_derived(with_types=True)


def with_more(row: str, **more: int | datetime | None) -> str:
    """A row in JSON, not empty, with more columns; one that is None is left out, which comes to the same."""
    told = "".join(
        f',"{name}":{value}' if isinstance(value, int) else f',"{name}":"{value.isoformat()}"'
        for name, value in more.items()
        if value is not None
    )
    return f"{row[:-1]}{told}}}" if told else row

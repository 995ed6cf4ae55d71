"""Many rows in one statement: sent as one JSON value, unfolded and typed by the database."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import JSON, FromClause, Table, Text, bindparam, cast, column, func
from sqlalchemy.sql.selectable import TableValuedAlias


def incoming(table: FromClause, columns: Iterable[str], rows: Iterable[Mapping[str, Any]]) -> TableValuedAlias:
    """`rows` as a relation named `incoming` with these columns of `table`. Instants and dates as ISO text.

    One parameter whatever the number of rows, so that neither SQLAlchemy nor the server compiles a long
    statement: a thousand rows cost a few milliseconds.
    """
    assert isinstance(table, Table)
    value = cast(bindparam("incoming", json.dumps(list(rows)), type_=Text), JSON)
    typed = [column(name, table.c[name].type) for name in columns]
    return func.json_to_recordset(value).table_valued(*typed, name="incoming").render_derived(with_types=True)

"""Choices kept as text, whose check lists what they may be: values come and go, whichever others there are by then."""

import re

import sqlalchemy as sa
from alembic import op


def allow(table: str, choice: str, column: str, *values: str) -> None:
    """Let a column have these values, too."""
    _check(table, choice, column, [*_allowed(table, choice, but=values), *values])


def forbid(table: str, choice: str, column: str, *values: str) -> None:
    """Let it have them no more: no row may."""
    _check(table, choice, column, _allowed(table, choice, but=values))


def _allowed(table: str, choice: str, *, but: tuple[str, ...]) -> list[str]:
    written = op.get_bind().execute(
        sa.text("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = :name"),
        {"name": f"ck_{table}_{choice}"},
    )
    return [one for one in re.findall(r"'([^']*)'", written.scalar_one()) if one not in but]


def _check(table: str, choice: str, column: str, values: list[str]) -> None:
    name, listed = f"ck_{table}_{choice}", ", ".join(f"'{one}'" for one in values)
    op.drop_constraint(op.f(name), table, type_="check")
    op.create_check_constraint(op.f(name), table, f"{column} IN ({listed})")

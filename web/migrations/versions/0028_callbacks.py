"""In the queue and after the call: callers who are not let in, the wait that is announced.

Revision ID: 0028
Revises: 0026
"""

import re

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0026"
branch_labels = None
depends_on = None

FACTS = ("announced",)
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("call", sa.Column("turned_away_at", INSTANT))
    _allow("call", "outcome", "outcome", "turned_away")
    op.add_column("service_fact", sa.Column("announced_from_s", sa.SmallInteger()))
    _allow("service_fact", "fact_kind", "kind", *FACTS)
    op.create_index(
        "ix_service_fact_announced", "service_fact", ["contract_id", "occurred_at"],
        postgresql_where=sa.text("kind = 'announced'"),
    )  # fmt: skip


def downgrade() -> None:
    op.execute("ALTER TABLE service_fact NO FORCE ROW LEVEL SECURITY")
    op.execute("DELETE FROM service_fact WHERE kind IN ('announced')")
    op.execute("ALTER TABLE service_fact FORCE ROW LEVEL SECURITY")
    op.drop_index("ix_service_fact_announced", "service_fact")
    _forbid("service_fact", "fact_kind", "kind", *FACTS)
    op.drop_column("service_fact", "announced_from_s")
    op.execute("ALTER TABLE call NO FORCE ROW LEVEL SECURITY")
    op.execute("UPDATE call SET outcome = 'left_ivr' WHERE outcome = 'turned_away'")
    op.execute("ALTER TABLE call FORCE ROW LEVEL SECURITY")
    _forbid("call", "outcome", "outcome", "turned_away")
    op.drop_column("call", "turned_away_at")


def _allow(table: str, check: str, column: str, *more: str) -> None:
    """Let a column have more values than it may have so far."""
    _check(table, check, column, [*_allowed(table, check), *more])


def _forbid(table: str, check: str, column: str, *less: str) -> None:
    _check(table, check, column, [one for one in _allowed(table, check) if one not in less])


def _allowed(table: str, check: str) -> list[str]:
    told = op.get_bind().execute(
        sa.text("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = :name"),
        {"name": f"ck_{table}_{check}"},
    )
    return re.findall(r"'([^']*)'", told.scalar_one())


def _check(table: str, check: str, column: str, values: list[str]) -> None:
    listed = ", ".join(f"'{one}'" for one in values)
    op.drop_constraint(op.f(f"ck_{table}_{check}"), table, type_="check")
    op.create_check_constraint(op.f(f"ck_{table}_{check}"), table, f"{column} IN ({listed})")

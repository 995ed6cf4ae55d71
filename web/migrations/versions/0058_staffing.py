"""Forecasts as they were made, known days, shifts, and extra operators.

Revision ID: 0058
Revises: 0057
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

from web.migrations.isolation import APP

revision = "0058"
down_revision = "0057"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
TABLES = {
    "forecast_day": "SELECT, INSERT, DELETE", "known_day": "SELECT, INSERT, DELETE",
    "staffing_setting": "SELECT, INSERT, UPDATE", "shift": "SELECT, INSERT, DELETE",
    "roster_week": "SELECT, INSERT", "reinforcement": "SELECT, INSERT, UPDATE",
}  # fmt: skip


def upgrade() -> None:
    op.create_table(
        "forecast_day",
        sa.Column("contract_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("made_on", sa.Date(), nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        _curve("expected"), _curve("low"), _curve("high"),
        sa.Column("drivers", ARRAY(sa.String(32)), nullable=False),
        _curve("effects"),
        *_contract("forecast_day"),
        sa.PrimaryKeyConstraint("contract_id", "day", "made_on", name=op.f("pk_forecast_day")),
    )  # fmt: skip
    op.create_index("ix_forecast_day_contract_id_made_on", "forecast_day", ["contract_id", "made_on"])
    op.create_table(
        "known_day",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("contract_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("written_by", sa.BigInteger(), nullable=False),
        sa.Column("written_at", INSTANT, nullable=False),
        sa.CheckConstraint("kind IN ('due', 'notices')", name=op.f("ck_known_day_kind")),
        *_contract("known_day"), _user("known_day", "written_by"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_known_day")),
        sa.UniqueConstraint("contract_id", "day", "kind", "name", name=op.f("uq_known_day_contract_id_day_kind_name")),
    )  # fmt: skip
    op.create_table(
        "staffing_setting",
        sa.Column("contract_id", sa.BigInteger(), nullable=False),
        sa.Column("shrinkage", sa.Numeric(4, 3), nullable=False),
        sa.Column("occupancy", sa.Numeric(4, 3), nullable=False),
        sa.Column("handling_s", sa.SmallInteger()),
        sa.CheckConstraint("shrinkage >= 0 AND shrinkage < 1", name=op.f("ck_staffing_setting_shrinkage")),
        sa.CheckConstraint("occupancy > 0 AND occupancy <= 1", name=op.f("ck_staffing_setting_occupancy")),
        sa.CheckConstraint("handling_s > 0", name=op.f("ck_staffing_setting_handling_s")),
        *_contract("staffing_setting"),
        sa.PrimaryKeyConstraint("contract_id", name=op.f("pk_staffing_setting")),
    )
    _shifts()
    for table, may in TABLES.items():
        op.execute(f"GRANT {may} ON {table} TO {APP}")


def _curve(name: str) -> sa.Column[Any]:
    return sa.Column(name, ARRAY(sa.REAL()), nullable=False)


def _shifts() -> None:
    op.create_table(
        "shift",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("contract_id", sa.BigInteger(), nullable=False),
        sa.Column("agent_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("begins", sa.Time(), nullable=False),
        sa.Column("ends", sa.Time(), nullable=False),
        sa.CheckConstraint("ends > begins OR ends = '00:00'", name=op.f("ck_shift_hours")),
        *_contract("shift"), _user("shift", "agent_id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shift")),
        sa.UniqueConstraint(
            "contract_id", "agent_id", "day", "begins", name=op.f("uq_shift_contract_id_agent_id_day_begins")
        ),
    )  # fmt: skip
    op.create_index("ix_shift_contract_id_day", "shift", ["contract_id", "day"])
    op.create_index("ix_shift_agent_id_day", "shift", ["agent_id", "day"])
    op.create_table(
        "roster_week",
        sa.Column("contract_id", sa.BigInteger(), nullable=False),
        sa.Column("monday", sa.Date(), nullable=False),
        sa.Column("published_by", sa.BigInteger(), nullable=False),
        sa.Column("published_at", INSTANT, nullable=False),
        *_contract("roster_week"), _user("roster_week", "published_by"),
        sa.PrimaryKeyConstraint("contract_id", "monday", name=op.f("pk_roster_week")),
    )  # fmt: skip
    op.create_table(
        "reinforcement",
        sa.Column("contract_id", sa.BigInteger(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("first", sa.Date(), nullable=False),
        sa.Column("last", sa.Date(), nullable=False),
        sa.Column("operators", sa.SmallInteger(), nullable=False),
        sa.Column("calls", sa.BigInteger(), nullable=False),
        sa.Column("accepted", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(400), nullable=False),
        sa.Column("decided_by", sa.BigInteger(), nullable=False),
        sa.Column("decided_at", INSTANT, nullable=False),
        sa.CheckConstraint("first <= last AND operators > 0", name=op.f("ck_reinforcement_days")),
        *_contract("reinforcement"), _user("reinforcement", "decided_by"),
        sa.PrimaryKeyConstraint("contract_id", "due_on", name=op.f("pk_reinforcement")),
    )  # fmt: skip


def _contract(table: str) -> list[sa.ForeignKeyConstraint]:
    return [sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name=op.f(f"fk_{table}_contract_id"))]


def _user(table: str, name: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([name], ["app_user.id"], name=op.f(f"fk_{table}_{name}"))


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)

"""Operators on a campaign, the lines on which people are called ahead of them, and who asked to be called when.

Revision ID: 0094
Revises: 0093
"""

import sqlalchemy as sa
from alembic import op

from web.migrations.isolation import APP, protect

revision = "0094"
down_revision = "0093"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
TABLES = ("dialer_setting", "dialer_stay", "dialer_line", "dialer_recall")


def upgrade() -> None:
    op.add_column("call", sa.Column("seated", sa.Boolean(), nullable=False, server_default=sa.text("false")))
    op.create_table(
        "dialer_setting",
        sa.Column("campaign_id", sa.BigInteger(), nullable=False),
        *_whose(),
        sa.Column("mode", _choice("mode", "preview", "progressive", "predictive"), nullable=False),
        sa.Column("stopped", sa.Boolean(), nullable=False),
        sa.Column("inbound_first", sa.Boolean(), nullable=False),
        sa.Column("inbound_s", sa.SmallInteger(), nullable=False),
        sa.Column("least", sa.SmallInteger(), nullable=False),
        sa.Column("hears_machines", sa.Boolean(), nullable=False),
        sa.Column("price", sa.Float(), nullable=False),
        sa.Column("folded_at", INSTANT, nullable=False),
        _own("dialer_setting", "campaign_id", "campaign"),
        sa.PrimaryKeyConstraint("campaign_id", name=op.f("pk_dialer_setting")),
    )
    op.create_table(
        "dialer_stay",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        *_whose(),
        sa.Column("campaign_id", sa.BigInteger(), nullable=False),
        sa.Column("agent_id", sa.BigInteger(), nullable=False),
        sa.Column("joined_at", INSTANT, nullable=False),
        sa.Column("leaving", sa.Boolean(), nullable=False),
        sa.Column("left_at", INSTANT),
        sa.Column("call_id", sa.Uuid()),
        sa.Column("opened_at", INSTANT),
        _own("dialer_stay", "campaign_id", "campaign"),
        _to("dialer_stay", "agent_id", "app_user.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dialer_stay")),
    )
    op.create_index(
        "uq_dialer_stay_agent_id", "dialer_stay", ["agent_id"], unique=True, postgresql_where=sa.text("left_at IS NULL")
    )
    op.create_index("ix_dialer_stay_campaign_id", "dialer_stay", ["campaign_id", "joined_at"])
    op.create_table(
        "dialer_line",
        sa.Column("id", sa.Uuid(), nullable=False),
        *_whose(),
        sa.Column("campaign_id", sa.BigInteger(), nullable=False),
        sa.Column("for_agent", sa.BigInteger()),
        sa.Column("state", _choice("line_state", "owed", "ringing", "answered", "over"), nullable=False),
        sa.Column("carrier_sid", sa.String(34)),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("lease_until", INSTANT, nullable=False),
        sa.Column("dropped", sa.Boolean(), nullable=False),
        sa.Column("answered_at", INSTANT),
        sa.Column("machine", sa.Boolean(), nullable=False),
        sa.Column("call_id", sa.Uuid()),
        sa.Column("leg_id", sa.Uuid()),
        sa.Column("ended_at", INSTANT),
        _own("dialer_line", "campaign_id", "campaign"),
        _to("dialer_line", "for_agent", "app_user.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dialer_line")),
    )
    op.create_index(
        "ix_dialer_line_live", "dialer_line", ["campaign_id"], postgresql_where=sa.text("state <> 'over'")
    )  # fmt: skip
    op.create_index("ix_dialer_line_campaign_id", "dialer_line", ["campaign_id", "at"])
    op.create_index(
        "ix_dialer_line_answered", "dialer_line", ["campaign_id", "answered_at"],
        postgresql_where=sa.text("answered_at IS NOT NULL"),
    )  # fmt: skip
    op.create_index(
        "ix_dialer_line_call_id", "dialer_line", ["call_id"], postgresql_where=sa.text("call_id IS NOT NULL")
    )  # fmt: skip
    op.create_table(
        "dialer_recall",
        sa.Column("campaign_id", sa.BigInteger(), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("wanted_at", INSTANT, nullable=False),
        sa.Column("agent_id", sa.BigInteger(), nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        _own("dialer_recall", "campaign_id", "campaign"),
        _own("dialer_recall", "contact_id", "contact"),
        _to("dialer_recall", "agent_id", "app_user.id"),
        sa.PrimaryKeyConstraint("campaign_id", "contact_id", name=op.f("pk_dialer_recall")),
    )
    op.create_index("ix_dialer_recall_agent_id", "dialer_recall", ["agent_id", "wanted_at"])
    op.create_index("ix_dialer_recall_contact_id", "dialer_recall", ["contact_id"])
    for table in TABLES:
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {APP}")
        for statement in protect(table):
            op.execute(statement)


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
    op.drop_column("call", "seated")


def _whose() -> tuple[sa.Column[int], sa.Column[int]]:
    return (
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("contract_id", sa.BigInteger(), nullable=False),
    )


def _choice(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)


def _to(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [target], name=op.f(f"fk_{table}_{column}"))


def _own(table: str, column: str, of: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["ente_id", column], [f"{of}.ente_id", f"{of}.id"], name=op.f(f"fk_{table}_ente_id_{column}")
    )

"""How our account stands with the carrier; limits of pauses, and agents whose state a supervisor changed.

Revision ID: 0030
Revises: 0029
"""

import sqlalchemy as sa
from alembic import op

from web.migrations.isolation import APP, ROUTING

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

REASONS = ("break", "meeting", "training", "back_office", "missed_call")
STATES = ("offline", "ready", "paused", "ringing", "talking", "wrap_up")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "carrier_standing",
        sa.Column("account", sa.String(34), nullable=False),
        sa.Column("next_call_at", INSTANT),
        sa.Column("failing_since", INSTANT),
        sa.PrimaryKeyConstraint("account", name=op.f("pk_carrier_standing")),
    )
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON carrier_standing TO {APP}, {ROUTING}")
    op.create_table(
        "pause_limit",
        sa.Column("contract_id", sa.BigInteger(), nullable=False),
        sa.Column("reason", _choice("pause_reason", *REASONS), nullable=False),
        sa.Column("minutes", sa.SmallInteger(), nullable=False),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name=op.f("fk_pause_limit_contract_id")),
        sa.PrimaryKeyConstraint("contract_id", "reason", name=op.f("pk_pause_limit")),
    )
    op.create_table(
        "agent_release",
        sa.Column("agent_id", sa.BigInteger(), nullable=False),
        sa.Column("by_id", sa.BigInteger(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("was", _choice("agent_state", *STATES), nullable=False),
        sa.ForeignKeyConstraint(["agent_id"], ["app_user.id"], name=op.f("fk_agent_release_agent_id")),
        sa.ForeignKeyConstraint(["by_id"], ["app_user.id"], name=op.f("fk_agent_release_by_id")),
        sa.PrimaryKeyConstraint("agent_id", name=op.f("pk_agent_release")),
    )
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON pause_limit, agent_release TO {APP}")
    op.execute("UPDATE phone_line SET told_at = NULL")  # the carrier is told of the address of last resort, too


def downgrade() -> None:
    for table in ("agent_release", "pause_limit", "carrier_standing"):
        op.drop_table(table)


def _choice(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)

"""What supervisors write to agents, and who has read it.

Revision ID: 0049
Revises: 0048
"""

import sqlalchemy as sa
from alembic import op

from web.migrations.isolation import APP

revision = "0049"
down_revision = "0048"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "broadcast",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("contract_id", sa.BigInteger(), nullable=False),
        sa.Column("queue_id", sa.BigInteger()),
        sa.Column("words", sa.String(280), nullable=False),
        sa.Column("by_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True)),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name=op.f("fk_broadcast_contract_id")),
        sa.ForeignKeyConstraint(["queue_id"], ["queue.id"], name=op.f("fk_broadcast_queue_id")),
        sa.ForeignKeyConstraint(["by_id"], ["app_user.id"], name=op.f("fk_broadcast_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_broadcast")),
    )
    op.create_index("ix_broadcast_contract_id_at", "broadcast", ["contract_id", "at"])
    op.create_table(
        "broadcast_reader",
        sa.Column("broadcast_id", sa.BigInteger(), nullable=False),
        sa.Column("agent_id", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True)),
        sa.Column("read_at", sa.DateTime(timezone=True)),
        sa.ForeignKeyConstraint(["broadcast_id"], ["broadcast.id"], name=op.f("fk_broadcast_reader_broadcast_id")),
        sa.ForeignKeyConstraint(["agent_id"], ["app_user.id"], name=op.f("fk_broadcast_reader_agent_id")),
        sa.PrimaryKeyConstraint("broadcast_id", "agent_id", name=op.f("pk_broadcast_reader")),
    )
    op.create_index("ix_broadcast_reader_agent_id", "broadcast_reader", ["agent_id"])
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON broadcast, broadcast_reader TO {APP}")


def downgrade() -> None:
    op.drop_table("broadcast_reader")
    op.drop_table("broadcast")

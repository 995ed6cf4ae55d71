"""How queues are routed: priority, ageing, levels, overflow, who knows the caller, languages.

Revision ID: 0024
Revises: 0023
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

KINDS = ("ring", "wrap_up")


def upgrade() -> None:
    op.add_column("queue", sa.Column("priority", sa.SmallInteger(), nullable=False, server_default="0"))
    op.add_column("queue", sa.Column("ages_s", sa.SmallInteger(), nullable=False, server_default="0"))
    op.add_column("queue", sa.Column("widens_s", sa.SmallInteger(), nullable=False, server_default="0"))
    op.add_column("queue", sa.Column("overflow_id", sa.BigInteger()))
    op.create_foreign_key(op.f("fk_queue_overflow_id"), "queue", "queue", ["overflow_id"], ["id"])
    op.add_column("queue", sa.Column("overflow_s", sa.SmallInteger(), nullable=False, server_default="0"))
    op.add_column("queue", sa.Column("sticky_s", sa.SmallInteger(), nullable=False, server_default="0"))
    op.add_column("queue", sa.Column("language_s", sa.SmallInteger(), nullable=False, server_default="60"))
    op.add_column("queue_member", sa.Column("level", sa.SmallInteger(), nullable=False, server_default="1"))
    op.add_column("queue_entry", sa.Column("language", sa.String(2), nullable=False, server_default="it"))
    op.add_column("queue_entry", sa.Column("knows", sa.BigInteger()))
    op.add_column(
        "agent_presence", sa.Column("speaks", postgresql.ARRAY(sa.String(2)), nullable=False, server_default="{}")
    )
    _timers(*KINDS, "widen")


def downgrade() -> None:
    op.execute("DELETE FROM timer WHERE kind = 'widen'")
    _timers(*KINDS)
    op.drop_column("agent_presence", "speaks")
    op.drop_column("queue_entry", "knows")
    op.drop_column("queue_entry", "language")
    op.drop_column("queue_member", "level")
    op.drop_constraint(op.f("fk_queue_overflow_id"), "queue", type_="foreignkey")
    for name in ("language_s", "sticky_s", "overflow_s", "overflow_id", "widens_s", "ages_s", "priority"):
        op.drop_column("queue", name)


def _timers(*kinds: str) -> None:
    op.drop_constraint(op.f("ck_timer_timer_kind"), "timer", type_="check")
    listed = ", ".join(f"'{kind}'" for kind in kinds)
    op.create_check_constraint(op.f("ck_timer_timer_kind"), "timer", f"kind IN ({listed})")

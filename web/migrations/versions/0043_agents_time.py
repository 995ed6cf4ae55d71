"""What agents did from when on, as facts that are only added to, and the sums of their quarter hours.

The facts begin with what each agent does now. They are of single workers: after two years anybody may let them go, and
nobody sooner. A call that was passed on to a queue knows by whom.

Revision ID: 0043
Revises: 0042
"""

import sqlalchemy as sa
from alembic import op

from web.migrations.isolation import APP, ROUTING

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
ACTIVITIES = ("offline", "ready", "ringing", "talking", "holding", "wrap_up", "paused", "away")
REASONS = ("break", "meeting", "training", "back_office", "missed_call")
MEASURES = ("ready_ms", "ringing_ms", "talking_ms", "holding_ms", "wrap_up_ms", "paused_ms", "away_ms")


def upgrade() -> None:
    op.create_table(
        "agent_fact",
        sa.Column("agent_id", sa.BigInteger(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("activity", sa.String(32), nullable=False),
        sa.Column("reason", sa.String(32)),
        sa.Column("call_id", sa.Uuid()),
        sa.CheckConstraint(_one_of("activity", ACTIVITIES), name=op.f("ck_agent_fact_activity")),
        sa.CheckConstraint(_one_of("reason", REASONS), name=op.f("ck_agent_fact_reason")),
        sa.PrimaryKeyConstraint("agent_id", "at", "id", name=op.f("pk_agent_fact")),
    )
    op.create_table(
        "agent_time",
        sa.Column("agent_id", sa.BigInteger(), nullable=False),
        sa.Column("quarter", INSTANT, nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in MEASURES),
        sa.ForeignKeyConstraint(["agent_id"], ["app_user.id"], name=op.f("fk_agent_time_agent_id")),
        sa.PrimaryKeyConstraint("agent_id", "quarter", name=op.f("pk_agent_time")),
    )
    op.create_index("ix_agent_time_quarter", "agent_time", ["quarter"])
    op.execute(
        "INSERT INTO agent_fact (agent_id, at, activity, reason, call_id)"
        " SELECT agent_id, since, state, CASE WHEN state = 'paused' THEN pause_reason END, call_id FROM agent_presence"
    )
    op.add_column("queue_entry", sa.Column("passed_by", sa.BigInteger()))
    op.execute(f"GRANT SELECT, INSERT ON agent_fact TO {APP}, {ROUTING}")
    op.execute(f"GRANT DELETE ON agent_fact TO {APP}")
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON agent_time TO {APP}")
    for statement in (
        "ALTER TABLE agent_fact ENABLE ROW LEVEL SECURITY",
        "ALTER TABLE agent_fact FORCE ROW LEVEL SECURITY",
        f"CREATE POLICY seen ON agent_fact FOR SELECT TO {APP}, {ROUTING} USING (true)",
        f"CREATE POLICY added ON agent_fact FOR INSERT TO {APP}, {ROUTING} WITH CHECK (true)",
        f"CREATE POLICY old ON agent_fact FOR DELETE TO {APP} USING (at < now() - interval '2 years')",
    ):
        op.execute(statement)


def downgrade() -> None:
    op.drop_column("queue_entry", "passed_by")
    op.drop_table("agent_time")
    op.drop_table("agent_fact")


def _one_of(column: str, values: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(one) for one in values)})"

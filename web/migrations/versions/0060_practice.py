"""Practice with simulated callers: who practises is out of service; how it went is the trainee's own.

Revision ID: 0060
Revises: 0059
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from web.migrations.isolation import APP

revision = "0060"
down_revision = "0059"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
STORIES = "'question', 'instalments', 'forgetful', 'relative', 'elsewhere', 'card', 'angry'"


def upgrade() -> None:
    op.add_column("agent_presence", sa.Column("practising_since", INSTANT))
    op.add_column("agent_presence", sa.Column("in_training", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_check_constraint(
        op.f("ck_agent_presence_practises_out_of_service"), "agent_presence",
        "(practising_since IS NULL AND NOT in_training) OR state = 'offline'",
    )  # fmt: skip
    op.create_table(
        "practice_session",
        sa.Column("agent_id", sa.BigInteger(), nullable=False),
        sa.Column("touched_at", INSTANT, nullable=False),
        sa.Column("call_id", sa.Uuid()),
        sa.Column("story", sa.String(32)),
        sa.Column("rang_at", INSTANT),
        sa.Column("steps", JSONB(), nullable=False),
        sa.Column("topic", sa.String(32)),
        sa.Column("disposition", sa.String(32)),
        sa.Column("note", sa.Text(), nullable=False),
        sa.CheckConstraint(f"story IN ({STORIES})", name=op.f("ck_practice_session_story_key")),
        sa.ForeignKeyConstraint(["agent_id"], ["app_user.id"], name=op.f("fk_practice_session_agent_id")),
        sa.PrimaryKeyConstraint("agent_id", name=op.f("pk_practice_session")),
    )
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON practice_session TO {APP}")
    op.create_table(
        "practice_debrief",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("agent_id", sa.BigInteger(), nullable=False),
        sa.Column("story", sa.String(32), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("talked_s", sa.BigInteger(), nullable=False),
        sa.Column("wrote_s", sa.BigInteger(), nullable=False),
        sa.Column("findings", JSONB(), nullable=False),
        sa.CheckConstraint(f"story IN ({STORIES})", name=op.f("ck_practice_debrief_story_key")),
        sa.ForeignKeyConstraint(["agent_id"], ["app_user.id"], name=op.f("fk_practice_debrief_agent_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_practice_debrief")),
    )
    op.create_index("ix_practice_debrief_agent_id_at", "practice_debrief", ["agent_id", "at"])
    op.execute(f"GRANT SELECT, INSERT, DELETE ON practice_debrief TO {APP}")


def downgrade() -> None:
    op.drop_table("practice_debrief")
    op.drop_table("practice_session")
    op.drop_constraint(op.f("ck_agent_presence_practises_out_of_service"), "agent_presence")
    op.drop_column("agent_presence", "in_training")
    op.drop_column("agent_presence", "practising_since")

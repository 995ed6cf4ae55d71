"""Interviews say how they are led, and of which stratum their case was drawn, whoever may be erased.

Revision ID: 0099
Revises: 0098
"""

import sqlalchemy as sa
from alembic import op

revision = "0099"
down_revision = "0098"
branch_labels = None
depends_on = None

MODES = ("telephone", "web", "ivr")
READ = ("interview", "interview_event", "survey_case")


def upgrade() -> None:
    mode = sa.Enum(*MODES, name="mode", native_enum=False, create_constraint=True, length=32)
    op.add_column("interview", sa.Column("mode", mode, nullable=False, server_default="telephone"))
    op.add_column("interview", sa.Column("stratum", sa.String(80), nullable=False, server_default=""))
    op.create_index(
        "ix_interview_call_id", "interview", ["call_id"],
        postgresql_where=sa.text("mode = 'ivr' AND state = 'running'"),
    )  # fmt: skip
    for table in READ:
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.execute(
        "UPDATE interview SET mode = 'web' WHERE interviewer_id IS NULL AND EXISTS (SELECT FROM interview_event AS one"
        " WHERE one.interview_id = interview.id AND one.deed = 'answered')"
    )
    op.execute(
        "UPDATE interview SET stratum = one.stratum FROM survey_case AS one"
        " WHERE one.campaign_id = interview.campaign_id AND one.contact_id = interview.contact_id"
    )
    for table in READ:
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    for column in ("mode", "stratum"):
        op.alter_column("interview", column, server_default=None)


def downgrade() -> None:
    op.drop_index("ix_interview_call_id", "interview")
    for column in ("stratum", "mode"):
        op.drop_column("interview", column)

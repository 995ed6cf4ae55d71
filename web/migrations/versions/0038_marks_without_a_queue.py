"""Whoever the voice flow has served gives a mark, too: for no queue.

Revision ID: 0038
Revises: 0037
"""

from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.alter_column("survey_answer", "queue_id", nullable=True)


def downgrade() -> None:
    op.execute("DELETE FROM survey_answer WHERE queue_id IS NULL")
    op.alter_column("survey_answer", "queue_id", nullable=False)

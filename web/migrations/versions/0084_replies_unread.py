"""Which evaluations have a reply of the agent that their evaluator has not read.

Revision ID: 0084
Revises: 0083
"""

import sqlalchemy as sa
from alembic import op

revision = "0084"
down_revision = "0083"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("evaluation", sa.Column("reply_at", sa.DateTime(timezone=True)))
    op.create_index(
        "ix_evaluation_reply_at", "evaluation", ["evaluator_id"], postgresql_where=sa.text("reply_at IS NOT NULL")
    )


def downgrade() -> None:
    op.drop_index("ix_evaluation_reply_at", "evaluation")
    op.drop_column("evaluation", "reply_at")

"""Since when the voice menu dials a number outside for a caller, of which nothing has been told yet: it is asked for.

Revision ID: 0042
Revises: 0041
"""

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("call", sa.Column("dialled_at", sa.DateTime(timezone=True)))
    op.create_index("ix_call_dialled_at", "call", ["dialled_at"], postgresql_where=sa.text("dialled_at IS NOT NULL"))


def downgrade() -> None:
    op.drop_index("ix_call_dialled_at", "call")
    op.drop_column("call", "dialled_at")

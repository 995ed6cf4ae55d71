"""Letters that are judged once more before they leave: those that may not any more are withdrawn, and it is kept why.

Revision ID: 0103
Revises: 0101
"""

import sqlalchemy as sa
from alembic import op

from web.migrations.choices import allow, forbid

revision = "0103"
down_revision = "0101"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    allow("letter", "letter_state", "state", "withdrawn")
    op.add_column("letter", sa.Column("withdrawn_at", INSTANT))
    op.add_column("letter", sa.Column("why", sa.ARRAY(sa.String(20))))
    for name in ("checked_at", "taken_at"):
        op.add_column("letter_batch", sa.Column(name, INSTANT))
    op.add_column("letter_batch", sa.Column("withdrawn", sa.BigInteger(), nullable=False, server_default=sa.text("0")))


def downgrade() -> None:
    op.execute("DELETE FROM letter WHERE state = 'withdrawn'")
    forbid("letter", "letter_state", "state", "withdrawn")
    for name in ("withdrawn", "taken_at", "checked_at"):
        op.drop_column("letter_batch", name)
    for name in ("why", "withdrawn_at"):
        op.drop_column("letter", name)

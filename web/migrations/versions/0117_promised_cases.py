"""Cases that the system opens, that are asked for at a door, and asked for again.

Revision ID: 0117
Revises: 0116
"""

import sqlalchemy as sa
from alembic import op

from web.migrations.choices import allow, forbid

revision = "0117"
down_revision = "0116"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.alter_column("case_request", "opened_by", existing_type=sa.BigInteger(), nullable=True)
    allow("case_request", "channel", "channel", "visit")
    allow("case_step", "deed", "deed", "repeat")


def downgrade() -> None:
    forbid("case_step", "deed", "deed", "repeat")
    forbid("case_request", "channel", "channel", "visit")
    op.alter_column("case_request", "opened_by", existing_type=sa.BigInteger(), nullable=False)

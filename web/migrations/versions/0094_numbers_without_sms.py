"""At which numbers no SMS arrives.

Revision ID: 0094
Revises: 0093
"""

import sqlalchemy as sa
from alembic import op

revision = "0094"
down_revision = "0093"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("contact_reach", sa.Column("no_sms_since", sa.DateTime(timezone=True)))


def downgrade() -> None:
    op.drop_column("contact_reach", "no_sms_since")

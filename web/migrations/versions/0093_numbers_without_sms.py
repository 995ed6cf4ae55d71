"""At which numbers no SMS arrives.

Revision ID: 0093
Revises: 0092
"""

import sqlalchemy as sa
from alembic import op

revision = "0093"
down_revision = "0092"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("contact_reach", sa.Column("no_sms_since", sa.DateTime(timezone=True)))


def downgrade() -> None:
    op.drop_column("contact_reach", "no_sms_since")

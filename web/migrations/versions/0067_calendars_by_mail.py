"""An e-mail may bring an entry for calendars.

Revision ID: 0067
Revises: 0066
"""

import sqlalchemy as sa
from alembic import op

revision = "0067"
down_revision = "0066"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("message", sa.Column("calendar", sa.String(4000), nullable=False, server_default=""))
    op.alter_column("message", "calendar", server_default=None)


def downgrade() -> None:
    op.drop_column("message", "calendar")

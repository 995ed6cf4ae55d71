"""Which services whoever calls books by himself, in the voice menu: all but those that ask for a code on the web.

Revision ID: 0073
Revises: 0072
"""

import sqlalchemy as sa
from alembic import op

revision = "0073"
down_revision = "0072"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("bookable_service", sa.Column("by_voice", sa.Boolean(), server_default="true", nullable=False))
    op.alter_column("bookable_service", "by_voice", server_default=None)
    op.execute("ALTER TABLE bookable_service NO FORCE ROW LEVEL SECURITY")
    op.execute("UPDATE bookable_service SET by_voice = false WHERE needs_code")
    op.execute("ALTER TABLE bookable_service FORCE ROW LEVEL SECURITY")


def downgrade() -> None:
    op.drop_column("bookable_service", "by_voice")

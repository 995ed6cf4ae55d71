"""An ente's postal account, with which its payment notices carry a bulletin.

Revision ID: 0101
Revises: 0100
"""

import sqlalchemy as sa
from alembic import op

revision = "0101"
down_revision = "0100"
branch_labels = None
depends_on = None

COLUMNS = (("postal_account", 12), ("postal_holder", 50), ("postal_permit", 60))


def upgrade() -> None:
    for name, length in COLUMNS:
        op.add_column("letter_sender", sa.Column(name, sa.String(length), nullable=False, server_default=""))


def downgrade() -> None:
    for name, _ in COLUMNS:
        op.drop_column("letter_sender", name)

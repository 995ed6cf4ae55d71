"""When people are called back is said by each contract.

Revision ID: 0075
Revises: 0074
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0075"
down_revision = "0074"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("contract", sa.Column("called_back", JSONB(), server_default="[]", nullable=False))


def downgrade() -> None:
    op.drop_column("contract", "called_back")

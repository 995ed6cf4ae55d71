"""Everybody may put the keys of his pages elsewhere, or switch them off.

Revision ID: 0048
Revises: 0047
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("app_user", sa.Column("shortcuts", JSONB(), nullable=False, server_default="{}"))


def downgrade() -> None:
    op.drop_column("app_user", "shortcuts")

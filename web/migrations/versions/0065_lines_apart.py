"""A number is closed and reopened by itself, and has thresholds of its own.

Revision ID: 0065
Revises: 0064
"""

import sqlalchemy as sa
from alembic import op

revision = "0065"
down_revision = "0064"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("phone_line", sa.Column("closed_at", sa.DateTime(timezone=True)))
    op.add_column("phone_line", sa.Column("closed_reason", sa.String(200), server_default="", nullable=False))
    op.add_column("alert_rule", sa.Column("line", sa.String(16), server_default="", nullable=False))


def downgrade() -> None:
    op.drop_column("alert_rule", "line")
    op.drop_column("phone_line", "closed_reason")
    op.drop_column("phone_line", "closed_at")

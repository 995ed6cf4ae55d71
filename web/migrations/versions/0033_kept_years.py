"""For how many years after the last act or payment an ente keeps what it has of somebody.

Revision ID: 0033
Revises: 0032
"""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("file_setting", sa.Column("kept_years", sa.SmallInteger(), nullable=False, server_default="10"))
    op.alter_column("file_setting", "kept_years", server_default=None)
    op.create_check_constraint(op.f("ck_file_setting_kept_years"), "file_setting", "kept_years BETWEEN 0 AND 40")


def downgrade() -> None:
    op.drop_column("file_setting", "kept_years")

"""Since when the carrier has a message no more: until then it is asked to delete it, also those of before.

Revision ID: 0040
Revises: 0039
"""

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("voicemail", sa.Column("let_go_at", sa.DateTime(timezone=True)))
    op.create_index(
        "ix_voicemail_let_go", "voicemail", ["left_at"],
        postgresql_where=sa.text("let_go_at IS NULL AND sha256 IS NOT NULL"),
    )  # fmt: skip


def downgrade() -> None:
    op.drop_index("ix_voicemail_let_go", table_name="voicemail")
    op.drop_column("voicemail", "let_go_at")

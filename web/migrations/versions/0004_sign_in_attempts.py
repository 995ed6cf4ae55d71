"""Attempts to sign in are counted.

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

from web.migrations.isolation import APP

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TABLE = "sign_in_attempt"


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name_hash", sa.String(length=64), nullable=False),
        sa.Column("place_hash", sa.String(length=64), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_attempt")),
    )
    for column in ("name_hash", "place_hash", "made_at"):
        op.create_index(op.f(f"ix_sign_in_attempt_{column}"), TABLE, [column], unique=False)
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {TABLE} TO {APP}")


def downgrade() -> None:
    op.drop_table(TABLE)

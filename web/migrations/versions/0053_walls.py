"""Rooms with a screen on the wall.

Revision ID: 0053
Revises: 0052
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from web.migrations.isolation import APP

revision = "0053"
down_revision = "0052"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "wall",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("contract_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("queue_ids", JSONB(), nullable=False),
        sa.Column("ente_ids", JSONB(), nullable=False),
        sa.Column("pages", JSONB(), nullable=False),
        sa.Column("seconds", sa.SmallInteger(), nullable=False),
        sa.Column("language", sa.String(2), nullable=False),
        sa.Column("look", sa.String(32), nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("made_by", sa.BigInteger(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True)),
        sa.Column("revoked_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("look IN ('dark', 'light')", name=op.f("ck_wall_wall_look")),
        sa.CheckConstraint("seconds BETWEEN 5 AND 600", name=op.f("ck_wall_seconds")),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name=op.f("fk_wall_contract_id")),
        sa.ForeignKeyConstraint(["made_by"], ["app_user.id"], name=op.f("fk_wall_made_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wall")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_wall_token_hash")),
    )
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON wall TO {APP}")


def downgrade() -> None:
    op.drop_table("wall")

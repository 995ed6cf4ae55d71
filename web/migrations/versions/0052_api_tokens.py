"""Tokens of the read API.

Revision ID: 0052
Revises: 0051
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

from web.migrations.isolation import APP, protect

revision = "0052"
down_revision = "0051"
branch_labels = None
depends_on = None


def upgrade() -> None:
    users = [
        sa.ForeignKeyConstraint([name], ["app_user.id"], name=op.f(f"fk_api_token_{name}"))
        for name in ("made_by", "revoked_by")
    ]
    op.create_table(
        "api_token",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("scopes", ARRAY(sa.String(20)), nullable=False),
        sa.Column("made_by", sa.BigInteger(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True)),
        sa.Column("full_at", sa.DateTime(timezone=True)),
        sa.Column("revoked_by", sa.BigInteger()),
        sa.Column("revoked_at", sa.DateTime(timezone=True)),
        sa.ForeignKeyConstraint(["ente_id"], ["ente.id"], name=op.f("fk_api_token_ente_id")),
        *users,
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_token")),
        sa.UniqueConstraint("ente_id", "digest", name=op.f("uq_api_token_ente_id_digest")),
    )
    for statement in protect("api_token"):
        op.execute(statement)
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON api_token TO {APP}")


def downgrade() -> None:
    op.drop_table("api_token")

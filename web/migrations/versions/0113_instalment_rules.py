"""The enti's own rules about instalments.

Revision ID: 0113
Revises: 0112
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from web.migrations.isolation import APP, protect

revision = "0113"
down_revision = "0112"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "instalment_rules",
        sa.Column("ente_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kept", JSONB(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["changed_by"], ["app_user.id"], name=op.f("fk_instalment_rules_changed_by")),
        sa.ForeignKeyConstraint(["ente_id"], ["ente.id"], name=op.f("fk_instalment_rules_ente_id")),
        sa.PrimaryKeyConstraint("ente_id", name=op.f("pk_instalment_rules")),
    )
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON instalment_rules TO {APP}")
    for statement in protect("instalment_rules"):
        op.execute(statement)


def downgrade() -> None:
    op.drop_table("instalment_rules")

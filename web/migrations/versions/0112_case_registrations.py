"""Cases that wait for their number of the ente's protocol.

Revision ID: 0112
Revises: 0111
"""

import sqlalchemy as sa
from alembic import op

from web.migrations.isolation import APP, protect

revision = "0112"
down_revision = "0111"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "case_registration",
        sa.Column("case_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True)),
        sa.Column("tries", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("trouble", sa.String(400), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["ente_id", "case_id"],
            ["case_request.ente_id", "case_request.id"],
            name=op.f("fk_case_registration_ente_id_case_id"),
        ),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_case_registration")),
    )
    op.create_index("ix_case_registration_due", "case_registration", ["ente_id", "due_at"])
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON case_registration TO {APP}")
    for statement in protect("case_registration"):
        op.execute(statement)


def downgrade() -> None:
    op.drop_table("case_registration")

"""Refused lines that are no records are told apart, and answers refused over HTTP are kept.

Revision ID: 0019
Revises: 0018
"""

import sqlalchemy as sa
from alembic import op

from web.migrations.isolation import APP, protect

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("import_run", sa.Column("besides", sa.BigInteger(), nullable=False, server_default="0"))
    op.alter_column("import_run", "besides", server_default=None)
    op.create_table(
        "answer_refusal",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("proposal", sa.String(36), nullable=False),
        sa.Column("reason", sa.String(400), nullable=False),
        sa.Column("heard_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["ente_id"], ["ente.id"], name=op.f("fk_answer_refusal_ente_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_answer_refusal")),
        sa.UniqueConstraint("ente_id", "proposal", "reason", name=op.f("uq_answer_refusal_ente_id_proposal_reason")),
    )
    for statement in protect("answer_refusal"):
        op.execute(statement)
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON answer_refusal TO {APP}")


def downgrade() -> None:
    op.drop_table("answer_refusal")
    op.drop_column("import_run", "besides")

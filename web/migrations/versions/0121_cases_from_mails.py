"""A case comes of a correspondence, and is told what is written in it later.

Revision ID: 0121
Revises: 0120
"""

import sqlalchemy as sa
from alembic import op

from web.migrations.choices import allow, forbid

revision = "0121"
down_revision = "0120"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("case_request", sa.Column("heard_at", sa.DateTime(timezone=True)))
    op.add_column("mail_thread", sa.Column("case_id", sa.BigInteger()))
    op.create_foreign_key(
        op.f("fk_mail_thread_ente_id_case_id"),
        "mail_thread",
        "case_request",
        ["ente_id", "case_id"],
        ["ente_id", "id"],
    )
    op.create_index(
        "ix_mail_thread_case_id", "mail_thread", ["case_id"], postgresql_where=sa.text("case_id IS NOT NULL")
    )
    allow("case_step", "deed", "deed", "hear")


def downgrade() -> None:
    forbid("case_step", "deed", "deed", "hear")
    op.drop_index("ix_mail_thread_case_id", "mail_thread")
    op.drop_constraint(op.f("fk_mail_thread_ente_id_case_id"), "mail_thread", type_="foreignkey")
    op.drop_column("mail_thread", "case_id")
    op.drop_column("case_request", "heard_at")

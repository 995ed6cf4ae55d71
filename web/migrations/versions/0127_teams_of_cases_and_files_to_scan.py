"""Teams that cases are given to; files about which a scanner gave no answer are found, and may be looked at again.

Revision ID: 0127
Revises: 0126
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

from web.migrations.isolation import APP

revision = "0127"
down_revision = "0126"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "case_team",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("contract_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("topics", ARRAY(sa.String(32)), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name=op.f("fk_case_team_contract_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_team")),
        sa.UniqueConstraint("contract_id", "name", name=op.f("uq_case_team_contract_id_name")),
        sa.UniqueConstraint("contract_id", "id", name=op.f("uq_case_team_contract_id_id")),
    )
    op.create_table(
        "case_team_member",
        sa.Column("team_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["team_id"], ["case_team.id"], name=op.f("fk_case_team_member_team_id")),
        sa.ForeignKeyConstraint(["user_id"], ["app_user.id"], name=op.f("fk_case_team_member_user_id")),
        sa.PrimaryKeyConstraint("team_id", "user_id", name=op.f("pk_case_team_member")),
    )
    op.create_index("ix_case_team_member_user_id", "case_team_member", ["user_id"])
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON case_team TO {APP}")
    op.execute(f"GRANT SELECT, INSERT, DELETE ON case_team_member TO {APP}")
    op.add_column("case_request", sa.Column("team_id", sa.BigInteger()))
    op.create_foreign_key(
        op.f("fk_case_request_contract_id_team_id"), "case_request", "case_team", ["contract_id", "team_id"],
        ["contract_id", "id"],
    )  # fmt: skip
    op.create_index(
        "ix_case_request_team_id", "case_request", ["team_id"],
        postgresql_where=sa.text("state <> 'closed' AND team_id IS NOT NULL"),
    )  # fmt: skip
    failed = sa.text("scan = 'failed'")
    op.create_index("ix_case_document_not_answered", "case_document", ["ente_id"], postgresql_where=failed)
    op.create_index("ix_mail_attachment_not_answered", "mail_attachment", ["id"], postgresql_where=failed)
    op.execute(f"GRANT UPDATE (scan) ON case_document TO {APP}")


def downgrade() -> None:
    op.execute(f"REVOKE UPDATE (scan) ON case_document FROM {APP}")
    op.drop_index("ix_mail_attachment_not_answered", "mail_attachment")
    op.drop_index("ix_case_document_not_answered", "case_document")
    op.drop_column("case_request", "team_id")
    op.drop_table("case_team_member")
    op.drop_table("case_team")

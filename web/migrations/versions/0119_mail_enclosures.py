"""Files that go with answers to mails, and templates of such answers.

Revision ID: 0119
Revises: 0118
"""

import sqlalchemy as sa
from alembic import op

from web.migrations.choices import allow, forbid
from web.migrations.isolation import APP, protect

revision = "0119"
down_revision = "0118"
branch_labels = None
depends_on = None

KINDS = ("pdf", "image", "document", "signed", "archive", "message", "text", "markup", "program", "other")
SCANS = ("not_scanned", "failed", "clean", "infected")


def upgrade() -> None:
    op.create_table(
        "mail_enclosure",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("contract_id", sa.BigInteger(), nullable=False),
        sa.Column("thread_id", sa.Uuid(), nullable=False),
        sa.Column("mail_id", sa.Uuid()),
        sa.Column("agent_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("kind", _choice("file_kind", *KINDS), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("scan", _choice("scan", *SCANS), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["agent_id"], ["app_user.id"], name=op.f("fk_mail_enclosure_agent_id")),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name=op.f("fk_mail_enclosure_contract_id")),
        sa.ForeignKeyConstraint(["ente_id"], ["ente.id"], name=op.f("fk_mail_enclosure_ente_id")),
        sa.ForeignKeyConstraint(["mail_id"], ["mail.id"], name=op.f("fk_mail_enclosure_mail_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["thread_id"], ["mail_thread.id"], name=op.f("fk_mail_enclosure_thread_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail_enclosure")),
    )
    op.create_index("ix_mail_enclosure_thread_id", "mail_enclosure", ["thread_id", "agent_id"])
    op.create_index(
        "ix_mail_enclosure_mail_id", "mail_enclosure", ["mail_id"], postgresql_where=sa.text("mail_id IS NOT NULL")
    )
    op.create_index("ix_mail_enclosure_ente_id_sha256", "mail_enclosure", ["ente_id", "sha256"])
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON mail_enclosure TO {APP}")
    for statement in protect("mail_enclosure"):
        op.execute(statement)
    allow("knowledge_piece", "piece_kind", "kind", "reply")


def downgrade() -> None:
    forbid("knowledge_piece", "piece_kind", "kind", "reply")
    op.drop_table("mail_enclosure")


def _choice(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)

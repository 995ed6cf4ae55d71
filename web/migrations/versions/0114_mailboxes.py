"""Mailboxes: where they are, what opens them, up to where they were read.

Revision ID: 0114
Revises: 0113
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from web.migrations.isolation import APP, protect_unattributed

revision = "0114"
down_revision = "0113"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "mailbox",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("contract_id", sa.BigInteger(), nullable=False),
        sa.Column("ente_id", sa.BigInteger()),
        sa.Column("queue_id", sa.BigInteger()),
        sa.Column("kind", _choice("mailbox_kind", "email", "pec"), nullable=False),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("address", sa.String(254), nullable=False),
        sa.Column("imap_host", sa.String(253), nullable=False),
        sa.Column("imap_port", sa.BigInteger(), nullable=False),
        sa.Column("imap_tls", _choice("imap_tls", "tls", "starttls", "none"), nullable=False),
        sa.Column("smtp_host", sa.String(253), nullable=False),
        sa.Column("smtp_port", sa.BigInteger(), nullable=False),
        sa.Column("smtp_tls", _choice("smtp_tls", "tls", "starttls", "none"), nullable=False),
        sa.Column("folder", sa.String(120), nullable=False),
        sa.Column("username", sa.String(254), nullable=False),
        sa.Column("auth", _choice("auth", "password", "oauth2"), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("acknowledges", sa.Boolean(), nullable=False),
        sa.Column("signature", sa.String(1000), nullable=False),
        sa.Column("topics", JSONB(), nullable=False),
        sa.Column("made_by", sa.BigInteger(), nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.Column("closed_at", INSTANT),
        sa.Column("uidvalidity", sa.BigInteger()),
        sa.Column("last_uid", sa.BigInteger(), nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("leased_by", sa.Uuid()),
        sa.Column("leased_until", INSTANT),
        sa.Column("good_at", INSTANT),
        sa.Column("failing_since", INSTANT),
        sa.Column("trouble", _choice("trouble", "away", "insecure", "credentials", "no_folder", "refused", "store")),
        sa.CheckConstraint("(failing_since IS NULL) = (trouble IS NULL)", name=op.f("ck_mailbox_failing")),
        sa.CheckConstraint("(leased_by IS NULL) = (leased_until IS NULL)", name=op.f("ck_mailbox_lease")),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name=op.f("fk_mailbox_contract_id")),
        sa.ForeignKeyConstraint(["ente_id"], ["ente.id"], name=op.f("fk_mailbox_ente_id")),
        sa.ForeignKeyConstraint(["made_by"], ["app_user.id"], name=op.f("fk_mailbox_made_by")),
        sa.ForeignKeyConstraint(["queue_id"], ["queue.id"], name=op.f("fk_mailbox_queue_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mailbox")),
    )
    op.create_index("ix_mailbox_contract_id", "mailbox", ["contract_id"])
    op.create_index(
        "uq_mailbox_address", "mailbox", ["address"], unique=True, postgresql_where=sa.text("closed_at IS NULL")
    )
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON mailbox TO {APP}")
    for statement in protect_unattributed("mailbox"):
        op.execute(statement)


def downgrade() -> None:
    op.drop_table("mailbox")


def _choice(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)

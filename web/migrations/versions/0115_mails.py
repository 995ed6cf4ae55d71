"""Mails, the threads that they make, what is attached to them, receipts of certified mail.

Revision ID: 0115
Revises: 0114
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from web.migrations.choices import allow, forbid
from web.migrations.isolation import APP, protect_unattributed

revision = "0115"
down_revision = "0114"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
TABLES = ("mail_thread", "mail", "mail_attachment", "pec_receipt")


def upgrade() -> None:
    op.create_table(
        "mail_thread",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("contract_id", sa.BigInteger(), nullable=False),
        sa.Column("ente_id", sa.BigInteger()),
        sa.Column("mailbox_id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.String(10), nullable=False),
        sa.Column("subject", sa.String(300), nullable=False),
        sa.Column("snippet", sa.String(200), nullable=False),
        sa.Column("correspondent", sa.String(254), nullable=False),
        sa.Column("correspondent_name", sa.String(120), nullable=False),
        sa.Column("state", _choice("mail_thread_state", "open", "answered", "aside", "closed"), nullable=False),
        sa.Column("contact_id", sa.BigInteger()),
        sa.Column("matched", _choice("matched", "verified", "proposed", "agent")),
        sa.Column("suggested", sa.String(40)),
        sa.Column("topic", sa.String(40)),
        sa.Column("assignee_id", sa.BigInteger()),
        sa.Column("begun_at", INSTANT, nullable=False),
        sa.Column("last_at", INSTANT, nullable=False),
        sa.Column("waiting_since", INSTANT),
        sa.Column("closed_at", INSTANT),
        sa.Column("answering_id", sa.BigInteger()),
        sa.Column("answering_at", INSTANT),
        sa.Column("mails", sa.SmallInteger(), nullable=False),
        sa.Column("attachments", sa.SmallInteger(), nullable=False),
        sa.Column("trouble", sa.Boolean(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("(state = 'open') = (waiting_since IS NOT NULL)", name=op.f("ck_mail_thread_waits")),
        sa.CheckConstraint("(contact_id IS NULL) = (matched IS NULL)", name=op.f("ck_mail_thread_contact")),
        sa.CheckConstraint("(state = 'closed') = (closed_at IS NOT NULL)", name=op.f("ck_mail_thread_closed")),
        sa.ForeignKeyConstraint(["answering_id"], ["app_user.id"], name=op.f("fk_mail_thread_answering_id")),
        sa.ForeignKeyConstraint(["assignee_id"], ["app_user.id"], name=op.f("fk_mail_thread_assignee_id")),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name=op.f("fk_mail_thread_contract_id")),
        sa.ForeignKeyConstraint(["ente_id"], ["ente.id"], name=op.f("fk_mail_thread_ente_id")),
        sa.ForeignKeyConstraint(
            ["ente_id", "contact_id"], ["contact.ente_id", "contact.id"], name=op.f("fk_mail_thread_ente_id_contact_id")
        ),
        sa.ForeignKeyConstraint(["mailbox_id"], ["mailbox.id"], name=op.f("fk_mail_thread_mailbox_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail_thread")),
        sa.UniqueConstraint("code", name=op.f("uq_mail_thread_code")),
    )
    op.create_index("ix_mail_thread_assignee_id", "mail_thread", ["assignee_id", "state", "last_at"])
    op.create_index(
        "ix_mail_thread_contact_id", "mail_thread", ["contact_id"], postgresql_where=sa.text("contact_id IS NOT NULL")
    )
    op.create_index("ix_mail_thread_correspondent", "mail_thread", ["correspondent"])
    op.create_index("ix_mail_thread_mailbox_id", "mail_thread", ["mailbox_id", "state", "last_at", "id"])
    op.create_index(
        "ix_mail_thread_waiting", "mail_thread", ["waiting_since", "id"], postgresql_where=sa.text("state = 'open'")
    )
    op.create_index("ix_mail_thread_state", "mail_thread", ["state", "last_at", "id"])
    op.create_table(
        "mail",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("thread_id", sa.Uuid(), nullable=False),
        sa.Column("contract_id", sa.BigInteger(), nullable=False),
        sa.Column("ente_id", sa.BigInteger()),
        sa.Column("mailbox_id", sa.BigInteger(), nullable=False),
        sa.Column("inbound", sa.Boolean(), nullable=False),
        sa.Column("uidvalidity", sa.BigInteger()),
        sa.Column("uid", sa.BigInteger()),
        sa.Column("message_id", sa.String(250), nullable=False),
        sa.Column("answers", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(64)),
        sa.Column("kept_under", sa.BigInteger()),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sender", sa.String(254), nullable=False),
        sa.Column("sender_name", sa.String(120), nullable=False),
        sa.Column("recipients", JSONB(), nullable=False),
        sa.Column("subject", sa.String(300), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("has_html", sa.Boolean(), nullable=False),
        sa.Column("cut", sa.Boolean(), nullable=False),
        sa.Column(
            "nature", _choice("nature", "person", "automatic", "bounce", "list", "loop", "receipt"), nullable=False
        ),
        sa.Column(
            "pec",
            _choice(
                "pec_kind",
                "transport",
                "anomaly",
                "accepted",
                "not_accepted",
                "taken",
                "delivered",
                "not_delivered",
                "warned",
                "virus",
            ),
        ),
        sa.Column("proof", _choice("proof", "unsigned", "unchecked", "untrusted", "broken", "valid")),
        sa.Column("sent_at", INSTANT),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("taken_at", INSTANT, nullable=False),
        sa.Column("answered_at", INSTANT),
        sa.Column("agent_id", sa.BigInteger()),
        sa.Column("outbox_id", sa.Uuid()),
        sa.CheckConstraint("(digest IS NULL) = (kept_under IS NULL)", name=op.f("ck_mail_kept")),
        sa.ForeignKeyConstraint(["agent_id"], ["app_user.id"], name=op.f("fk_mail_agent_id")),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name=op.f("fk_mail_contract_id")),
        sa.ForeignKeyConstraint(["ente_id"], ["ente.id"], name=op.f("fk_mail_ente_id")),
        sa.ForeignKeyConstraint(["kept_under"], ["ente.id"], name=op.f("fk_mail_kept_under")),
        sa.ForeignKeyConstraint(["mailbox_id"], ["mailbox.id"], name=op.f("fk_mail_mailbox_id")),
        sa.ForeignKeyConstraint(["thread_id"], ["mail_thread.id"], name=op.f("fk_mail_thread_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail")),
        sa.UniqueConstraint("mailbox_id", "uidvalidity", "uid", name=op.f("uq_mail_mailbox_id_uidvalidity_uid")),
    )
    op.create_index("ix_mail_message_id", "mail", ["message_id"])
    op.create_index(
        "ix_mail_outbox_id", "mail", ["outbox_id"], unique=True, postgresql_where=sa.text("outbox_id IS NOT NULL")
    )
    op.create_index("ix_mail_thread_id", "mail", ["thread_id", "at"])
    op.create_index(
        "ix_mail_to_answer", "mail", ["contract_id", "at"], postgresql_where=sa.text("inbound AND nature = 'person'")
    )
    op.create_index(
        "uq_mail_taken_once",
        "mail",
        ["mailbox_id", "message_id", "digest"],
        unique=True,
        postgresql_where=sa.text("inbound AND digest IS NOT NULL"),
    )
    op.create_table(
        "mail_attachment",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("mail_id", sa.Uuid(), nullable=False),
        sa.Column("contract_id", sa.BigInteger(), nullable=False),
        sa.Column("ente_id", sa.BigInteger()),
        sa.Column("part", sa.SmallInteger(), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("media_type", sa.String(80), nullable=False),
        sa.Column(
            "kind",
            _choice(
                "file_kind",
                "pdf",
                "image",
                "document",
                "signed",
                "archive",
                "message",
                "text",
                "markup",
                "program",
                "other",
            ),
            nullable=False,
        ),
        sa.Column("doubtful", sa.Boolean(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("scan", _choice("scan", "not_scanned", "failed", "clean", "infected"), nullable=False),
        sa.Column("virus", sa.String(120), nullable=False),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name=op.f("fk_mail_attachment_contract_id")),
        sa.ForeignKeyConstraint(["ente_id"], ["ente.id"], name=op.f("fk_mail_attachment_ente_id")),
        sa.ForeignKeyConstraint(["mail_id"], ["mail.id"], name=op.f("fk_mail_attachment_mail_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail_attachment")),
        sa.UniqueConstraint("mail_id", "part", name=op.f("uq_mail_attachment_mail_id_part")),
    )
    op.create_table(
        "pec_receipt",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("mail_id", sa.Uuid(), nullable=False),
        sa.Column("contract_id", sa.BigInteger(), nullable=False),
        sa.Column("ente_id", sa.BigInteger()),
        sa.Column("of_mail_id", sa.Uuid()),
        sa.Column(
            "kind",
            _choice(
                "pec_kind",
                "transport",
                "anomaly",
                "accepted",
                "not_accepted",
                "taken",
                "delivered",
                "not_delivered",
                "warned",
                "virus",
            ),
            nullable=False,
        ),
        sa.Column("original_id", sa.String(250), nullable=False),
        sa.Column("recipient", sa.String(254), nullable=False),
        sa.Column("provider", sa.String(120), nullable=False),
        sa.Column("identifier", sa.String(200), nullable=False),
        sa.Column("error", sa.String(400), nullable=False),
        sa.Column("at", INSTANT),
        sa.Column("believed", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name=op.f("fk_pec_receipt_contract_id")),
        sa.ForeignKeyConstraint(["ente_id"], ["ente.id"], name=op.f("fk_pec_receipt_ente_id")),
        sa.ForeignKeyConstraint(["mail_id"], ["mail.id"], name=op.f("fk_pec_receipt_mail_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["of_mail_id"], ["mail.id"], name=op.f("fk_pec_receipt_of_mail_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pec_receipt")),
        sa.UniqueConstraint("mail_id", name=op.f("uq_pec_receipt_mail_id")),
    )
    op.create_index("ix_pec_receipt_of_mail_id", "pec_receipt", ["of_mail_id"])
    for table in TABLES:
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {APP}")
        for statement in protect_unattributed(table):
            op.execute(statement)
    allow("timeline_entry", "entry_kind", "kind", "mail")


def downgrade() -> None:
    forbid("timeline_entry", "entry_kind", "kind", "mail")
    for table in reversed(TABLES):
        op.drop_table(table)


def _choice(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)

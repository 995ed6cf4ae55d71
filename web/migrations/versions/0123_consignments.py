"""Documents of cases that are handed to their taxpayer by a one-time code.

Revision ID: 0123
Revises: 0122
"""

import sqlalchemy as sa
from alembic import op

from web.migrations.choices import allow, forbid
from web.migrations.isolation import APP, protect

revision = "0123"
down_revision = "0122"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
TABLES = ("case_consignment", "case_consigned_document")
DEEDS = ("consign", "recall", "read")


def upgrade() -> None:
    op.create_table(
        "case_consignment",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=False),
        sa.Column("language", sa.String(2), nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.Column("made_by", sa.BigInteger(), nullable=False),
        sa.Column("until", INSTANT, nullable=False),
        sa.Column("withdrawn_at", INSTANT),
        sa.Column(
            "code_channel",
            sa.Enum(
                "sms", "email", "pec", name="message_channel", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column("code_address", sa.String(254), nullable=False),
        sa.Column("code_mark", sa.LargeBinary()),
        sa.Column("code_until", INSTANT),
        sa.Column("code_tries", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("codes_sent", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("codes_since", INSTANT),
        sa.Column("pass_mark", sa.LargeBinary()),
        sa.Column("pass_until", INSTANT),
        sa.ForeignKeyConstraint(
            ["ente_id", "case_id"],
            ["case_request.ente_id", "case_request.id"],
            name=op.f("fk_case_consignment_ente_id_case_id"),
        ),
        sa.ForeignKeyConstraint(
            ["ente_id", "contact_id"],
            ["contact.ente_id", "contact.id"],
            name=op.f("fk_case_consignment_ente_id_contact_id"),
        ),
        sa.ForeignKeyConstraint(["made_by"], ["app_user.id"], name=op.f("fk_case_consignment_made_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_consignment")),
    )
    op.create_index("ix_case_consignment_case_id", "case_consignment", ["case_id"])
    op.create_index("ix_case_consignment_contact_id", "case_consignment", ["contact_id"])
    op.create_table(
        "case_consigned_document",
        sa.Column("consignment_id", sa.Uuid(), nullable=False),
        sa.Column("document_id", sa.Uuid(), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("opened_at", INSTANT),
        sa.ForeignKeyConstraint(
            ["consignment_id"], ["case_consignment.id"], name=op.f("fk_case_consigned_document_consignment_id")
        ),
        sa.ForeignKeyConstraint(
            ["document_id"], ["case_document.id"], name=op.f("fk_case_consigned_document_document_id")
        ),
        sa.PrimaryKeyConstraint("consignment_id", "document_id", name=op.f("pk_case_consigned_document")),
    )
    op.create_index("ix_case_consigned_document_document_id", "case_consigned_document", ["document_id"])
    allow("case_step", "deed", "deed", *DEEDS)
    for table in TABLES:
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {APP}")
        for statement in protect(table):
            op.execute(statement)


def downgrade() -> None:
    op.execute("DELETE FROM case_step WHERE deed IN ('consign', 'recall', 'read')")
    forbid("case_step", "deed", "deed", *DEEDS)
    for table in reversed(TABLES):
        op.drop_table(table)

"""What citizens send from the pages: drafts with their files, who sent a case.

Revision ID: 0124
Revises: 0121
"""

import sqlalchemy as sa
from alembic import op

from web.migrations.choices import allow, forbid
from web.migrations.isolation import APP, protect

revision = "0124"
down_revision = "0121"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
TABLES = ("submission_draft", "submission_file", "case_sender")
TOPICS = (
    "instalments", "relief", "refund", "suspension", "annulment", "self_correction", "access", "complaint",
    "information", "data_protection", "forms", "papers", "litigation", "insolvency", "renotification",
)  # fmt: skip
SCANS = ("not_scanned", "failed", "clean", "infected")


def _choice(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)


def upgrade() -> None:
    op.create_table(
        "submission_draft",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("topic", _choice("topic", *TOPICS), nullable=False),
        sa.Column("language", sa.String(2), nullable=False),
        sa.Column("told", sa.LargeBinary()),
        sa.Column("case_id", sa.BigInteger()),
        sa.Column("changed_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["ente_id"], ["ente.id"], name=op.f("fk_submission_draft_ente_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_submission_draft")),
    )
    op.create_index("ix_submission_draft_ente_id_changed_at", "submission_draft", ["ente_id", "changed_at"])
    op.create_table(
        "submission_file",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("draft_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("media_type", sa.String(80), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("scan", _choice("scan", *SCANS), nullable=False),
        sa.Column("added_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["draft_id"], ["submission_draft.id"], name=op.f("fk_submission_file_draft_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_submission_file")),
    )
    op.create_index("ix_submission_file_draft_id", "submission_file", ["draft_id"])
    op.create_index("ix_submission_file_ente_id_sha256", "submission_file", ["ente_id", "sha256"])
    op.create_table(
        "case_sender",
        sa.Column("case_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("language", sa.String(2), nullable=False),
        sa.Column("given_name", sa.String(80), nullable=False),
        sa.Column("surname", sa.String(160), nullable=False),
        sa.Column("codice_fiscale", sa.String(16), nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("phone", sa.String(30), nullable=False),
        sa.Column("page", sa.String(160), nullable=False),
        sa.ForeignKeyConstraint(
            ["ente_id", "case_id"],
            ["case_request.ente_id", "case_request.id"],
            name=op.f("fk_case_sender_ente_id_case_id"),
        ),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_case_sender")),
    )
    op.alter_column("case_document", "added_by", existing_type=sa.BigInteger(), nullable=True)
    op.add_column("case_document", sa.Column("scan", _choice("scan", *SCANS)))
    op.add_column("case_pause", sa.Column("papers", sa.String(1000), server_default="", nullable=False))
    allow("case_step", "deed", "deed", "identify")
    for table in TABLES:
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {APP}")
        for statement in protect(table):
            op.execute(statement)


def downgrade() -> None:
    op.execute("DELETE FROM case_step WHERE deed = 'identify'")
    forbid("case_step", "deed", "deed", "identify")
    op.drop_column("case_pause", "papers")
    op.drop_column("case_document", "scan")
    for table in reversed(TABLES):
        op.drop_table(table)
    op.execute("UPDATE case_document SET added_by = (SELECT min(id) FROM app_user) WHERE added_by IS NULL")
    op.alter_column("case_document", "added_by", existing_type=sa.BigInteger(), nullable=False)

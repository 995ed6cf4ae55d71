"""A refused line says what it is about: whoever it is about is not as up to date as the feed.

Revision ID: 0032
Revises: 0031
"""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("import_refusal", sa.Column("of", sa.String(32)))
    op.add_column("import_refusal", sa.Column("key", sa.String(60)))
    op.add_column("import_refusal", sa.Column("codice_fiscale", sa.String(16)))
    of = "of IN ('taxpayer', 'position', 'document')"
    op.create_check_constraint(op.f("ck_import_refusal_of"), "import_refusal", of)
    op.create_index(
        "ix_import_refusal_whose", "import_refusal", ["ente_id", "codice_fiscale"],
        postgresql_where=sa.text("NOT taken AND codice_fiscale IS NOT NULL"),
    )  # fmt: skip
    op.create_index(
        "ix_import_refusal_nobodys", "import_refusal", ["ente_id", "key"],
        postgresql_where=sa.text("NOT taken AND codice_fiscale IS NULL AND of = 'position'"),
    )  # fmt: skip
    op.create_index(
        "ix_import_run_unlisted", "import_run", ["ente_id", "as_of"],
        postgresql_where=sa.text("refused + warned + waiting > 10000"),
    )  # fmt: skip


def downgrade() -> None:
    op.drop_index("ix_import_run_unlisted", table_name="import_run")
    op.drop_index("ix_import_refusal_nobodys", table_name="import_refusal")
    op.drop_index("ix_import_refusal_whose", table_name="import_refusal")
    for column in ("codice_fiscale", "key", "of"):
        op.drop_column("import_refusal", column)

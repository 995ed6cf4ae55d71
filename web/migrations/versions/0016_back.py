"""Documents may be withdrawn, and fetched over HTTP; proposals are delivered over HTTP, and answers asked for.

Revision ID: 0016
Revises: 0015
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
KEYED = ("import_named", "withdrawn_key")
SOURCE = "collection_source"
TAKES = "uq_collection_source_takes_proposals"


def upgrade() -> None:
    _of("'taxpayer', 'position', 'document'")
    op.add_column("document", sa.Column("tried_at", INSTANT))
    op.add_column("document", sa.Column("trouble", sa.String(200)))
    op.add_column(SOURCE, sa.Column("takes_proposals", sa.Boolean(), nullable=False, server_default="false"))
    op.alter_column(SOURCE, "takes_proposals", server_default=None)
    op.add_column(SOURCE, sa.Column("answers_cursor", sa.String(200)))
    op.add_column(SOURCE, sa.Column("answers_due_at", INSTANT))
    op.create_index(TAKES, SOURCE, ["ente_id"], unique=True, postgresql_where=sa.text("takes_proposals"))


def _of(kinds: str) -> None:
    for table in KEYED:
        op.drop_constraint(op.f(f"ck_{table}_of"), table, type_="check")
        op.create_check_constraint(op.f(f"ck_{table}_of"), table, f'"of" IN ({kinds})')


def downgrade() -> None:
    op.drop_index(TAKES, SOURCE)
    for name in ("answers_due_at", "answers_cursor", "takes_proposals"):
        op.drop_column(SOURCE, name)
    for name in ("trouble", "tried_at"):
        op.drop_column("document", name)
    for table in KEYED:
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        op.execute(sa.delete(sa.table(table, sa.column("of"))).where(sa.column("of") == "document"))
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    _of("'taxpayer', 'position'")

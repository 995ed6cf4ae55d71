"""A consent written by mistake is annulled by a row of its own.

Revision ID: 0014
Revises: 0012
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this revision."""
    op.add_column("consent", sa.Column("annuls_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(op.f("fk_consent_annuls_id"), "consent", "consent", ["annuls_id"], ["id"])


def downgrade() -> None:
    """Go back: a mistake can no longer be told from a consent, so both go."""
    op.execute("ALTER TABLE consent NO FORCE ROW LEVEL SECURITY")
    op.execute(
        "WITH mistakes AS (SELECT id, annuls_id FROM consent WHERE annuls_id IS NOT NULL)"
        " DELETE FROM consent WHERE id IN (SELECT id FROM mistakes UNION SELECT annuls_id FROM mistakes)"
    )
    op.execute("ALTER TABLE consent FORCE ROW LEVEL SECURITY")
    op.drop_constraint(op.f("fk_consent_annuls_id"), "consent", type_="foreignkey")
    op.drop_column("consent", "annuls_id")

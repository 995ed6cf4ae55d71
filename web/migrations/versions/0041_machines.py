"""A callback that an answering machine took is an attempt: what had been counted as an answer was none.

Revision ID: 0041
Revises: 0040
"""

from alembic import op

from web.migrations.choices import allow, forbid

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    allow("service_fact", "fact_kind", "kind", "not_reached")


def downgrade() -> None:
    op.execute("ALTER TABLE service_fact NO FORCE ROW LEVEL SECURITY")
    op.execute("DELETE FROM service_fact WHERE kind = 'not_reached'")
    op.execute("ALTER TABLE service_fact FORCE ROW LEVEL SECURITY")
    forbid("service_fact", "fact_kind", "kind", "not_reached")

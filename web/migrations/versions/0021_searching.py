"""Unusual reading is of searches as well as of files.

Revision ID: 0021
Revises: 0020
"""

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

RULES = "'hour', 'day', 'unusual'"


def upgrade() -> None:
    op.alter_column("reading_alert", "files", new_column_name="count")
    _allow(f"{RULES}, 'searches'")


def downgrade() -> None:
    op.execute("ALTER TABLE reading_alert NO FORCE ROW LEVEL SECURITY")
    op.execute("DELETE FROM reading_alert WHERE rule = 'searches'")
    op.execute("ALTER TABLE reading_alert FORCE ROW LEVEL SECURITY")
    _allow(RULES)
    op.alter_column("reading_alert", "count", new_column_name="files")


def _allow(rules: str) -> None:
    op.drop_constraint(op.f("ck_reading_alert_reading_rule"), "reading_alert")
    op.create_check_constraint(op.f("ck_reading_alert_reading_rule"), "reading_alert", f"rule IN ({rules})")

"""How many acts fall due, or were notified, on the days of a period: without reading every position.

Revision ID: 0063
Revises: 0062
"""

import sqlalchemy as sa
from alembic import op

revision = "0063"
down_revision = "0062"
branch_labels = None
depends_on = None

THERE = sa.text("withdrawn_as_of IS NULL")


def upgrade() -> None:
    for name in ("due_on", "notified_on"):
        op.create_index(f"ix_position_ente_id_{name}", "position", ["ente_id", name], postgresql_where=THERE)


def downgrade() -> None:
    for name in ("notified_on", "due_on"):
        op.drop_index(f"ix_position_ente_id_{name}", "position")

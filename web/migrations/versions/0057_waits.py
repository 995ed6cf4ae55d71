"""How long calls waited is read from the facts with which their waits ended, a period at a time.

Revision ID: 0057
Revises: 0056
"""

import sqlalchemy as sa
from alembic import op

revision = "0057"
down_revision = "0056"
branch_labels = None
depends_on = None

INDEX = "ix_service_fact_ended"


def upgrade() -> None:
    op.create_index(
        INDEX, "service_fact", ["contract_id", "occurred_at"],
        postgresql_where=sa.text("kind IN ('served', 'left', 'callback', 'not_reached')"),
    )  # fmt: skip


def downgrade() -> None:
    op.drop_index(INDEX, "service_fact")

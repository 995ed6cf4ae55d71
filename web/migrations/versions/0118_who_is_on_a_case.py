"""Who is writing something about a case: whoever else looks at it sees that.

Revision ID: 0118
Revises: 0117
"""

import sqlalchemy as sa
from alembic import op

revision = "0118"
down_revision = "0117"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("case_request", sa.Column("busy_id", sa.BigInteger()))
    op.add_column("case_request", sa.Column("busy_at", sa.DateTime(timezone=True)))
    op.create_foreign_key(op.f("fk_case_request_busy_id"), "case_request", "app_user", ["busy_id"], ["id"])


def downgrade() -> None:
    op.drop_constraint(op.f("fk_case_request_busy_id"), "case_request", type_="foreignkey")
    op.drop_column("case_request", "busy_at")
    op.drop_column("case_request", "busy_id")

"""A closed period judged again is a further version beside the first, with who wanted it and why.

Revision ID: 0074
Revises: 0073
"""

import sqlalchemy as sa
from alembic import op

revision = "0074"
down_revision = "0073"
branch_labels = None
depends_on = None

NAME = "uq_closed_period_contract_id_ente_id_first_last"
KEY = ["contract_id", "ente_id", "first", "last"]


def upgrade() -> None:
    op.add_column("closed_period", sa.Column("version", sa.SmallInteger(), nullable=False, server_default="1"))
    op.add_column("closed_period", sa.Column("reason", sa.String(400), nullable=False, server_default=""))
    op.drop_constraint(NAME, "closed_period")
    op.create_unique_constraint(
        f"{NAME}_version", "closed_period", [*KEY, "version"], postgresql_nulls_not_distinct=True
    )
    op.create_check_constraint(op.f("ck_closed_period_version"), "closed_period", "version >= 1")


def downgrade() -> None:
    """The first version of each stays."""
    op.execute("ALTER TABLE closed_period NO FORCE ROW LEVEL SECURITY")
    op.execute("DELETE FROM closed_period WHERE version > 1")
    op.execute("ALTER TABLE closed_period FORCE ROW LEVEL SECURITY")
    op.drop_constraint(op.f("ck_closed_period_version"), "closed_period")
    op.drop_constraint(f"{NAME}_version", "closed_period")
    op.create_unique_constraint(NAME, "closed_period", KEY, postgresql_nulls_not_distinct=True)
    op.drop_column("closed_period", "reason")
    op.drop_column("closed_period", "version")

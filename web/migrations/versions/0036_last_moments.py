"""How a call's last moments were: when the agent, who hung up, was gone.

Revision ID: 0036
Revises: 0033
"""

import sqlalchemy as sa
from alembic import op

from web.migrations.choices import allow, forbid

revision = "0036"
down_revision = "0033"
branch_labels = None
depends_on = None

FACTS = ("parted",)
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("call", sa.Column("parted_at", INSTANT))
    allow("service_fact", "fact_kind", "kind", *FACTS)


def downgrade() -> None:
    for table in ("call", "service_fact"):
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.execute("DELETE FROM service_fact WHERE kind IN ('parted')")
    for table in ("call", "service_fact"):
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    forbid("service_fact", "fact_kind", "kind", *FACTS)
    op.drop_column("call", "parted_at")

"""How a call's last moments were: when the agent, who hung up, was gone. Calls that the menu put through outside.

Revision ID: 0036
Revises: 0035
"""

import sqlalchemy as sa
from alembic import op

from web.migrations.choices import allow, forbid

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

FACTS = ("parted", "put_through")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    for name in ("parted_at", "put_through_at"):
        op.add_column("call", sa.Column(name, INSTANT))
    allow("call", "outcome", "outcome", "put_through")
    allow("service_fact", "fact_kind", "kind", *FACTS)


def downgrade() -> None:
    for table in ("call", "service_fact"):
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.execute("DELETE FROM service_fact WHERE kind IN ('parted', 'put_through')")
    op.execute("UPDATE call SET outcome = 'left_ivr' WHERE outcome = 'put_through'")
    for table in ("call", "service_fact"):
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    forbid("service_fact", "fact_kind", "kind", *FACTS)
    forbid("call", "outcome", "outcome", "put_through")
    for name in ("put_through_at", "parted_at"):
        op.drop_column("call", name)

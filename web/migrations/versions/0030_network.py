"""How our account stands with the carrier.

Revision ID: 0030
Revises: 0026
"""

import sqlalchemy as sa
from alembic import op

from web.migrations.isolation import APP, ROUTING

revision = "0030"
down_revision = "0026"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "carrier_standing",
        sa.Column("account", sa.String(34), nullable=False),
        sa.Column("next_call_at", INSTANT),
        sa.Column("failing_since", INSTANT),
        sa.PrimaryKeyConstraint("account", name=op.f("pk_carrier_standing")),
    )
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON carrier_standing TO {APP}, {ROUTING}")
    op.execute("UPDATE phone_line SET told_at = NULL")  # the carrier is told of the address of last resort, too


def downgrade() -> None:
    op.drop_table("carrier_standing")

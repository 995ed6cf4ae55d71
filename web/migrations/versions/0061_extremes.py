"""The shortest and the longest calls of an hour beside its counters.

What is counted already is marked as unsettled, which has the engine read it from the facts, the latest days first.

Revision ID: 0061
Revises: 0060
"""

import sqlalchemy as sa
from alembic import op

revision = "0061"
down_revision = "0060"
branch_labels = None
depends_on = None

EXTREMES = ("shortest_talk_ms", "longest_talk_ms", "shortest_wait_ms", "longest_wait_ms")


def upgrade() -> None:
    for name in EXTREMES:
        op.add_column("service_hour", sa.Column(name, sa.BigInteger()))
    op.add_column("service_hour", sa.Column("unsettled", sa.Boolean(), nullable=False, server_default="false"))
    op.execute("ALTER TABLE service_hour NO FORCE ROW LEVEL SECURITY")
    op.execute("UPDATE service_hour SET unsettled = true WHERE answered <> 0 OR handled <> 0")
    op.execute("ALTER TABLE service_hour FORCE ROW LEVEL SECURITY")
    op.create_index(
        "ix_service_hour_unsettled", "service_hour", ["contract_id", "hour"], postgresql_where=sa.text("unsettled")
    )
    # A queue: what is folded is deleted, and whoever reads the figures of a period would pass by all of it.
    op.execute("ALTER TABLE service_delta SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000)")


def downgrade() -> None:
    op.execute("ALTER TABLE service_delta RESET (autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold)")
    op.drop_index("ix_service_hour_unsettled", "service_hour")
    for name in ("unsettled", *EXTREMES):
        op.drop_column("service_hour", name)

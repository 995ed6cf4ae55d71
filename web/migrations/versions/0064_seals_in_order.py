"""Seals of closed periods, of their keys in order.

Seals were taken of days in the order in which the database had happened to count them, which nothing keeps: nobody
could prove them. They are taken anew, once, of the same contents.

Revision ID: 0064
Revises: 0063
"""

import json
from hashlib import sha256

import sqlalchemy as sa
from alembic import op

revision = "0064"
down_revision = "0063"
branch_labels = None
depends_on = None


def upgrade() -> None:
    connection = op.get_bind()
    op.execute("ALTER TABLE closed_period NO FORCE ROW LEVEL SECURITY")
    ids = connection.execute(sa.text("SELECT id FROM closed_period ORDER BY id")).scalars().all()
    for one in ids:
        kept = connection.execute(sa.text("SELECT kept FROM closed_period WHERE id = :id"), {"id": one}).scalar_one()
        told = json.dumps(kept, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        connection.execute(
            sa.text("UPDATE closed_period SET seal = :seal WHERE id = :id"),
            {"id": one, "seal": sha256(told.encode()).hexdigest()},
        )
    op.execute("ALTER TABLE closed_period FORCE ROW LEVEL SECURITY")


def downgrade() -> None:
    """The seals stay as they are: those of before could not be proved."""

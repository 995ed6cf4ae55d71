"""The taxpayer file: the history of a position and the numbers by which it is found.

Revision ID: 0009
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from crm.positions.numbers import KEY_LENGTH, act_key
from web.migrations.isolation import APP, protect

revision = "0009"
down_revision = "0007"
branch_labels = None
depends_on = None

BATCH = 5_000


def upgrade() -> None:
    _positions()


def downgrade() -> None:
    op.drop_table("position_alias")
    op.drop_index("ix_position_act_key", table_name="position")
    for name in ("plan", "steps", "acts", "act_key"):
        op.drop_column("position", name)


def _positions() -> None:
    op.add_column("position", sa.Column("act_key", sa.String(KEY_LENGTH, collation="C")))
    for name in ("acts", "steps"):
        op.add_column("position", sa.Column(name, postgresql.JSONB(), nullable=False, server_default="[]"))
        op.alter_column("position", name, server_default=None)
    op.add_column("position", sa.Column("plan", postgresql.JSONB()))
    op.execute("ALTER TABLE position NO FORCE ROW LEVEL SECURITY")
    _fill()
    op.execute("ALTER TABLE position FORCE ROW LEVEL SECURITY")
    op.alter_column("position", "act_key", nullable=False)
    op.create_index("ix_position_act_key", "position", ["act_key"])
    op.create_table(
        "position_alias",
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("reference", sa.String(60), nullable=False),
        sa.Column("key", sa.String(KEY_LENGTH, collation="C"), nullable=False),
        sa.ForeignKeyConstraint(
            ["ente_id", "reference"], ["position.ente_id", "position.reference"], ondelete="CASCADE",
            name=op.f("fk_position_alias_ente_id_reference"),
        ),
        sa.PrimaryKeyConstraint("ente_id", "reference", "key", name=op.f("pk_position_alias")),
    )  # fmt: skip
    op.create_index("ix_position_alias_key", "position_alias", ["key"])
    for statement in protect("position_alias"):
        op.execute(statement)
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON position_alias TO {APP}")


def _fill() -> None:
    """The keys of the acts that are there already."""
    connection, last = op.get_bind(), 0
    read = sa.text("SELECT id, act_number FROM position WHERE id > :last ORDER BY id LIMIT :batch")
    while rows := connection.execute(read, {"last": last, "batch": BATCH}).all():
        last = rows[-1].id
        keys = [{"id": row.id, "key": act_key(row.act_number)} for row in rows]
        connection.execute(sa.text("UPDATE position SET act_key = :key WHERE id = :id"), keys)

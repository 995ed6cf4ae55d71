"""Changes of many appointments at once, and what becomes of each.

Revision ID: 0068
Revises: 0067
"""

import sqlalchemy as sa
from alembic import op

from web.migrations.isolation import APP, protect

revision = "0068"
down_revision = "0067"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
TABLES = ("bulk_change", "bulk_item")


def upgrade() -> None:
    op.create_table(
        "bulk_change",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("office_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", _choice("bulk_kind", "move", "cancel"), nullable=False),
        sa.Column(
            "state", _choice("bulk_state", "prepared", "running", "done", "undoing", "undone"), nullable=False
        ),
        sa.Column("reason", sa.String(200), nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.Column("made_by", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["ente_id", "office_id"], ["office.ente_id", "office.id"], name=op.f("fk_bulk_change_ente_id_office_id")
        ),
        sa.ForeignKeyConstraint(["made_by"], ["app_user.id"], name=op.f("fk_bulk_change_made_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bulk_change")),
        sa.UniqueConstraint("ente_id", "id", name=op.f("uq_bulk_change_ente_id_id")),
    )  # fmt: skip
    op.create_index("ix_bulk_change_office_id", "bulk_change", ["office_id", "made_at"])
    op.create_table(
        "bulk_item",
        sa.Column("change_id", sa.Uuid(), nullable=False),
        sa.Column("appointment_id", sa.Uuid(), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("rank", sa.SmallInteger(), nullable=False),
        sa.Column("was_at", INSTANT, nullable=False),
        sa.Column("was_desk_id", sa.BigInteger(), nullable=False),
        sa.Column("to_at", INSTANT),
        sa.Column("to_desk_id", sa.BigInteger()),
        sa.Column("state", _choice("item_state", "waiting", "done", "left", "undone", "kept"), nullable=False),
        sa.Column("why", sa.String(200), nullable=False),
        sa.CheckConstraint("(to_at IS NULL) = (to_desk_id IS NULL)", name=op.f("ck_bulk_item_aim")),
        sa.ForeignKeyConstraint(
            ["ente_id", "change_id"], ["bulk_change.ente_id", "bulk_change.id"],
            name=op.f("fk_bulk_item_ente_id_change_id"),
        ),
        sa.PrimaryKeyConstraint("change_id", "appointment_id", name=op.f("pk_bulk_item")),
    )  # fmt: skip
    for table in TABLES:
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {APP}")
        for statement in protect(table):
            op.execute(statement)


def _choice(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)

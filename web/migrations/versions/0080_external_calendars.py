"""Calendars that offices keep elsewhere, and when they are busy.

Revision ID: 0080
Revises: 0079
"""

import sqlalchemy as sa
from alembic import op

from web.migrations.isolation import APP, protect

revision = "0080"
down_revision = "0079"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
TROUBLES = ("away", "forbidden_address", "credentials", "not_there", "refused", "no_calendar", "too_much")


def upgrade() -> None:
    op.create_table(
        "external_calendar",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("office_id", sa.BigInteger(), nullable=False),
        sa.Column("desk_id", sa.BigInteger()),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("url", sa.String(500), nullable=False),
        sa.Column("username", sa.String(120), nullable=False),
        sa.Column("password", sa.LargeBinary(), nullable=False),
        sa.Column("made_by", sa.BigInteger(), nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("good_at", INSTANT),
        sa.Column("failing_since", INSTANT),
        sa.Column("trouble", sa.Enum(*TROUBLES, name="trouble", native_enum=False, create_constraint=True, length=32)),
        sa.CheckConstraint(
            "(failing_since IS NULL) = (trouble IS NULL)", name=op.f("ck_external_calendar_failing")
        ),
        sa.ForeignKeyConstraint(
            ["ente_id", "office_id"], ["office.ente_id", "office.id"],
            name=op.f("fk_external_calendar_ente_id_office_id"),
        ),
        sa.ForeignKeyConstraint(
            ["ente_id", "desk_id"], ["desk.ente_id", "desk.id"], name=op.f("fk_external_calendar_ente_id_desk_id")
        ),
        sa.ForeignKeyConstraint(["made_by"], ["app_user.id"], name=op.f("fk_external_calendar_made_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_external_calendar")),
        sa.UniqueConstraint("ente_id", "id", name=op.f("uq_external_calendar_ente_id_id")),
    )  # fmt: skip
    op.create_index("ix_external_calendar_office_id", "external_calendar", ["office_id"])
    op.create_index("ix_external_calendar_due_at", "external_calendar", ["due_at"])
    op.create_table(
        "busy_time",
        sa.Column("calendar_id", sa.BigInteger(), nullable=False),
        sa.Column("starts_at", INSTANT, nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("office_id", sa.BigInteger(), nullable=False),
        sa.Column("desk_id", sa.BigInteger()),
        sa.Column("ends_at", INSTANT, nullable=False),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_busy_time_order")),
        sa.ForeignKeyConstraint(
            ["ente_id", "calendar_id"], ["external_calendar.ente_id", "external_calendar.id"], ondelete="CASCADE",
            name=op.f("fk_busy_time_ente_id_calendar_id"),
        ),
        sa.PrimaryKeyConstraint("calendar_id", "starts_at", name=op.f("pk_busy_time")),
    )  # fmt: skip
    op.create_index("ix_busy_time_office_id", "busy_time", ["office_id", "ends_at"])
    for table in ("external_calendar", "busy_time"):
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {APP}")
        for statement in protect(table):
            op.execute(statement)


def downgrade() -> None:
    op.drop_table("busy_time")
    op.drop_table("external_calendar")

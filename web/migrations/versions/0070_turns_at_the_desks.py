"""Turns at the desks with their events, seats, screens of offices, and the first free appointments.

Revision ID: 0070
Revises: 0069
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from web.migrations.isolation import APP, protect

revision = "0070"
down_revision = "0069"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
ISOLATED = ("turn", "turn_event", "desk_seat", "first_free")


def upgrade() -> None:
    _turns()
    _offices()
    for table in ("turn", "desk_seat", "first_free", "office_screen"):
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {APP}")
    op.execute(f"GRANT SELECT, INSERT, DELETE ON turn_event TO {APP}")
    for table in ISOLATED:
        for statement in protect(table):
            op.execute(statement)


def _choice(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)


def _of_ente(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    """Of the same ente."""
    return sa.ForeignKeyConstraint(
        ["ente_id", column], [f"{other}.ente_id", f"{other}.id"], name=op.f(f"fk_{table}_ente_id_{column}")
    )


def _turns() -> None:
    op.create_table(
        "turn",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("office_id", sa.BigInteger(), nullable=False),
        sa.Column("service_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("letter", sa.String(1), nullable=False),
        sa.Column("number", sa.SmallInteger(), nullable=False),
        sa.Column("state", _choice("turn_state", "waiting", "called", "serving", "done", "no_show"), nullable=False),
        sa.Column("appointment_id", sa.Uuid()),
        sa.Column("contact_id", sa.BigInteger()),
        sa.Column("language", sa.String(2), nullable=False),
        sa.Column("arrived_at", INSTANT, nullable=False),
        sa.Column("starts_at", INSTANT),
        sa.Column("for_desk", sa.BigInteger()),
        sa.Column("desk_id", sa.BigInteger()),
        sa.Column("clerk_id", sa.BigInteger()),
        sa.Column("calls", sa.SmallInteger(), nullable=False),
        sa.Column("called_at", INSTANT),
        sa.Column("serving_since", INSTANT),
        sa.Column("ended_at", INSTANT),
        sa.Column("waited_s", sa.BigInteger()),
        sa.Column("served_s", sa.BigInteger()),
        sa.CheckConstraint("state NOT IN ('called', 'serving') OR desk_id IS NOT NULL", name=op.f("ck_turn_at_a_desk")),
        _of_ente("turn", "office_id", "office"),
        _of_ente("turn", "service_id", "bookable_service"),
        _of_ente("turn", "desk_id", "desk"),
        _of_ente("turn", "for_desk", "desk"),
        _of_ente("turn", "contact_id", "contact"),
        sa.ForeignKeyConstraint(["clerk_id"], ["app_user.id"], name=op.f("fk_turn_clerk_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_turn")),
        sa.UniqueConstraint("appointment_id", name=op.f("uq_turn_appointment_id")),
        sa.UniqueConstraint("office_id", "day", "letter", "number", name=op.f("uq_turn_office_id_day_letter_number")),
    )
    op.create_index("ix_turn_ente_id", "turn", ["ente_id", "day"])
    op.create_index("ix_turn_contact_id", "turn", ["contact_id"], postgresql_where=sa.text("contact_id IS NOT NULL"))
    op.create_index(
        "ix_turn_one_at_a_desk", "turn", ["desk_id", "day"], unique=True,
        postgresql_where=sa.text("state IN ('called', 'serving')"),
    )  # fmt: skip
    op.create_table(
        "turn_event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("turn_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "deed",
            _choice("deed", "arrived", "called", "recalled", "served", "done", "missed", "back", "passed_on"),
            nullable=False,
        ),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("by", sa.BigInteger()),
        sa.Column("desk_id", sa.BigInteger()),
        sa.Column("detail", JSONB(), nullable=False),
        sa.ForeignKeyConstraint(["by"], ["app_user.id"], name=op.f("fk_turn_event_by")),
        sa.ForeignKeyConstraint(["ente_id"], ["ente.id"], name=op.f("fk_turn_event_ente_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_turn_event")),
    )
    op.create_index("ix_turn_event_turn_id", "turn_event", ["turn_id", "id"])


def _offices() -> None:
    op.create_table(
        "desk_seat",
        sa.Column("desk_id", sa.BigInteger(), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("office_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("since", INSTANT, nullable=False),
        _of_ente("desk_seat", "desk_id", "desk"),
        _of_ente("desk_seat", "office_id", "office"),
        sa.ForeignKeyConstraint(["user_id"], ["app_user.id"], name=op.f("fk_desk_seat_user_id")),
        sa.PrimaryKeyConstraint("desk_id", name=op.f("pk_desk_seat")),
        sa.UniqueConstraint("user_id", name=op.f("uq_desk_seat_user_id")),
    )
    op.create_table(
        "office_screen",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("office_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", _choice("screen_kind", "kiosk", "room"), nullable=False),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("language", sa.String(2), nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("made_by", sa.BigInteger(), nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.Column("seen_at", INSTANT),
        sa.Column("revoked_at", INSTANT),
        sa.ForeignKeyConstraint(["made_by"], ["app_user.id"], name=op.f("fk_office_screen_made_by")),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_office_screen_office_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_office_screen")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_office_screen_token_hash")),
    )
    op.create_index("ix_office_screen_office_id", "office_screen", ["office_id"])
    op.create_table(
        "first_free",
        sa.Column("office_id", sa.BigInteger(), nullable=False),
        sa.Column("service_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("first", sa.Date()),
        sa.Column("working_days", sa.SmallInteger(), nullable=False),
        sa.Column("sampled_at", INSTANT, nullable=False),
        _of_ente("first_free", "office_id", "office"),
        _of_ente("first_free", "service_id", "bookable_service"),
        sa.PrimaryKeyConstraint("office_id", "service_id", "day", name=op.f("pk_first_free")),
    )
    op.create_index("ix_first_free_ente_id", "first_free", ["ente_id", "day"])


def downgrade() -> None:
    for table in ("first_free", "office_screen", "desk_seat", "turn_event", "turn"):
        op.drop_table(table)

"""Desks of offices, what is done there, agendas with their exceptions, and appointments.

Revision ID: 0059
Revises: 0058
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, ExcludeConstraint

from web.migrations.choices import allow, forbid
from web.migrations.isolation import APP, protect, publish

revision = "0059"
down_revision = "0058"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
SEAT = "((desk_id * 16 + place) << 32)"
MINUTE = "(extract(epoch FROM {} - TIMESTAMPTZ '1970-01-01 00:00:00+00') / 60)::bigint"
TAKEN = f"int8range({SEAT} + {MINUTE.format('starts_at')}, {SEAT} + {MINUTE.format('free_at')})"
PUBLISHED = (
    "desk", "bookable_service", "service_office", "office_agenda", "agenda_window", "office_exception", "channel_quota",
)  # fmt: skip
TABLES = (*PUBLISHED, "service_clerk", "appointment")


def upgrade() -> None:
    op.create_unique_constraint(op.f("uq_office_ente_id_id"), "office", ["ente_id", "id"])
    allow("timeline_entry", "entry_kind", "kind", "appointment")
    _places()
    _agendas()
    _appointments()
    for table in TABLES:
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {APP}")
    op.execute(f"GRANT SELECT, INSERT, DELETE ON appointment_event TO {APP}")
    for table in (*TABLES, "appointment_event"):
        for statement in protect(table):
            op.execute(statement)
    for table in PUBLISHED:
        op.execute(publish(table))
        op.execute(
            f"CREATE TRIGGER raise_configuration_version AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION raise_configuration_version()"
        )


def _choice(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)


def _places() -> None:
    op.create_table(
        "desk",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("office_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("rank", sa.SmallInteger(), nullable=False),
        sa.Column("services", ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["ente_id", "office_id"], ["office.ente_id", "office.id"], name=op.f("fk_desk_ente_id_office_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_desk")),
        sa.UniqueConstraint("ente_id", "id", name=op.f("uq_desk_ente_id_id")),
        sa.UniqueConstraint("office_id", "name", name=op.f("uq_desk_office_id_name")),
    )
    op.create_table(
        "bookable_service",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("rank", sa.SmallInteger(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("name", JSONB(), nullable=False),
        sa.Column("description", JSONB(), nullable=False),
        sa.Column("bring", JSONB(), nullable=False),
        sa.Column("duration", sa.SmallInteger(), nullable=False),
        sa.Column("buffer", sa.SmallInteger(), nullable=False),
        sa.Column("step", sa.SmallInteger(), nullable=False),
        sa.Column("notice", sa.BigInteger(), nullable=False),
        sa.Column("horizon_days", sa.SmallInteger(), nullable=False),
        sa.Column("cutoff", sa.BigInteger(), nullable=False),
        sa.Column("per_day", sa.SmallInteger(), nullable=False),
        sa.Column("ahead", sa.SmallInteger(), nullable=False),
        sa.Column("moves", sa.SmallInteger(), nullable=False),
        sa.Column("needs_code", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "duration BETWEEN 5 AND 480 AND buffer BETWEEN 0 AND 120", name=op.f("ck_bookable_service_duration")
        ),
        sa.CheckConstraint("horizon_days BETWEEN 1 AND 366", name=op.f("ck_bookable_service_horizon")),
        sa.CheckConstraint(
            "notice BETWEEN 0 AND 43200 AND cutoff BETWEEN 0 AND 43200", name=op.f("ck_bookable_service_notice")
        ),
        sa.CheckConstraint(
            "per_day BETWEEN 1 AND 50 AND ahead BETWEEN 1 AND 50 AND moves BETWEEN 0 AND 50",
            name=op.f("ck_bookable_service_caps"),
        ),
        sa.CheckConstraint("step BETWEEN 5 AND 480", name=op.f("ck_bookable_service_step")),
        sa.ForeignKeyConstraint(["ente_id"], ["ente.id"], name=op.f("fk_bookable_service_ente_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bookable_service")),
        sa.UniqueConstraint("ente_id", "id", name=op.f("uq_bookable_service_ente_id_id")),
    )
    op.create_table(
        "service_office",
        sa.Column("service_id", sa.BigInteger(), nullable=False),
        sa.Column("office_id", sa.BigInteger(), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["ente_id", "office_id"], ["office.ente_id", "office.id"], name=op.f("fk_service_office_ente_id_office_id")
        ),
        sa.ForeignKeyConstraint(
            ["ente_id", "service_id"],
            ["bookable_service.ente_id", "bookable_service.id"],
            name=op.f("fk_service_office_ente_id_service_id"),
        ),
        sa.PrimaryKeyConstraint("service_id", "office_id", name=op.f("pk_service_office")),
    )
    op.create_table(
        "service_clerk",
        sa.Column("service_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["ente_id", "service_id"],
            ["bookable_service.ente_id", "bookable_service.id"],
            name=op.f("fk_service_clerk_ente_id_service_id"),
        ),
        sa.ForeignKeyConstraint(["user_id"], ["app_user.id"], name=op.f("fk_service_clerk_user_id")),
        sa.PrimaryKeyConstraint("service_id", "user_id", name=op.f("pk_service_clerk")),
    )


def _agendas() -> None:
    op.create_table(
        "office_agenda",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("office_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("state", _choice("agenda_state", "draft", "published"), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date()),
        sa.Column("observes_holidays", sa.Boolean(), nullable=False),
        sa.Column("made_by", sa.BigInteger()),
        sa.Column("published_at", INSTANT),
        sa.Column("published_by", sa.BigInteger()),
        sa.CheckConstraint(
            "(state = 'published') = (published_at IS NOT NULL)", name=op.f("ck_office_agenda_published")
        ),
        sa.CheckConstraint("valid_to >= valid_from", name=op.f("ck_office_agenda_days")),
        sa.ForeignKeyConstraint(
            ["ente_id", "office_id"], ["office.ente_id", "office.id"], name=op.f("fk_office_agenda_ente_id_office_id")
        ),
        sa.ForeignKeyConstraint(["made_by"], ["app_user.id"], name=op.f("fk_office_agenda_made_by")),
        sa.ForeignKeyConstraint(["published_by"], ["app_user.id"], name=op.f("fk_office_agenda_published_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_office_agenda")),
        sa.UniqueConstraint("ente_id", "id", name=op.f("uq_office_agenda_ente_id_id")),
        sa.UniqueConstraint("office_id", "version", name=op.f("uq_office_agenda_office_id_version")),
    )
    op.create_index(
        "ix_office_agenda_draft",
        "office_agenda",
        ["office_id"],
        unique=True,
        postgresql_where=sa.text("state = 'draft'"),
    )
    op.create_table(
        "agenda_window",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("agenda_id", sa.BigInteger(), nullable=False),
        sa.Column("desk_id", sa.BigInteger(), nullable=False),
        sa.Column("weekday", sa.SmallInteger(), nullable=False),
        sa.Column("opens", sa.Time(), nullable=False),
        sa.Column("closes", sa.Time(), nullable=False),
        sa.Column("places", sa.SmallInteger(), nullable=False),
        sa.Column("services", ARRAY(sa.BigInteger()), nullable=False),
        sa.CheckConstraint("closes > opens OR closes = '00:00'", name=op.f("ck_agenda_window_hours")),
        sa.CheckConstraint("places BETWEEN 1 AND 16", name=op.f("ck_agenda_window_places")),
        sa.CheckConstraint("weekday BETWEEN 0 AND 6", name=op.f("ck_agenda_window_weekday")),
        sa.ForeignKeyConstraint(
            ["ente_id", "agenda_id"],
            ["office_agenda.ente_id", "office_agenda.id"],
            name=op.f("fk_agenda_window_ente_id_agenda_id"),
        ),
        sa.ForeignKeyConstraint(
            ["ente_id", "desk_id"], ["desk.ente_id", "desk.id"], name=op.f("fk_agenda_window_ente_id_desk_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agenda_window")),
    )
    op.create_index("ix_agenda_window_agenda_id", "agenda_window", ["agenda_id"])
    op.create_table(
        "office_exception",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("office_id", sa.BigInteger(), nullable=False),
        sa.Column("desk_id", sa.BigInteger()),
        sa.Column("first", sa.Date(), nullable=False),
        sa.Column("last", sa.Date(), nullable=False),
        sa.Column("closed", sa.Boolean(), nullable=False),
        sa.Column("opens", sa.Time()),
        sa.Column("closes", sa.Time()),
        sa.Column("words", sa.String(200), nullable=False),
        sa.Column("written_by", sa.BigInteger()),
        sa.Column("written_at", INSTANT, nullable=False),
        sa.CheckConstraint("closes > opens OR closes = '00:00'", name=op.f("ck_office_exception_order")),
        sa.CheckConstraint(
            "(opens IS NULL) = (closes IS NULL) AND (closed OR opens IS NOT NULL)",
            name=op.f("ck_office_exception_hours"),
        ),
        sa.CheckConstraint("first <= last", name=op.f("ck_office_exception_days")),
        sa.ForeignKeyConstraint(
            ["ente_id", "desk_id"], ["desk.ente_id", "desk.id"], name=op.f("fk_office_exception_ente_id_desk_id")
        ),
        sa.ForeignKeyConstraint(
            ["ente_id", "office_id"],
            ["office.ente_id", "office.id"],
            name=op.f("fk_office_exception_ente_id_office_id"),
        ),
        sa.ForeignKeyConstraint(["written_by"], ["app_user.id"], name=op.f("fk_office_exception_written_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_office_exception")),
    )
    op.create_index("ix_office_exception_office_id", "office_exception", ["office_id", "last"])
    op.create_table(
        "channel_quota",
        sa.Column("office_id", sa.BigInteger(), nullable=False),
        sa.Column("channel", _choice("channel", "web", "phone", "desk"), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("share", sa.SmallInteger(), nullable=False),
        sa.CheckConstraint("share BETWEEN 0 AND 100", name=op.f("ck_channel_quota_share")),
        sa.ForeignKeyConstraint(
            ["ente_id", "office_id"], ["office.ente_id", "office.id"], name=op.f("fk_channel_quota_ente_id_office_id")
        ),
        sa.PrimaryKeyConstraint("office_id", "channel", name=op.f("pk_channel_quota")),
    )


def _appointments() -> None:
    op.create_table(
        "appointment",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("office_id", sa.BigInteger(), nullable=False),
        sa.Column("desk_id", sa.BigInteger(), nullable=False),
        sa.Column("place", sa.SmallInteger(), nullable=False),
        sa.Column("service_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "state",
            _choice(
                "appointment_state",
                "held",
                "booked",
                "arrived",
                "called",
                "serving",
                "done",
                "no_show",
                "cancelled_by_citizen",
                "cancelled_by_office",
            ),
            nullable=False,
        ),
        sa.Column("channel", _choice("channel", "web", "phone", "desk"), nullable=False),
        sa.Column("starts_at", INSTANT, nullable=False),
        sa.Column("ends_at", INSTANT, nullable=False),
        sa.Column("free_at", INSTANT, nullable=False),
        sa.Column("held_until", INSTANT),
        sa.Column("extended", sa.SmallInteger(), nullable=False),
        sa.Column("holder", sa.LargeBinary(16)),
        sa.Column("code", sa.String(8)),
        sa.Column("contact_id", sa.BigInteger()),
        sa.Column("given_name", sa.String(80), nullable=False),
        sa.Column("surname", sa.String(160), nullable=False),
        sa.Column("codice_fiscale", sa.String(16)),
        sa.Column("phone", sa.String(20)),
        sa.Column("email", sa.String(254)),
        sa.Column("language", sa.String(2), nullable=False),
        sa.Column("notes", sa.String(400), nullable=False),
        sa.Column("reason", sa.String(200), nullable=False),
        sa.Column("moved", sa.SmallInteger(), nullable=False),
        sa.Column("sequence", sa.SmallInteger(), nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.Column("made_by", sa.BigInteger()),
        sa.Column("booked_at", INSTANT),
        sa.Column("changed_at", INSTANT, nullable=False),
        ExcludeConstraint(
            (sa.text(TAKEN), "&&"),
            where=sa.text("state NOT IN ('cancelled_by_citizen', 'cancelled_by_office')"),
            using="gist",
            name="one_to_a_seat",
        ),
        sa.CheckConstraint("(state = 'held') = (code IS NULL)", name=op.f("ck_appointment_code")),
        sa.CheckConstraint("(state = 'held') = (held_until IS NOT NULL)", name=op.f("ck_appointment_held")),
        sa.CheckConstraint(
            "starts_at = date_bin('1 minute', starts_at, TIMESTAMPTZ '1970-01-01 00:00:00+00')",
            name=op.f("ck_appointment_minute"),
        ),
        sa.CheckConstraint("place BETWEEN 0 AND 15", name=op.f("ck_appointment_place")),
        sa.CheckConstraint("starts_at < ends_at AND ends_at <= free_at", name=op.f("ck_appointment_times")),
        sa.ForeignKeyConstraint(
            ["ente_id", "contact_id"], ["contact.ente_id", "contact.id"], name=op.f("fk_appointment_ente_id_contact_id")
        ),
        sa.ForeignKeyConstraint(
            ["ente_id", "desk_id"], ["desk.ente_id", "desk.id"], name=op.f("fk_appointment_ente_id_desk_id")
        ),
        sa.ForeignKeyConstraint(
            ["ente_id", "office_id"], ["office.ente_id", "office.id"], name=op.f("fk_appointment_ente_id_office_id")
        ),
        sa.ForeignKeyConstraint(
            ["ente_id", "service_id"],
            ["bookable_service.ente_id", "bookable_service.id"],
            name=op.f("fk_appointment_ente_id_service_id"),
        ),
        sa.ForeignKeyConstraint(["made_by"], ["app_user.id"], name=op.f("fk_appointment_made_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_appointment")),
        sa.UniqueConstraint("ente_id", "code", name=op.f("uq_appointment_ente_id_code")),
    )
    op.create_index(
        "ix_appointment_codice_fiscale",
        "appointment",
        ["codice_fiscale"],
        postgresql_where=sa.text("codice_fiscale IS NOT NULL"),
    )
    op.create_index(
        "ix_appointment_contact_id", "appointment", ["contact_id"], postgresql_where=sa.text("contact_id IS NOT NULL")
    )
    op.create_index("ix_appointment_email", "appointment", ["email"], postgresql_where=sa.text("email IS NOT NULL"))
    op.create_index(
        "ix_appointment_held_until", "appointment", ["held_until"], postgresql_where=sa.text("state = 'held'")
    )
    op.create_index(
        "ix_appointment_office_id",
        "appointment",
        ["office_id", "starts_at"],
        postgresql_where=sa.text("state NOT IN ('cancelled_by_citizen', 'cancelled_by_office')"),
    )
    op.create_index("ix_appointment_phone", "appointment", ["phone"], postgresql_where=sa.text("phone IS NOT NULL"))
    op.create_table(
        "appointment_event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("appointment_id", sa.Uuid(), nullable=False),
        sa.Column(
            "deed",
            _choice(
                "appointment_deed",
                "booked",
                "moved",
                "cancelled",
                "arrived",
                "called",
                "served",
                "done",
                "missed",
                "back",
            ),
            nullable=False,
        ),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("by", sa.BigInteger()),
        sa.Column("channel", _choice("channel", "web", "phone", "desk"), nullable=False),
        sa.Column("detail", JSONB(), nullable=False),
        sa.ForeignKeyConstraint(["by"], ["app_user.id"], name=op.f("fk_appointment_event_by")),
        sa.ForeignKeyConstraint(["ente_id"], ["ente.id"], name=op.f("fk_appointment_event_ente_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_appointment_event")),
    )
    op.create_index("ix_appointment_event_appointment_id", "appointment_event", ["appointment_id", "id"])
    op.create_index("ix_appointment_event_ente_id", "appointment_event", ["ente_id", "at"])


def downgrade() -> None:
    for table in ("appointment_event", *reversed(TABLES)):
        op.drop_table(table)
    op.execute("ALTER TABLE timeline_entry NO FORCE ROW LEVEL SECURITY")
    op.execute("DELETE FROM timeline_entry WHERE kind = 'appointment'")
    op.execute("ALTER TABLE timeline_entry FORCE ROW LEVEL SECURITY")
    forbid("timeline_entry", "entry_kind", "kind", "appointment")
    op.drop_constraint(op.f("uq_office_ente_id_id"), "office", type_="unique")

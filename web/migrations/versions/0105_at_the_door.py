"""At the door: agents' telephones, what was put on them, what they told, alarms, and the words of each ente.

Revision ID: 0105
Revises: 0104
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from web.migrations.choices import allow, forbid
from web.migrations.isolation import APP, protect

revision = "0105"
down_revision = "0104"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
OF_ENTI = ("field_packet", "field_entry", "field_file", "field_alarm", "field_words")
TABLES = ("field_device", *OF_ENTI)


def upgrade() -> None:
    op.create_table(
        "field_device",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("agent_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("enti", ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("registered_at", INSTANT, nullable=False),
        sa.Column("contacted_at", INSTANT, nullable=False),
        sa.Column("off_s", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("last_sequence", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("revoked_at", INSTANT),
        sa.Column("revoked_by", sa.BigInteger()),
        sa.Column("wiped_at", INSTANT),
        sa.ForeignKeyConstraint(["agent_id"], ["field_agent.id"], name=op.f("fk_field_device_agent_id")),
        sa.ForeignKeyConstraint(["revoked_by"], ["app_user.id"], name=op.f("fk_field_device_revoked_by")),
        sa.ForeignKeyConstraint(["user_id"], ["app_user.id"], name=op.f("fk_field_device_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_field_device")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_field_device_token_hash")),
    )
    op.create_index("ix_field_device_agent_id", "field_device", ["agent_id"])
    op.create_table(
        "field_packet",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("practice_ids", ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["device_id"], ["field_device.id"], name=op.f("fk_field_packet_device_id")),
        sa.ForeignKeyConstraint(["ente_id"], ["ente.id"], name=op.f("fk_field_packet_ente_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_field_packet")),
    )
    op.create_index("ix_field_packet_device_id", "field_packet", ["device_id", "made_at"])
    op.create_table(
        "field_entry",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("agent_id", sa.BigInteger(), nullable=False),
        sa.Column("practice_id", sa.BigInteger()),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("device_at", INSTANT, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("off_s", sa.BigInteger(), nullable=False),
        sa.Column("received_at", INSTANT, nullable=False),
        sa.Column("body", JSONB(), nullable=False),
        sa.Column("apart", _choice("apart", "revoked", "unknown", "unreadable")),
        sa.Column("settled_at", INSTANT),
        sa.Column("settled_by", sa.BigInteger()),
        sa.Column("settled", sa.String(400), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["agent_id"], ["field_agent.id"], name=op.f("fk_field_entry_agent_id")),
        sa.ForeignKeyConstraint(["device_id"], ["field_device.id"], name=op.f("fk_field_entry_device_id")),
        sa.ForeignKeyConstraint(["ente_id"], ["ente.id"], name=op.f("fk_field_entry_ente_id")),
        sa.ForeignKeyConstraint(
            ["ente_id", "practice_id"], ["field_practice.ente_id", "field_practice.id"],
            name=op.f("fk_field_entry_ente_id_practice_id"),
        ),
        sa.ForeignKeyConstraint(["settled_by"], ["app_user.id"], name=op.f("fk_field_entry_settled_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_field_entry")),
    )  # fmt: skip
    op.create_index("ix_field_entry_practice_id", "field_entry", ["practice_id"])
    op.create_index("ix_field_entry_agent_id", "field_entry", ["agent_id", "at"])
    op.create_table(
        "field_file",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("kind", _choice("file_kind", "signature", "photograph"), nullable=False),
        sa.Column("media_type", sa.String(40), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["ente_id", "visit_id"], ["field_visit.ente_id", "field_visit.id"],
            name=op.f("fk_field_file_ente_id_visit_id"), ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_field_file")),
    )  # fmt: skip
    op.create_index("ix_field_file_visit_id", "field_file", ["visit_id"])
    op.create_table(
        "field_alarm",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("agent_id", sa.BigInteger(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("kind", _choice("alarm_kind", "help", "panic"), nullable=False),
        sa.Column("practice_id", sa.BigInteger()),
        sa.Column("raised_at", INSTANT, nullable=False),
        sa.Column("received_at", INSTANT, nullable=False),
        sa.Column("latitude", sa.Float()),
        sa.Column("longitude", sa.Float()),
        sa.Column("accuracy_m", sa.BigInteger()),
        sa.Column("acknowledged_at", INSTANT),
        sa.Column("acknowledged_by", sa.BigInteger()),
        sa.Column("answer", sa.String(200), server_default="", nullable=False),
        sa.CheckConstraint("(latitude IS NULL) = (longitude IS NULL)", name=op.f("ck_field_alarm_place")),
        sa.ForeignKeyConstraint(["acknowledged_by"], ["app_user.id"], name=op.f("fk_field_alarm_acknowledged_by")),
        sa.ForeignKeyConstraint(["agent_id"], ["field_agent.id"], name=op.f("fk_field_alarm_agent_id")),
        sa.ForeignKeyConstraint(["device_id"], ["field_device.id"], name=op.f("fk_field_alarm_device_id")),
        sa.ForeignKeyConstraint(["ente_id"], ["ente.id"], name=op.f("fk_field_alarm_ente_id")),
        sa.ForeignKeyConstraint(
            ["ente_id", "practice_id"], ["field_practice.ente_id", "field_practice.id"],
            name=op.f("fk_field_alarm_ente_id_practice_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_field_alarm")),
    )  # fmt: skip
    op.create_index("ix_field_alarm_ente_id", "field_alarm", ["ente_id", "received_at"])
    op.create_table(
        "field_words",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.SmallInteger(), nullable=False),
        sa.Column("said", JSONB(), nullable=False),
        sa.Column("written_at", INSTANT, nullable=False),
        sa.Column("written_by", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["ente_id"], ["ente.id"], name=op.f("fk_field_words_ente_id")),
        sa.ForeignKeyConstraint(["written_by"], ["app_user.id"], name=op.f("fk_field_words_written_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_field_words")),
        sa.UniqueConstraint("ente_id", "version", name=op.f("uq_field_words_ente_id_version")),
    )
    for table in TABLES:
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {APP}")
    for table in OF_ENTI:
        for statement in protect(table):
            op.execute(statement)
    op.alter_column("payment_promise", "campaign_id", nullable=True)
    allow("timeline_entry", "entry_kind", "kind", "field_visit")


def downgrade() -> None:
    op.execute("DELETE FROM timeline_entry WHERE kind = 'field_visit'")
    forbid("timeline_entry", "entry_kind", "kind", "field_visit")
    op.execute("DELETE FROM payment_promise WHERE campaign_id IS NULL")
    op.alter_column("payment_promise", "campaign_id", nullable=False)
    for table in reversed(TABLES):
        op.drop_table(table)


def _choice(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)

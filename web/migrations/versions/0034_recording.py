"""Recording of conversations: what an ente wants, what callers agree to, the recordings, who listens.

Revision ID: 0034
Revises: 0033
"""

import sqlalchemy as sa
from alembic import op

from web.migrations.choices import allow, forbid
from web.migrations.isolation import APP, ROUTING, open_to_routing, protect, protect_unattributed, publish

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("call", sa.Column("consent", sa.String(32)))
    op.add_column("call", sa.Column("unrecorded_until", INSTANT))
    op.add_column("call", sa.Column("taking", sa.String(32)))
    op.create_check_constraint(
        op.f("ck_call_consent"), "call", "consent IN ('agreed', 'refused', 'silent', 'withdrawn', 'void')"
    )
    op.create_check_constraint(op.f("ck_call_taking"), "call", "taking IN ('on', 'paused', 'off')")
    op.create_index("ix_call_taking", "call", ["ended_at"], postgresql_where=sa.text("taking IS NOT NULL"))
    allow("timer", "timer_kind", "kind", "resume")
    allow("carrier_command", "command_kind", "kind", "record")
    _setting()
    _recordings()
    _listening()


def downgrade() -> None:
    op.drop_table("recording_listening")
    op.drop_table("recording")
    op.drop_table("recording_setting")
    op.execute("DELETE FROM timer WHERE kind = 'resume'")
    op.execute("DELETE FROM carrier_command WHERE kind = 'record'")
    forbid("timer", "timer_kind", "kind", "resume")
    forbid("carrier_command", "command_kind", "kind", "record")
    op.drop_index("ix_call_taking", "call")
    for column in ("taking", "unrecorded_until", "consent"):
        op.drop_column("call", column)


def _setting() -> None:
    op.create_table(
        "recording_setting",
        sa.Column("ente_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("is_on", sa.Boolean(), nullable=False),
        sa.Column("purpose", sa.String(32), nullable=False),
        sa.Column("workers", sa.String(200), nullable=False),
        *(sa.Column(name, sa.SmallInteger(), nullable=False) for name in ("share", "keep_days", "pause_s")),
        sa.CheckConstraint("purpose IN ('quality', 'evidence')", name=op.f("ck_recording_setting_purpose")),
        sa.CheckConstraint("share BETWEEN 1 AND 100", name=op.f("ck_recording_setting_share")),
        sa.CheckConstraint("keep_days BETWEEN 1 AND 3650", name=op.f("ck_recording_setting_keep_days")),
        sa.CheckConstraint("pause_s BETWEEN 30 AND 600", name=op.f("ck_recording_setting_pause_s")),
        sa.ForeignKeyConstraint(["ente_id"], ["ente.id"], name=op.f("fk_recording_setting_ente_id")),
        sa.PrimaryKeyConstraint("ente_id", name=op.f("pk_recording_setting")),
    )
    for statement in (*protect("recording_setting"), publish("recording_setting")):
        op.execute(statement)
    op.execute(
        "CREATE TRIGGER raise_configuration_version AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE"
        " ON recording_setting FOR EACH STATEMENT EXECUTE FUNCTION raise_configuration_version()"
    )
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON recording_setting TO {APP}")


def _recordings() -> None:
    op.create_table(
        "recording",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("contract_id", sa.BigInteger(), nullable=False),
        sa.Column("ente_id", sa.BigInteger()),
        sa.Column("carrier_sid", sa.String(34), nullable=False),
        sa.Column("began_at", INSTANT, nullable=False),
        sa.Column("seconds", sa.BigInteger(), nullable=False),
        sa.Column("ready_at", INSTANT),
        sa.Column("at_carrier", sa.Boolean(), nullable=False),
        sa.Column("key", sa.LargeBinary()),
        sa.Column("sha256", sa.String(64)),
        sa.Column("size", sa.BigInteger()),
        sa.Column("kept_under", sa.BigInteger()),
        sa.Column("keep_until", INSTANT, nullable=False),
        sa.Column("held_because", sa.String(200), nullable=False),
        sa.Column("held_by", sa.BigInteger()),
        sa.Column("held_at", INSTANT),
        sa.Column("deleted_at", INSTANT),
        sa.Column("gone", sa.String(32)),
        sa.CheckConstraint("gone IN ('expired', 'erased', 'not_agreed', 'absent')", name=op.f("ck_recording_gone")),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name=op.f("fk_recording_call_id")),
        sa.ForeignKeyConstraint(["ente_id"], ["ente.id"], name=op.f("fk_recording_ente_id")),
        sa.ForeignKeyConstraint(["held_by"], ["app_user.id"], name=op.f("fk_recording_held_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recording")),
        sa.UniqueConstraint("carrier_sid", name=op.f("uq_recording_carrier_sid")),
    )
    for column in ("began_at", "call_id"):
        op.create_index(f"ix_recording_{column}", "recording", [column])
    for name, column, where in (
        ("to_fetch", "ready_at", "at_carrier AND ready_at IS NOT NULL AND deleted_at IS NULL"),
        ("keep_until", "keep_until", "deleted_at IS NULL"),
    ):
        op.create_index(f"ix_recording_{name}", "recording", [column], postgresql_where=sa.text(where))
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON recording TO {APP}")
    op.execute(f"GRANT SELECT ON recording TO {ROUTING}")
    for statement in (*protect_unattributed("recording"), open_to_routing("recording")):
        op.execute(statement)


def _listening() -> None:
    op.create_table(
        "recording_listening",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(200), nullable=False),
        sa.Column("began_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name=op.f("fk_recording_listening_call_id")),
        sa.ForeignKeyConstraint(["ente_id"], ["ente.id"], name=op.f("fk_recording_listening_ente_id")),
        sa.ForeignKeyConstraint(["user_id"], ["app_user.id"], name=op.f("fk_recording_listening_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recording_listening")),
    )
    op.create_index("ix_recording_listening_call_id", "recording_listening", ["call_id", "user_id"])
    for statement in protect("recording_listening"):
        op.execute(statement)
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON recording_listening TO {APP}")

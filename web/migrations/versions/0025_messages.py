"""Messages: the outbox, the opt-outs, quiet hours; and follow-ups that the system makes.

Revision ID: 0025
Revises: 0024
"""

import sqlalchemy as sa
from alembic import op

from web.migrations.isolation import APP, protect

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
TABLES = ("message", "message_stop", "message_setting")
KINDS = "'call', 'proposal', 'follow_up'"


def upgrade() -> None:
    op.create_table(
        "message",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("contact_id", sa.BigInteger()),
        sa.Column("cause", sa.String(120), nullable=False),
        sa.Column("channel", sa.String(32)),
        sa.Column("template", sa.String(40), nullable=False),
        sa.Column("language", sa.String(2), nullable=False),
        sa.Column("address", sa.String(254), nullable=False),
        sa.Column("subject", sa.String(200), nullable=False),
        sa.Column("body", sa.String(10_000), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("reason", sa.String(32)),
        sa.Column("attempts", sa.SmallInteger(), nullable=False),
        sa.Column("looks", sa.SmallInteger(), nullable=False),
        sa.Column("external_id", sa.String(64)),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.Column("made_by", sa.BigInteger()),
        sa.Column("call_id", sa.Uuid()),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("tried_at", INSTANT),
        sa.Column("first_tried_at", INSTANT),
        sa.Column("sent_at", INSTANT),
        sa.Column("ended_at", INSTANT),
        sa.CheckConstraint("channel IN ('sms', 'email', 'pec')", name=op.f("ck_message_message_channel")),
        sa.CheckConstraint(
            "state IN ('owed', 'sending', 'unknown', 'sent', 'delivered', 'failed', 'withheld', 'expired')",
            name=op.f("ck_message_message_state"),
        ),
        sa.CheckConstraint(
            "reason IN ('no_address', 'stopped', 'no_consent', 'do_not_call', 'deceased', 'not_verified', 'cancelled',"
            " 'bad_address', 'opted_out', 'not_delivered', 'refused', 'not_found', 'not_sure', 'no_sender', 'broken',"
            " 'too_late')",
            name=op.f("ck_message_reason"),
        ),
        sa.CheckConstraint("channel IS NOT NULL OR state = 'withheld'", name=op.f("ck_message_channel")),
        sa.ForeignKeyConstraint(["ente_id"], ["ente.id"], name=op.f("fk_message_ente_id")),
        sa.ForeignKeyConstraint(
            ["ente_id", "contact_id"], ["contact.ente_id", "contact.id"], name=op.f("fk_message_ente_id_contact_id")
        ),
        sa.ForeignKeyConstraint(["made_by"], ["app_user.id"], name=op.f("fk_message_made_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message")),
        sa.UniqueConstraint("ente_id", "cause", name=op.f("uq_message_ente_id_cause")),
    )
    for column, known in (("contact_id", "contact_id"), ("address", "external_id")):
        op.create_index(f"ix_message_{column}", "message", [column], postgresql_where=sa.text(f"{known} IS NOT NULL"))
    op.create_table(
        "message_stop",
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("channel", sa.String(32), nullable=False),
        sa.Column("address", sa.String(254), nullable=False),
        sa.Column("stopped_at", INSTANT, nullable=False),
        sa.CheckConstraint("channel IN ('sms', 'email', 'pec')", name=op.f("ck_message_stop_message_channel")),
        sa.ForeignKeyConstraint(["ente_id"], ["ente.id"], name=op.f("fk_message_stop_ente_id")),
        sa.PrimaryKeyConstraint("ente_id", "channel", "address", name=op.f("pk_message_stop")),
    )
    op.create_table(
        "message_setting",
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("quiet_from", sa.Time(), nullable=False),
        sa.Column("quiet_until", sa.Time(), nullable=False),
        sa.CheckConstraint("quiet_until < quiet_from", name=op.f("ck_message_setting_hours")),
        sa.ForeignKeyConstraint(["ente_id"], ["ente.id"], name=op.f("fk_message_setting_ente_id")),
        sa.PrimaryKeyConstraint("ente_id", name=op.f("pk_message_setting")),
    )
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {', '.join(TABLES)} TO {APP}")
    for table in TABLES:
        for statement in protect(table):
            op.execute(statement)
    op.alter_column("follow_up", "made_by", nullable=True)
    _allow(f"{KINDS}, 'message'")
    op.execute("UPDATE phone_line SET told_at = NULL")  # the carrier is to be told where SMS to them go, too


def downgrade() -> None:
    for table in ("timeline_entry", "follow_up"):
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.execute("DELETE FROM timeline_entry WHERE kind = 'message'")
    op.execute("DELETE FROM follow_up WHERE made_by IS NULL")
    for table in ("timeline_entry", "follow_up"):
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    _allow(KINDS)
    op.alter_column("follow_up", "made_by", nullable=False)
    for table in TABLES:
        op.drop_table(table)


def _allow(kinds: str) -> None:
    op.drop_constraint(op.f("ck_timeline_entry_entry_kind"), "timeline_entry")
    op.create_check_constraint(op.f("ck_timeline_entry_entry_kind"), "timeline_entry", f"kind IN ({kinds})")

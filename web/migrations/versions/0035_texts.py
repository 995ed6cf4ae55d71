"""Conversations by SMS: threads, what was written in them, their log, and what a contract wants of them.

Revision ID: 0035
Revises: 0034
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from web.migrations.choices import allow, forbid
from web.migrations.isolation import APP, ROUTING, open_to_routing, protect_unattributed

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
LOOSENED = ("file_opening", "timeline_entry", "message")


def upgrade() -> None:
    op.add_column("message", sa.Column("sender", sa.String(16)))
    allow("file_opening", "purpose", "purpose", "text")
    allow("timeline_entry", "entry_kind", "kind", "text")
    _threads()
    _parts()
    _settings()
    for table in ("text_thread", "text_message", "text_event"):
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {APP}")
        for statement in (*protect_unattributed(table), open_to_routing(table)):
            op.execute(statement)
    op.execute(f"GRANT SELECT, UPDATE ON text_thread TO {ROUTING}")
    op.execute(f"GRANT SELECT, UPDATE ON text_message TO {ROUTING}")
    op.execute(f"GRANT SELECT, INSERT ON text_event TO {ROUTING}")
    op.execute(f"GRANT SELECT ON text_setting TO {ROUTING}")
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON text_setting, text_desk TO {APP}")
    op.execute(
        "CREATE TRIGGER raise_configuration_version AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE"
        " ON text_setting FOR EACH STATEMENT EXECUTE FUNCTION raise_configuration_version()"
    )


def downgrade() -> None:
    for table in LOOSENED:
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    for table in ("text_desk", "text_setting", "text_event", "text_message", "text_thread"):
        op.drop_table(table)
    op.execute("DELETE FROM timeline_entry WHERE kind = 'text'")
    op.execute("UPDATE file_opening SET purpose = 'call' WHERE purpose = 'text'")
    op.execute("DELETE FROM message WHERE template = 'conversation'")
    forbid("timeline_entry", "entry_kind", "kind", "text")
    forbid("file_opening", "purpose", "purpose", "text")
    op.drop_column("message", "sender")
    for table in LOOSENED:
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


def _threads() -> None:
    op.create_table(
        "text_thread",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("contract_id", sa.BigInteger(), nullable=False),
        sa.Column("ente_id", sa.BigInteger()),
        sa.Column("line", sa.String(16), nullable=False),
        sa.Column("citizen", sa.String(16), nullable=False),
        sa.Column("queue_id", sa.BigInteger(), nullable=False),
        sa.Column("domain", sa.String(40), nullable=False),
        sa.Column("language", sa.String(2), nullable=False),
        sa.Column("priority", sa.SmallInteger(), nullable=False),
        sa.Column("metered", sa.Boolean(), nullable=False),
        sa.Column("begun_at", INSTANT, nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("agent_id", sa.BigInteger()),
        sa.Column("entered_at", INSTANT, nullable=False),
        sa.Column("not_before", INSTANT),
        sa.Column("waiting_since", INSTANT),
        sa.Column("waited_ms", sa.BigInteger(), nullable=False),
        sa.Column("offered_at", INSTANT),
        sa.Column("taken_at", INSTANT),
        sa.Column("answered_at", INSTANT),
        sa.Column("wrote_at", INSTANT, nullable=False),
        sa.Column("replied_at", INSTANT),
        sa.Column("knows", sa.BigInteger()),
        sa.Column("meant_for", sa.BigInteger()),
        sa.Column("missed_by", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("missed_at", INSTANT),
        sa.Column("reopened", sa.SmallInteger(), nullable=False),
        sa.Column("closed_at", INSTANT),
        sa.Column("closed", sa.String(32)),
        sa.Column("due_at", INSTANT),
        sa.Column("seen_at", INSTANT),
        sa.Column("draft", sa.Text(), nullable=False),
        sa.Column("contact_id", sa.BigInteger()),
        sa.Column("proposed_by", sa.String(32)),
        sa.Column("identified_at", INSTANT),
        sa.Column("topic", sa.String(40)),
        sa.Column("disposition", sa.String(40)),
        sa.Column("note", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "state IN ('waiting', 'offered', 'open', 'idle', 'closed')", name=op.f("ck_text_thread_thread_state")
        ),
        sa.CheckConstraint("closed IN ('done', 'silent', 'full', 'stopped')", name=op.f("ck_text_thread_closed")),
        sa.CheckConstraint(
            "proposed_by IN ('caller_number', 'notice_number', 'agent')", name=op.f("ck_text_thread_proposed_by")
        ),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name=op.f("fk_text_thread_contract_id")),
        sa.ForeignKeyConstraint(["ente_id"], ["ente.id"], name=op.f("fk_text_thread_ente_id")),
        sa.ForeignKeyConstraint(
            ["ente_id", "contact_id"], ["contact.ente_id", "contact.id"], name=op.f("fk_text_thread_ente_id_contact_id")
        ),
        sa.ForeignKeyConstraint(["queue_id"], ["queue.id"], name=op.f("fk_text_thread_queue_id")),
        sa.ForeignKeyConstraint(["agent_id"], ["app_user.id"], name=op.f("fk_text_thread_agent_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_text_thread")),
    )
    for name, columns, where in (
        ("ix_text_thread_citizen", ["citizen", "line", "begun_at"], None),
        ("ix_text_thread_waiting", ["domain"], "state = 'waiting'"),
        ("ix_text_thread_agent_id", ["agent_id"], "state <> 'closed'"),
        ("ix_text_thread_due_at", ["due_at"], "due_at IS NOT NULL"),
        ("ix_text_thread_begun_at", ["contract_id", "begun_at"], None),
        ("ix_text_thread_contact_id", ["contact_id"], "contact_id IS NOT NULL"),
    ):
        op.create_index(name, "text_thread", columns, postgresql_where=sa.text(where) if where else None)
    op.create_index(
        "uq_text_thread_live", "text_thread", ["line", "citizen"], unique=True,
        postgresql_where=sa.text("state <> 'closed'"),
    )  # fmt: skip


def _parts() -> None:
    op.create_table(
        "text_message",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        *_of_thread(),
        sa.Column("inbound", sa.Boolean(), nullable=False),
        sa.Column("body", sa.String(1600), nullable=False),
        sa.Column("media", sa.SmallInteger(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("agent_id", sa.BigInteger()),
        sa.Column("external_id", sa.String(64)),
        sa.Column("message_id", sa.Uuid()),
        sa.ForeignKeyConstraint(["thread_id"], ["text_thread.id"], name=op.f("fk_text_message_thread_id")),
        sa.ForeignKeyConstraint(["agent_id"], ["app_user.id"], name=op.f("fk_text_message_agent_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_text_message")),
    )
    op.create_index("ix_text_message_thread_id", "text_message", ["thread_id", "id"])
    op.create_index(
        "uq_text_message_external_id", "text_message", ["external_id"], unique=True,
        postgresql_where=sa.text("external_id IS NOT NULL"),
    )  # fmt: skip
    op.create_table(
        "text_event",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        *_of_thread(),
        sa.Column("key", sa.String(120), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("detail", postgresql.JSONB(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["thread_id"], ["text_thread.id"], name=op.f("fk_text_event_thread_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_text_event")),
    )
    op.create_index("uq_text_event_thread_id_key", "text_event", ["thread_id", "key"], unique=True)


def _of_thread() -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("thread_id", sa.Uuid(), nullable=False),
        sa.Column("contract_id", sa.BigInteger(), nullable=False),
        sa.Column("ente_id", sa.BigInteger()),
    )


def _settings() -> None:
    op.create_table(
        "text_setting",
        sa.Column("contract_id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("queue_id", sa.BigInteger(), nullable=False),
        sa.Column("most", sa.SmallInteger(), nullable=False),
        sa.Column("beside_calls", sa.Boolean(), nullable=False),
        sa.Column("most_waiting", sa.SmallInteger()),
        sa.Column("idle_min", sa.SmallInteger(), nullable=False),
        sa.Column("close_h", sa.SmallInteger(), nullable=False),
        sa.Column("kept_days", sa.SmallInteger(), nullable=False),
        sa.CheckConstraint("most BETWEEN 1 AND 10", name=op.f("ck_text_setting_most")),
        sa.CheckConstraint("most_waiting BETWEEN 1 AND 500", name=op.f("ck_text_setting_most_waiting")),
        sa.CheckConstraint("idle_min BETWEEN 1 AND 240", name=op.f("ck_text_setting_idle_min")),
        sa.CheckConstraint("close_h BETWEEN 1 AND 72", name=op.f("ck_text_setting_close_h")),
        sa.CheckConstraint("kept_days BETWEEN 1 AND 3650", name=op.f("ck_text_setting_kept_days")),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name=op.f("fk_text_setting_contract_id")),
        sa.ForeignKeyConstraint(["queue_id"], ["queue.id"], name=op.f("fk_text_setting_queue_id")),
        sa.PrimaryKeyConstraint("contract_id", name=op.f("pk_text_setting")),
    )
    op.create_table(
        "text_desk",
        sa.Column("agent_id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("thread_id", sa.Uuid()),
        sa.Column("chosen_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["agent_id"], ["app_user.id"], name=op.f("fk_text_desk_agent_id")),
        sa.PrimaryKeyConstraint("agent_id", name=op.f("pk_text_desk")),
    )

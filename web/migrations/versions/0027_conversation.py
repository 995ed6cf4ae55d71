"""Conversation: hold, consultation, passing on, supervisors, help.

Revision ID: 0027
Revises: 0026
"""

import sqlalchemy as sa
from alembic import op

from web.migrations.choices import allow, forbid
from web.migrations.isolation import APP, protect

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
TENANTS = ("call", "agent_leg", "service_fact")
OF_CALL = (
    "held_since", "held_ms", "room_id", "party_leg_id", "party_agent_id", "party_joined", "passed", "in_queue_id",
    "help_since", "watched",
)  # fmt: skip


def upgrade() -> None:
    op.add_column("call", sa.Column("held_since", INSTANT))
    op.add_column("call", sa.Column("held_ms", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("call", sa.Column("room_id", sa.Uuid()))
    op.add_column("call", sa.Column("party_leg_id", sa.Uuid()))
    op.add_column("call", sa.Column("party_agent_id", sa.BigInteger()))
    op.add_column("call", sa.Column("party_joined", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("call", sa.Column("passed", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("call", sa.Column("in_queue_id", sa.BigInteger()))
    op.add_column("call", sa.Column("help_since", INSTANT))
    op.add_column("call", sa.Column("watched", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_foreign_key(op.f("fk_call_party_agent_id"), "call", "app_user", ["party_agent_id"], ["id"])
    op.create_foreign_key(op.f("fk_call_in_queue_id"), "call", "queue", ["in_queue_id"], ["id"])
    allow("call", "phase", "phase", "outside")
    op.alter_column("agent_leg", "agent_id", nullable=True)
    op.add_column(
        "agent_leg",
        sa.Column("role", _choice("leg_role", "agent", "party", "watcher"), nullable=False, server_default="agent"),
    )
    op.add_column("agent_leg", sa.Column("number", sa.String(80)))
    op.add_column("agent_leg", sa.Column("mode", _choice("watch_mode", "listen", "whisper", "barge")))
    op.add_column("queue_entry", sa.Column("meant_for", sa.BigInteger()))
    op.add_column("agent_presence", sa.Column("rings_at", sa.String(80)))
    op.create_table(
        "call_setting",
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("shows_listeners", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["ente_id"], ["ente.id"], name=op.f("fk_call_setting_ente_id")),
        sa.PrimaryKeyConstraint("ente_id", name=op.f("pk_call_setting")),
    )
    for statement in protect("call_setting"):
        op.execute(statement)
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON call_setting TO {APP}")
    allow("carrier_command", "command_kind", "kind", "arrange")
    allow("service_fact", "fact_kind", "kind", "passed_on")


def downgrade() -> None:
    op.drop_table("call_setting")
    op.drop_column("agent_presence", "rings_at")
    for table in TENANTS:
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.execute("DELETE FROM service_fact WHERE kind = 'passed_on'")
    op.execute("DELETE FROM carrier_command WHERE kind = 'arrange'")
    op.execute("DELETE FROM agent_leg WHERE role <> 'agent'")
    op.execute("UPDATE call SET phase = 'ended', ended_at = now() WHERE phase = 'outside'")
    for table in TENANTS:
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    forbid("service_fact", "fact_kind", "kind", "passed_on")
    forbid("carrier_command", "command_kind", "kind", "arrange")
    op.drop_column("queue_entry", "meant_for")
    for name in ("mode", "number", "role"):
        op.drop_column("agent_leg", name)
    op.alter_column("agent_leg", "agent_id", nullable=False)
    forbid("call", "phase", "phase", "outside")
    for name in reversed(OF_CALL):
        op.drop_column("call", name)


def _choice(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)

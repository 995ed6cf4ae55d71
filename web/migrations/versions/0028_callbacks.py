"""In the queue and after the call: callers turned away, announced waits, callbacks, messages, the survey.

Revision ID: 0028
Revises: 0027
"""

import sqlalchemy as sa
from alembic import op

from web.migrations.choices import allow, forbid
from web.migrations.isolation import APP, ROUTING, open_to_routing, protect_unattributed

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

FACTS = ("announced", "callback")
INSTANT = sa.DateTime(timezone=True)
LOOSENED = ("call", "service_fact", "queue_entry")


def upgrade() -> None:
    op.add_column("call", sa.Column("turned_away_at", INSTANT))
    allow("call", "outcome", "outcome", "turned_away", "not_reached")
    op.add_column("service_fact", sa.Column("announced_from_s", sa.SmallInteger()))
    allow("service_fact", "fact_kind", "kind", *FACTS)
    op.create_index(
        "ix_service_fact_announced", "service_fact", ["contract_id", "occurred_at"],
        postgresql_where=sa.text("kind = 'announced'"),
    )  # fmt: skip
    _callbacks()
    _messages()
    _surveys()


def downgrade() -> None:
    for table in LOOSENED:
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.drop_table("survey_answer")
    op.drop_table("voicemail")
    op.drop_table("callback")
    op.execute("DELETE FROM timer WHERE kind = 'callback'")
    op.execute("DELETE FROM carrier_command WHERE kind IN ('call_back', 'survey')")
    op.execute("DELETE FROM queue_entry WHERE away")
    forbid("timer", "timer_kind", "kind", "callback")
    forbid("carrier_command", "command_kind", "kind", "call_back", "survey")
    forbid("queue_entry", "entry_state", "state", "aside")
    op.drop_column("queue", "asks_survey")
    op.drop_column("queue", "calls_back")
    op.drop_column("queue_entry", "away")
    op.drop_column("call", "away")
    op.execute("DELETE FROM service_fact WHERE kind IN ('announced', 'callback')")
    op.drop_index("ix_service_fact_announced", "service_fact")
    forbid("service_fact", "fact_kind", "kind", *FACTS)
    op.drop_column("service_fact", "announced_from_s")
    op.execute("UPDATE call SET outcome = 'left_ivr' WHERE outcome = 'turned_away'")
    op.execute("UPDATE call SET outcome = 'abandoned' WHERE outcome = 'not_reached'")
    forbid("call", "outcome", "outcome", "turned_away", "not_reached")
    op.drop_column("call", "turned_away_at")
    for table in LOOSENED:
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


def _callbacks() -> None:
    for table, name in (("call", "away"), ("queue_entry", "away"), ("queue", "calls_back"), ("queue", "asks_survey")):
        op.add_column(table, sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.text("false")))
    allow("timer", "timer_kind", "kind", "callback")
    allow("carrier_command", "command_kind", "kind", "call_back", "survey")
    allow("queue_entry", "entry_state", "state", "aside")
    op.create_table(
        "callback",
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("contract_id", sa.BigInteger(), nullable=False),
        sa.Column("ente_id", sa.BigInteger()),
        sa.Column("number", sa.String(16), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("asked_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("attempts", sa.SmallInteger(), nullable=False),
        sa.Column("not_before", INSTANT),
        sa.Column("leg_id", sa.Uuid()),
        sa.Column("ended_at", INSTANT),
        sa.CheckConstraint("state IN ('open', 'fulfilled', 'given_up')", name=op.f("ck_callback_callback_state")),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name=op.f("fk_callback_call_id")),
        sa.PrimaryKeyConstraint("call_id", name=op.f("pk_callback")),
    )
    op.create_index(
        "uq_callback_contract_id_number", "callback", ["contract_id", "number"], unique=True,
        postgresql_where=sa.text("state = 'open'"),
    )  # fmt: skip
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON callback TO {APP}")
    op.execute(f"GRANT SELECT, UPDATE ON callback TO {ROUTING}")
    for statement in (*protect_unattributed("callback"), open_to_routing("callback")):
        op.execute(statement)


def _messages() -> None:
    op.create_table(
        "voicemail",
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("contract_id", sa.BigInteger(), nullable=False),
        sa.Column("ente_id", sa.BigInteger()),
        sa.Column("recording_sid", sa.String(34), nullable=False),
        sa.Column("seconds", sa.SmallInteger(), nullable=False),
        sa.Column("left_at", INSTANT, nullable=False),
        sa.Column("sha256", sa.String(64)),
        sa.Column("kept_under", sa.BigInteger()),
        sa.Column("keep_until", INSTANT, nullable=False),
        sa.Column("deleted_at", INSTANT),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name=op.f("fk_voicemail_call_id")),
        sa.PrimaryKeyConstraint("call_id", name=op.f("pk_voicemail")),
    )
    for name, column, where in (
        ("at_the_carrier", "left_at", "sha256 IS NULL AND deleted_at IS NULL"),
        ("keep_until", "keep_until", "deleted_at IS NULL"),
    ):
        op.create_index(f"ix_voicemail_{name}", "voicemail", [column], postgresql_where=sa.text(where))
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON voicemail TO {APP}")
    op.execute(f"GRANT SELECT, UPDATE ON voicemail TO {ROUTING}")
    for statement in (*protect_unattributed("voicemail"), open_to_routing("voicemail")):
        op.execute(statement)


def _surveys() -> None:
    op.create_table(
        "survey_answer",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("contract_id", sa.BigInteger(), nullable=False),
        sa.Column("ente_id", sa.BigInteger()),
        sa.Column("queue_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("score", sa.SmallInteger(), nullable=False),
        sa.Column("reason", sa.String(32)),
        sa.CheckConstraint("score BETWEEN 1 AND 5", name=op.f("ck_survey_answer_score")),
        sa.CheckConstraint(
            "reason IN ('wait', 'clarity', 'courtesy', 'solution')", name=op.f("ck_survey_answer_survey_reason")
        ),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name=op.f("fk_survey_answer_contract_id")),
        sa.ForeignKeyConstraint(["ente_id"], ["ente.id"], name=op.f("fk_survey_answer_ente_id")),
        sa.ForeignKeyConstraint(["queue_id"], ["queue.id"], name=op.f("fk_survey_answer_queue_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_survey_answer")),
    )
    op.create_index("ix_survey_answer_contract_id_day", "survey_answer", ["contract_id", "day"])
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON survey_answer TO {APP}")
    for statement in protect_unattributed("survey_answer"):
        op.execute(statement)

"""The first tables, and who may see which of their rows.

Revision ID: 0001
Revises:
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from web.migrations.isolation import APP, ROUTING, open_to_routing, protect, protect_unattributed, publish

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

BELONGS_TO_ENTE = (
    "contact",
    "contact_reach",
    "position",
    "import_run",
    "import_refusal",
    "timeline_entry",
    "job",
)
MAY_BE_UNATTRIBUTED = (
    "call",
    "call_event",
    "agent_leg",
    "queue_entry",
    "service_fact",
    "service_delta",
    "opening_hours",
    "closure",
)
PUBLISHED = ("opening_hours", "closure")
TELEPHONY = ("call", "agent_leg", "queue_entry")


def upgrade() -> None:
    create_tables()
    for statement in isolation():
        op.execute(statement)


def isolation() -> list[str]:
    """Policies and grants. Logs of facts are append-only, but for the ente they turn out to belong to."""
    statements = [s for table in BELONGS_TO_ENTE for s in protect(table)]
    statements += [s for table in MAY_BE_UNATTRIBUTED for s in protect_unattributed(table)]
    statements += protect_unattributed("service_count", unknown="ente_id = 0")
    statements += [publish(table) for table in PUBLISHED]
    statements += [open_to_routing(table) for table in (*TELEPHONY, "call_event")]
    statements += [
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {APP}",
        f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {APP}, {ROUTING}",
        f"REVOKE UPDATE, DELETE ON call_event, service_fact FROM {APP}",
        f"GRANT UPDATE (ente_id) ON call_event TO {APP}",
        f"REVOKE ALL ON alembic_version FROM {APP}",
        f"GRANT SELECT ON phone_line, queue, queue_member TO {ROUTING}",
        f"GRANT SELECT, INSERT, UPDATE ON {', '.join(TELEPHONY)} TO {ROUTING}",
        f"GRANT SELECT, INSERT ON call_event TO {ROUTING}",
        f"GRANT SELECT, UPDATE ON agent_presence TO {ROUTING}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON carrier_command, timer TO {ROUTING}",
    ]
    return statements


def create_tables() -> None:
    op.create_table(
        "app_user",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("username", sa.String(length=60), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_app_user")),
        sa.UniqueConstraint("username", name=op.f("uq_app_user_username")),
    )
    op.create_table(
        "contract",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contract")),
        sa.UniqueConstraint("name", name=op.f("uq_contract_name")),
    )
    op.create_table(
        "ente",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("short_name", sa.String(length=40), nullable=False),
        sa.Column("istat_code", sa.String(length=6), nullable=False),
        sa.Column("cadastral_code", sa.String(length=4), nullable=False),
        sa.Column("codice_fiscale", sa.String(length=11), nullable=False),
        sa.Column("province", sa.String(length=2), nullable=False),
        sa.Column("band", sa.SmallInteger(), nullable=False),
        sa.Column("patron_name", sa.String(length=80), nullable=False),
        sa.Column("patron_month", sa.SmallInteger(), nullable=False),
        sa.Column("patron_day", sa.SmallInteger(), nullable=False),
        sa.Column("observes_holidays", sa.Boolean(), nullable=False),
        sa.CheckConstraint("band BETWEEN 1 AND 6", name=op.f("ck_ente_band")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ente")),
        sa.UniqueConstraint("cadastral_code", name=op.f("uq_ente_cadastral_code")),
        sa.UniqueConstraint("codice_fiscale", name=op.f("uq_ente_codice_fiscale")),
        sa.UniqueConstraint("istat_code", name=op.f("uq_ente_istat_code")),
    )
    op.create_table(
        "service_count",
        sa.Column("contract_id", sa.BigInteger(), nullable=False),
        sa.Column("quarter", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("queue_id", sa.BigInteger(), nullable=False),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.Column("entered", sa.BigInteger(), nullable=False),
        sa.Column("answered", sa.BigInteger(), nullable=False),
        sa.Column("lost", sa.BigInteger(), nullable=False),
        sa.Column("waited_over", sa.BigInteger(), nullable=False),
        sa.Column("wait_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("contract_id", "quarter", "ente_id", "queue_id", name=op.f("pk_service_count")),
    )
    op.create_table(
        "service_delta",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("contract_id", sa.BigInteger(), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=True),
        sa.Column("queue_id", sa.BigInteger(), nullable=True),
        sa.Column("quarter", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.Column("entered", sa.BigInteger(), nullable=False),
        sa.Column("answered", sa.BigInteger(), nullable=False),
        sa.Column("lost", sa.BigInteger(), nullable=False),
        sa.Column("waited_over", sa.BigInteger(), nullable=False),
        sa.Column("wait_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_delta")),
    )
    op.create_index("ix_service_delta_contract_id_quarter", "service_delta", ["contract_id", "quarter"], unique=False)
    op.create_table(
        "service_fact",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("contract_id", sa.BigInteger(), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=True),
        sa.Column("queue_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "channel",
            sa.Enum("phone", name="channel", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("subject", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "received",
                "entered",
                "served",
                "returned",
                "left",
                "attributed",
                name="fact_kind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("waited_ms", sa.BigInteger(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("repaired", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_fact")),
    )
    op.create_index("ix_service_fact_subject", "service_fact", ["subject"], unique=False)
    op.create_table(
        "closure",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("contract_id", sa.BigInteger(), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=True),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("declared_by", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name=op.f("fk_closure_contract_id")),
        sa.ForeignKeyConstraint(["declared_by"], ["app_user.id"], name=op.f("fk_closure_declared_by")),
        sa.ForeignKeyConstraint(["ente_id"], ["ente.id"], name=op.f("fk_closure_ente_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_closure")),
    )
    op.create_table(
        "contact",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("codice_fiscale", sa.String(length=16), nullable=False),
        sa.Column("partita_iva", sa.String(length=11), nullable=True),
        sa.Column(
            "kind",
            sa.Enum("natural", "legal", name="person_kind", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("surname", sa.String(length=160), nullable=False),
        sa.Column("given_name", sa.String(length=80), nullable=True),
        sa.Column("born_on", sa.Date(), nullable=True),
        sa.Column("birthplace", sa.String(length=80), nullable=True),
        sa.Column("address", sa.String(length=160), nullable=True),
        sa.Column("postcode", sa.String(length=10), nullable=True),
        sa.Column("town", sa.String(length=80), nullable=True),
        sa.Column("name_key", sa.String(length=250), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("as_of", sa.DateTime(timezone=True), nullable=False),
        sa.Column("digest", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["ente_id"], ["ente.id"], name=op.f("fk_contact_ente_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact")),
        sa.UniqueConstraint("ente_id", "codice_fiscale", name=op.f("uq_contact_ente_id_codice_fiscale")),
        sa.UniqueConstraint("ente_id", "id", name=op.f("uq_contact_ente_id_id")),
    )
    op.create_index("ix_contact_codice_fiscale", "contact", ["codice_fiscale"], unique=False)
    op.create_index(
        "ix_contact_name_key", "contact", ["name_key"], unique=False, postgresql_ops={"name_key": "text_pattern_ops"}
    )
    op.create_index(
        "ix_contact_partita_iva",
        "contact",
        ["partita_iva"],
        unique=False,
        postgresql_where=sa.text("partita_iva IS NOT NULL"),
    )
    op.create_table(
        "contract_ente",
        sa.Column("contract_id", sa.BigInteger(), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name=op.f("fk_contract_ente_contract_id")),
        sa.ForeignKeyConstraint(["ente_id"], ["ente.id"], name=op.f("fk_contract_ente_ente_id")),
        sa.PrimaryKeyConstraint("contract_id", "ente_id", name=op.f("pk_contract_ente")),
    )
    op.create_table(
        "contract_level",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("contract_id", sa.BigInteger(), nullable=False),
        sa.Column("metric", sa.String(length=60), nullable=False),
        sa.Column("op", sa.String(length=2), nullable=False),
        sa.Column("target", sa.Numeric(precision=8, scale=4), nullable=False),
        sa.Column("threshold_s", sa.Numeric(precision=8, scale=3), nullable=True),
        sa.CheckConstraint("op IN ('<', '<=', '>', '>=')", name=op.f("ck_contract_level_op")),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name=op.f("fk_contract_level_contract_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contract_level")),
        sa.UniqueConstraint("contract_id", "metric", name=op.f("uq_contract_level_contract_id_metric")),
    )
    op.create_table(
        "import_run",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("file_name", sa.String(length=200), nullable=False),
        sa.Column("file_sha256", sa.String(length=64), nullable=False),
        sa.Column("file_bytes", sa.BigInteger(), nullable=False),
        sa.Column("read_bytes", sa.BigInteger(), nullable=False),
        sa.Column(
            "mode",
            sa.Enum("full", "incremental", name="feed_mode", native_enum=False, create_constraint=True, length=32),
            nullable=True,
        ),
        sa.Column("source", sa.String(length=80), nullable=True),
        sa.Column("as_of", sa.DateTime(timezone=True), nullable=True),
        sa.Column("line", sa.BigInteger(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("changed", sa.BigInteger(), nullable=False),
        sa.Column("unchanged", sa.BigInteger(), nullable=False),
        sa.Column("refused", sa.BigInteger(), nullable=False),
        sa.Column("warned", sa.BigInteger(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "running",
                "done",
                "truncated",
                "failed",
                name="import_state",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("failure", sa.String(length=400), nullable=True),
        sa.Column("started_by", sa.BigInteger(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["ente_id"], ["ente.id"], name=op.f("fk_import_run_ente_id")),
        sa.ForeignKeyConstraint(["started_by"], ["app_user.id"], name=op.f("fk_import_run_started_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_run")),
        sa.UniqueConstraint("ente_id", "id", name=op.f("uq_import_run_ente_id_id")),
    )
    op.create_index("ix_import_run_ente_id_file_sha256", "import_run", ["ente_id", "file_sha256"], unique=False)
    op.create_table(
        "job",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("argument", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "waiting",
                "running",
                "done",
                "failed",
                name="job_state",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("attempts", sa.SmallInteger(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("error", sa.String(length=400), nullable=True),
        sa.ForeignKeyConstraint(["ente_id"], ["ente.id"], name=op.f("fk_job_ente_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job")),
    )
    op.create_index(
        "ix_job_due", "job", ["due_at"], unique=False, postgresql_where=sa.text("state IN ('waiting', 'running')")
    )
    op.create_table(
        "opening_hours",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("contract_id", sa.BigInteger(), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=True),
        sa.Column("weekday", sa.SmallInteger(), nullable=False),
        sa.Column("opens", sa.Time(), nullable=False),
        sa.Column("closes", sa.Time(), nullable=False),
        sa.CheckConstraint("weekday BETWEEN 0 AND 6", name=op.f("ck_opening_hours_weekday")),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name=op.f("fk_opening_hours_contract_id")),
        sa.ForeignKeyConstraint(["ente_id"], ["ente.id"], name=op.f("fk_opening_hours_ente_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_opening_hours")),
    )
    op.create_table(
        "phone_line",
        sa.Column("number", sa.String(length=16), nullable=False),
        sa.Column("label", sa.String(length=80), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("freephone", "geographic", name="line_kind", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("contract_id", sa.BigInteger(), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name=op.f("fk_phone_line_contract_id")),
        sa.ForeignKeyConstraint(["ente_id"], ["ente.id"], name=op.f("fk_phone_line_ente_id")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_phone_line")),
    )
    op.create_table(
        "queue",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("contract_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("domain", sa.String(length=40), nullable=False),
        sa.Column("menu_digit", sa.String(length=1), nullable=True),
        sa.Column("menu_label", sa.String(length=80), nullable=True),
        sa.Column("asks_notice", sa.Boolean(), nullable=False),
        sa.Column("ring_timeout_s", sa.SmallInteger(), nullable=False),
        sa.Column("wrap_up_s", sa.SmallInteger(), nullable=False),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name=op.f("fk_queue_contract_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_queue")),
    )
    op.create_table(
        "role_grant",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "agent",
                "supervisor",
                "ente_viewer",
                "administrator",
                name="role",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("ente_id", sa.BigInteger(), nullable=True),
        sa.Column("contract_id", sa.BigInteger(), nullable=True),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_to", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(ente_id IS NULL) <> (contract_id IS NULL)", name=op.f("ck_role_grant_one_subject")),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name=op.f("fk_role_grant_contract_id")),
        sa.ForeignKeyConstraint(["ente_id"], ["ente.id"], name=op.f("fk_role_grant_ente_id")),
        sa.ForeignKeyConstraint(["user_id"], ["app_user.id"], name=op.f("fk_role_grant_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_role_grant")),
    )
    op.create_index(op.f("ix_role_grant_user_id"), "role_grant", ["user_id"], unique=False)
    op.create_table(
        "user_session",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("csrf_token", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["app_user.id"], name=op.f("fk_user_session_user_id")),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_user_session")),
    )
    op.create_index("ix_user_session_user_id", "user_session", ["user_id"], unique=False)
    op.create_table(
        "call",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("carrier_sid", sa.String(length=34), nullable=False),
        sa.Column("contract_id", sa.BigInteger(), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=True),
        sa.Column("line", sa.String(length=16), nullable=False),
        sa.Column("caller", sa.String(length=16), nullable=True),
        sa.Column(
            "caller_kind",
            sa.Enum(
                "landline",
                "mobile",
                "foreign",
                "withheld",
                name="caller_kind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "phase",
            sa.Enum(
                "ivr",
                "waiting",
                "ringing",
                "joining",
                "talking",
                "ended",
                name="phase",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("ivr", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("queue_id", sa.BigInteger(), nullable=True),
        sa.Column("agent_id", sa.BigInteger(), nullable=True),
        sa.Column("leg_id", sa.Uuid(), nullable=True),
        sa.Column("arrived_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("metered", sa.Boolean(), nullable=False),
        sa.Column("queued_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("waiting_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("waited_ms", sa.BigInteger(), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "outcome",
            sa.Enum(
                "answered",
                "abandoned",
                "left_ivr",
                "closed",
                name="outcome",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("closing", sa.Boolean(), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "proposed_by",
            sa.Enum(
                "caller_number",
                "notice_number",
                "agent",
                name="proposed_by",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("identified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("topic", sa.String(length=40), nullable=True),
        sa.Column("disposition", sa.String(length=40), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("wrapped_up_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["agent_id"], ["app_user.id"], name=op.f("fk_call_agent_id")),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name=op.f("fk_call_contract_id")),
        sa.ForeignKeyConstraint(
            ["ente_id", "contact_id"], ["contact.ente_id", "contact.id"], name=op.f("fk_call_ente_id_contact_id")
        ),
        sa.ForeignKeyConstraint(["ente_id"], ["ente.id"], name=op.f("fk_call_ente_id")),
        sa.ForeignKeyConstraint(["queue_id"], ["queue.id"], name=op.f("fk_call_queue_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call")),
        sa.UniqueConstraint("carrier_sid", name=op.f("uq_call_carrier_sid")),
    )
    op.create_index("ix_call_agent_id", "call", ["agent_id", "arrived_at"], unique=False)
    op.create_index("ix_call_caller", "call", ["caller", "arrived_at"], unique=False)
    op.create_index("ix_call_live", "call", ["phase"], unique=False, postgresql_where=sa.text("phase <> 'ended'"))
    op.create_table(
        "contact_reach",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("phone", "email", "pec", name="reach_kind", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("value", sa.String(length=254), nullable=False),
        sa.Column("source", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(
            ["ente_id", "contact_id"],
            ["contact.ente_id", "contact.id"],
            name=op.f("fk_contact_reach_ente_id_contact_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_reach")),
        sa.UniqueConstraint(
            "ente_id", "contact_id", "kind", "value", name=op.f("uq_contact_reach_ente_id_contact_id_kind_value")
        ),
    )
    op.create_index("ix_contact_reach_value_ente_id", "contact_reach", ["value", "ente_id"], unique=False)
    op.create_table(
        "import_refusal",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("line", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(length=400), nullable=False),
        sa.Column("taken", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["ente_id", "run_id"],
            ["import_run.ente_id", "import_run.id"],
            name=op.f("fk_import_refusal_ente_id_run_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_refusal")),
        sa.UniqueConstraint("ente_id", "run_id", "line", name=op.f("uq_import_refusal_ente_id_run_id_line")),
    )
    op.create_table(
        "position",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=False),
        sa.Column("reference", sa.String(length=60), nullable=False),
        sa.Column("notice_number", sa.String(length=18), nullable=True),
        sa.Column(
            "tax",
            sa.Enum(
                "tari",
                "imu",
                "canone_unico",
                "sanzioni_cds",
                "servizi_scolastici",
                name="tax",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("year", sa.SmallInteger(), nullable=False),
        sa.Column(
            "act_kind",
            sa.Enum(
                "avviso_pagamento",
                "sollecito",
                "accertamento_esecutivo",
                "ingiunzione",
                name="act_kind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("act_number", sa.String(length=40), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "to_pay",
                "overdue",
                "partly_paid",
                "paid",
                "in_instalments",
                "suspended",
                "annulled",
                "relieved",
                "fermo",
                "ipoteca",
                "pignoramento",
                "in_litigation",
                "insolvency",
                name="position_state",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("state_on", sa.Date(), nullable=True),
        sa.Column("state_note", sa.String(length=200), nullable=True),
        sa.Column("tax_cents", sa.BigInteger(), nullable=False),
        sa.Column("sanctions_cents", sa.BigInteger(), nullable=False),
        sa.Column("interest_cents", sa.BigInteger(), nullable=False),
        sa.Column("costs_cents", sa.BigInteger(), nullable=False),
        sa.Column("paid_cents", sa.BigInteger(), nullable=False),
        sa.Column("residual_cents", sa.BigInteger(), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column(
            "notification",
            sa.Enum(
                "not_sent",
                "sent",
                "notified",
                "failed",
                name="notification_state",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("notified_on", sa.Date(), nullable=True),
        sa.Column("notification_note", sa.String(length=200), nullable=True),
        sa.Column("payments", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("instalments", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("as_of", sa.DateTime(timezone=True), nullable=False),
        sa.Column("digest", sa.String(length=32), nullable=False),
        sa.CheckConstraint(
            "least(tax_cents, sanctions_cents, interest_cents, costs_cents, paid_cents, residual_cents) >= 0",
            name=op.f("ck_position_amounts"),
        ),
        sa.ForeignKeyConstraint(
            ["ente_id", "contact_id"], ["contact.ente_id", "contact.id"], name=op.f("fk_position_ente_id_contact_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_position")),
        sa.UniqueConstraint("ente_id", "reference", name=op.f("uq_position_ente_id_reference")),
    )
    op.create_index("ix_position_ente_id_contact_id", "position", ["ente_id", "contact_id"], unique=False)
    op.create_index("ix_position_notice_number", "position", ["notice_number"], unique=False)
    op.create_table(
        "queue_member",
        sa.Column("queue_id", sa.BigInteger(), nullable=False),
        sa.Column("agent_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["agent_id"], ["app_user.id"], name=op.f("fk_queue_member_agent_id")),
        sa.ForeignKeyConstraint(["queue_id"], ["queue.id"], name=op.f("fk_queue_member_queue_id")),
        sa.PrimaryKeyConstraint("queue_id", "agent_id", name=op.f("pk_queue_member")),
    )
    op.create_table(
        "timeline_entry",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("call", name="entry_kind", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("source", sa.Uuid(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("author_id", sa.BigInteger(), nullable=True),
        sa.Column("status", sa.String(length=40), nullable=False),
        sa.Column("detail", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(["author_id"], ["app_user.id"], name=op.f("fk_timeline_entry_author_id")),
        sa.ForeignKeyConstraint(
            ["ente_id", "contact_id"],
            ["contact.ente_id", "contact.id"],
            name=op.f("fk_timeline_entry_ente_id_contact_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_timeline_entry")),
        sa.UniqueConstraint(
            "ente_id", "contact_id", "kind", "source", name=op.f("uq_timeline_entry_ente_id_contact_id_kind_source")
        ),
    )
    op.create_index(
        "ix_timeline_entry_contact", "timeline_entry", ["ente_id", "contact_id", "occurred_at"], unique=False
    )
    op.create_table(
        "agent_leg",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("contract_id", sa.BigInteger(), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=True),
        sa.Column("agent_id", sa.BigInteger(), nullable=False),
        sa.Column("carrier_sid", sa.String(length=34), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "ringing", "answered", "ended", name="leg_state", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column("offered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("end_reason", sa.String(length=40), nullable=True),
        sa.ForeignKeyConstraint(["agent_id"], ["app_user.id"], name=op.f("fk_agent_leg_agent_id")),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name=op.f("fk_agent_leg_call_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agent_leg")),
    )
    op.create_index(op.f("ix_agent_leg_call_id"), "agent_leg", ["call_id"], unique=False)
    op.create_table(
        "agent_presence",
        sa.Column("agent_id", sa.BigInteger(), nullable=False),
        sa.Column("domain", sa.String(length=40), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "offline",
                "ready",
                "paused",
                "ringing",
                "talking",
                "wrap_up",
                name="agent_state",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("idle_since", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "intended",
            sa.Enum(
                "offline",
                "ready",
                "paused",
                "ringing",
                "talking",
                "wrap_up",
                name="intended",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "pause_reason",
            sa.Enum(
                "break",
                "meeting",
                "training",
                "back_office",
                "missed_call",
                name="pause_reason",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("call_id", sa.Uuid(), nullable=True),
        sa.Column("leg_id", sa.Uuid(), nullable=True),
        sa.Column("live_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("device", sa.String(length=36), nullable=True),
        sa.ForeignKeyConstraint(["agent_id"], ["app_user.id"], name=op.f("fk_agent_presence_agent_id")),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name=op.f("fk_agent_presence_call_id")),
        sa.PrimaryKeyConstraint("agent_id", name=op.f("pk_agent_presence")),
    )
    op.create_table(
        "call_event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("contract_id", sa.BigInteger(), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=True),
        sa.Column("key", sa.String(length=120), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("detail", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("repaired", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name=op.f("fk_call_event_call_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call_event")),
    )
    op.create_index("uq_call_event_call_id_key", "call_event", ["call_id", "key"], unique=True)
    op.create_table(
        "carrier_command",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "ring_agent",
                "connect_caller",
                "requeue_caller",
                "end_caller",
                "end_leg",
                name="command_kind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("leg_id", sa.Uuid(), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "owed",
                "unknown",
                "done",
                "failed",
                name="command_state",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("attempts", sa.SmallInteger(), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("error", sa.String(length=200), nullable=True),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name=op.f("fk_carrier_command_call_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_carrier_command")),
    )
    op.create_index(op.f("ix_carrier_command_call_id"), "carrier_command", ["call_id"], unique=False)
    op.create_index(
        "ix_carrier_command_owed",
        "carrier_command",
        ["lease_until"],
        unique=False,
        postgresql_where=sa.text("state IN ('owed', 'unknown')"),
    )
    op.create_table(
        "queue_entry",
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("contract_id", sa.BigInteger(), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=True),
        sa.Column("queue_id", sa.BigInteger(), nullable=False),
        sa.Column("domain", sa.String(length=40), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "waiting", "offered", "left", name="entry_state", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column("priority", sa.SmallInteger(), nullable=False),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name=op.f("fk_queue_entry_call_id")),
        sa.ForeignKeyConstraint(["queue_id"], ["queue.id"], name=op.f("fk_queue_entry_queue_id")),
        sa.PrimaryKeyConstraint("call_id", name=op.f("pk_queue_entry")),
    )
    op.create_index(
        "ix_queue_entry_order",
        "queue_entry",
        ["domain", sa.literal_column("priority DESC"), "entered_at"],
        unique=False,
        postgresql_where=sa.text("state <> 'left'"),
    )
    op.create_table(
        "timer",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("ring", "wrap_up", name="timer_kind", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("contract_id", sa.BigInteger(), nullable=False),
        sa.Column("leg_id", sa.Uuid(), nullable=True),
        sa.Column("agent_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name=op.f("fk_timer_call_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_timer")),
    )
    op.create_index(op.f("ix_timer_due_at"), "timer", ["due_at"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_timer_due_at"), table_name="timer")
    op.drop_table("timer")
    op.drop_index("ix_queue_entry_order", table_name="queue_entry", postgresql_where=sa.text("state <> 'left'"))
    op.drop_table("queue_entry")
    op.drop_index(
        "ix_carrier_command_owed",
        table_name="carrier_command",
        postgresql_where=sa.text("state IN ('owed', 'unknown')"),
    )
    op.drop_index(op.f("ix_carrier_command_call_id"), table_name="carrier_command")
    op.drop_table("carrier_command")
    op.drop_index("uq_call_event_call_id_key", table_name="call_event")
    op.drop_table("call_event")
    op.drop_table("agent_presence")
    op.drop_index(op.f("ix_agent_leg_call_id"), table_name="agent_leg")
    op.drop_table("agent_leg")
    op.drop_index("ix_timeline_entry_contact", table_name="timeline_entry")
    op.drop_table("timeline_entry")
    op.drop_table("queue_member")
    op.drop_index("ix_position_notice_number", table_name="position")
    op.drop_index("ix_position_ente_id_contact_id", table_name="position")
    op.drop_table("position")
    op.drop_table("import_refusal")
    op.drop_index("ix_contact_reach_value_ente_id", table_name="contact_reach")
    op.drop_table("contact_reach")
    op.drop_index("ix_call_live", table_name="call", postgresql_where=sa.text("phase <> 'ended'"))
    op.drop_index("ix_call_caller", table_name="call")
    op.drop_index("ix_call_agent_id", table_name="call")
    op.drop_table("call")
    op.drop_index("ix_user_session_user_id", table_name="user_session")
    op.drop_table("user_session")
    op.drop_index(op.f("ix_role_grant_user_id"), table_name="role_grant")
    op.drop_table("role_grant")
    op.drop_table("queue")
    op.drop_table("phone_line")
    op.drop_table("opening_hours")
    op.drop_index("ix_job_due", table_name="job", postgresql_where=sa.text("state IN ('waiting', 'running')"))
    op.drop_table("job")
    op.drop_index("ix_import_run_ente_id_file_sha256", table_name="import_run")
    op.drop_table("import_run")
    op.drop_table("contract_level")
    op.drop_table("contract_ente")
    op.drop_index("ix_contact_partita_iva", table_name="contact", postgresql_where=sa.text("partita_iva IS NOT NULL"))
    op.drop_index("ix_contact_name_key", table_name="contact", postgresql_ops={"name_key": "text_pattern_ops"})
    op.drop_index("ix_contact_codice_fiscale", table_name="contact")
    op.drop_table("contact")
    op.drop_table("closure")
    op.drop_index("ix_service_fact_subject", table_name="service_fact")
    op.drop_table("service_fact")
    op.drop_index("ix_service_delta_contract_id_quarter", table_name="service_delta")
    op.drop_table("service_delta")
    op.drop_table("service_count")
    op.drop_table("ente")
    op.drop_table("contract")
    op.drop_table("app_user")

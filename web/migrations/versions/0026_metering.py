"""Terms by which a contract is measured, counters of what its formulas need, its events, and imported calls.

The new counters begin with this migration: `filodiretto verify-levels --correct` computes those before it from the
facts.

Revision ID: 0026
Revises: 0025
"""

import sqlalchemy as sa
from alembic import op

from web.migrations.isolation import APP, protect_unattributed

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
BEFORE = ("received", "entered", "answered", "lost", "waited_over", "wait_ms")
ADDED = (
    "answered_within", "abandoned", "abandoned_within", "abandoned_short", "abandoned_wait_ms", "handled", "talk_ms",
    "hold_ms", "wrap_up_ms",
)  # fmt: skip
FACTS = ("received", "entered", "served", "returned", "left", "attributed")
MORE_FACTS = ("turned_away", "held", "resumed", "wrapped_up", "moved")
TIMERS = ("ring", "wrap_up", "widen")
TENANTS = ("call", "service_fact", "service_delta", "service_count")
CALLERS = """
    CASE WHEN c.caller_kind IN ('landline', 'mobile') THEN c.caller_kind
         WHEN (SELECT kind FROM phone_line WHERE number = c.line) = 'freephone' THEN 'landline' ELSE 'mobile' END
"""


def upgrade() -> None:
    for table in TENANTS:
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    _levels()
    _calls_and_facts()
    _counters()
    for table in TENANTS:
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    _events()
    _history()


def downgrade() -> None:
    for table in ("imported_call", "contract_event", "service_hour", "contract_terms"):
        op.drop_table(table)
    for table in TENANTS:
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.execute("DELETE FROM timer WHERE kind = 'wait'")
    _allow("timer", "timer_kind", "kind", TIMERS)
    op.drop_constraint("pk_service_count", "service_count")
    op.execute(
        f"""
        WITH gone AS (DELETE FROM service_count RETURNING *)
        INSERT INTO service_count (contract_id, quarter, ente_id, queue_id, callers, {", ".join(BEFORE)})
        SELECT contract_id, quarter, ente_id, queue_id, 'landline', {", ".join(f"sum({one})" for one in BEFORE)}
        FROM gone GROUP BY contract_id, quarter, ente_id, queue_id
        """  # noqa: S608  # names of ours
    )
    for table in ("service_delta", "service_count"):
        for name in (*ADDED, "callers"):
            op.drop_column(table, name)
    op.create_primary_key("pk_service_count", "service_count", ["contract_id", "quarter", "ente_id", "queue_id"])
    op.execute(
        "DELETE FROM service_fact WHERE imported OR kind IN ('turned_away', 'held', 'resumed', 'wrapped_up', 'moved')"
    )
    op.drop_index("ix_service_fact_received", "service_fact")
    for name in ("ended_by", "agent_id", "announced_s", "position", "callers", "imported"):
        op.drop_column("service_fact", name)
    _allow("service_fact", "fact_kind", "kind", FACTS)
    for name in ("talked_ms", "talking_since", "callers"):
        op.drop_column("call", name)
    for table in TENANTS:
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.drop_constraint("uq_contract_level_contract_id_metric_callers", "contract_level")
    op.execute("DELETE FROM contract_level WHERE callers IS NOT NULL")
    op.drop_column("contract_level", "callers")
    op.create_unique_constraint("uq_contract_level_contract_id_metric", "contract_level", ["contract_id", "metric"])


def _levels() -> None:
    op.add_column("contract_level", sa.Column("callers", sa.String(8)))
    op.create_check_constraint(
        op.f("ck_contract_level_callers"), "contract_level", "callers IN ('landline', 'mobile')"
    )  # fmt: skip
    op.drop_constraint("uq_contract_level_contract_id_metric", "contract_level")
    op.create_unique_constraint(
        "uq_contract_level_contract_id_metric_callers", "contract_level", ["contract_id", "metric", "callers"],
        postgresql_nulls_not_distinct=True,
    )  # fmt: skip
    op.create_table(
        "contract_terms",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("contract_id", sa.BigInteger(), nullable=False),
        sa.Column("valid_from", INSTANT, nullable=False),
        sa.Column("formula", _choice("formula", "A", "B", "C", "D", "E"), nullable=False),
        sa.Column("within_ms", sa.BigInteger(), nullable=False),
        sa.Column("short_ms", sa.BigInteger(), nullable=False),
        sa.Column("over_ms", sa.BigInteger(), nullable=False),
        sa.Column("denominator", _choice("denominator", "received", "entered"), nullable=False),
        sa.CheckConstraint(
            "within_ms >= 0 AND short_ms >= 0 AND over_ms >= 0", name=op.f("ck_contract_terms_milliseconds")
        ),
        sa.CheckConstraint(
            "valid_from = date_trunc('hour', valid_from, 'UTC')", name=op.f("ck_contract_terms_on_the_hour")
        ),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name=op.f("fk_contract_terms_contract_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contract_terms")),
    )
    op.create_index("ix_contract_terms_contract_id", "contract_terms", ["contract_id", "valid_from"])
    op.execute(f"GRANT SELECT, INSERT ON contract_terms TO {APP}")
    op.execute(
        "CREATE TRIGGER raise_configuration_version AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON contract_terms "
        "FOR EACH STATEMENT EXECUTE FUNCTION raise_configuration_version()"
    )


def _calls_and_facts() -> None:
    op.add_column("call", sa.Column("callers", _choice("callers", "landline", "mobile")))
    op.add_column("call", sa.Column("talking_since", INSTANT))
    op.add_column("call", sa.Column("talked_ms", sa.BigInteger(), nullable=False, server_default="0"))
    op.execute(f"UPDATE call c SET callers = {CALLERS}")  # noqa: S608  # as above
    op.execute("UPDATE call SET talking_since = answered_at WHERE phase = 'talking'")
    op.execute(
        "UPDATE call SET talked_ms = round(greatest(0, extract(epoch FROM ended_at - answered_at)) * 1000)"
        " WHERE phase = 'ended' AND answered_at IS NOT NULL"
    )
    op.alter_column("call", "callers", nullable=False)
    op.add_column("service_fact", sa.Column("imported", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("service_fact", sa.Column("callers", _choice("callers", "landline", "mobile")))
    op.add_column("service_fact", sa.Column("position", sa.SmallInteger()))
    op.add_column("service_fact", sa.Column("announced_s", sa.SmallInteger()))
    op.add_column("service_fact", sa.Column("agent_id", sa.BigInteger()))
    op.add_column("service_fact", sa.Column("ended_by", _choice("ended_by", "caller", "agent", "system")))
    op.execute("UPDATE service_fact f SET callers = c.callers FROM call c WHERE c.id = f.subject")
    op.execute("UPDATE service_fact SET callers = 'landline' WHERE callers IS NULL")
    op.alter_column("service_fact", "callers", nullable=False)
    op.create_index(
        "ix_service_fact_received", "service_fact", ["contract_id", "occurred_at"],
        postgresql_where=sa.text("kind = 'received'"),
    )  # fmt: skip
    _allow("service_fact", "fact_kind", "kind", (*FACTS, *MORE_FACTS))
    _allow("timer", "timer_kind", "kind", (*TIMERS, "wait"))


def _counters() -> None:
    for table in ("service_delta", "service_count"):
        op.add_column(
            table,
            sa.Column("callers", _choice("callers", "landline", "mobile"), nullable=False, server_default="landline"),
        )
        op.alter_column(table, "callers", server_default=None)
        for name in ADDED:
            op.add_column(table, sa.Column(name, sa.BigInteger(), nullable=False, server_default="0"))
        op.execute(f"UPDATE {table} SET abandoned = lost")  # noqa: S608  # as above
    op.drop_constraint("pk_service_count", "service_count")
    keys = ["contract_id", "quarter", "ente_id", "queue_id", "callers"]
    op.create_primary_key("pk_service_count", "service_count", keys)
    op.create_table(
        "service_hour",
        sa.Column("contract_id", sa.BigInteger(), nullable=False),
        sa.Column("hour", INSTANT, nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("queue_id", sa.BigInteger(), nullable=False),
        sa.Column("callers", _choice("callers", "landline", "mobile"), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in BEFORE),
        *(sa.Column(name, sa.BigInteger(), nullable=False, server_default="0") for name in ADDED),
        sa.PrimaryKeyConstraint(
            "contract_id", "hour", "ente_id", "queue_id", "callers", name=op.f("pk_service_hour")
        ),
    )  # fmt: skip
    names = (*BEFORE, *ADDED)
    op.execute(
        f"""
        INSERT INTO service_hour (contract_id, hour, ente_id, queue_id, callers, {", ".join(names)})
        SELECT contract_id, date_trunc('hour', quarter), ente_id, queue_id, callers,
               {", ".join(f"sum({one})" for one in names)}
        FROM service_count GROUP BY 1, 2, 3, 4, 5
        """  # noqa: S608  # as above
    )
    for statement in protect_unattributed("service_hour", unknown="ente_id = 0"):
        op.execute(statement)
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON service_hour TO {APP}")


def _events() -> None:
    op.create_table(
        "contract_event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("contract_id", sa.BigInteger(), nullable=False),
        sa.Column("ente_id", sa.BigInteger()),
        sa.Column("queue_id", sa.BigInteger()),
        sa.Column("kind", _choice("contract_event_kind", "queue_over", "wait_over", "hour_over"), nullable=False),
        sa.Column("metric", sa.String(60), nullable=False),
        sa.Column("subject", sa.String(40), nullable=False),
        sa.Column("limit", sa.Numeric(12, 4), nullable=False),
        sa.Column("measured", sa.Numeric(12, 4), nullable=False),
        sa.Column("occurred_at", INSTANT, nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("withdrawn_at", INSTANT),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name=op.f("fk_contract_event_contract_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contract_event")),
    )
    op.create_index(
        "uq_contract_event_contract_id_metric_subject", "contract_event", ["contract_id", "metric", "subject"],
        unique=True,
    )  # fmt: skip
    op.create_index(
        "ix_contract_event_contract_id_occurred_at", "contract_event", ["contract_id", "occurred_at"]
    )  # fmt: skip
    _unattributed("contract_event")


def _history() -> None:
    op.create_table(
        "imported_call",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("contract_id", sa.BigInteger(), nullable=False),
        sa.Column("ente_id", sa.BigInteger()),
        sa.Column("queue_id", sa.BigInteger()),
        sa.Column("callers", _choice("callers", "landline", "mobile"), nullable=False),
        sa.Column(
            "outcome",
            _choice("past_outcome", "answered", "abandoned", "turned_away", "left_ivr", "closed"),
            nullable=False,
        ),
        *(sa.Column(name, INSTANT) for name in ("entered_at", "left_at", "answered_at")),
        *(sa.Column(name, INSTANT, nullable=False) for name in ("started_at", "ended_at")),
        sa.Column("waited_ms", sa.BigInteger(), nullable=False),
        sa.Column("agent", sa.String(80)),
        sa.Column("agent_id", sa.BigInteger()),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name=op.f("fk_imported_call_contract_id")),
        sa.ForeignKeyConstraint(["ente_id"], ["ente.id"], name=op.f("fk_imported_call_ente_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_imported_call")),
    )
    _unattributed("imported_call")


def _unattributed(table: str) -> None:
    for statement in protect_unattributed(table):
        op.execute(statement)
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {APP}")


def _choice(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)


def _allow(table: str, name: str, column: str, values: tuple[str, ...]) -> None:
    told = ", ".join(f"'{one}'" for one in values)
    op.drop_constraint(op.f(f"ck_{table}_{name}"), table)
    op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, f"{column} IN ({told})")

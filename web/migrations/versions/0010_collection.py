"""Deletions, late records, sources of feeds with their schedule, and reconciliation.

Revision ID: 0010
Revises: 0009
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from web.migrations.isolation import APP, protect

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

STATES_BEFORE = ("waiting", "running", "done", "truncated", "failed", "stopped")
STATED = ("contact", "position")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    for table in STATED:
        op.add_column(table, sa.Column("withdrawn_as_of", INSTANT))
    _runs()
    _next_feeds()
    _sources()
    _reconciliation()


def _runs() -> None:
    _states((*STATES_BEFORE, "held"))
    for name in ("waiting", "withdrawn", "unreadable"):
        op.add_column("import_run", sa.Column(name, sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("import_run", sa.Column("complete", sa.Boolean(), nullable=False, server_default="false"))
    op.add_column("import_run", sa.Column("totals", postgresql.JSONB(), nullable=False, server_default="[]"))
    for name in ("waiting", "withdrawn", "unreadable", "complete", "totals"):
        op.alter_column("import_run", name, server_default=None)
    op.add_column("import_run", sa.Column("held", postgresql.JSONB()))
    op.add_column("import_run", sa.Column("decided_by", sa.BigInteger()))
    op.create_foreign_key(op.f("fk_import_run_decided_by"), "import_run", "app_user", ["decided_by"], ["id"])


def _next_feeds() -> None:
    op.create_table(
        "import_named",
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        _of("import_named"),
        sa.Column("key", sa.String(60), nullable=False),
        _of_run("import_named"),
        sa.PrimaryKeyConstraint("run_id", "of", "key", name=op.f("pk_import_named")),
    )
    op.create_table(
        "withdrawn_key",
        _of_ente("withdrawn_key"),
        _of("withdrawn_key"),
        sa.Column("key", sa.String(60), nullable=False),
        sa.Column("as_of", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("ente_id", "of", "key", name=op.f("pk_withdrawn_key")),
    )
    op.create_table(
        "waiting_position",
        _of_ente("waiting_position"),
        sa.Column("reference", sa.String(60), nullable=False),
        sa.Column("codice_fiscale", sa.String(16), nullable=False),
        sa.Column("as_of", INSTANT, nullable=False),
        sa.Column("present_as_of", INSTANT, nullable=False),
        sa.Column("digest", sa.String(32), nullable=False),
        sa.Column("content", postgresql.JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("ente_id", "reference", name=op.f("pk_waiting_position")),
    )
    op.create_index("ix_waiting_position_ente_id_codice_fiscale", "waiting_position", ["ente_id", "codice_fiscale"])
    op.create_table(
        "feed_state",
        _of_ente("feed_state"),
        sa.Column("full_as_of", INSTANT),
        sa.Column("full_run_id", sa.BigInteger()),
        sa.Column("held_percent", sa.SmallInteger(), nullable=False),
        sa.Column("held_rows", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("ente_id", name=op.f("pk_feed_state")),
    )
    _tenant("import_named", "withdrawn_key", "waiting_position", "feed_state")


def _sources() -> None:
    op.create_table(
        "collection_source",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        _of_ente("collection_source"),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("endpoint", sa.String(40)),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("every_min", sa.BigInteger()),
        sa.Column("at_minute", sa.BigInteger()),
        sa.Column("due_at", INSTANT),
        sa.Column("cursor", sa.String(200)),
        sa.Column("etag", sa.String(200)),
        sa.Column("failures", sa.SmallInteger(), nullable=False),
        sa.Column("open_until", INSTANT),
        sa.Column("job_id", sa.BigInteger()),
        sa.CheckConstraint("kind IN ('folder', 'http')", name=op.f("ck_collection_source_source_kind")),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("fk_collection_source_job_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_collection_source")),
        sa.UniqueConstraint("ente_id", "id", name=op.f("uq_collection_source_ente_id_id")),
        sa.UniqueConstraint("ente_id", "name", name=op.f("uq_collection_source_ente_id_name")),
    )
    op.create_index("ix_collection_source_due_at", "collection_source", ["due_at"], postgresql_where=sa.text("active"))
    op.create_table(
        "source_reading",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("source_id", sa.BigInteger(), nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT),
        sa.Column("outcome", sa.String(32)),
        sa.Column("failure", sa.String(400)),
        sa.Column("run_id", sa.BigInteger()),
        sa.CheckConstraint(
            "outcome IN ('read', 'nothing_new', 'failed', 'refused')", name=op.f("ck_source_reading_reading_outcome")
        ),
        sa.ForeignKeyConstraint(
            ["ente_id", "source_id"], ["collection_source.ente_id", "collection_source.id"],
            name=op.f("fk_source_reading_ente_id_source_id"),
        ),
        _of_run("source_reading"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_source_reading")),
    )  # fmt: skip
    op.create_index("ix_source_reading_ente_id_source_id_id", "source_reading", ["ente_id", "source_id", "id"])
    _tenant("collection_source", "source_reading")


def _reconciliation() -> None:
    op.create_table(
        "reconciliation",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("as_of", INSTANT, nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.Column("matches", sa.Boolean(), nullable=False),
        sa.Column("lines", postgresql.JSONB(), nullable=False),
        sa.Column("newer", sa.BigInteger(), nullable=False),
        _of_run("reconciliation"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reconciliation")),
    )
    op.create_index("ix_reconciliation_ente_id_id", "reconciliation", ["ente_id", "id"])
    _tenant("reconciliation")


def _of(table: str) -> sa.Column[str]:
    check = sa.CheckConstraint("\"of\" IN ('taxpayer', 'position')", name=op.f(f"ck_{table}_of"))
    return sa.Column("of", sa.String(32), check, nullable=False)


def _of_ente(table: str) -> sa.Column[int]:
    return sa.Column(
        "ente_id", sa.BigInteger(), sa.ForeignKey("ente.id", name=op.f(f"fk_{table}_ente_id")), nullable=False
    )


def _of_run(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["ente_id", "run_id"], ["import_run.ente_id", "import_run.id"], name=op.f(f"fk_{table}_ente_id_run_id")
    )


def _tenant(*tables: str) -> None:
    for table in tables:
        for statement in protect(table):
            op.execute(statement)
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {APP}")


def _states(names: tuple[str, ...]) -> None:
    op.drop_constraint(op.f("ck_import_run_import_state"), "import_run", type_="check")
    op.create_check_constraint(op.f("ck_import_run_import_state"), "import_run", f"state IN {names}")


def downgrade() -> None:
    for table in ("reconciliation", "source_reading", "collection_source", "feed_state", "waiting_position",
                  "withdrawn_key", "import_named"):  # fmt: skip
        op.drop_table(table)
    op.drop_constraint(op.f("fk_import_run_decided_by"), "import_run", type_="foreignkey")
    for name in ("waiting", "withdrawn", "unreadable", "complete", "totals", "held", "decided_by"):
        op.drop_column("import_run", name)
    op.execute("ALTER TABLE import_run NO FORCE ROW LEVEL SECURITY")
    op.execute("UPDATE import_run SET state = 'done' WHERE state = 'held'")
    op.execute("ALTER TABLE import_run FORCE ROW LEVEL SECURITY")
    _states(STATES_BEFORE)
    for table in STATED:
        op.drop_column(table, "withdrawn_as_of")

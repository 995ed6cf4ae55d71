"""An import is a run from the moment its file is sent; fresh statistics after one; processes show that they live.

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

from web.migrations.isolation import APP

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# ANALYZE is the owner's. PostgreSQL 17 could grant MAINTAIN instead; 15, which Debian 12 has, cannot. What others are
# vacuuming or analyzing at the moment is left to them: nobody waits.
ANALYZE = """
CREATE FUNCTION analyze_collection() RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    ANALYZE (SKIP_LOCKED) public.contact, public.contact_reach, public.position;
END
$$
"""


def upgrade() -> None:
    _sent_files()
    _heartbeats()
    op.execute(ANALYZE)
    op.execute("REVOKE ALL ON FUNCTION analyze_collection() FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION analyze_collection() TO {APP}")


def _sent_files() -> None:
    op.drop_constraint("ck_import_run_import_state", "import_run")
    op.create_check_constraint(
        op.f("ck_import_run_import_state"),
        "import_run",
        "state IN ('waiting', 'running', 'done', 'truncated', 'failed', 'stopped')",
    )
    op.alter_column("import_run", "file_sha256", existing_type=sa.String(64), nullable=True)
    op.add_column("import_run", sa.Column("job_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(op.f("fk_import_run_job_id"), "import_run", "job", ["job_id"], ["id"])


def _heartbeats() -> None:
    op.create_table(
        "heartbeat",
        sa.Column("process", sa.String(length=20), nullable=False),
        sa.Column("host", sa.String(length=80), nullable=False),
        sa.Column("pid", sa.BigInteger(), nullable=False),
        sa.Column("doing", sa.String(length=40), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("beaten_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("process", "host", "pid", name=op.f("pk_heartbeat")),
    )
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON heartbeat TO {APP}")


def downgrade() -> None:
    op.execute("DROP FUNCTION analyze_collection()")
    op.drop_table("heartbeat")
    op.drop_constraint(op.f("fk_import_run_job_id"), "import_run")
    op.drop_column("import_run", "job_id")
    op.alter_column("import_run", "file_sha256", existing_type=sa.String(64), nullable=False)
    op.drop_constraint("ck_import_run_import_state", "import_run")
    op.create_check_constraint(
        op.f("ck_import_run_import_state"), "import_run", "state IN ('running', 'done', 'truncated', 'failed')"
    )

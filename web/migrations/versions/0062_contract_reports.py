"""Reports of a whole contract, beside those of its enti.

Revision ID: 0062
Revises: 0061
"""

from alembic import op

from web.migrations.isolation import protect, protect_unattributed

revision = "0062"
down_revision = "0061"
branch_labels = None
depends_on = None

KEY = ["ente_id", "contract_id", "period", "first", "version"]
NAME = "uq_service_report_ente_id_contract_id_period_first_version"


def upgrade() -> None:
    op.alter_column("service_report", "ente_id", nullable=True)
    op.drop_constraint(NAME, "service_report")
    op.create_unique_constraint(NAME, "service_report", KEY, postgresql_nulls_not_distinct=True)
    op.execute("DROP POLICY scope ON service_report")
    for statement in protect_unattributed("service_report"):
        op.execute(statement)


def downgrade() -> None:
    op.execute("ALTER TABLE service_report NO FORCE ROW LEVEL SECURITY")
    op.execute("DELETE FROM service_report WHERE ente_id IS NULL")
    op.execute("DROP POLICY scope ON service_report")
    for statement in protect("service_report"):
        op.execute(statement)
    op.drop_constraint(NAME, "service_report")
    op.create_unique_constraint(NAME, "service_report", KEY)
    op.alter_column("service_report", "ente_id", nullable=False)

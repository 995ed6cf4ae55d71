"""What stands on a notice as it was issued; how long keyed digits are kept; usual flows by version; hours of lines.

Revision ID: 0044
Revises: 0043
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("position", sa.Column("printed", JSONB(none_as_null=True)))
    op.add_column("contract", sa.Column("keyed_days", sa.SmallInteger, nullable=False, server_default="30"))
    op.create_check_constraint("keyed_days", "contract", "keyed_days BETWEEN 0 AND 3650")
    op.add_column("call", sa.Column("keyed", sa.Boolean, nullable=False, server_default=sa.false()))
    op.execute("ALTER TABLE call NO FORCE ROW LEVEL SECURITY")
    op.execute("UPDATE call SET keyed = true WHERE (ivr -> 'kept') - ARRAY['recording', 'survey-marked'] <> '{}'")
    op.execute("ALTER TABLE call FORCE ROW LEVEL SECURITY")
    op.alter_column("ivr_version", "flow_id", nullable=True)
    op.add_column("ivr_version", sa.Column("digest", sa.String(64)))
    op.create_unique_constraint("uq_ivr_version_digest", "ivr_version", ["digest"])
    op.create_check_constraint("usual", "ivr_version", "(flow_id IS NULL) = (digest IS NOT NULL)")
    op.execute(
        "CREATE TRIGGER raise_configuration_version AFTER INSERT ON ivr_version FOR EACH ROW"
        " WHEN (new.flow_id IS NULL) EXECUTE FUNCTION raise_configuration_version()"
    )
    op.add_column("phone_line", sa.Column("hours", JSONB, nullable=False, server_default="[]"))
    op.create_index("ix_call_keyed", "call", ["ended_at"], postgresql_where=sa.text("keyed"))


def downgrade() -> None:
    op.drop_column("phone_line", "hours")
    op.execute("DROP TRIGGER raise_configuration_version ON ivr_version")
    op.execute("ALTER TABLE call NO FORCE ROW LEVEL SECURITY")
    op.execute(
        "UPDATE call SET ivr_version_id = NULL FROM ivr_version WHERE ivr_version_id = ivr_version.id"
        " AND flow_id IS NULL"
    )
    op.execute("ALTER TABLE call FORCE ROW LEVEL SECURITY")
    op.execute("DELETE FROM ivr_version WHERE flow_id IS NULL")
    op.drop_column("ivr_version", "digest")
    op.alter_column("ivr_version", "flow_id", nullable=False)
    op.drop_index("ix_call_keyed", table_name="call")
    op.drop_column("call", "keyed")
    op.drop_column("contract", "keyed_days")
    op.drop_column("position", "printed")

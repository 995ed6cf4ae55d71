"""The configuration has a version, so that processes may remember what they read of it.

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

from web.migrations.isolation import APP, ROUTING

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

CONFIGURATION = (
    "closure", "contract", "contract_ente", "contract_level", "ente", "opening_hours", "phone_line", "queue",
)  # fmt: skip


def upgrade() -> None:
    op.create_table(
        "configuration_version",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_configuration_version_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_configuration_version")),
    )
    op.execute("INSERT INTO configuration_version VALUES (1, 1)")
    op.execute(f"GRANT SELECT ON configuration_version TO {APP}, {ROUTING}")
    op.execute(
        """
        CREATE FUNCTION raise_configuration_version() RETURNS trigger LANGUAGE plpgsql
        SECURITY DEFINER SET search_path = pg_catalog, public AS
        $$ BEGIN UPDATE configuration_version SET version = version + 1; RETURN NULL; END $$
        """
    )
    op.execute("REVOKE EXECUTE ON FUNCTION raise_configuration_version() FROM PUBLIC")
    for table in CONFIGURATION:
        op.execute(
            f"CREATE TRIGGER raise_configuration_version AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION raise_configuration_version()"
        )


def downgrade() -> None:
    for table in CONFIGURATION:
        op.execute(f"DROP TRIGGER raise_configuration_version ON {table}")
    op.execute("DROP FUNCTION raise_configuration_version()")
    op.drop_table("configuration_version")

"""For how long an ente keeps who came to an appointment.

Revision ID: 0069
Revises: 0068
"""

import sqlalchemy as sa
from alembic import op

from web.migrations.isolation import APP, protect, publish

revision = "0069"
down_revision = "0068"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "appointment_setting",
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("kept_days", sa.SmallInteger(), nullable=False),
        sa.CheckConstraint("kept_days BETWEEN 1 AND 3650", name=op.f("ck_appointment_setting_kept_days")),
        sa.ForeignKeyConstraint(["ente_id"], ["ente.id"], name=op.f("fk_appointment_setting_ente_id")),
        sa.PrimaryKeyConstraint("ente_id", name=op.f("pk_appointment_setting")),
    )
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON appointment_setting TO {APP}")
    for statement in protect("appointment_setting"):
        op.execute(statement)
    op.execute(publish("appointment_setting"))
    op.execute(
        "CREATE TRIGGER raise_configuration_version AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE "
        "ON appointment_setting FOR EACH STATEMENT EXECUTE FUNCTION raise_configuration_version()"
    )


def downgrade() -> None:
    op.drop_table("appointment_setting")

"""Who is told of an agent's alarm, and open quarters of commission as they were counted.

Revision ID: 0110
Revises: 0109
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

from web.migrations.isolation import APP, protect

revision = "0110"
down_revision = "0109"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("field_alarm", sa.Column("told", ARRAY(sa.Uuid()), server_default="{}", nullable=False))
    op.add_column("field_company", sa.Column("alarm_phone", sa.String(16), server_default="", nullable=False))
    op.add_column("field_company", sa.Column("alarm_minutes", sa.SmallInteger(), server_default="3", nullable=False))
    op.create_table(
        "field_open_quarter",
        sa.Column("ente_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("quarter", sa.String(6), nullable=False),
        sa.Column("agent_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("took_ms", sa.BigInteger(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["ente_id"], ["ente.id"], name=op.f("fk_field_open_quarter_ente_id")),
        sa.PrimaryKeyConstraint("ente_id", "quarter", "agent_id", name=op.f("pk_field_open_quarter")),
    )
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON field_open_quarter TO {APP}")
    for statement in protect("field_open_quarter"):
        op.execute(statement)


def downgrade() -> None:
    op.drop_table("field_open_quarter")
    op.drop_column("field_company", "alarm_minutes")
    op.drop_column("field_company", "alarm_phone")
    op.drop_column("field_alarm", "told")

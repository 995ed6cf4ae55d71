"""Reports on an ente's service, and who wants to be told of them.

Revision ID: 0051
Revises: 0050
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from web.migrations.isolation import APP, protect

revision = "0051"
down_revision = "0050"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "service_report",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("contract_id", sa.BigInteger(), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("period", sa.String(32), nullable=False),
        sa.Column("first", sa.Date(), nullable=False),
        sa.Column("last", sa.Date(), nullable=False),
        sa.Column("version", sa.SmallInteger(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by", sa.BigInteger()),
        sa.Column("seal", sa.String(64), nullable=False),
        sa.Column("kept", JSONB(), nullable=False),
        sa.CheckConstraint("first <= last", name=op.f("ck_service_report_days")),
        sa.CheckConstraint("version >= 1", name=op.f("ck_service_report_version")),
        sa.CheckConstraint("period IN ('month', 'quarter', 'year')", name=op.f("ck_service_report_period")),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name=op.f("fk_service_report_contract_id")),
        sa.ForeignKeyConstraint(["ente_id"], ["ente.id"], name=op.f("fk_service_report_ente_id")),
        sa.ForeignKeyConstraint(["made_by"], ["app_user.id"], name=op.f("fk_service_report_made_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_report")),
        sa.UniqueConstraint(
            "ente_id", "contract_id", "period", "first", "version",
            name=op.f("uq_service_report_ente_id_contract_id_period_first_version"),
        ),
    )  # fmt: skip
    op.create_table(
        "report_wish",
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("wished_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["ente_id"], ["ente.id"], name=op.f("fk_report_wish_ente_id")),
        sa.ForeignKeyConstraint(["user_id"], ["app_user.id"], name=op.f("fk_report_wish_user_id")),
        sa.PrimaryKeyConstraint("ente_id", "user_id", name=op.f("pk_report_wish")),
    )
    for table in ("service_report", "report_wish"):
        for statement in protect(table):
            op.execute(statement)
        op.execute(f"GRANT SELECT, INSERT, DELETE ON {table} TO {APP}")  # never changed; gone with the ente
    # An ente's hours, without those of the contract's other enti.
    op.create_index("ix_service_hour_contract_id_ente_id_hour", "service_hour", ["contract_id", "ente_id", "hour"])


def downgrade() -> None:
    op.drop_index("ix_service_hour_contract_id_ente_id_hour", "service_hour")
    op.drop_table("report_wish")
    op.drop_table("service_report")

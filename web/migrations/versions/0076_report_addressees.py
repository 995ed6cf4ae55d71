"""Where the monthly report of an ente is announced: its offices' addresses.

Revision ID: 0076
Revises: 0075
"""

import sqlalchemy as sa
from alembic import op

from web.migrations.isolation import APP, protect

revision = "0076"
down_revision = "0075"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "report_addressee",
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("address", sa.String(254), nullable=False),
        sa.Column("added_by", sa.BigInteger(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["ente_id"], ["ente.id"], name=op.f("fk_report_addressee_ente_id")),
        sa.ForeignKeyConstraint(["added_by"], ["app_user.id"], name=op.f("fk_report_addressee_added_by")),
        sa.PrimaryKeyConstraint("ente_id", "address", name=op.f("pk_report_addressee")),
    )
    for statement in protect("report_addressee"):
        op.execute(statement)
    op.execute(f"GRANT SELECT, INSERT, DELETE ON report_addressee TO {APP}")


def downgrade() -> None:
    op.drop_table("report_addressee")

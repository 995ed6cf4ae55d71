"""What was counted of large campaigns, for everybody who looks.

Revision ID: 0097
Revises: 0096
"""

import sqlalchemy as sa
from alembic import op

from web.migrations.isolation import APP, protect

revision = "0097"
down_revision = "0096"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "campaign_figure",
        sa.Column("campaign_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("took_ms", sa.BigInteger(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["ente_id", "campaign_id"], ["campaign.ente_id", "campaign.id"],
            name=op.f("fk_campaign_figure_ente_id_campaign_id"),
        ),
        sa.PrimaryKeyConstraint("campaign_id", "kind", name=op.f("pk_campaign_figure")),
    )  # fmt: skip
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON campaign_figure TO {APP}")
    for statement in protect("campaign_figure"):
        op.execute(statement)


def downgrade() -> None:
    op.drop_table("campaign_figure")

"""For how long the company keeps papers and photo of an agent who left, and when they went.

Revision ID: 0109
Revises: 0108
"""

import sqlalchemy as sa
from alembic import op

from web.migrations.isolation import APP

revision = "0109"
down_revision = "0108"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "field_company", sa.Column("kept_years", sa.SmallInteger(), server_default=sa.text("5"), nullable=False)
    )
    op.create_check_constraint(op.f("ck_field_company_kept_years"), "field_company", "kept_years BETWEEN 0 AND 10")
    op.add_column("field_agent", sa.Column("forgotten_on", sa.Date(), nullable=True))
    op.execute(f"GRANT DELETE ON field_agent_file TO {APP}")


def downgrade() -> None:
    op.execute(f"REVOKE DELETE ON field_agent_file FROM {APP}")
    op.drop_column("field_agent", "forgotten_on")
    op.drop_constraint(op.f("ck_field_company_kept_years"), "field_company", type_="check")
    op.drop_column("field_company", "kept_years")

"""Words of names that nobody has any more are forgotten.

Revision ID: 0032
Revises: 0026
"""

from alembic import op

from web.migrations.isolation import APP

revision = "0032"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(f"GRANT DELETE ON name_stump TO {APP}")


def downgrade() -> None:
    op.execute(f"REVOKE DELETE ON name_stump FROM {APP}")

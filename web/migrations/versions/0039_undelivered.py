"""Messages to somebody who is no contact, by when they ended: what did not arrive is shown.

Revision ID: 0039
Revises: 0038
"""

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_message_to_no_contact", "message", ["ended_at"], postgresql_where=sa.text("contact_id IS NULL"))


def downgrade() -> None:
    op.drop_index("ix_message_to_no_contact", table_name="message")

"""The timeline is kept in the order in which it is read: of a contact, and of an ente.

Revision ID: 0037
Revises: 0036
"""

from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_timeline_entry_of_contact", "timeline_entry", ["contact_id", "occurred_at", "id"])
    op.create_index("ix_timeline_entry_of_ente", "timeline_entry", ["ente_id", "occurred_at", "id"])
    op.drop_index("ix_timeline_entry_contact", table_name="timeline_entry")


def downgrade() -> None:
    op.create_index("ix_timeline_entry_contact", "timeline_entry", ["ente_id", "contact_id", "occurred_at"])
    op.drop_index("ix_timeline_entry_of_ente", table_name="timeline_entry")
    op.drop_index("ix_timeline_entry_of_contact", table_name="timeline_entry")

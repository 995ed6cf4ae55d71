"""Letters judged once more before they leave, withdrawn with the reason; somebody under two rows is reached once.

Revision ID: 0100
Revises: 0099
"""

import sqlalchemy as sa
from alembic import op

from web.migrations.choices import allow, forbid

revision = "0100"
down_revision = "0099"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    allow("letter", "letter_state", "state", "withdrawn")
    allow("campaign_contact", "reason", "why", "same_person")
    op.drop_index("ix_campaign_contact_complaint")
    op.create_index(
        "ix_campaign_contact_held", "campaign_contact", ["contact_id", "campaign_id"],
        postgresql_where=sa.text("state = 'out' AND why IN ('complaint', 'same_person')"),
    )  # fmt: skip
    op.add_column("letter", sa.Column("withdrawn_at", INSTANT))
    op.add_column("letter", sa.Column("why", sa.ARRAY(sa.String(20))))
    for name in ("checked_at", "taken_at"):
        op.add_column("letter_batch", sa.Column(name, INSTANT))
    op.add_column("letter_batch", sa.Column("withdrawn", sa.BigInteger(), nullable=False, server_default=sa.text("0")))


def downgrade() -> None:
    op.drop_index("ix_campaign_contact_held")
    op.create_index(
        "ix_campaign_contact_complaint", "campaign_contact", ["campaign_id"],
        postgresql_where=sa.text("state = 'out' AND why = 'complaint'"),
    )  # fmt: skip
    op.execute("DELETE FROM letter WHERE state = 'withdrawn'")
    op.execute("UPDATE campaign_contact SET why = NULL WHERE why = 'same_person'")
    forbid("campaign_contact", "reason", "why", "same_person")
    forbid("letter", "letter_state", "state", "withdrawn")
    for name in ("withdrawn", "taken_at", "checked_at"):
        op.drop_column("letter_batch", name)
    for name in ("why", "withdrawn_at"):
        op.drop_column("letter", name)

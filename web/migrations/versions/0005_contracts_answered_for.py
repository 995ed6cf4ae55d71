"""An agent is offered the calls of the contracts on which he may answer.

Revision ID: 0005
Revises: 0004

Consoles write the contracts down when they connect, which all of them do when `web` is restarted.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "agent_presence",
        sa.Column("answers_for", postgresql.ARRAY(sa.BigInteger()), server_default="{}", nullable=False),
    )


def downgrade() -> None:
    op.drop_column("agent_presence", "answers_for")

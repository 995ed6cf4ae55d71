"""Of one day over a limit each ente is asked apart whether it is left out of the penalties.

Revision ID: 0085
Revises: 0084
"""

import sqlalchemy as sa
from alembic import op

revision = "0085"
down_revision = "0084"
branch_labels = None
depends_on = None

KEYS = ["contract_id", "metric", "subject"]


def upgrade() -> None:
    _open_once([*KEYS, "ente_id"])


def downgrade() -> None:
    _open_once(KEYS)


def _open_once(keys: list[str]) -> None:
    op.drop_index("uq_penalty_remark_open", "penalty_remark")
    op.create_index(
        "uq_penalty_remark_open", "penalty_remark", keys, unique=True,
        postgresql_where=sa.text("state IN ('asked', 'approved')"),
    )  # fmt: skip

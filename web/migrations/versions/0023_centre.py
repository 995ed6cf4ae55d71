"""Numbers that lead to one queue, whether the carrier was told of a number, and queues that are closed.

Revision ID: 0023
Revises: 0022
"""

import sqlalchemy as sa
from alembic import op

from web.migrations.isolation import ROUTING

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("phone_line", sa.Column("queue_id", sa.BigInteger()))
    op.create_foreign_key(op.f("fk_phone_line_queue_id"), "phone_line", "queue", ["queue_id"], ["id"])
    op.add_column("phone_line", sa.Column("told_at", INSTANT))
    op.add_column("phone_line", sa.Column("trouble", sa.String(200)))
    op.add_column("queue", sa.Column("closed_at", INSTANT))
    op.create_index(
        "uq_queue_contract_id_menu_digit", "queue", ["contract_id", "menu_digit"], unique=True,
        postgresql_where=sa.text("closed_at IS NULL AND menu_digit IS NOT NULL"),
    )  # fmt: skip
    op.execute(f"GRANT UPDATE (told_at, trouble) ON phone_line TO {ROUTING}")


def downgrade() -> None:
    op.execute(f"REVOKE UPDATE (told_at, trouble) ON phone_line FROM {ROUTING}")
    op.drop_index("uq_queue_contract_id_menu_digit", "queue")
    op.drop_column("queue", "closed_at")
    op.drop_column("phone_line", "trouble")
    op.drop_column("phone_line", "told_at")
    op.drop_constraint(op.f("fk_phone_line_queue_id"), "phone_line", type_="foreignkey")
    op.drop_column("phone_line", "queue_id")

"""A number that is closed by itself is a fact: who, when, why, what each ente says of it, and who reopened it.

Revision ID: 0071
Revises: 0070
"""

import sqlalchemy as sa
from alembic import op

revision = "0071"
down_revision = "0070"
branch_labels = None
depends_on = None

PLANNED = "standing = 'emergency' OR {}(proposal IS NOT NULL AND ente_id IS NOT NULL AND ends_at IS NOT NULL)"


def upgrade() -> None:
    op.add_column("closure", sa.Column("number", sa.String(16)))
    op.add_column("closure", sa.Column("reopened_by", sa.BigInteger()))
    op.create_foreign_key(op.f("fk_closure_reopened_by"), "closure", "app_user", ["reopened_by"], ["id"])
    _planned(PLANNED.format("number IS NOT NULL OR "))
    op.create_check_constraint(
        op.f("ck_closure_of_a_number"), "closure",
        "number IS NULL OR (proposal IS NOT NULL AND ente_id IS NOT NULL)",
    )  # fmt: skip
    op.create_index("ix_closure_number", "closure", ["number"], postgresql_where=sa.text("number IS NOT NULL"))
    op.create_index("ix_call_unmetered", "call", ["line", "arrived_at"], postgresql_where=sa.text("NOT metered"))


def downgrade() -> None:
    op.execute("ALTER TABLE closure NO FORCE ROW LEVEL SECURITY")
    op.execute("DELETE FROM closure WHERE number IS NOT NULL")
    op.execute("ALTER TABLE closure FORCE ROW LEVEL SECURITY")
    op.drop_index("ix_call_unmetered", "call")
    op.drop_index("ix_closure_number", "closure")
    op.drop_constraint(op.f("ck_closure_of_a_number"), "closure", type_="check")
    _planned(PLANNED.format(""))
    op.drop_column("closure", "reopened_by")
    op.drop_column("closure", "number")


def _planned(rule: str) -> None:
    op.drop_constraint(op.f("ck_closure_planned"), "closure", type_="check")
    op.create_check_constraint(op.f("ck_closure_planned"), "closure", rule)

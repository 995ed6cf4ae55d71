"""Each version of a contract's levels stays: one of the same day takes another's place, and neither is changed.

Revision ID: 0072
Revises: 0071
"""

import sqlalchemy as sa
from alembic import op

from web.migrations.isolation import APP

revision = "0072"
down_revision = "0071"
branch_labels = None
depends_on = None

UNIQUE = "uq_contract_agreement_contract_id_valid_from"


def upgrade() -> None:
    op.drop_constraint(UNIQUE, "contract_agreement")
    op.create_index("ix_contract_agreement_contract_id", "contract_agreement", ["contract_id", "valid_from"])
    op.add_column("contract_agreement", sa.Column("withdrawn_by", sa.BigInteger()))
    op.add_column("contract_agreement", sa.Column("withdrawn_at", sa.DateTime(timezone=True)))
    op.create_foreign_key(
        op.f("fk_contract_agreement_withdrawn_by"), "contract_agreement", "app_user", ["withdrawn_by"], ["id"]
    )
    op.create_check_constraint(
        op.f("ck_contract_agreement_withdrawn"), "contract_agreement",
        "(withdrawn_by IS NULL) = (withdrawn_at IS NULL)",
    )  # fmt: skip
    op.add_column("contract_terms", sa.Column("agreement_id", sa.BigInteger()))
    op.create_foreign_key(
        op.f("fk_contract_terms_agreement_id"), "contract_terms", "contract_agreement", ["agreement_id"], ["id"]
    )
    op.execute(f"REVOKE UPDATE, DELETE ON contract_agreement, contract_level FROM {APP}")
    op.execute(f"REVOKE UPDATE ON contract_terms FROM {APP}")
    op.execute(f"GRANT UPDATE (withdrawn_by, withdrawn_at) ON contract_agreement TO {APP}")


def downgrade() -> None:
    """Of versions of one day the last one stays."""
    op.execute("DELETE FROM contract_terms t USING contract_agreement a WHERE a.id = t.agreement_id"
               " AND a.withdrawn_at IS NOT NULL")  # fmt: skip
    op.drop_column("contract_terms", "agreement_id")
    gone = (
        "SELECT a.id FROM contract_agreement a WHERE a.withdrawn_at IS NOT NULL OR EXISTS (SELECT 1 FROM"
        " contract_agreement b WHERE b.contract_id = a.contract_id AND b.valid_from = a.valid_from AND b.id > a.id"
        " AND b.withdrawn_at IS NULL)"
    )
    op.execute(f"DELETE FROM contract_level WHERE agreement_id IN ({gone})")  # noqa: S608 (a constant)
    op.execute(f"DELETE FROM contract_agreement WHERE id IN ({gone})")  # noqa: S608 (a constant)
    op.drop_constraint(op.f("ck_contract_agreement_withdrawn"), "contract_agreement")
    op.drop_column("contract_agreement", "withdrawn_at")
    op.drop_column("contract_agreement", "withdrawn_by")
    op.drop_index("ix_contract_agreement_contract_id", "contract_agreement")
    op.create_unique_constraint(UNIQUE, "contract_agreement", ["contract_id", "valid_from"])
    op.execute(f"GRANT UPDATE, DELETE ON contract_agreement, contract_level TO {APP}")
    op.execute(f"GRANT UPDATE ON contract_terms TO {APP}")

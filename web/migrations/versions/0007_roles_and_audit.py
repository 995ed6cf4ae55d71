"""Every role of the centre and of the enti; and the audit.

Revision ID: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from web.migrations.isolation import APP, protect_or_nobodys

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

BEFORE = ("agent", "supervisor", "ente_viewer", "administrator")
ADDED = ("campaign_manager", "field_agent", "desk_clerk", "ente_approver", "contract_supervisor")


def upgrade() -> None:
    _roles(BEFORE + ADDED)
    op.create_table(
        "audit_entry",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("ente_id", sa.BigInteger()),
        sa.Column("contact_id", sa.BigInteger()),
        sa.Column("kind", sa.String(60), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_id", sa.BigInteger()),
        sa.Column("place", sa.String(80), nullable=False),
        sa.Column("call_id", sa.Uuid()),
        sa.Column("reason", sa.String(200), nullable=False),
        sa.Column("detail", postgresql.JSONB(), nullable=False),
        sa.ForeignKeyConstraint(["ente_id"], ["ente.id"], name=op.f("fk_audit_entry_ente_id")),
        sa.ForeignKeyConstraint(["actor_id"], ["app_user.id"], name=op.f("fk_audit_entry_actor_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entry")),
    )
    op.create_index("ix_audit_entry_ente_id_occurred_at", "audit_entry", ["ente_id", "occurred_at"])
    op.create_index(
        "ix_audit_entry_ente_id_contact_id_occurred_at", "audit_entry", ["ente_id", "contact_id", "occurred_at"]
    )
    for statement in protect_or_nobodys("audit_entry"):
        op.execute(statement)
    op.execute(f"GRANT SELECT, INSERT ON audit_entry TO {APP}")


def downgrade() -> None:
    op.drop_table("audit_entry")
    op.execute(sa.text("DELETE FROM role_grant WHERE role = ANY (:added)").bindparams(added=list(ADDED)))
    _roles(BEFORE)


def _roles(names: tuple[str, ...]) -> None:
    op.drop_constraint(op.f("ck_role_grant_role"), "role_grant", type_="check")
    op.create_check_constraint(op.f("ck_role_grant_role"), "role_grant", f"role IN {names}")

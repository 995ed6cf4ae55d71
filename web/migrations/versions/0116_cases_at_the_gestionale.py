"""What cases were granted is proposed to the collection system.

Revision ID: 0116
Revises: 0115
"""

import sqlalchemy as sa
from alembic import op

from web.migrations.choices import allow, forbid
from web.migrations.isolation import APP, protect

revision = "0116"
down_revision = "0115"
branch_labels = None
depends_on = None

DEEDS = ("propose", "accepted", "rejected")
TERMS = ("gestionale_answers", "carried", "decided_again")


def upgrade() -> None:
    allow("proposal", "proposal_kind", "kind", "decision")
    op.add_column("proposal_export", sa.Column("decisions", sa.BigInteger(), server_default="0", nullable=False))
    allow("case_step", "deed", "deed", *DEEDS)
    allow("case_term", "term_kind", "kind", *TERMS)
    op.create_table(
        "case_proposal",
        sa.Column("proposal_id", sa.Uuid(), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("reference", sa.String(60), nullable=False),
        sa.Column(
            "outcome",
            sa.Enum(
                "granted",
                "partly",
                "refused",
                "answered",
                "done",
                "redirected",
                "withdrawn",
                name="outcome",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "heard",
            sa.Enum(
                "made",
                "approved",
                "refused",
                "exported",
                "acknowledged",
                "rejected",
                "withdrawn",
                name="proposal_state",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["ente_id", "case_id"],
            ["case_request.ente_id", "case_request.id"],
            name=op.f("fk_case_proposal_ente_id_case_id"),
        ),
        sa.ForeignKeyConstraint(
            ["ente_id", "proposal_id"],
            ["proposal.ente_id", "proposal.id"],
            name=op.f("fk_case_proposal_ente_id_proposal_id"),
        ),
        sa.PrimaryKeyConstraint("proposal_id", name=op.f("pk_case_proposal")),
    )
    op.create_index("ix_case_proposal_case_id", "case_proposal", ["case_id"])
    op.create_table(
        "case_gestionale_days",
        sa.Column("ente_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("days", sa.SmallInteger(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["changed_by"], ["app_user.id"], name=op.f("fk_case_gestionale_days_changed_by")),
        sa.ForeignKeyConstraint(["ente_id"], ["ente.id"], name=op.f("fk_case_gestionale_days_ente_id")),
        sa.PrimaryKeyConstraint("ente_id", name=op.f("pk_case_gestionale_days")),
    )
    for table in ("case_proposal", "case_gestionale_days"):
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {APP}")
        for statement in protect(table):
            op.execute(statement)


def downgrade() -> None:
    op.drop_table("case_gestionale_days")
    op.drop_table("case_proposal")
    forbid("case_term", "term_kind", "kind", *TERMS)
    forbid("case_step", "deed", "deed", *DEEDS)
    op.drop_column("proposal_export", "decisions")
    forbid("proposal", "proposal_kind", "kind", "decision")

"""What is typed into any form is kept until it is sent; the drafts of proposals, which had a table of their own, begin
anew.

Revision ID: 0078
Revises: 0077
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from web.migrations.isolation import APP, protect, protect_or_nobodys

revision = "0078"
down_revision = "0077"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.drop_table("proposal_draft")
    op.create_table(
        "form_draft",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("place", sa.String(80), nullable=False),
        sa.Column("ente_id", sa.BigInteger()),
        sa.Column("contact_id", sa.BigInteger()),
        sa.Column("sealed", sa.LargeBinary()),
        sa.Column("sent", sa.Uuid()),
        sa.Column("saved_at", INSTANT, nullable=False),
        sa.CheckConstraint("(contact_id IS NULL) = (ente_id IS NULL)", name=op.f("ck_form_draft_of_ente")),
        sa.ForeignKeyConstraint(
            ["ente_id", "contact_id"], ["contact.ente_id", "contact.id"], name=op.f("fk_form_draft_ente_id_contact_id")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["app_user.id"], name=op.f("fk_form_draft_user_id")),
        sa.PrimaryKeyConstraint("user_id", "place", name=op.f("pk_form_draft")),
    )
    op.create_index(
        "ix_form_draft_contact_id", "form_draft", ["contact_id"], postgresql_where=sa.text("contact_id IS NOT NULL")
    )
    op.create_index("ix_form_draft_saved_at", "form_draft", ["saved_at"])
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON form_draft TO {APP}")
    for statement in protect_or_nobodys("form_draft"):
        op.execute(statement)


def downgrade() -> None:
    op.drop_table("form_draft")
    op.create_table(
        "proposal_draft",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("fields", JSONB(), nullable=False),
        sa.Column("saved_at", INSTANT, nullable=False),
        sa.CheckConstraint(
            "kind IN ('correction', 'notification_problem')", name=op.f("ck_proposal_draft_proposal_kind")
        ),
        sa.ForeignKeyConstraint(
            ["ente_id", "contact_id"], ["contact.ente_id", "contact.id"], name=op.f("fk_proposal_draft_ente_id")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["app_user.id"], name=op.f("fk_proposal_draft_user_id")),
        sa.PrimaryKeyConstraint("user_id", "contact_id", "kind", name=op.f("pk_proposal_draft")),
    )
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON proposal_draft TO {APP}")
    for statement in protect("proposal_draft"):
        op.execute(statement)

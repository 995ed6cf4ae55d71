"""A gestionale that answers about one taxpayer is asked before he is called.

Revision ID: 0102
Revises: 0101
"""

import sqlalchemy as sa
from alembic import op

from web.migrations.choices import allow, forbid
from web.migrations.isolation import APP, protect

revision = "0102"
down_revision = "0101"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
OUTCOMES = ("answered", "unknown", "unreadable", "silent", "let_alone")


def upgrade() -> None:
    op.add_column("collection_source", sa.Column("answers_one", sa.Boolean(), nullable=False, server_default="false"))
    op.add_column(
        "collection_source", sa.Column("answer_minutes", sa.SmallInteger(), nullable=False, server_default="5")
    )
    op.add_column("collection_source", sa.Column("one_failures", sa.SmallInteger(), nullable=False, server_default="0"))
    op.add_column("collection_source", sa.Column("one_open_until", INSTANT))
    for column in ("answers_one", "answer_minutes", "one_failures"):
        op.alter_column("collection_source", column, server_default=None)
    op.create_index(
        "uq_collection_source_answers_one", "collection_source", ["ente_id"], unique=True,
        postgresql_where=sa.text("answers_one"),
    )  # fmt: skip
    op.create_table(
        "contact_lookup",
        sa.Column("contact_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("asked_at", INSTANT, nullable=False),
        sa.Column("outcome", _choice(), nullable=False),
        sa.Column("as_of", INSTANT),
        sa.Column("mark", sa.String(200)),
        sa.ForeignKeyConstraint(
            ["ente_id", "contact_id"], ["contact.ente_id", "contact.id"],
            name=op.f("fk_contact_lookup_ente_id_contact_id"),
        ),
        sa.PrimaryKeyConstraint("contact_id", name=op.f("pk_contact_lookup")),
    )  # fmt: skip
    op.create_index("ix_contact_lookup_ente_id", "contact_lookup", ["ente_id"])
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON contact_lookup TO {APP}")
    for statement in protect("contact_lookup"):
        op.execute(statement)
    op.add_column("attempt", sa.Column("known_at", INSTANT))
    op.add_column("attempt", sa.Column("lookup", _choice()))
    allow("campaign_contact", "reason", "why", "paid")
    op.create_index(
        "ix_campaign_contact_why", "campaign_contact", ["campaign_id", "why", "contact_id"],
        postgresql_where=sa.text("why IS NOT NULL"),
    )  # fmt: skip


def downgrade() -> None:
    op.drop_index("ix_campaign_contact_why")
    op.execute("UPDATE campaign_contact SET why = 'nothing_due' WHERE why = 'paid'")
    forbid("campaign_contact", "reason", "why", "paid")
    op.drop_column("attempt", "lookup")
    op.drop_column("attempt", "known_at")
    op.drop_table("contact_lookup")
    op.drop_index("uq_collection_source_answers_one")
    for column in ("one_open_until", "one_failures", "answer_minutes", "answers_one"):
        op.drop_column("collection_source", column)


def _choice() -> sa.Enum:
    return sa.Enum(*OUTCOMES, name="lookup", native_enum=False, create_constraint=True, length=32)

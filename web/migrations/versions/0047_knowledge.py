"""Articles, scripts and note templates in versions, found by their words; and whether they were useful.

Revision ID: 0047
Revises: 0046
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TSVECTOR

from web.migrations.isolation import APP, protect_covered

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
ID = sa.BigInteger()


def upgrade() -> None:
    op.create_table(
        "knowledge_piece",
        sa.Column("id", ID, sa.Identity(always=False), nullable=False),
        sa.Column("contract_id", ID, nullable=False),
        sa.Column("ente_id", ID),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("topic", sa.String(40), nullable=False),
        sa.Column("current", sa.SmallInteger()),
        sa.Column("published_at", INSTANT),
        sa.Column("review_by", sa.Date()),
        sa.Column("retired_at", INSTANT),
        sa.CheckConstraint("kind IN ('article', 'script', 'note')", name=op.f("ck_knowledge_piece_piece_kind")),
        sa.CheckConstraint("(current IS NULL) = (published_at IS NULL)", name=op.f("ck_knowledge_piece_published")),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name=op.f("fk_knowledge_piece_contract_id")),
        sa.ForeignKeyConstraint(["ente_id"], ["ente.id"], name=op.f("fk_knowledge_piece_ente_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_knowledge_piece")),
    )
    op.create_index("ix_knowledge_piece_contract_id", "knowledge_piece", ["contract_id", "kind", "topic"])
    op.create_index(
        "uq_knowledge_piece_script", "knowledge_piece", ["contract_id", "ente_id", "topic"], unique=True,
        postgresql_nulls_not_distinct=True, postgresql_where=sa.text("kind = 'script' AND retired_at IS NULL"),
    )  # fmt: skip
    op.create_table(
        "knowledge_version",
        *_of_a_piece("knowledge_version"),
        sa.Column("title", sa.String(120), nullable=False),
        sa.Column("keywords", sa.String(200), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("written_by", ID),
        sa.Column("written_at", INSTANT, nullable=False),
        sa.Column("published_at", INSTANT),
        sa.Column("words", TSVECTOR(), nullable=False),
        sa.ForeignKeyConstraint(["written_by"], ["app_user.id"], name=op.f("fk_knowledge_version_written_by")),
        sa.UniqueConstraint("piece_id", "number", name=op.f("uq_knowledge_version_piece_id_number")),
    )
    op.create_table(
        "knowledge_vote",
        *_of_a_piece("knowledge_vote"),
        sa.Column("useful", sa.Boolean(), nullable=False),
        sa.Column("why", sa.String(200), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
    )
    op.create_index(op.f("ix_knowledge_vote_piece_id"), "knowledge_vote", ["piece_id"])
    for table in ("knowledge_piece", "knowledge_version", "knowledge_vote"):
        for statement in protect_covered(table, written_by_readers=table == "knowledge_vote"):
            op.execute(statement)
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {APP}")


def _of_a_piece(table: str) -> tuple[sa.Column[int] | sa.Constraint, ...]:
    return (
        sa.Column("id", ID, sa.Identity(always=False), nullable=False),
        sa.Column("piece_id", ID, nullable=False),
        sa.Column("contract_id", ID, nullable=False),
        sa.Column("ente_id", ID),
        sa.Column("number", sa.SmallInteger(), nullable=False),
        sa.ForeignKeyConstraint(["piece_id"], ["knowledge_piece.id"], name=op.f(f"fk_{table}_piece_id")),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name=op.f(f"fk_{table}_contract_id")),
        sa.ForeignKeyConstraint(["ente_id"], ["ente.id"], name=op.f(f"fk_{table}_ente_id")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )


def downgrade() -> None:
    for table in ("knowledge_vote", "knowledge_version", "knowledge_piece"):
        op.drop_table(table)

"""Follow-ups whose last change can be taken back and which stand on the timeline; contacts that may be one person.

Revision ID: 0015
Revises: 0014
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from web.migrations.isolation import APP, protect

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

KINDS = ("call", "proposal", "follow_up")
TABLES = ("duplicate_candidate", "duplicate_search")


def upgrade() -> None:
    _entry_kinds(KINDS)
    op.add_column("follow_up", sa.Column("changed_at", sa.DateTime(timezone=True)))
    op.add_column("follow_up", sa.Column("before", postgresql.JSONB()))
    op.create_index("ix_follow_up_call_id", "follow_up", ["call_id"], postgresql_where=sa.text("call_id IS NOT NULL"))
    _duplicates()
    for table in TABLES:
        for statement in protect(table):
            op.execute(statement)
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {', '.join(TABLES)} TO {APP}")


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
    op.drop_index("ix_follow_up_call_id", "follow_up")
    op.drop_column("follow_up", "before")
    op.drop_column("follow_up", "changed_at")
    op.execute("ALTER TABLE timeline_entry NO FORCE ROW LEVEL SECURITY")
    op.execute("DELETE FROM timeline_entry WHERE kind = 'follow_up'")
    op.execute("ALTER TABLE timeline_entry FORCE ROW LEVEL SECURITY")
    _entry_kinds(KINDS[:2])


def _entry_kinds(names: tuple[str, ...]) -> None:
    op.drop_constraint(op.f("ck_timeline_entry_entry_kind"), "timeline_entry", type_="check")
    allowed = ", ".join(f"'{name}'" for name in names)
    op.create_check_constraint(op.f("ck_timeline_entry_entry_kind"), "timeline_entry", f"kind IN ({allowed})")


def _duplicates() -> None:
    op.create_table(
        "duplicate_candidate",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("one_id", sa.BigInteger(), nullable=False),
        sa.Column("other_id", sa.BigInteger(), nullable=False),
        sa.Column("score", sa.SmallInteger(), nullable=False),
        sa.Column("why", sa.ARRAY(sa.String(32)), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("dismissed_at", sa.DateTime(timezone=True)),
        sa.Column("dismissed_by", sa.BigInteger()),
        sa.CheckConstraint("one_id < other_id", name=op.f("ck_duplicate_candidate_order")),
        sa.ForeignKeyConstraint(["dismissed_by"], ["app_user.id"], name=op.f("fk_duplicate_candidate_dismissed_by")),
        sa.ForeignKeyConstraint(
            ["ente_id", "one_id"], ["contact.ente_id", "contact.id"], ondelete="CASCADE",
            name=op.f("fk_duplicate_candidate_ente_id_one_id"),
        ),
        sa.ForeignKeyConstraint(
            ["ente_id", "other_id"], ["contact.ente_id", "contact.id"], ondelete="CASCADE",
            name=op.f("fk_duplicate_candidate_ente_id_other_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duplicate_candidate")),
        sa.UniqueConstraint(
            "ente_id", "one_id", "other_id", name=op.f("uq_duplicate_candidate_ente_id_one_id_other_id")
        ),
    )  # fmt: skip
    op.create_index("ix_duplicate_candidate_other_id", "duplicate_candidate", ["other_id"])
    op.create_index(
        "ix_duplicate_candidate_score", "duplicate_candidate", ["ente_id", "score"],
        postgresql_where=sa.text("dismissed_at IS NULL"),
    )  # fmt: skip
    op.create_table(
        "duplicate_search",
        sa.Column("ente_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("job_id", sa.BigInteger(), nullable=False),
        sa.Column("asked_by", sa.BigInteger()),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("step", sa.SmallInteger(), nullable=False),
        sa.Column("found", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("failed", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["asked_by"], ["app_user.id"], name=op.f("fk_duplicate_search_asked_by")),
        sa.ForeignKeyConstraint(["ente_id"], ["ente.id"], name=op.f("fk_duplicate_search_ente_id")),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("fk_duplicate_search_job_id")),
        sa.PrimaryKeyConstraint("ente_id", name=op.f("pk_duplicate_search")),
    )

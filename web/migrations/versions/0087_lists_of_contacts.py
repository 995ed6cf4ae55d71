"""Lists of contacts, their members, and the rows of files that became none.

Revision ID: 0087
Revises: 0086
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from web.migrations.isolation import APP, protect

revision = "0087"
down_revision = "0086"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
TABLES = ("contact_list", "contact_list_member", "contact_list_refusal")
COUNTS = ("members", "rows", "wrong", "unknown", "several", "twice")


def upgrade() -> None:
    op.create_table(
        "contact_list",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("origin", _choice("origin", "segment", "file"), nullable=False),
        sa.Column("segment", JSONB()),
        sa.Column("file_name", sa.String(80)),
        sa.Column("headings", JSONB()),
        sa.Column(
            "state", _choice("list_state", "building", "checked", "ready", "failed", "withdrawn", "deleting"),
            nullable=False,
        ),
        sa.Column("failure", sa.String(400)),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in COUNTS),
        sa.Column("made_by", sa.BigInteger(), nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.Column("ready_at", INSTANT),
        sa.Column("withdrawn_at", INSTANT),
        sa.Column("job_id", sa.BigInteger()),
        sa.CheckConstraint(
            "(origin = 'segment') = (segment IS NOT NULL)", name=op.f("ck_contact_list_segment")
        ),
        sa.ForeignKeyConstraint(["ente_id"], ["ente.id"], name=op.f("fk_contact_list_ente_id")),
        sa.ForeignKeyConstraint(["made_by"], ["app_user.id"], name=op.f("fk_contact_list_made_by")),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("fk_contact_list_job_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_list")),
        sa.UniqueConstraint("ente_id", "id", name=op.f("uq_contact_list_ente_id_id")),
    )  # fmt: skip
    op.create_table(
        "contact_list_member",
        sa.Column("list_id", sa.BigInteger(), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("given", JSONB()),
        _of_list("contact_list_member"),
        sa.ForeignKeyConstraint(
            ["ente_id", "contact_id"], ["contact.ente_id", "contact.id"],
            name=op.f("fk_contact_list_member_ente_id_contact_id"),
        ),
        sa.PrimaryKeyConstraint("list_id", "contact_id", name=op.f("pk_contact_list_member")),
    )  # fmt: skip
    op.create_index("ix_contact_list_member_contact_id", "contact_list_member", ["contact_id"])
    op.create_table(
        "contact_list_refusal",
        sa.Column("list_id", sa.BigInteger(), nullable=False),
        sa.Column("line", sa.BigInteger(), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("why", _choice("why", "wrong", "unknown", "several", "twice"), nullable=False),
        sa.Column("heading", sa.String(60), nullable=False),
        sa.Column("reason", sa.String(400), nullable=False),
        sa.Column("cells", JSONB(), nullable=False),
        sa.Column("codice_fiscale", sa.String(16)),
        _of_list("contact_list_refusal"),
        sa.PrimaryKeyConstraint("list_id", "line", name=op.f("pk_contact_list_refusal")),
    )
    op.create_index(
        "ix_contact_list_refusal_codice_fiscale",
        "contact_list_refusal",
        ["codice_fiscale"],
        postgresql_where=sa.text("codice_fiscale IS NOT NULL"),
    )
    for table in TABLES:
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {APP}")
        for statement in protect(table):
            op.execute(statement)


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)


def _choice(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)


def _of_list(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["ente_id", "list_id"], ["contact_list.ente_id", "contact_list.id"], name=op.f(f"fk_{table}_ente_id_list_id")
    )

"""Practices are judged, shared out and placed; who wants nobody at his door; civic numbers.

Revision ID: 0104
Revises: 0103
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from web.migrations.choices import allow, forbid
from web.migrations.isolation import APP, protect

revision = "0104"
down_revision = "0103"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
COMPANYS = ("civic_file", "civic_street", "civic_number", "civic_incoming")  # of the company: they tell of no taxpayer
OF_ENTI = ("field_setting", "field_assignment", "field_judgement", "field_no_visit")
REASONS = ("do_not_visit", "in_practice", "visited")


def upgrade() -> None:
    op.create_table(
        "civic_file",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("towns", JSONB(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("refused", sa.BigInteger(), nullable=False),
        sa.Column("mistakes", JSONB(), nullable=False),
        sa.Column("read_at", INSTANT, nullable=False),
        sa.Column("read_by", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["read_by"], ["app_user.id"], name=op.f("fk_civic_file_read_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_civic_file")),
    )
    op.create_table(
        "civic_street",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("file_id", sa.BigInteger(), nullable=False),
        sa.Column("town", sa.String(80), nullable=False),
        sa.Column("key", sa.String(160), nullable=False),
        sa.Column("name", sa.String(160), nullable=False),
        sa.Column("latitude", sa.Double(), nullable=False),
        sa.Column("longitude", sa.Double(), nullable=False),
        sa.Column("numbers", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["file_id"], ["civic_file.id"], name=op.f("fk_civic_street_file_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_civic_street")),
        sa.UniqueConstraint("town", "key", name=op.f("uq_civic_street_town_key")),
    )
    op.create_table(
        "civic_number",
        sa.Column("street_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("suffix", sa.String(12), nullable=False),
        sa.Column("postcode", sa.String(10), nullable=False),
        sa.Column("latitude", sa.Double(), nullable=False),
        sa.Column("longitude", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["street_id"], ["civic_street.id"], name=op.f("fk_civic_number_street_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("street_id", "number", "suffix", name=op.f("pk_civic_number")),
    )
    op.create_table(
        "civic_incoming",
        sa.Column("file_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("line", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("town", sa.String(80), nullable=False),
        sa.Column("key", sa.String(160), nullable=False),
        sa.Column("street", sa.String(160), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("suffix", sa.String(12), nullable=False),
        sa.Column("postcode", sa.String(10), nullable=False),
        sa.Column("latitude", sa.Double(), nullable=False),
        sa.Column("longitude", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["file_id"], ["civic_file.id"], name=op.f("fk_civic_incoming_file_id")),
        sa.PrimaryKeyConstraint("file_id", "line", name=op.f("pk_civic_incoming")),
        prefixes=["UNLOGGED"],
    )
    op.create_table(
        "field_setting",
        sa.Column("ente_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hours", ARRAY(sa.String(60)), nullable=False),
        sa.Column("fresh_hours", sa.SmallInteger(), nullable=False),
        sa.Column("mandate_days", sa.SmallInteger(), nullable=False),
        sa.Column("most_visits", sa.SmallInteger(), nullable=False),
        sa.Column("may_photograph", sa.Boolean(), nullable=False),
        sa.Column("changed_at", INSTANT, nullable=False),
        sa.Column("changed_by", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["changed_by"], ["app_user.id"], name=op.f("fk_field_setting_changed_by")),
        sa.ForeignKeyConstraint(["ente_id"], ["ente.id"], name=op.f("fk_field_setting_ente_id")),
        sa.PrimaryKeyConstraint("ente_id", name=op.f("pk_field_setting")),
    )
    op.create_table(
        "field_assignment",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "proposed", "done", "undone", "dropped",
                name="assignment_state", native_enum=False, create_constraint=True, length=32,
            ),
            nullable=False,
        ),
        sa.Column("terms", JSONB(), nullable=False),
        sa.Column("given", JSONB(), nullable=False),
        sa.Column("left", JSONB(), nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.Column("made_by", sa.BigInteger(), nullable=False),
        sa.Column("done_at", INSTANT),
        sa.Column("done", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("undone_at", INSTANT),
        sa.ForeignKeyConstraint(["ente_id"], ["ente.id"], name=op.f("fk_field_assignment_ente_id")),
        sa.ForeignKeyConstraint(["made_by"], ["app_user.id"], name=op.f("fk_field_assignment_made_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_field_assignment")),
        sa.UniqueConstraint("ente_id", "id", name=op.f("uq_field_assignment_ente_id_id")),
    )  # fmt: skip
    op.create_table(
        "field_judgement",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("practice_id", sa.BigInteger(), nullable=False),
        sa.Column("mandate_id", sa.Uuid()),
        sa.Column("visit_id", sa.Uuid()),
        sa.Column(
            "occasion",
            sa.Enum(
                "opened", "offered", "accepted", "visited",
                name="occasion", native_enum=False, create_constraint=True, length=32,
            ),
            nullable=False,
        ),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("reasons", ARRAY(sa.String(20)), nullable=False),
        sa.Column("not_before", INSTANT),
        sa.Column("known_at", INSTANT),
        sa.ForeignKeyConstraint(
            ["ente_id", "practice_id"], ["field_practice.ente_id", "field_practice.id"],
            name=op.f("fk_field_judgement_ente_id_practice_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_field_judgement")),
    )  # fmt: skip
    op.create_index("ix_field_judgement_practice_id", "field_judgement", ["practice_id", "at"])
    op.create_table(
        "field_no_visit",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=False),
        sa.Column("why", sa.String(200), nullable=False),
        sa.Column("since", INSTANT, nullable=False),
        sa.Column("written_by", sa.BigInteger(), nullable=False),
        sa.Column("withdrawn_at", INSTANT),
        sa.Column("withdrawn_by", sa.BigInteger()),
        sa.ForeignKeyConstraint(
            ["ente_id", "contact_id"], ["contact.ente_id", "contact.id"],
            name=op.f("fk_field_no_visit_ente_id_contact_id"),
        ),
        sa.ForeignKeyConstraint(["written_by"], ["app_user.id"], name=op.f("fk_field_no_visit_written_by")),
        sa.ForeignKeyConstraint(["withdrawn_by"], ["app_user.id"], name=op.f("fk_field_no_visit_withdrawn_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_field_no_visit")),
    )  # fmt: skip
    op.create_index(
        "uq_field_no_visit_contact_id", "field_no_visit", ["contact_id"], unique=True,
        postgresql_where=sa.text("withdrawn_at IS NULL"),
    )  # fmt: skip
    op.add_column("field_mandate", sa.Column("assignment_id", sa.BigInteger()))
    op.create_foreign_key(
        op.f("fk_field_mandate_ente_id_assignment_id"), "field_mandate", "field_assignment",
        ["ente_id", "assignment_id"], ["ente_id", "id"],
    )  # fmt: skip
    op.create_index(
        "ix_field_mandate_assignment_id", "field_mandate", ["assignment_id"],
        postgresql_where=sa.text("assignment_id IS NOT NULL"),
    )  # fmt: skip
    op.create_index("ix_field_practice_contact_id", "field_practice", ["contact_id"])
    allow("campaign_contact", "reason", "why", *REASONS)
    allow("timeline_entry", "entry_kind", "kind", "practice")
    for table in (*COMPANYS, *OF_ENTI):
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {APP}")
    for table in OF_ENTI:
        for statement in protect(table):
            op.execute(statement)


def downgrade() -> None:
    op.execute("DELETE FROM timeline_entry WHERE kind = 'practice'")
    forbid("timeline_entry", "entry_kind", "kind", "practice")
    op.execute("UPDATE campaign_contact SET why = NULL WHERE why IN ('do_not_visit', 'in_practice', 'visited')")
    forbid("campaign_contact", "reason", "why", *REASONS)
    op.drop_index("ix_field_practice_contact_id")
    op.drop_index("ix_field_mandate_assignment_id")
    op.drop_constraint(op.f("fk_field_mandate_ente_id_assignment_id"), "field_mandate", type_="foreignkey")
    op.drop_column("field_mandate", "assignment_id")
    for table in reversed((*COMPANYS, *OF_ENTI)):
        op.drop_table(table)

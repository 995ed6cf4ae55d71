"""The company that visits, the files of its agents, how often badges are asked about; whose practices were frozen.

Revision ID: 0106
Revises: 0105
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from web.migrations.isolation import APP

revision = "0106"
down_revision = "0105"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
TABLES = {  # of the company: they tell of no taxpayer; what may be done to each
    "field_company": "SELECT, INSERT, UPDATE",
    "field_agent_file": "SELECT, INSERT",
    "field_badge_pace": "SELECT, INSERT, UPDATE, DELETE",
}


def upgrade() -> None:
    op.create_table(
        "field_company",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("codice_fiscale", sa.String(16), nullable=False),
        sa.Column("address", sa.String(240), nullable=False),
        sa.Column("pec", sa.String(254), nullable=False),
        sa.Column("phone", sa.String(16), nullable=False),
        sa.Column("holder", sa.String(120), nullable=False),
        sa.Column("licence", sa.String(60), nullable=False),
        sa.Column("licence_issuer", sa.String(120), nullable=False),
        sa.Column("licence_on", sa.Date(), nullable=False),
        sa.Column("written_at", INSTANT, nullable=False),
        sa.Column("written_by", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_field_company_one")),
        sa.ForeignKeyConstraint(["written_by"], ["app_user.id"], name=op.f("fk_field_company_written_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_field_company")),
    )
    op.create_table(
        "field_agent_file",
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("media", sa.String(40), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("kept_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_field_agent_file")),
    )
    op.create_table(
        "field_badge_pace",
        sa.Column("mark", sa.LargeBinary(16), nullable=False),
        sa.Column("since", INSTANT, nullable=False),
        sa.Column("asked", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("mark", "since", name=op.f("pk_field_badge_pace")),
    )
    for table, deeds in TABLES.items():
        op.execute(f"REVOKE ALL ON {table} FROM {APP}")
        op.execute(f"GRANT {deeds} ON {table} TO {APP}")
    op.add_column("field_unfitness", sa.Column("withdrawn_why", sa.String(400), server_default="", nullable=False))
    op.add_column("field_unfitness", sa.Column("practices", JSONB(), server_default=sa.text("'[]'"), nullable=False))


def downgrade() -> None:
    for column in ("practices", "withdrawn_why"):
        op.drop_column("field_unfitness", column)
    for table in TABLES:
        op.drop_table(table)

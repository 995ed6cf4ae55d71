"""Where citizens book on the web, what they have said so far, and how often they ask.

Revision ID: 0066
Revises: 0065
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

from web.migrations.isolation import APP, protect, publish

revision = "0066"
down_revision = "0065"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
TABLES = ("booking_site", "booking_draft", "booking_pace")


def upgrade() -> None:
    op.create_table(
        "booking_site",
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("slug", sa.String(40), nullable=False),
        sa.Column("host", sa.String(253)),
        sa.Column("framed_by", ARRAY(sa.String(253)), nullable=False),
        sa.CheckConstraint("slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'", name=op.f("ck_booking_site_slug")),
        sa.ForeignKeyConstraint(["ente_id"], ["ente.id"], name=op.f("fk_booking_site_ente_id")),
        sa.PrimaryKeyConstraint("ente_id", name=op.f("pk_booking_site")),
        sa.UniqueConstraint("slug", name=op.f("uq_booking_site_slug")),
        sa.UniqueConstraint("host", name=op.f("uq_booking_site_host")),
    )
    op.create_table(
        "booking_draft",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("service_id", sa.BigInteger(), nullable=False),
        sa.Column("office_id", sa.BigInteger(), nullable=False),
        sa.Column("language", sa.String(2), nullable=False),
        sa.Column("hold_id", sa.Uuid()),
        sa.Column("appointment_id", sa.Uuid()),
        sa.Column("told", sa.LargeBinary()),
        sa.Column("code_mark", sa.LargeBinary()),
        sa.Column("code_until", INSTANT),
        sa.Column("code_tries", sa.SmallInteger(), nullable=False),
        sa.Column("codes_sent", sa.SmallInteger(), nullable=False),
        sa.Column("verified", sa.LargeBinary()),
        sa.Column("changed_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["ente_id", "office_id"], ["office.ente_id", "office.id"], name=op.f("fk_booking_draft_ente_id_office_id")
        ),
        sa.ForeignKeyConstraint(
            ["ente_id", "service_id"],
            ["bookable_service.ente_id", "bookable_service.id"],
            name=op.f("fk_booking_draft_ente_id_service_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_booking_draft")),
    )
    op.create_index("ix_booking_draft_changed_at", "booking_draft", ["changed_at"])
    op.create_table(
        "booking_pace",
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("mark", sa.LargeBinary(16), nullable=False),
        sa.Column("since", INSTANT, nullable=False),
        sa.Column("asked", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["ente_id"], ["ente.id"], name=op.f("fk_booking_pace_ente_id")),
        sa.PrimaryKeyConstraint("ente_id", "mark", "since", name=op.f("pk_booking_pace")),
    )
    op.create_index("ix_booking_pace_since", "booking_pace", ["since"])
    for table in TABLES:
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {APP}")
        for statement in protect(table):
            op.execute(statement)
    op.execute(publish("booking_site"))
    op.execute(
        "CREATE TRIGGER raise_configuration_version AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON booking_site "
        "FOR EACH STATEMENT EXECUTE FUNCTION raise_configuration_version()"
    )


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)

"""Links by which the staff follow agendas in their own calendars.

Revision ID: 0079
Revises: 0078
"""

import sqlalchemy as sa
from alembic import op

from web.migrations.isolation import APP, protect

revision = "0079"
down_revision = "0078"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "calendar_feed",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("office_id", sa.BigInteger()),
        sa.Column("desk_id", sa.BigInteger()),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.Column("read_at", INSTANT),
        sa.Column("revoked_at", INSTANT),
        sa.Column("revoked_by", sa.BigInteger()),
        sa.ForeignKeyConstraint(["ente_id"], ["ente.id"], name=op.f("fk_calendar_feed_ente_id")),
        sa.ForeignKeyConstraint(["user_id"], ["app_user.id"], name=op.f("fk_calendar_feed_user_id")),
        sa.ForeignKeyConstraint(["revoked_by"], ["app_user.id"], name=op.f("fk_calendar_feed_revoked_by")),
        sa.ForeignKeyConstraint(
            ["ente_id", "office_id"], ["office.ente_id", "office.id"], name=op.f("fk_calendar_feed_ente_id_office_id")
        ),
        sa.ForeignKeyConstraint(
            ["ente_id", "desk_id"], ["desk.ente_id", "desk.id"], name=op.f("fk_calendar_feed_ente_id_desk_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendar_feed")),
        sa.UniqueConstraint("ente_id", "digest", name=op.f("uq_calendar_feed_ente_id_digest")),
    )
    op.create_index("ix_calendar_feed_user_id", "calendar_feed", ["user_id"])
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON calendar_feed TO {APP}")
    for statement in protect("calendar_feed"):
        op.execute(statement)


def downgrade() -> None:
    op.drop_table("calendar_feed")

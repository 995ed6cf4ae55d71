"""The waiting list and its offers, ratings of the pages of booking, and what each ente decides about its pages.

Revision ID: 0082
Revises: 0081
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from web.migrations.isolation import APP, protect

revision = "0082"
down_revision = "0081"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
TABLES = ("booking_wish", "booking_offer", "booking_rating")


def upgrade() -> None:
    _wishes()
    op.create_table(
        "booking_rating",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("service_id", sa.BigInteger(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("stars", sa.SmallInteger(), nullable=False),
        sa.Column(
            "because",
            _choice(
                "because", "clear", "complete", "sure", "smooth", "unclear", "incomplete", "unsure", "trouble", "other"
            ),
        ),
        sa.Column("words", sa.String(200), nullable=False),
        sa.CheckConstraint("stars BETWEEN 1 AND 5", name=op.f("ck_booking_rating_stars")),
        sa.CheckConstraint("month = date_trunc('month', month)", name=op.f("ck_booking_rating_month")),
        _of_ente("booking_rating", "service_id", "bookable_service"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_booking_rating")),
    )
    op.create_index("ix_booking_rating_ente_id", "booking_rating", ["ente_id", "month"])
    op.add_column("appointment", sa.Column("rated", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.alter_column("appointment", "rated", server_default=None)
    op.add_column("booking_site", sa.Column("needs_code", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.alter_column("booking_site", "needs_code", server_default=None)
    op.add_column("booking_site", sa.Column("links", JSONB(), nullable=False, server_default="{}"))
    op.alter_column("booking_site", "links", server_default=None)
    for table in TABLES:
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {APP}")
        for statement in protect(table):
            op.execute(statement)


def _choice(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)


def _of_ente(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    """Of the same ente."""
    return sa.ForeignKeyConstraint(
        ["ente_id", column], [f"{other}.ente_id", f"{other}.id"], name=op.f(f"fk_{table}_ente_id_{column}")
    )


def _wishes() -> None:
    op.create_table(
        "booking_wish",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("service_id", sa.BigInteger(), nullable=False),
        sa.Column("offices", ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("weekdays", ARRAY(sa.SmallInteger()), nullable=False),
        sa.Column("part", _choice("part", "any", "morning", "afternoon"), nullable=False),
        sa.Column("until", sa.Date(), nullable=False),
        sa.Column(
            "state", _choice("wish_state", "waiting", "served", "left", "over", "silent"), nullable=False
        ),
        sa.Column("mark", sa.LargeBinary(16), nullable=False),
        sa.Column("contact_id", sa.BigInteger()),
        sa.Column("given_name", sa.String(80), nullable=False),
        sa.Column("surname", sa.String(160), nullable=False),
        sa.Column("codice_fiscale", sa.String(16)),
        sa.Column("phone", sa.String(20)),
        sa.Column("email", sa.String(254)),
        sa.Column("language", sa.String(2), nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT),
        sa.CheckConstraint("(state = 'waiting') = (ended_at IS NULL)", name=op.f("ck_booking_wish_ended")),
        _of_ente("booking_wish", "service_id", "bookable_service"),
        _of_ente("booking_wish", "contact_id", "contact"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_booking_wish")),
        sa.UniqueConstraint("ente_id", "id", name=op.f("uq_booking_wish_ente_id_id")),
    )  # fmt: skip
    op.create_index(
        "ix_booking_wish_waiting", "booking_wish", ["ente_id", "service_id", "mark"], unique=True,
        postgresql_where=sa.text("state = 'waiting'"),
    )  # fmt: skip
    op.create_index(
        "ix_booking_wish_ended_at", "booking_wish", ["ended_at"], postgresql_where=sa.text("ended_at IS NOT NULL")
    )
    op.create_index(
        "ix_booking_wish_contact_id", "booking_wish", ["contact_id"],
        postgresql_where=sa.text("contact_id IS NOT NULL"),
    )  # fmt: skip
    op.create_table(
        "booking_offer",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("wish_id", sa.Uuid(), nullable=False),
        sa.Column("hold_id", sa.Uuid(), nullable=False),
        sa.Column("office_id", sa.BigInteger(), nullable=False),
        sa.Column("starts_at", INSTANT, nullable=False),
        sa.Column(
            "outcome", _choice("outcome", "open", "taken", "refused", "missed", "withdrawn"), nullable=False
        ),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.Column("until", INSTANT, nullable=False),
        _of_ente("booking_offer", "wish_id", "booking_wish"),
        _of_ente("booking_offer", "office_id", "office"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_booking_offer")),
        sa.UniqueConstraint(
            "wish_id", "office_id", "starts_at", name=op.f("uq_booking_offer_wish_id_office_id_starts_at")
        ),
    )  # fmt: skip
    op.create_index(
        "ix_booking_offer_open", "booking_offer", ["wish_id"], unique=True,
        postgresql_where=sa.text("outcome = 'open'"),
    )  # fmt: skip
    op.create_index("ix_booking_offer_until", "booking_offer", ["until"], postgresql_where=sa.text("outcome = 'open'"))


def downgrade() -> None:
    for name in ("links", "needs_code"):
        op.drop_column("booking_site", name)
    op.drop_column("appointment", "rated")
    for table in ("booking_rating", "booking_offer", "booking_wish"):
        op.drop_table(table)

"""Messages and letters of campaigns, and why one was not sent.

Revision ID: 0092
Revises: 0091
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

from web.migrations.isolation import APP, protect

revision = "0092"
down_revision = "0091"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
BEFORE = (
    "deceased", "do_not_call", "insolvent", "no_consent", "nothing_due", "suspended", "complaint", "claimed",
    "no_number", "exhausted", "not_running", "stale", "window", "spoken_today", "spoken_this_week", "silent", "tried",
    "wish",
)  # fmt: skip
NEW = ("stopped", "no_address", "written")


def upgrade() -> None:
    _reasons(*BEFORE, *NEW)
    op.create_table(
        "written_attempt",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("contract_id", sa.BigInteger(), nullable=False),
        sa.Column("campaign_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.SmallInteger(), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=False),
        sa.Column("step", sa.SmallInteger(), nullable=False),
        sa.Column(
            "channel",
            sa.Enum("sms", "email", "letter", name="written", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("address", sa.String(254)),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("begun", sa.Boolean(), nullable=False),
        sa.Column("reasons", ARRAY(sa.String(20)), nullable=False),
        sa.Column("not_before", INSTANT),
        sa.Column("item_id", sa.Uuid()),
        sa.Column("parts", sa.SmallInteger(), nullable=False),
        sa.Column("cost", sa.BigInteger(), nullable=False),
        _own("campaign_id", "campaign"),
        _own("contact_id", "contact"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_written_attempt")),
    )
    op.create_index(
        "uq_written_attempt_step", "written_attempt", ["campaign_id", "contact_id", "step"], unique=True,
        postgresql_where=sa.text("begun"),
    )  # fmt: skip
    op.create_index("ix_written_attempt_contact_id", "written_attempt", ["contact_id", "at"])
    op.create_index("ix_written_attempt_campaign_id", "written_attempt", ["campaign_id", "at"])
    op.create_index(
        "ix_written_attempt_item_id", "written_attempt", ["item_id"], postgresql_where=sa.text("item_id IS NOT NULL")
    )
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON written_attempt TO {APP}")
    for statement in protect("written_attempt"):
        op.execute(statement)


def downgrade() -> None:
    op.drop_table("written_attempt")
    _reasons(*BEFORE)


def _reasons(*values: str) -> None:
    """What may be said of a contact who is not reached."""
    listed = ", ".join(f"'{one}'" for one in values)
    op.drop_constraint(op.f("ck_campaign_contact_reason"), "campaign_contact")
    op.create_check_constraint(op.f("ck_campaign_contact_reason"), "campaign_contact", f"why IN ({listed})")


def _own(column: str, of: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["ente_id", column], [f"{of}.ente_id", f"{of}.id"], name=op.f(f"fk_written_attempt_ente_id_{column}")
    )

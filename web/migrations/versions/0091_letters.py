"""Letters of campaigns: their batches, each letter, who writes for an ente, and what became of them.

Revision ID: 0091
Revises: 0090
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from web.migrations.isolation import APP, protect

revision = "0091"
down_revision = "0090"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
TABLES = ("letter_sender", "letter_batch", "letter", "letter_reading", "letter_return")
OUTCOMES = ("delivered", "unknown", "moved", "insufficient", "refused", "unclaimed", "deceased")


def upgrade() -> None:
    op.create_table(
        "letter_sender",
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("sector", sa.String(60), nullable=False),
        sa.Column("cbill", sa.String(5), nullable=False),
        sa.Column("back", sa.String(240), nullable=False),
        sa.Column("privacy", sa.String(600), nullable=False),
        sa.Column("written_by", sa.BigInteger(), nullable=False),
        sa.Column("written_at", INSTANT, nullable=False),
        _to("letter_sender", "ente_id", "ente.id"),
        _to("letter_sender", "written_by", "app_user.id"),
        sa.PrimaryKeyConstraint("ente_id", name=op.f("pk_letter_sender")),
    )
    op.create_table(
        "letter_batch",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("campaign_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.SmallInteger(), nullable=False),
        sa.Column(
            "state", _choice("batch_state", "making", "made", "handed_over", "cancelled", "failed"), nullable=False
        ),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("expected", sa.BigInteger(), nullable=False),
        sa.Column("most", sa.BigInteger(), nullable=False),
        sa.Column("duplex", sa.Boolean(), nullable=False),
        sa.Column("prices", JSONB(), nullable=False),
        *(
            sa.Column(one, sa.BigInteger(), nullable=False)
            for one in ("letters", "left_out", "pages", "sheets", "cents")
        ),
        sa.Column("over_budget", sa.Boolean(), nullable=False),
        sa.Column("made_by", sa.BigInteger(), nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.Column("ready_at", INSTANT),
        sa.Column("ended_by", sa.BigInteger()),
        sa.Column("ended_at", INSTANT),
        sa.Column("handed_to", sa.String(120), nullable=False),
        sa.Column("job_id", sa.BigInteger()),
        _own("letter_batch", "campaign_id", "campaign"),
        _to("letter_batch", "made_by", "app_user.id"),
        _to("letter_batch", "ended_by", "app_user.id"),
        _to("letter_batch", "job_id", "job.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_letter_batch")),
        sa.UniqueConstraint("ente_id", "id", name=op.f("uq_letter_batch_ente_id_id")),
    )
    op.create_index(
        "uq_letter_batch_making", "letter_batch", ["campaign_id"], unique=True,
        postgresql_where=sa.text("state = 'making'"),
    )  # fmt: skip
    op.create_index("ix_letter_batch_campaign_id", "letter_batch", ["campaign_id"])
    op.create_table(
        "letter",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("batch_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("campaign_id", sa.BigInteger(), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=False),
        sa.Column("step", sa.SmallInteger(), nullable=False),
        sa.Column(
            "state", _choice("letter_state", "composed", "made", "handed_over", "delivered", "returned"),
            nullable=False,
        ),
        sa.Column("lines", ARRAY(sa.String(60)), nullable=False),
        sa.Column("address_id", sa.BigInteger()),
        sa.Column("asked_cents", sa.BigInteger(), nullable=False),
        sa.Column("notices", sa.SmallInteger(), nullable=False),
        sa.Column("content", JSONB()),
        sa.Column("sha256", sa.String(64)),
        sa.Column("size", sa.BigInteger(), nullable=False),
        *(sa.Column(one, sa.SmallInteger(), nullable=False) for one in ("pages", "sheets", "grams")),
        sa.Column("envelope", _choice("envelope", "DL", "C5", "C4")),
        sa.Column("cents", sa.BigInteger(), nullable=False),
        sa.Column("outcome", _choice("letter_outcome", *OUTCOMES)),
        sa.Column("outcome_on", sa.Date()),
        _own("letter", "batch_id", "letter_batch"),
        _own("letter", "contact_id", "contact"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_letter")),
        sa.UniqueConstraint("ente_id", "id", name=op.f("uq_letter_ente_id_id")),
        sa.UniqueConstraint("batch_id", "number", name=op.f("uq_letter_batch_id_number")),
    )  # fmt: skip
    op.create_index("ix_letter_contact_id", "letter", ["contact_id"])
    op.create_index("ix_letter_composed", "letter", ["batch_id"], postgresql_where=sa.text("state = 'composed'"))
    op.create_table(
        "letter_reading",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("state", _choice("reading_state", "checked", "applying", "applied", "discarded"), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("read_by", sa.BigInteger(), nullable=False),
        sa.Column("read_at", INSTANT, nullable=False),
        *(sa.Column(one, sa.BigInteger(), nullable=False) for one in ("rows", "known", "wrong")),
        sa.Column("mistakes", JSONB(), nullable=False),
        sa.Column("applied_at", INSTANT),
        sa.Column("job_id", sa.BigInteger()),
        _to("letter_reading", "ente_id", "ente.id"),
        _to("letter_reading", "read_by", "app_user.id"),
        _to("letter_reading", "job_id", "job.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_letter_reading")),
        sa.UniqueConstraint("ente_id", "id", name=op.f("uq_letter_reading_ente_id_id")),
    )
    op.create_table(
        "letter_return",
        sa.Column("reading_id", sa.BigInteger(), nullable=False),
        sa.Column("letter_id", sa.Uuid(), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=False),
        sa.Column("outcome", _choice("letter_outcome", *OUTCOMES), nullable=False),
        sa.Column("outcome_on", sa.Date(), nullable=False),
        sa.Column("address", JSONB()),
        sa.Column("applied", sa.Boolean(), nullable=False),
        _own("letter_return", "reading_id", "letter_reading"),
        _own("letter_return", "letter_id", "letter", ondelete="CASCADE"),
        _own("letter_return", "contact_id", "contact"),
        sa.PrimaryKeyConstraint("reading_id", "letter_id", name=op.f("pk_letter_return")),
    )
    op.create_index("ix_letter_return_contact_id", "letter_return", ["contact_id"])
    op.create_index("ix_letter_return_letter_id", "letter_return", ["letter_id"])
    for table in TABLES:
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {APP}")
        for statement in protect(table):
            op.execute(statement)


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)


def _choice(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)


def _to(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [target], name=op.f(f"fk_{table}_{column}"))


def _own(table: str, column: str, of: str, ondelete: str | None = None) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["ente_id", column],
        [f"{of}.ente_id", f"{of}.id"],
        name=op.f(f"fk_{table}_ente_id_{column}"),
        ondelete=ondelete,
    )

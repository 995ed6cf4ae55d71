"""What came of a conversation of a campaign's, and promises to pay.

Revision ID: 0096
Revises: 0095
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from web.migrations.choices import allow, forbid
from web.migrations.isolation import APP, protect

revision = "0096"
down_revision = "0095"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
TABLES = ("outcome_given", "payment_promise", "promise_position", "campaign_report")
SAID = (
    "informed", "promise", "instalments", "dispute", "already_paid", "refuses", "call_again", "no_more_calls",
    "third_party", "wrong_number", "moved", "deceased",
)  # fmt: skip


def upgrade() -> None:
    op.create_table(
        "outcome_given",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("campaign_id", sa.BigInteger(), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=False),
        sa.Column("attempt_id", sa.Uuid(), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("said", _choice("said", *SAID), nullable=False),
        sa.Column("given_at", INSTANT, nullable=False),
        sa.Column("given_by", sa.BigInteger(), nullable=False),
        sa.Column("call_after", INSTANT),
        sa.Column("note", sa.String(200), nullable=False),
        sa.Column("deeds", JSONB(), nullable=False),
        sa.Column("undone_at", INSTANT),
        _own("outcome_given", "campaign_id", "campaign"),
        _own("outcome_given", "contact_id", "contact"),
        _to("outcome_given", "attempt_id", "attempt.id"),
        _to("outcome_given", "given_by", "app_user.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outcome_given")),
    )
    op.create_index(
        "uq_outcome_given_attempt_id", "outcome_given", ["attempt_id"], unique=True,
        postgresql_where=sa.text("undone_at IS NULL"),
    )  # fmt: skip
    op.create_index("ix_outcome_given_campaign_id", "outcome_given", ["campaign_id", "given_at"])
    op.create_index("ix_outcome_given_contact_id", "outcome_given", ["contact_id", "given_at"])
    _promises()
    op.create_table(
        "campaign_report",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("campaign_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.SmallInteger(), nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.Column("made_by", sa.BigInteger(), nullable=False),
        sa.Column("seal", sa.String(64), nullable=False),
        sa.Column("kept", JSONB(), nullable=False),
        _own("campaign_report", "campaign_id", "campaign"),
        _to("campaign_report", "made_by", "app_user.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign_report")),
        sa.UniqueConstraint("campaign_id", "version", name=op.f("uq_campaign_report_campaign_id_version")),
    )
    op.create_index("ix_attempt_call_id", "attempt", ["call_id"], postgresql_where=sa.text("call_id IS NOT NULL"))
    op.create_index(
        "ix_campaign_contact_complaint", "campaign_contact", ["campaign_id"],
        postgresql_where=sa.text("state = 'out' AND why = 'complaint'"),
    )  # fmt: skip
    allow("timeline_entry", "entry_kind", "kind", "outcome")
    allow("campaign_contact", "reason", "why", "promised")
    for table in TABLES:
        grants = "SELECT, INSERT, DELETE" if table == "campaign_report" else "SELECT, INSERT, UPDATE, DELETE"
        op.execute(f"GRANT {grants} ON {table} TO {APP}")
        for statement in protect(table):
            op.execute(statement)


def downgrade() -> None:
    op.execute("DELETE FROM timeline_entry WHERE kind = 'outcome'")
    op.execute("UPDATE campaign_contact SET why = NULL WHERE why = 'promised'")
    forbid("timeline_entry", "entry_kind", "kind", "outcome")
    forbid("campaign_contact", "reason", "why", "promised")
    op.drop_index("ix_campaign_contact_complaint")
    op.drop_index("ix_attempt_call_id")
    for table in ("campaign_report", "promise_position", "payment_promise", "outcome_given"):
        op.drop_table(table)


def _promises() -> None:
    op.create_table(
        "payment_promise",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("campaign_id", sa.BigInteger(), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=False),
        sa.Column("outcome_id", sa.Uuid(), nullable=False),
        sa.Column("made_on", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("grace_days", sa.SmallInteger(), nullable=False),
        sa.Column("cents", sa.BigInteger(), nullable=False),
        sa.Column(
            "state",
            _choice("promise_state", "open", "kept", "partly", "broken", "unjudged", "lifted", "withdrawn"),
            nullable=False,
        ),
        sa.Column("paid_cents", sa.BigInteger(), nullable=False),
        sa.Column("known_at", INSTANT),
        sa.Column("judged_on", sa.Date()),
        sa.Column("made_by", sa.BigInteger(), nullable=False),
        _own("payment_promise", "campaign_id", "campaign"),
        _own("payment_promise", "contact_id", "contact"),
        _to("payment_promise", "made_by", "app_user.id"),
        sa.CheckConstraint("cents > 0 AND due_on >= made_on", name=op.f("ck_payment_promise_terms")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_promise")),
        sa.UniqueConstraint("outcome_id", name=op.f("uq_payment_promise_outcome_id")),
    )
    op.create_index("ix_payment_promise_campaign_id", "payment_promise", ["campaign_id"])
    op.create_index("ix_payment_promise_contact_id", "payment_promise", ["contact_id"])
    op.create_index(
        "ix_payment_promise_due_on", "payment_promise", ["ente_id", "due_on"],
        postgresql_where=sa.text("state NOT IN ('kept', 'withdrawn')"),
    )  # fmt: skip
    op.create_table(
        "promise_position",
        sa.Column("promise_id", sa.BigInteger(), nullable=False),
        sa.Column("reference", sa.String(60), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("due_cents", sa.BigInteger(), nullable=False),
        sa.Column("before_cents", sa.BigInteger(), nullable=False),
        sa.Column("live", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["promise_id"], ["payment_promise.id"], name=op.f("fk_promise_position_promise_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("promise_id", "reference", name=op.f("pk_promise_position")),
    )
    op.create_index(
        "uq_promise_position_live", "promise_position", ["ente_id", "reference"], unique=True,
        postgresql_where=sa.text("live"),
    )  # fmt: skip


def _choice(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)


def _to(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [target], name=op.f(f"fk_{table}_{column}"))


def _own(table: str, column: str, of: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["ente_id", column], [f"{of}.ente_id", f"{of}.id"], name=op.f(f"fk_{table}_ente_id_{column}")
    )

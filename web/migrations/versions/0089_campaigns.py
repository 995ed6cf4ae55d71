"""Campaigns, the versions of their plans, their contacts, and every attempt to reach one.

Revision ID: 0089
Revises: 0088
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from web.migrations.isolation import APP, protect

revision = "0089"
down_revision = "0088"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
TABLES = ("campaign", "campaign_version", "campaign_contact", "attempt")
REASONS = (
    "deceased", "do_not_call", "insolvent", "no_consent", "nothing_due", "suspended", "complaint", "claimed",
    "no_number", "exhausted", "not_running", "stale", "window", "spoken_today", "spoken_this_week", "silent", "tried",
    "wish",
)  # fmt: skip


def upgrade() -> None:
    op.create_table(
        "campaign",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("contract_id", sa.BigInteger(), nullable=False),
        sa.Column("list_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column(
            "state", _choice("state", "draft", "submitted", "approved", "running", "paused", "stopped", "ended"),
            nullable=False,
        ),
        sa.Column("version", sa.SmallInteger(), nullable=False),
        sa.Column("made_by", sa.BigInteger(), nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.Column("changed_at", INSTANT, nullable=False),
        sa.Column("started_at", INSTANT),
        sa.Column("admitted_at", INSTANT),
        sa.Column("ended_at", INSTANT),
        sa.Column("job_id", sa.BigInteger()),
        _to("campaign", "ente_id", "ente.id"),
        _to("campaign", "contract_id", "contract.id"),
        _to("campaign", "made_by", "app_user.id"),
        _to("campaign", "job_id", "job.id"),
        _own("campaign", "list_id", "contact_list"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign")),
        sa.UniqueConstraint("ente_id", "id", name=op.f("uq_campaign_ente_id_id")),
    )  # fmt: skip
    op.create_index("ix_campaign_list_id", "campaign", ["list_id"])
    op.create_table(
        "campaign_version",
        sa.Column("campaign_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.SmallInteger(), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("plan", JSONB(), nullable=False),
        sa.Column("written_by", sa.BigInteger(), nullable=False),
        sa.Column("written_at", INSTANT, nullable=False),
        sa.Column("submitted_by", sa.BigInteger()),
        sa.Column("submitted_at", INSTANT),
        sa.Column("approved", sa.Boolean()),
        sa.Column("decided_by", sa.BigInteger()),
        sa.Column("decided_at", INSTANT),
        sa.Column("reason", sa.String(400), nullable=False),
        _own("campaign_version", "campaign_id", "campaign"),
        *(_to("campaign_version", one, "app_user.id") for one in ("written_by", "submitted_by", "decided_by")),
        sa.PrimaryKeyConstraint("campaign_id", "number", name=op.f("pk_campaign_version")),
    )
    op.create_table(
        "campaign_contact",
        sa.Column("campaign_id", sa.BigInteger(), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("state", _choice("contact_state", "later", "ready", "claimed", "out", "done"), nullable=False),
        sa.Column("why", _choice("reason", *REASONS)),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("priority", sa.BigInteger(), nullable=False),
        sa.Column("step", sa.SmallInteger(), nullable=False),
        sa.Column("claimed_by", sa.BigInteger()),
        _own("campaign_contact", "campaign_id", "campaign"),
        _own("campaign_contact", "contact_id", "contact"),
        _to("campaign_contact", "claimed_by", "app_user.id"),
        sa.PrimaryKeyConstraint("campaign_id", "contact_id", name=op.f("pk_campaign_contact")),
    )
    op.create_index(
        "ix_campaign_contact_ready", "campaign_contact",
        ["campaign_id", "step", sa.text("priority DESC"), "due_at", "contact_id"],
        postgresql_where=sa.text("state = 'ready'"),
    )  # fmt: skip
    op.create_index(
        "ix_campaign_contact_due_at", "campaign_contact", ["campaign_id", "due_at"],
        postgresql_where=sa.text("state IN ('later', 'claimed')"),
    )  # fmt: skip
    op.create_index(
        "uq_campaign_contact_claimed", "campaign_contact", ["contact_id"], unique=True,
        postgresql_where=sa.text("state = 'claimed'"),
    )  # fmt: skip
    op.create_index("ix_campaign_contact_contact_id", "campaign_contact", ["contact_id"])
    op.create_table(
        "attempt",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("contract_id", sa.BigInteger(), nullable=False),
        sa.Column("campaign_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.SmallInteger(), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.String(16)),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("begun", sa.Boolean(), nullable=False),
        sa.Column("reasons", ARRAY(sa.String(20)), nullable=False),
        sa.Column("not_before", INSTANT),
        sa.Column("agent_id", sa.BigInteger()),
        sa.Column("operator", sa.Boolean(), nullable=False),
        sa.Column(
            "ended",
            _choice("ended", "spoken", "answered", "silent", "machine", "busy", "no_answer", "failed", "unknown"),
        ),
        sa.Column("ended_at", INSTANT),
        sa.Column("call_id", sa.Uuid()),
        _own("attempt", "campaign_id", "campaign"),
        _own("attempt", "contact_id", "contact"),
        _to("attempt", "agent_id", "app_user.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempt")),
    )
    op.create_index("ix_attempt_contact_id", "attempt", ["contact_id", "at"])
    op.create_index("ix_attempt_number", "attempt", ["number", "at"], postgresql_where=sa.text("begun"))
    op.create_index("ix_attempt_campaign_id", "attempt", ["campaign_id", "at"])
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


def _own(table: str, column: str, of: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["ente_id", column], [f"{of}.ente_id", f"{of}.id"], name=op.f(f"fk_{table}_ente_id_{column}")
    )

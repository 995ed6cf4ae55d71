"""Who looks at whom before a call, when nobody could be called, calls and operators' time by day; refusals, talk.

Revision ID: 0098
Revises: 0097
"""

import sqlalchemy as sa
from alembic import op

from web.migrations.isolation import APP, protect

revision = "0098"
down_revision = "0097"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
READ = ("campaign", "attempt", "call", "written_attempt")
TABLES = ("campaign_look", "dialer_gap", "outbound_day")
# What conversations of before took, as `results` counts it.
TALKED = """
UPDATE campaign SET talked_ms = one.ms FROM (
    SELECT attempt.campaign_id, sum(call.talked_ms + call.held_ms) AS ms
    FROM attempt JOIN call ON call.id = attempt.call_id
    WHERE attempt.ended IS NOT NULL GROUP BY attempt.campaign_id
) one WHERE campaign.id = one.campaign_id
"""
WROTE = """
UPDATE campaign SET written_cost = one.cost FROM (
    SELECT campaign_id, sum(cost) AS cost FROM written_attempt WHERE begun GROUP BY campaign_id
) one WHERE campaign.id = one.campaign_id
"""


def upgrade() -> None:
    for column in ("talked_ms", "written_cost"):
        op.add_column("campaign", sa.Column(column, sa.BigInteger(), nullable=False, server_default="0"))
    for table in READ:  # else the owner, too, sees no row of them
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.execute(TALKED)
    op.execute(WROTE)
    for table in READ:
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.add_column("dialer_setting", sa.Column("refusals", sa.SmallInteger(), nullable=False, server_default="0"))
    op.add_column("dialer_setting", sa.Column("refused_code", sa.BigInteger()))
    op.add_column("dialer_setting", sa.Column("held_until", INSTANT))
    op.create_table(
        "campaign_look",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        *_whose(),
        sa.Column("agent_id", sa.BigInteger(), nullable=False),
        sa.Column("contact_id", sa.BigInteger()),
        sa.Column("asked_at", INSTANT, nullable=False),
        sa.Column("over_at", INSTANT),
        sa.Column("became", _choice("look_end", "called", "refused", "skipped", "lapsed", "nobody")),
        sa.Column(
            "skipped", _choice("skip", "known", "language", "data", "colleague", "stops", "other")
        ),
        sa.Column("call_id", sa.Uuid()),
        _own("campaign_look", "campaign_id", "campaign"),
        _own("campaign_look", "contact_id", "contact"),
        sa.ForeignKeyConstraint(["agent_id"], ["app_user.id"], name=op.f("fk_campaign_look_agent_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign_look")),
    )  # fmt: skip
    op.create_index(
        "uq_campaign_look_agent_id", "campaign_look", ["agent_id"], unique=True,
        postgresql_where=sa.text("over_at IS NULL"),
    )  # fmt: skip
    op.create_index("ix_campaign_look_campaign_id", "campaign_look", ["campaign_id", "asked_at"])
    op.create_index("ix_campaign_look_contact_id", "campaign_look", ["contact_id"])
    op.create_table(
        "dialer_gap",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        *_whose(),
        sa.Column("why", _choice("gap", "list", "hours", "stopped"), nullable=False),
        sa.Column("since", INSTANT, nullable=False),
        sa.Column("until", INSTANT),
        _own("dialer_gap", "campaign_id", "campaign"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dialer_gap")),
    )
    op.create_index(
        "uq_dialer_gap_campaign_id", "dialer_gap", ["campaign_id"], unique=True,
        postgresql_where=sa.text("until IS NULL"),
    )  # fmt: skip
    op.create_index("ix_dialer_gap_campaign_id", "dialer_gap", ["campaign_id", "since"])
    op.create_table(
        "outbound_day",
        sa.Column("campaign_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("contract_id", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("staffed_ms", sa.BigInteger(), nullable=False),
        sa.Column("counted_at", INSTANT, nullable=False),
        _own("outbound_day", "campaign_id", "campaign"),
        sa.PrimaryKeyConstraint("campaign_id", "day", name=op.f("pk_outbound_day")),
    )
    op.create_index("ix_outbound_day_contract_id", "outbound_day", ["contract_id", "day"])
    for table in TABLES:
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {APP}")
        for statement in protect(table):
            op.execute(statement)


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
    for column in ("held_until", "refused_code", "refusals"):
        op.drop_column("dialer_setting", column)
    op.drop_column("campaign", "written_cost")
    op.drop_column("campaign", "talked_ms")


def _whose() -> tuple[sa.Column[int], ...]:
    return tuple(sa.Column(one, sa.BigInteger(), nullable=False) for one in ("ente_id", "contract_id", "campaign_id"))


def _choice(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)


def _own(table: str, column: str, of: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["ente_id", column], [f"{of}.ente_id", f"{of}.id"], name=op.f(f"fk_{table}_ente_id_{column}")
    )

"""Rounds: plans of a day, their agents and stops, what was published, ways that were measured.

Revision ID: 0107
Revises: 0106
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from web.migrations.isolation import APP, protect

revision = "0107"
down_revision = "0106"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
# Of the company: they tell of no taxpayer.
COMPANYS = ("field_round_plan", "field_round_agent", "field_round_published", "field_round_matrix")
OF_ENTI = ("field_round_stop", "field_round_published_stop")


def upgrade() -> None:
    op.create_table(
        "field_round_plan",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("contract_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "draft",
                "solving",
                "ready",
                "published",
                name="plan_state",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.Column("made_by", sa.BigInteger(), nullable=False),
        sa.Column("seconds", sa.SmallInteger(), nullable=False),
        sa.Column("home_hours", sa.String(60), nullable=False),
        sa.Column("business_hours", sa.String(60), nullable=False),
        sa.Column("home_minutes", sa.SmallInteger(), nullable=False),
        sa.Column("business_minutes", sa.SmallInteger(), nullable=False),
        sa.Column("detour", sa.Double(), nullable=False),
        sa.Column("town_kmh", sa.Double(), nullable=False),
        sa.Column("country_kmh", sa.Double(), nullable=False),
        sa.Column("search", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("searching_since", INSTANT),
        sa.Column("asked_to_stop", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("cost", sa.BigInteger()),
        sa.Column("failure", sa.String(200), server_default="", nullable=False),
        sa.Column("published_at", INSTANT),
        sa.Column("published_by", sa.BigInteger()),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name=op.f("fk_field_round_plan_contract_id")),
        sa.ForeignKeyConstraint(["made_by"], ["app_user.id"], name=op.f("fk_field_round_plan_made_by")),
        sa.ForeignKeyConstraint(["published_by"], ["app_user.id"], name=op.f("fk_field_round_plan_published_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_field_round_plan")),
        sa.UniqueConstraint("contract_id", "day", name=op.f("uq_field_round_plan_contract_id_day")),
    )
    op.create_table(
        "field_round_agent",
        sa.Column("plan_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("agent_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("begins", sa.BigInteger(), nullable=False),
        sa.Column("ends", sa.BigInteger(), nullable=False),
        sa.Column("start", sa.String(120), server_default="", nullable=False),
        sa.Column("latitude", sa.Double()),
        sa.Column("longitude", sa.Double()),
        sa.Column("returns", sa.Boolean(), nullable=False),
        sa.Column("pause_earliest", sa.BigInteger()),
        sa.Column("pause_latest", sa.BigInteger()),
        sa.Column("pause_length", sa.BigInteger()),
        sa.Column("most", sa.SmallInteger()),
        sa.Column("leaves", sa.BigInteger()),
        sa.Column("done", sa.BigInteger()),
        sa.Column("pause_at", sa.BigInteger()),
        sa.Column("travel_s", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("travel_m", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint("(latitude IS NULL) = (longitude IS NULL)", name=op.f("ck_field_round_agent_place")),
        sa.CheckConstraint(
            "(pause_earliest IS NULL) = (pause_length IS NULL)", name=op.f("ck_field_round_agent_pause")
        ),
        sa.ForeignKeyConstraint(["agent_id"], ["field_agent.id"], name=op.f("fk_field_round_agent_agent_id")),
        sa.ForeignKeyConstraint(["plan_id"], ["field_round_plan.id"], name=op.f("fk_field_round_agent_plan_id")),
        sa.PrimaryKeyConstraint("plan_id", "agent_id", name=op.f("pk_field_round_agent")),
    )
    op.create_table(
        "field_round_stop",
        sa.Column("plan_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("practice_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("must", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("fixed_agent_id", sa.BigInteger()),
        sa.Column("fixed_at", sa.BigInteger()),
        sa.Column("agent_id", sa.BigInteger()),
        sa.Column("position", sa.SmallInteger()),
        sa.Column("arrives", sa.BigInteger()),
        sa.Column("begins", sa.BigInteger()),
        sa.Column("leaves", sa.BigInteger()),
        sa.Column("why", sa.String(20), server_default="", nullable=False),
        sa.CheckConstraint("(agent_id IS NULL) = (position IS NULL)", name=op.f("ck_field_round_stop_placed")),
        sa.ForeignKeyConstraint(
            ["ente_id", "practice_id"],
            ["field_practice.ente_id", "field_practice.id"],
            name=op.f("fk_field_round_stop_ente_id_practice_id"),
        ),
        sa.ForeignKeyConstraint(
            ["plan_id", "agent_id"],
            ["field_round_agent.plan_id", "field_round_agent.agent_id"],
            name=op.f("fk_field_round_stop_plan_id_agent_id"),
        ),
        sa.ForeignKeyConstraint(
            ["plan_id", "fixed_agent_id"],
            ["field_round_agent.plan_id", "field_round_agent.agent_id"],
            name=op.f("fk_field_round_stop_plan_id_fixed_agent_id"),
        ),
        sa.ForeignKeyConstraint(["plan_id"], ["field_round_plan.id"], name=op.f("fk_field_round_stop_plan_id")),
        sa.PrimaryKeyConstraint("plan_id", "practice_id", name=op.f("pk_field_round_stop")),
    )
    op.create_index("ix_field_round_stop_practice_id", "field_round_stop", ["practice_id"], unique=False)
    op.create_table(
        "field_round_published",
        sa.Column("plan_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("agent_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("published_at", INSTANT, nullable=False),
        sa.Column("times", sa.SmallInteger(), nullable=False),
        sa.Column("leaves", sa.BigInteger()),
        sa.Column("done", sa.BigInteger()),
        sa.Column("pause_at", sa.BigInteger()),
        sa.Column("changes", JSONB(), nullable=False),
        sa.ForeignKeyConstraint(["agent_id"], ["field_agent.id"], name=op.f("fk_field_round_published_agent_id")),
        sa.ForeignKeyConstraint(["plan_id"], ["field_round_plan.id"], name=op.f("fk_field_round_published_plan_id")),
        sa.PrimaryKeyConstraint("plan_id", "agent_id", name=op.f("pk_field_round_published")),
    )
    op.create_index("ix_field_round_published_agent_id", "field_round_published", ["agent_id", "day"], unique=False)
    op.create_table(
        "field_round_published_stop",
        sa.Column("plan_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("practice_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("agent_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("arrives", sa.BigInteger(), nullable=False),
        sa.Column("begins", sa.BigInteger(), nullable=False),
        sa.Column("leaves", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["agent_id"], ["field_agent.id"], name=op.f("fk_field_round_published_stop_agent_id")),
        sa.ForeignKeyConstraint(
            ["ente_id", "practice_id"],
            ["field_practice.ente_id", "field_practice.id"],
            name=op.f("fk_field_round_published_stop_ente_id_practice_id"),
        ),
        sa.ForeignKeyConstraint(
            ["plan_id"], ["field_round_plan.id"], name=op.f("fk_field_round_published_stop_plan_id")
        ),
        sa.PrimaryKeyConstraint("plan_id", "practice_id", name=op.f("pk_field_round_published_stop")),
    )
    op.create_index(
        "ix_field_round_published_stop_practice_id", "field_round_published_stop", ["practice_id"], unique=False
    )
    op.create_table(
        "field_round_matrix",
        sa.Column("plan_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("legs", JSONB(), nullable=False),
        sa.Column("sent_at", INSTANT, nullable=False),
        sa.Column("sent_by", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["plan_id"], ["field_round_plan.id"], name=op.f("fk_field_round_matrix_plan_id")),
        sa.ForeignKeyConstraint(["sent_by"], ["app_user.id"], name=op.f("fk_field_round_matrix_sent_by")),
        sa.PrimaryKeyConstraint("plan_id", name=op.f("pk_field_round_matrix")),
    )

    for table in (*COMPANYS, *OF_ENTI):
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {APP}")
    for table in OF_ENTI:
        for statement in protect(table):
            op.execute(statement)


def downgrade() -> None:
    for table in (*OF_ENTI, *reversed(COMPANYS)):
        op.drop_table(table)

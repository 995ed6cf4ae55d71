"""Quality: forms, rules of sampling, draws, evaluations and what is said about them.

Revision ID: 0055
Revises: 0054
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from web.migrations.isolation import APP, protect

revision = "0055"
down_revision = "0054"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False)


def _keys(table: str, **columns: str) -> list[sa.ForeignKeyConstraint]:
    return [
        sa.ForeignKeyConstraint([column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}"))
        for column, target in columns.items()
    ]


def upgrade() -> None:
    _configuration()
    _draws()
    _evaluations()


def _configuration() -> None:
    op.create_table(
        "quality_form",
        _id(),
        sa.Column("contract_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.SmallInteger(), nullable=False),
        sa.Column("criteria", JSONB(), nullable=False),
        sa.Column("pass_mark", sa.SmallInteger(), nullable=False),
        sa.Column("written_by", sa.BigInteger(), nullable=False),
        sa.Column("written_at", INSTANT, nullable=False),
        sa.CheckConstraint("pass_mark BETWEEN 0 AND 100", name=op.f("ck_quality_form_pass_mark")),
        *_keys("quality_form", contract_id="contract", written_by="app_user"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quality_form")),
        sa.UniqueConstraint("contract_id", "version", name=op.f("uq_quality_form_contract_id_version")),
    )
    op.create_table(
        "sampling_rule",
        _id(),
        sa.Column("contract_id", sa.BigInteger(), nullable=False),
        sa.Column("queue_id", sa.BigInteger()),
        sa.Column("per_agent", sa.SmallInteger(), nullable=False),
        sa.Column("least_s", sa.SmallInteger(), nullable=False),
        sa.Column("spread", ARRAY(sa.String(32)), nullable=False),
        sa.Column("evaluators", ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("days", sa.SmallInteger(), nullable=False),
        sa.Column("written_by", sa.BigInteger(), nullable=False),
        sa.Column("written_at", INSTANT, nullable=False),
        sa.Column("ended_by", sa.BigInteger()),
        sa.Column("ended_at", INSTANT),
        sa.CheckConstraint("per_agent BETWEEN 1 AND 20", name=op.f("ck_sampling_rule_per_agent")),
        sa.CheckConstraint("least_s BETWEEN 0 AND 3600", name=op.f("ck_sampling_rule_least_s")),
        sa.CheckConstraint("days BETWEEN 1 AND 60", name=op.f("ck_sampling_rule_days")),
        *_keys("sampling_rule", contract_id="contract", queue_id="queue", written_by="app_user", ended_by="app_user"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sampling_rule")),
    )
    op.execute(f"GRANT SELECT, INSERT ON quality_form TO {APP}")
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON sampling_rule TO {APP}")


def _draws() -> None:
    op.create_table(
        "sample_draw",
        _id(),
        sa.Column("contract_id", sa.BigInteger(), nullable=False),
        sa.Column("rule_id", sa.BigInteger(), nullable=False),
        sa.Column("first", sa.Date(), nullable=False),
        sa.Column("seed", sa.String(64), nullable=False),
        sa.Column("candidates", JSONB(), nullable=False),
        sa.Column("drawn", JSONB(), nullable=False),
        sa.Column("drawn_at", INSTANT, nullable=False),
        sa.Column("keep_until", sa.Date(), nullable=False),
        *_keys("sample_draw", contract_id="contract", rule_id="sampling_rule"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sample_draw")),
        sa.UniqueConstraint("rule_id", "first", name=op.f("uq_sample_draw_rule_id_first")),
    )
    op.execute(f"GRANT SELECT, INSERT, DELETE ON sample_draw TO {APP}")  # never changed; it goes with its time


def _evaluations() -> None:
    op.create_table(
        "evaluation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("contract_id", sa.BigInteger(), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("agent_id", sa.BigInteger(), nullable=False),
        sa.Column("evaluator_id", sa.BigInteger(), nullable=False),
        sa.Column("draw_id", sa.BigInteger()),
        sa.Column("form_id", sa.BigInteger(), nullable=False),
        sa.Column("calibrates", sa.Uuid()),
        sa.Column("answers", JSONB(), nullable=False, server_default="{}"),
        sa.Column("comment", sa.Text(), nullable=False, server_default=""),
        sa.Column("score", sa.Numeric(4, 1)),
        sa.Column("passed", sa.Boolean()),
        sa.Column("assigned_at", INSTANT, nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("submitted_at", INSTANT),
        sa.Column("seen_at", INSTANT),
        sa.Column("keep_until", sa.Date(), nullable=False),
        sa.CheckConstraint("agent_id <> evaluator_id", name=op.f("ck_evaluation_not_himself")),
        sa.CheckConstraint("score BETWEEN 0 AND 100", name=op.f("ck_evaluation_score")),
        sa.CheckConstraint("(passed IS NULL) = (submitted_at IS NULL)", name=op.f("ck_evaluation_submitted")),
        *_keys(
            "evaluation", contract_id="contract", ente_id="ente", call_id="call", agent_id="app_user",
            evaluator_id="app_user", form_id="quality_form",
        ),
        sa.ForeignKeyConstraint(
            ["draw_id"], ["sample_draw.id"], name=op.f("fk_evaluation_draw_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["calibrates"], ["evaluation.id"], name=op.f("fk_evaluation_calibrates"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evaluation")),
        sa.UniqueConstraint("call_id", "evaluator_id", name=op.f("uq_evaluation_call_id_evaluator_id")),
    )  # fmt: skip
    op.create_index("ix_evaluation_evaluator_id", "evaluation", ["evaluator_id", "due_on"])
    op.create_index("ix_evaluation_agent_id", "evaluation", ["agent_id", "submitted_at"])
    op.create_index(
        "uq_evaluation_drawn", "evaluation", ["call_id"], unique=True, postgresql_where=sa.text("calibrates IS NULL")
    )
    op.create_table(
        "evaluation_word",
        _id(),
        sa.Column("evaluation_id", sa.Uuid(), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("said_by", sa.BigInteger(), nullable=False),
        sa.Column("said_at", INSTANT, nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("before", JSONB()),
        sa.CheckConstraint("kind IN ('reply', 'answer', 'correction')", name=op.f("ck_evaluation_word_word")),
        *_keys("evaluation_word", ente_id="ente", said_by="app_user"),
        sa.ForeignKeyConstraint(
            ["evaluation_id"], ["evaluation.id"], name=op.f("fk_evaluation_word_evaluation_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evaluation_word")),
    )
    op.create_index(op.f("ix_evaluation_word_evaluation_id"), "evaluation_word", ["evaluation_id"])
    for table in ("evaluation", "evaluation_word"):
        for statement in protect(table):
            op.execute(statement)
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {APP}")


def downgrade() -> None:
    for table in ("evaluation_word", "evaluation", "sample_draw", "sampling_rule", "quality_form"):
        op.drop_table(table)

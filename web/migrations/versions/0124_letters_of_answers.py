"""Answers to requests that go by post, in batches that are of no campaign.

Revision ID: 0124
Revises: 0123
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

from web.migrations.choices import allow, forbid
from web.migrations.isolation import APP, protect

revision = "0124"
down_revision = "0123"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
DEEDS = ("write_letter", "drop_letter", "post_told")


def upgrade() -> None:
    for table, column in (("letter_batch", "campaign_id"), ("letter_batch", "version"), ("letter", "campaign_id")):
        op.alter_column(table, column, nullable=True)
    op.alter_column("letter", "step", nullable=True)
    op.add_column("letter_batch", sa.Column("contract_id", sa.BigInteger()))
    op.create_foreign_key(
        op.f("fk_letter_batch_contract_id"), "letter_batch", "contract", ["contract_id"], ["id"]
    )  # fmt: skip
    op.create_check_constraint(
        op.f("ck_letter_batch_origin"), "letter_batch", "num_nonnulls(campaign_id, contract_id) = 1"
    )
    op.create_check_constraint(
        op.f("ck_letter_batch_of_plan"), "letter_batch", "(campaign_id IS NULL) = (version IS NULL)"
    )
    op.create_check_constraint(op.f("ck_letter_of_step"), "letter", "(campaign_id IS NULL) = (step IS NULL)")
    op.create_index(
        "uq_letter_batch_answers_making", "letter_batch", ["ente_id", "contract_id"], unique=True,
        postgresql_where=sa.text("state = 'making' AND campaign_id IS NULL"),
    )  # fmt: skip
    op.create_table(
        "letter_answer",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("contract_id", sa.BigInteger(), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=False),
        sa.Column("lines", ARRAY(sa.String(60)), nullable=False),
        sa.Column("address_id", sa.BigInteger()),
        sa.Column("subject", sa.String(120), nullable=False),
        sa.Column("body", sa.String(2000), nullable=False),
        sa.Column("step_id", sa.BigInteger(), nullable=False),
        sa.Column("written_by", sa.BigInteger(), nullable=False),
        sa.Column("written_at", INSTANT, nullable=False),
        sa.Column("letter_id", sa.Uuid()),
        sa.Column("withdrawn_at", INSTANT),
        sa.Column("withdrawn_by", sa.BigInteger()),
        _to("contract_id", "contract.id"),
        _to("written_by", "app_user.id"),
        _to("withdrawn_by", "app_user.id"),
        _own("case_id", "case_request"),
        _own("contact_id", "contact"),
        _own("letter_id", "letter"),
        sa.CheckConstraint("withdrawn_at IS NOT NULL OR withdrawn_by IS NULL", name=op.f("ck_letter_answer_withdrawn")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_letter_answer")),
    )
    for column in ("case_id", "contact_id"):
        op.create_index(f"ix_letter_answer_{column}", "letter_answer", [column])
    op.create_index("uq_letter_answer_letter_id", "letter_answer", ["letter_id"], unique=True)
    op.create_index(
        "uq_letter_answer_waiting", "letter_answer", ["case_id"], unique=True,
        postgresql_where=sa.text("letter_id IS NULL AND withdrawn_at IS NULL"),
    )  # fmt: skip
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON letter_answer TO {APP}")
    for statement in protect("letter_answer"):
        op.execute(statement)
    allow("case_step", "deed", "deed", *DEEDS)


def downgrade() -> None:
    op.execute("DELETE FROM case_step WHERE deed IN ('write_letter', 'drop_letter', 'post_told')")
    forbid("case_step", "deed", "deed", *DEEDS)
    op.drop_table("letter_answer")
    op.drop_index("uq_letter_batch_answers_making")
    op.execute("DELETE FROM letter_return WHERE letter_id IN (SELECT id FROM letter WHERE campaign_id IS NULL)")
    op.execute("DELETE FROM letter WHERE campaign_id IS NULL")
    op.execute("DELETE FROM letter_batch WHERE campaign_id IS NULL")
    op.drop_constraint(op.f("ck_letter_of_step"), "letter")
    op.drop_constraint(op.f("ck_letter_batch_of_plan"), "letter_batch")
    op.drop_constraint(op.f("ck_letter_batch_origin"), "letter_batch")
    op.drop_column("letter_batch", "contract_id")
    for table, column in (("letter_batch", "campaign_id"), ("letter_batch", "version"), ("letter", "campaign_id")):
        op.alter_column(table, column, nullable=False)
    op.alter_column("letter", "step", nullable=False)


def _to(column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [target], name=op.f(f"fk_letter_answer_{column}"))


def _own(column: str, of: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["ente_id", column], [f"{of}.ente_id", f"{of}.id"], name=op.f(f"fk_letter_answer_ente_id_{column}")
    )

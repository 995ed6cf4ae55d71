"""Thresholds of the live board, the alerts they raised, and browsers to be told in.

Revision ID: 0050
Revises: 0049
"""

import sqlalchemy as sa
from alembic import op

from web.migrations.isolation import APP

revision = "0050"
down_revision = "0049"
branch_labels = None
depends_on = None

KINDS = "'waiting', 'longest', 'level', 'spendable', 'ready', 'carrier', 'wall'"
STATES = "'owed', 'sending', 'sent', 'failed', 'expired'"


def _instant(name: str, *, always: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=not always)


def _refers(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=op.f(f"fk_{table}_{column}"))


def upgrade() -> None:
    op.create_table(
        "alert_rule",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("contract_id", sa.BigInteger(), nullable=False),
        sa.Column("queue_id", sa.BigInteger()),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("metric", sa.String(60), nullable=False),
        sa.Column("callers", sa.String(8), nullable=False),
        sa.Column("threshold", sa.Numeric(12, 4), nullable=False),
        sa.Column("after_s", sa.SmallInteger(), nullable=False),
        sa.Column("by_mail", sa.Boolean(), nullable=False),
        sa.Column("by_push", sa.Boolean(), nullable=False),
        sa.Column("made_by", sa.BigInteger(), nullable=False),
        _instant("made_at", always=True), _instant("ended_at"), _instant("over_since"), _instant("calm_since"),
        sa.CheckConstraint(f"kind IN ({KINDS})", name=op.f("ck_alert_rule_alert_kind")),
        sa.CheckConstraint("after_s BETWEEN 0 AND 3600", name=op.f("ck_alert_rule_after")),
        _refers("alert_rule", "contract_id", "contract"), _refers("alert_rule", "queue_id", "queue"),
        _refers("alert_rule", "made_by", "app_user"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert_rule")),
    )  # fmt: skip
    op.create_index(
        "ix_alert_rule_contract_id", "alert_rule", ["contract_id"], postgresql_where=sa.text("ended_at IS NULL")
    )
    op.create_table(
        "alert",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("rule_id", sa.BigInteger(), nullable=False),
        sa.Column("contract_id", sa.BigInteger(), nullable=False),
        sa.Column("measured", sa.Numeric(14, 4), nullable=False),
        _instant("raised_at", always=True), _instant("cleared_at"),
        sa.Column("acknowledged_by", sa.BigInteger()),
        _instant("acknowledged_at"),
        sa.Column("note", sa.String(280), nullable=False),
        sa.CheckConstraint(
            "(acknowledged_by IS NULL) = (acknowledged_at IS NULL)", name=op.f("ck_alert_acknowledged")
        ),
        _refers("alert", "rule_id", "alert_rule"), _refers("alert", "contract_id", "contract"),
        _refers("alert", "acknowledged_by", "app_user"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert")),
    )  # fmt: skip
    op.create_index("uq_alert_open", "alert", ["rule_id"], unique=True, postgresql_where=sa.text("cleared_at IS NULL"))
    op.create_index("ix_alert_contract_id_raised_at", "alert", ["contract_id", "raised_at"])
    _browsers()
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON alert_rule, alert, push_subscription, push_notice TO {APP}")


def _browsers() -> None:
    op.create_table(
        "push_subscription",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("endpoint", sa.String(600), nullable=False),
        sa.Column("p256dh", sa.String(100), nullable=False),
        sa.Column("auth", sa.String(40), nullable=False),
        sa.Column("browser", sa.String(80), nullable=False),
        _instant("made_at", always=True), _instant("told_at"), _instant("ended_at"),
        _refers("push_subscription", "user_id", "app_user"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_push_subscription")),
    )  # fmt: skip
    op.create_index(
        "uq_push_subscription_endpoint", "push_subscription", ["endpoint"], unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )  # fmt: skip
    op.create_index("ix_push_subscription_user_id", "push_subscription", ["user_id"])
    op.create_table(
        "push_notice",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("alert_id", sa.BigInteger(), nullable=False),
        sa.Column("subscription_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("attempts", sa.SmallInteger(), nullable=False),
        _instant("due_at", always=True), _instant("expires_at", always=True),
        sa.CheckConstraint(f"state IN ({STATES})", name=op.f("ck_push_notice_push_state")),
        _refers("push_notice", "alert_id", "alert"), _refers("push_notice", "subscription_id", "push_subscription"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_push_notice")),
        sa.UniqueConstraint("alert_id", "subscription_id", name=op.f("uq_push_notice_alert_id_subscription_id")),
    )  # fmt: skip
    op.create_index(
        "ix_push_notice_due", "push_notice", ["due_at"], postgresql_where=sa.text("state IN ('owed', 'sending')")
    )


def downgrade() -> None:
    for table in ("push_notice", "push_subscription", "alert", "alert_rule"):
        op.drop_table(table)

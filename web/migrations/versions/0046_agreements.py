"""What contracts promise is versioned by date, with periods, shares of days and penalties.

Revision ID: 0046
Revises: 0045
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from web.migrations.isolation import APP, protect, protect_unattributed

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None

PERIODS = "'month', 'quarter', 'year'"
EACH = "'call', 'day_late', 'day_over', 'complaint'"
UNIQUE = "uq_contract_level_agreement_id_metric_callers_service"


def upgrade() -> None:
    op.create_table(
        "contract_agreement",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("contract_id", sa.BigInteger(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("period", sa.String(32), nullable=False),
        sa.Column("net_value", sa.Numeric(14, 2)),
        sa.Column("preset", sa.String(40), nullable=False),
        sa.Column("written_by", sa.BigInteger()),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(f"period IN ({PERIODS})", name=op.f("ck_contract_agreement_period")),
        sa.CheckConstraint("net_value >= 0", name=op.f("ck_contract_agreement_net_value")),
        sa.ForeignKeyConstraint(
            ["contract_id"], ["contract.id"], name=op.f("fk_contract_agreement_contract_id")
        ),
        sa.ForeignKeyConstraint(["written_by"], ["app_user.id"], name=op.f("fk_contract_agreement_written_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contract_agreement")),
        sa.UniqueConstraint("contract_id", "valid_from", name=op.f("uq_contract_agreement_contract_id_valid_from")),
    )  # fmt: skip
    op.execute(
        "INSERT INTO contract_agreement (contract_id, valid_from, period, preset, written_at) "
        "SELECT DISTINCT contract_id, date '1970-01-01', 'month', '', now() FROM contract_level"
    )
    _levels()
    _closed_periods()
    _remarks()
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON contract_agreement TO {APP}")
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON contract_level TO {APP}")
    op.execute(f"GRANT UPDATE ON contract_terms TO {APP}")
    op.execute(
        "CREATE TRIGGER raise_configuration_version AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE "
        "ON contract_agreement FOR EACH STATEMENT EXECUTE FUNCTION raise_configuration_version()"
    )


def _closed_periods() -> None:
    op.create_table(
        "closed_period",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("contract_id", sa.BigInteger(), nullable=False),
        sa.Column("ente_id", sa.BigInteger()),
        sa.Column("first", sa.Date(), nullable=False),
        sa.Column("last", sa.Date(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seal", sa.String(64), nullable=False),
        sa.Column("kept", JSONB(), nullable=False),
        sa.CheckConstraint("first <= last", name=op.f("ck_closed_period_days")),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name=op.f("fk_closed_period_contract_id")),
        sa.ForeignKeyConstraint(["ente_id"], ["ente.id"], name=op.f("fk_closed_period_ente_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_closed_period")),
        sa.UniqueConstraint(
            "contract_id", "ente_id", "first", "last",
            name=op.f("uq_closed_period_contract_id_ente_id_first_last"),
            postgresql_nulls_not_distinct=True,
        ),
    )  # fmt: skip
    for statement in protect_unattributed("closed_period"):
        op.execute(statement)
    op.execute(f"GRANT SELECT, INSERT, DELETE ON closed_period TO {APP}")  # never changed; it goes with its ente


def _remarks() -> None:
    states = "'note', 'asked', 'approved', 'refused', 'withdrawn'"
    users = {name: sa.ForeignKeyConstraint([name], ["app_user.id"], name=op.f(f"fk_penalty_remark_{name}"))
             for name in ("said_by", "decided_by")}  # fmt: skip
    op.create_table(
        "penalty_remark",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("contract_id", sa.BigInteger(), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("metric", sa.String(60), nullable=False),
        sa.Column("subject", sa.String(40), nullable=False),
        sa.Column("words", sa.String(400), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("said_by", sa.BigInteger(), nullable=False),
        sa.Column("said_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.BigInteger()),
        sa.Column("decided_at", sa.DateTime(timezone=True)),
        sa.Column("decision", sa.String(400), nullable=False),
        sa.CheckConstraint(f"state IN ({states})", name=op.f("ck_penalty_remark_remark_state")),
        sa.CheckConstraint(
            "(decided_by IS NULL) = (decided_at IS NULL)", name=op.f("ck_penalty_remark_decided")
        ),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name=op.f("fk_penalty_remark_contract_id")),
        sa.ForeignKeyConstraint(["ente_id"], ["ente.id"], name=op.f("fk_penalty_remark_ente_id")),
        *users.values(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_penalty_remark")),
    )  # fmt: skip
    keys = ["contract_id", "metric", "subject"]
    op.create_index("ix_penalty_remark_contract_id_metric_subject", "penalty_remark", keys)
    op.create_index(
        "uq_penalty_remark_open", "penalty_remark", keys, unique=True,
        postgresql_where=sa.text("state IN ('asked', 'approved')"),
    )  # fmt: skip
    for statement in protect("penalty_remark"):
        op.execute(statement)
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON penalty_remark TO {APP}")


def _levels() -> None:
    op.add_column("contract_level", sa.Column("agreement_id", sa.BigInteger()))
    op.execute(
        "UPDATE contract_level l SET agreement_id = a.id FROM contract_agreement a WHERE a.contract_id = l.contract_id"
    )
    op.alter_column("contract_level", "agreement_id", nullable=False)
    op.create_foreign_key(
        op.f("fk_contract_level_agreement_id"), "contract_level", "contract_agreement", ["agreement_id"], ["id"]
    )
    op.drop_constraint("uq_contract_level_contract_id_metric_callers", "contract_level")
    op.drop_column("contract_level", "contract_id")
    op.alter_column("contract_level", "target", type_=sa.Numeric(12, 4))
    op.add_column("contract_level", sa.Column("service", sa.String(80), nullable=False, server_default=""))
    op.add_column("contract_level", sa.Column("period", sa.String(32)))
    op.add_column("contract_level", sa.Column("share_of_days", sa.Numeric(5, 4)))
    op.add_column(
        "contract_level", sa.Column("tolerated_excluded", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.add_column("contract_level", sa.Column("penalty_per_mille", sa.Numeric(8, 4)))
    op.add_column("contract_level", sa.Column("penalty_each", sa.String(32)))
    op.add_column("contract_level", sa.Column("penalty_group", sa.String(20), nullable=False, server_default=""))
    checks = {
        "period": f"period IN ({PERIODS})", "each": f"penalty_each IN ({EACH})",
        "share_of_days": "share_of_days > 0 AND share_of_days <= 1",
        "penalty": "(penalty_per_mille IS NULL) = (penalty_each IS NULL)",
    }  # fmt: skip
    for name, check in checks.items():
        op.create_check_constraint(op.f(f"ck_contract_level_{name}"), "contract_level", check)
    op.create_unique_constraint(
        UNIQUE, "contract_level", ["agreement_id", "metric", "callers", "service"], postgresql_nulls_not_distinct=True
    )


def downgrade() -> None:
    op.drop_table("penalty_remark")
    op.drop_table("closed_period")
    op.execute(f"REVOKE UPDATE ON contract_terms FROM {APP}")
    op.drop_constraint(UNIQUE, "contract_level")
    for name in ("period", "each", "share_of_days", "penalty"):
        op.drop_constraint(op.f(f"ck_contract_level_{name}"), "contract_level")
    op.add_column("contract_level", sa.Column("contract_id", sa.BigInteger()))
    op.execute(
        "UPDATE contract_level l SET contract_id = a.contract_id FROM contract_agreement a WHERE a.id = l.agreement_id"
    )
    # The newest version stays; what it does not know goes.
    op.execute(
        "DELETE FROM contract_level l USING contract_agreement a WHERE a.id = l.agreement_id AND (l.service <> '' OR "
        "EXISTS (SELECT 1 FROM contract_agreement b WHERE b.contract_id = a.contract_id AND b.valid_from > a.valid_from"
        "))"
    )
    op.execute("DELETE FROM contract_level WHERE abs(target) >= 10000")
    op.alter_column("contract_level", "target", type_=sa.Numeric(8, 4))
    op.alter_column("contract_level", "contract_id", nullable=False)
    op.create_foreign_key(op.f("fk_contract_level_contract_id"), "contract_level", "contract", ["contract_id"], ["id"])
    columns = (
        "penalty_group", "penalty_each", "penalty_per_mille", "tolerated_excluded", "share_of_days", "period",
        "service", "agreement_id",
    )  # fmt: skip
    for name in columns:
        op.drop_column("contract_level", name)
    op.create_unique_constraint(
        "uq_contract_level_contract_id_metric_callers", "contract_level", ["contract_id", "metric", "callers"],
        postgresql_nulls_not_distinct=True,
    )  # fmt: skip
    op.drop_table("contract_agreement")

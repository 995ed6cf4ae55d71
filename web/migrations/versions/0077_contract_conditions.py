"""What a contract agrees besides its levels, version by version; a threshold for lines open with nobody on shift.

Contracts whose levels began as Intercent-ER's keep what they had by that: two operators more after the IMU's due dates.

Revision ID: 0077
Revises: 0076
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from web.migrations.isolation import APP

revision = "0077"
down_revision = "0076"
branch_labels = None
depends_on = None

KINDS = "'waiting', 'longest', 'level', 'spendable', 'ready', 'carrier', 'wall'"
BEFORE = """
    INSERT INTO contract_condition (contract_id, valid_from, preset, kept, written_at)
    SELECT contract_id, valid_from, preset,
           CASE WHEN preset = 'intercent_er'
                THEN '{"reinforcement": {"before": 0, "after": 20, "operators": 2, "due": "IMU"}}' ELSE '{}' END::jsonb,
           written_at
    FROM contract_agreement
    WHERE contract_id IN (SELECT contract_id FROM contract_agreement WHERE preset = 'intercent_er')
"""


def upgrade() -> None:
    op.create_table(
        "contract_condition",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("contract_id", sa.BigInteger(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("preset", sa.String(40), nullable=False),
        sa.Column("kept", JSONB(), nullable=False),
        sa.Column("written_by", sa.BigInteger()),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name=op.f("fk_contract_condition_contract_id")),
        sa.ForeignKeyConstraint(["written_by"], ["app_user.id"], name=op.f("fk_contract_condition_written_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contract_condition")),
    )
    op.create_index(
        "ix_contract_condition_contract_id", "contract_condition", ["contract_id", "valid_from", "id"]
    )  # fmt: skip
    op.execute(f"GRANT SELECT, INSERT ON contract_condition TO {APP}")
    op.execute(
        "CREATE TRIGGER raise_configuration_version AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON contract_condition "
        "FOR EACH STATEMENT EXECUTE FUNCTION raise_configuration_version()"
    )
    op.execute(BEFORE)
    _kinds(f"{KINDS}, 'unstaffed'")


def downgrade() -> None:
    op.execute("DELETE FROM alert WHERE rule_id IN (SELECT id FROM alert_rule WHERE kind = 'unstaffed')")
    op.execute("DELETE FROM alert_rule WHERE kind = 'unstaffed'")
    _kinds(KINDS)
    op.drop_table("contract_condition")


def _kinds(kinds: str) -> None:
    op.drop_constraint("ck_alert_rule_alert_kind", "alert_rule")
    op.create_check_constraint(op.f("ck_alert_rule_alert_kind"), "alert_rule", f"kind IN ({kinds})")

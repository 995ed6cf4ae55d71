"""Self-service by the voice menu: what enti offer, PINs, codes and failures; calls served so; drafts are undone.

Revision ID: 0029
Revises: 0028
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from web.migrations.choices import allow, forbid
from web.migrations.isolation import APP, protect, protect_unattributed, publish

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
TABLES = ("caller_code", "caller_pin", "factor_failure", "self_service_setting")


def upgrade() -> None:
    op.create_table(
        "self_service_setting",
        sa.Column("ente_id", sa.BigInteger(), autoincrement=False, nullable=False),
        *(sa.Column(name, sa.Boolean(), nullable=False) for name in ("is_on", "pins", "codes")),
        sa.ForeignKeyConstraint(["ente_id"], ["ente.id"], name=op.f("fk_self_service_setting_ente_id")),
        sa.PrimaryKeyConstraint("ente_id", name=op.f("pk_self_service_setting")),
    )
    op.create_table(
        "caller_pin",
        sa.Column("contact_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("mark", sa.LargeBinary(), nullable=False),
        sa.Column("set_at", INSTANT, nullable=False),
        sa.Column("set_by", sa.BigInteger()),
        _of_contact("caller_pin"),
        sa.ForeignKeyConstraint(["set_by"], ["app_user.id"], name=op.f("fk_caller_pin_set_by")),
        sa.PrimaryKeyConstraint("contact_id", name=op.f("pk_caller_pin")),
    )
    op.create_table(
        "caller_code",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        *(sa.Column(name, sa.LargeBinary(), nullable=False) for name in ("notice_mark", "mark")),
        *(sa.Column(name, INSTANT, nullable=False) for name in ("sent_at", "expires_at")),
        sa.Column("used_at", INSTANT),
        _of_contact("caller_code"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_caller_code")),
    )
    for column in ("call_id", "notice_mark", "sent_at"):
        op.create_index(f"ix_caller_code_{column}", "caller_code", [column])
    op.create_table(
        "factor_failure",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("contract_id", sa.BigInteger(), nullable=False),
        sa.Column("ente_id", sa.BigInteger()),
        *(sa.Column(name, sa.LargeBinary(), nullable=False) for name in ("caller_mark", "notice_mark")),
        sa.Column("failed_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name=op.f("fk_factor_failure_contract_id")),
        sa.ForeignKeyConstraint(["ente_id"], ["ente.id"], name=op.f("fk_factor_failure_ente_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_factor_failure")),
    )
    for column in ("caller_mark", "notice_mark", "ente_id"):
        op.create_index(f"ix_factor_failure_{column}", "factor_failure", [column, "failed_at"])
    op.create_index("ix_factor_failure_failed_at", "factor_failure", ["failed_at"])
    for table in ("caller_code", "caller_pin", "self_service_setting"):
        for statement in protect(table):
            op.execute(statement)
    for statement in protect_unattributed("factor_failure"):
        op.execute(statement)
    op.execute(publish("self_service_setting"))
    op.execute(
        "CREATE TRIGGER raise_configuration_version AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE"
        " ON self_service_setting FOR EACH STATEMENT EXECUTE FUNCTION raise_configuration_version()"
    )
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {', '.join(TABLES)} TO {APP}")
    op.add_column("ivr_version", sa.Column("past", postgresql.JSONB(), nullable=False, server_default="[]"))
    op.alter_column("ivr_version", "past", server_default=None)
    op.add_column("call", sa.Column("self_served_at", INSTANT))
    allow("call", "outcome", "outcome", "self_served")
    allow("service_fact", "fact_kind", "kind", "self_served")


def downgrade() -> None:
    for table in ("call", "service_fact"):
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.execute("UPDATE call SET outcome = 'left_ivr' WHERE outcome = 'self_served'")
    op.execute("DELETE FROM service_fact WHERE kind = 'self_served'")
    for table in ("call", "service_fact"):
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    forbid("call", "outcome", "outcome", "self_served")
    forbid("service_fact", "fact_kind", "kind", "self_served")
    op.drop_column("ivr_version", "past")
    op.drop_column("call", "self_served_at")
    for table in TABLES:
        op.drop_table(table)


def _of_contact(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["ente_id", "contact_id"], ["contact.ente_id", "contact.id"], name=op.f(f"fk_{table}_ente_id_contact_id")
    )

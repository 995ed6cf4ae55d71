"""Voice flows with versions and publications, which a line leads to and a call keeps; emergency messages.

Revision ID: 0020
Revises: 0019
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from web.migrations.isolation import APP, protect_or_nobodys, publish

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
TABLES = ("ivr_flow", "ivr_version", "emergency_message")
CONFIGURATION = ("ivr_publication", "emergency_message")


def upgrade() -> None:
    op.create_table(
        "ivr_flow",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("contract_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name=op.f("fk_ivr_flow_contract_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ivr_flow")),
        sa.UniqueConstraint("contract_id", "name", name=op.f("uq_ivr_flow_contract_id_name")),
    )
    op.create_table(
        "ivr_version",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("flow_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.SmallInteger(), nullable=False),
        sa.Column("definition", postgresql.JSONB(), nullable=False),
        sa.Column("changed_by", sa.BigInteger()),
        sa.Column("changed_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["flow_id"], ["ivr_flow.id"], name=op.f("fk_ivr_version_flow_id")),
        sa.ForeignKeyConstraint(["changed_by"], ["app_user.id"], name=op.f("fk_ivr_version_changed_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ivr_version")),
        sa.UniqueConstraint("flow_id", "number", name=op.f("uq_ivr_version_flow_id_number")),
    )
    op.create_table(
        "ivr_publication",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("flow_id", sa.BigInteger(), nullable=False),
        sa.Column("version_id", sa.BigInteger(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("published_by", sa.BigInteger()),
        sa.ForeignKeyConstraint(["flow_id"], ["ivr_flow.id"], name=op.f("fk_ivr_publication_flow_id")),
        sa.ForeignKeyConstraint(["version_id"], ["ivr_version.id"], name=op.f("fk_ivr_publication_version_id")),
        sa.ForeignKeyConstraint(["published_by"], ["app_user.id"], name=op.f("fk_ivr_publication_published_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ivr_publication")),
    )
    op.create_index("ix_ivr_publication_flow_id", "ivr_publication", ["flow_id", "id"])
    op.create_table(
        "emergency_message",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("contract_id", sa.BigInteger(), nullable=False),
        sa.Column("ente_id", sa.BigInteger()),
        sa.Column("text", postgresql.JSONB(), nullable=False),
        sa.Column("ends", sa.Boolean(), nullable=False),
        sa.Column("switched_on_at", INSTANT),
        sa.Column("switched_by", sa.BigInteger()),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name=op.f("fk_emergency_message_contract_id")),
        sa.ForeignKeyConstraint(["ente_id"], ["ente.id"], name=op.f("fk_emergency_message_ente_id")),
        sa.ForeignKeyConstraint(["switched_by"], ["app_user.id"], name=op.f("fk_emergency_message_switched_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_emergency_message")),
    )
    op.add_column("phone_line", sa.Column("flow_id", sa.BigInteger()))
    op.create_foreign_key(op.f("fk_phone_line_flow_id"), "phone_line", "ivr_flow", ["flow_id"], ["id"])
    op.add_column("call", sa.Column("ivr_version_id", sa.BigInteger()))
    op.create_foreign_key(op.f("fk_call_ivr_version_id"), "call", "ivr_version", ["ivr_version_id"], ["id"])
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {', '.join(TABLES)} TO {APP}")
    op.execute(f"GRANT SELECT, INSERT ON ivr_publication TO {APP}")
    for statement in (*protect_or_nobodys("emergency_message"), publish("emergency_message")):
        op.execute(statement)
    for table in CONFIGURATION:
        op.execute(
            f"CREATE TRIGGER raise_configuration_version AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION raise_configuration_version()"
        )


def downgrade() -> None:
    op.drop_constraint(op.f("fk_call_ivr_version_id"), "call", type_="foreignkey")
    op.drop_column("call", "ivr_version_id")
    op.drop_constraint(op.f("fk_phone_line_flow_id"), "phone_line", type_="foreignkey")
    op.drop_column("phone_line", "flow_id")
    for table in ("emergency_message", "ivr_publication", "ivr_version", "ivr_flow"):
        op.drop_table(table)

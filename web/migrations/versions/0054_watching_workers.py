"""Watching single workers is locked until a contract's agreement is entered; recordings are heard for a purpose.

Revision ID: 0054
Revises: 0053
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

from web.migrations.isolation import APP

revision = "0054"
down_revision = "0053"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "worker_agreement",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("contract_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("signed_on", sa.Date(), nullable=False),
        sa.Column("reference", sa.String(200), nullable=False),
        sa.Column("uses", ARRAY(sa.String(32)), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date()),
        sa.Column("told", sa.Text(), nullable=False),
        sa.Column("keep_months", sa.SmallInteger(), nullable=False),
        sa.Column("written_by", sa.BigInteger(), nullable=False),
        sa.Column("written_at", INSTANT, nullable=False),
        sa.Column("withdrawn_by", sa.BigInteger()),
        sa.Column("withdrawn_at", INSTANT),
        sa.Column("withdrawn_because", sa.String(200), nullable=False),
        sa.CheckConstraint("kind IN ('union', 'inspectorate')", name=op.f("ck_worker_agreement_agreement_kind")),
        sa.CheckConstraint("valid_until >= valid_from", name=op.f("ck_worker_agreement_days")),
        sa.CheckConstraint("keep_months BETWEEN 1 AND 60", name=op.f("ck_worker_agreement_keep_months")),
        sa.CheckConstraint(
            "(withdrawn_by IS NULL) = (withdrawn_at IS NULL)", name=op.f("ck_worker_agreement_withdrawn")
        ),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name=op.f("fk_worker_agreement_contract_id")),
        sa.ForeignKeyConstraint(["written_by"], ["app_user.id"], name=op.f("fk_worker_agreement_written_by")),
        sa.ForeignKeyConstraint(["withdrawn_by"], ["app_user.id"], name=op.f("fk_worker_agreement_withdrawn_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_worker_agreement")),
    )
    op.create_index("ix_worker_agreement_contract_id", "worker_agreement", ["contract_id"])
    op.create_table(
        "worker_agreement_document",
        sa.Column("agreement_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["agreement_id"], ["worker_agreement.id"], name=op.f("fk_worker_agreement_document_agreement_id")
        ),
        sa.PrimaryKeyConstraint("agreement_id", name=op.f("pk_worker_agreement_document")),
    )
    op.create_table(
        "worker_agreement_reading",
        sa.Column("agreement_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("user_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("read_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["agreement_id"], ["worker_agreement.id"], name=op.f("fk_worker_agreement_reading_agreement_id")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["app_user.id"], name=op.f("fk_worker_agreement_reading_user_id")),
        sa.PrimaryKeyConstraint("agreement_id", "user_id", name=op.f("pk_worker_agreement_reading")),
    )
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON worker_agreement TO {APP}")
    op.execute(f"GRANT SELECT, INSERT ON worker_agreement_document, worker_agreement_reading TO {APP}")
    op.execute(
        "CREATE TRIGGER raise_configuration_version AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE "
        "ON worker_agreement FOR EACH STATEMENT EXECUTE FUNCTION raise_configuration_version()"
    )
    op.add_column("agent_leg", sa.Column("helps", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("recording_listening", sa.Column("heard_for", sa.String(32)))
    op.create_check_constraint(
        op.f("ck_recording_listening_heard_for"), "recording_listening", "heard_for IN ('complaint', 'request', 'work')"
    )


def downgrade() -> None:
    op.drop_constraint(op.f("ck_recording_listening_heard_for"), "recording_listening")
    op.drop_column("recording_listening", "heard_for")
    op.drop_column("agent_leg", "helps")
    op.drop_table("worker_agreement_reading")
    op.drop_table("worker_agreement_document")
    op.drop_table("worker_agreement")

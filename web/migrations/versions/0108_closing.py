"""What stays of a practice: conditions of commission, payments as they were told, settlements, reports, the register.

Revision ID: 0108
Revises: 0107
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from web.migrations.isolation import APP, protect

revision = "0108"
down_revision = "0107"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
OF_ENTI = (
    "field_terms",
    "field_debt_heard",
    "field_payment_event",
    "field_settlement",
    "field_settlement_line",
    "field_report",
    "field_register",
)
# What may be done with the rows of each: what is settled, reported or registered is never changed, but emptied of whom
# it is about; the register's entries stay, whatever becomes of their ente.
MAY = {
    "field_terms": "SELECT, INSERT, UPDATE, DELETE",
    "field_debt_heard": "SELECT, INSERT, UPDATE, DELETE",
    "field_payment_event": "SELECT, INSERT, DELETE",
    "field_settlement": "SELECT, INSERT, DELETE",
    "field_settlement_line": "SELECT, INSERT, UPDATE (reference), DELETE",
    "field_report": "SELECT, INSERT, UPDATE (kept, reason), DELETE",
    "field_register": "SELECT, INSERT",
    "field_register_head": "SELECT, UPDATE (number, digest)",
}


def upgrade() -> None:
    op.create_table(
        "field_terms",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "proposed",
                "accepted",
                "refused",
                "withdrawn",
                name="terms_state",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("conditions", JSONB(), nullable=False),
        sa.Column("proposed_at", INSTANT, nullable=False),
        sa.Column("proposed_by", sa.BigInteger(), nullable=False),
        sa.Column("decided_at", INSTANT),
        sa.Column("decided_by", sa.BigInteger()),
        sa.Column("reason", sa.String(400), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["proposed_by"], ["app_user.id"], name=op.f("fk_field_terms_proposed_by")),
        sa.ForeignKeyConstraint(["ente_id"], ["ente.id"], name=op.f("fk_field_terms_ente_id")),
        sa.ForeignKeyConstraint(["decided_by"], ["app_user.id"], name=op.f("fk_field_terms_decided_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_field_terms")),
        sa.UniqueConstraint("ente_id", "id", name=op.f("uq_field_terms_ente_id_id")),
    )
    op.create_index(
        "uq_field_terms_proposed",
        "field_terms",
        ["ente_id"],
        unique=True,
        postgresql_where=sa.text("state = 'proposed'"),
    )
    op.create_table(
        "field_debt_heard",
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("reference", sa.String(60), nullable=False),
        sa.Column("practice_id", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(32), nullable=False),
        sa.Column("withdrawn_as_of", INSTANT),
        sa.ForeignKeyConstraint(
            ["ente_id", "practice_id"],
            ["field_practice.ente_id", "field_practice.id"],
            name=op.f("fk_field_debt_heard_ente_id_practice_id"),
        ),
        sa.PrimaryKeyConstraint("ente_id", "reference", name=op.f("pk_field_debt_heard")),
    )
    op.create_table(
        "field_payment_event",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("practice_id", sa.BigInteger(), nullable=False),
        sa.Column("reference", sa.String(60), nullable=False),
        sa.Column("key", sa.String(40), nullable=False),
        sa.Column(
            "change",
            sa.Enum(
                "told",
                "reversed",
                "withdrawn",
                "back",
                "rate",
                name="change",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("heard_at", INSTANT, nullable=False),
        sa.Column("paid_on", sa.Date(), nullable=False),
        sa.Column("cents", sa.BigInteger(), nullable=False),
        sa.Column("registered_on", sa.Date(), nullable=False),
        sa.Column("granted_on", sa.Date()),
        sa.Column(
            "phase",
            sa.Enum("request", "enforceable", name="phase", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("tax_cents", sa.BigInteger(), nullable=False),
        sa.Column("sanctions_cents", sa.BigInteger(), nullable=False),
        sa.Column("interest_cents", sa.BigInteger(), nullable=False),
        sa.Column("costs_cents", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["ente_id", "practice_id"],
            ["field_practice.ente_id", "field_practice.id"],
            name=op.f("fk_field_payment_event_ente_id_practice_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_field_payment_event")),
    )
    op.create_index("ix_field_payment_event_ente_id_reference", "field_payment_event", ["ente_id", "reference"])
    op.create_index("ix_field_payment_event_practice_id", "field_payment_event", ["practice_id"])
    op.create_table(
        "field_settlement",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("quarter", sa.String(6), nullable=False),
        sa.Column("closed_at", INSTANT, nullable=False),
        sa.Column("known_on", sa.Date(), nullable=False),
        sa.Column("lines", sa.BigInteger(), nullable=False),
        sa.Column("collected_cents", sa.BigInteger(), nullable=False),
        sa.Column("earning_cents", sa.BigInteger(), nullable=False),
        sa.Column("commission_cents", sa.BigInteger(), nullable=False),
        sa.Column("seal", sa.String(64), nullable=False),
        sa.ForeignKeyConstraint(["ente_id"], ["ente.id"], name=op.f("fk_field_settlement_ente_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_field_settlement")),
        sa.UniqueConstraint("ente_id", "quarter", name=op.f("uq_field_settlement_ente_id_quarter")),
        sa.UniqueConstraint("ente_id", "id", name=op.f("uq_field_settlement_ente_id_id")),
    )
    op.create_table(
        "field_settlement_line",
        sa.Column("settlement_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("reference", sa.String(60), nullable=False),
        sa.Column("key", sa.String(40), nullable=False),
        sa.Column("practice_id", sa.BigInteger(), nullable=False),
        sa.Column("practice_number", sa.BigInteger(), nullable=False),
        sa.Column("mandate_id", sa.Uuid(), nullable=False),
        sa.Column("agent_id", sa.BigInteger(), nullable=False),
        sa.Column("paid_on", sa.Date(), nullable=False),
        sa.Column("registered_on", sa.Date(), nullable=False),
        sa.Column(
            "why",
            sa.Enum(
                "earned",
                "instalment",
                "before",
                "after",
                "late",
                "over",
                "small",
                "not_agreed",
                "no_rate",
                "not_counted",
                "reversed",
                "withdrawn",
                "anew",
                name="why",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("cents", sa.BigInteger(), nullable=False),
        sa.Column("within_cents", sa.BigInteger(), nullable=False),
        sa.Column("counted_cents", sa.BigInteger(), nullable=False),
        sa.Column("per_mille", sa.Numeric(5, 2), nullable=False),
        sa.Column("commission_cents", sa.BigInteger(), nullable=False),
        sa.Column("version_id", sa.BigInteger()),
        sa.Column("back", sa.Boolean(), nullable=False),
        sa.Column("original", sa.String(24), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["ente_id", "settlement_id"],
            ["field_settlement.ente_id", "field_settlement.id"],
            name=op.f("fk_field_settlement_line_ente_id_settlement_id"),
        ),
        sa.ForeignKeyConstraint(
            ["ente_id", "practice_id"],
            ["field_practice.ente_id", "field_practice.id"],
            name=op.f("fk_field_settlement_line_ente_id_practice_id"),
        ),
        sa.ForeignKeyConstraint(
            ["ente_id", "version_id"],
            ["field_terms.ente_id", "field_terms.id"],
            name=op.f("fk_field_settlement_line_ente_id_version_id"),
        ),
        sa.ForeignKeyConstraint(["agent_id"], ["field_agent.id"], name=op.f("fk_field_settlement_line_agent_id")),
        sa.PrimaryKeyConstraint("settlement_id", "number", name=op.f("pk_field_settlement_line")),
    )
    op.create_index("ix_field_settlement_line_agent_id", "field_settlement_line", ["agent_id"])
    op.create_index("ix_field_settlement_line_practice_id", "field_settlement_line", ["practice_id"])
    op.create_table(
        "field_report",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("practice_id", sa.BigInteger(), nullable=False),
        sa.Column("edition", sa.SmallInteger(), nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.Column("made_by", sa.BigInteger()),
        sa.Column("reason", sa.String(600), server_default="", nullable=False),
        sa.Column("seal", sa.String(64), nullable=False),
        sa.Column("kept", JSONB(), nullable=False),
        sa.CheckConstraint("edition = 1 OR made_by IS NOT NULL", name=op.f("ck_field_report_edition")),
        sa.ForeignKeyConstraint(["made_by"], ["app_user.id"], name=op.f("fk_field_report_made_by")),
        sa.ForeignKeyConstraint(
            ["ente_id", "practice_id"],
            ["field_practice.ente_id", "field_practice.id"],
            name=op.f("fk_field_report_ente_id_practice_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_field_report")),
        sa.UniqueConstraint("practice_id", "edition", name=op.f("uq_field_report_practice_id_edition")),
    )
    op.create_index("ix_field_report_ente_id_made_at", "field_report", ["ente_id", "made_at"])
    op.create_table(
        "field_register_head",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_field_register_head_one")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_field_register_head")),
    )
    op.create_table(
        "field_register",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("client", sa.String(120), nullable=False),
        sa.Column("client_code", sa.String(11), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column(
            "operation",
            sa.Enum(
                "mandate_given",
                "mandate_accepted",
                "visit",
                "practice_closed",
                "settled",
                "correction",
                name="operation",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("subject", sa.String(60), nullable=False),
        sa.Column("practice", sa.BigInteger()),
        sa.Column("agent", sa.BigInteger()),
        sa.Column("cents", sa.BigInteger()),
        sa.Column("fee_per_mille", sa.Numeric(5, 2)),
        sa.Column("fee_cents", sa.BigInteger()),
        sa.Column("outcome", sa.String(40), nullable=False),
        sa.Column("words", sa.String(400), nullable=False),
        sa.Column("corrects", sa.BigInteger()),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("mark", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint(
            "(operation = 'correction') = (corrects IS NOT NULL)", name=op.f("ck_field_register_corrects")
        ),
        sa.CheckConstraint("corrects < number", name=op.f("ck_field_register_earlier")),
        sa.ForeignKeyConstraint(["ente_id"], ["ente.id"], name=op.f("fk_field_register_ente_id")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_field_register")),
        sa.UniqueConstraint("subject", name=op.f("uq_field_register_subject")),
    )
    op.create_index("ix_field_register_ente_id_at", "field_register", ["ente_id", "at"])
    op.execute("INSERT INTO field_register_head VALUES (1, 0, decode(repeat('00', 32), 'hex'))")
    for table, deeds in MAY.items():
        op.execute(f"GRANT {deeds} ON {table} TO {APP}")
    for table in OF_ENTI:
        for statement in protect(table):
            op.execute(statement)


def downgrade() -> None:
    for table in reversed((*OF_ENTI, "field_register_head")):
        op.drop_table(table)

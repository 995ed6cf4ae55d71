"""Cases: requests to an ente, their debts, steps, terms, pauses and documents; who works on them.

Revision ID: 0111
Revises: 0110
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

from web.migrations.choices import allow, forbid
from web.migrations.isolation import APP, protect

revision = "0111"
down_revision = "0110"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
# What may be done with the rows of each: steps are only appended, but for the words of somebody who is erased.
MAY = {
    "case_request": "SELECT, INSERT, UPDATE, DELETE",
    "case_position": "SELECT, INSERT, DELETE",
    "case_step": "SELECT, INSERT, UPDATE (words), DELETE",
    "case_term": "SELECT, INSERT, UPDATE, DELETE",
    "case_pause": "SELECT, INSERT, UPDATE, DELETE",
    "case_document": "SELECT, INSERT, DELETE",
    "case_worker": "SELECT, INSERT, UPDATE, DELETE",
}
OF_NO_ENTE = "case_worker"  # it tells of no taxpayer


def upgrade() -> None:
    op.create_table(
        "case_request",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("contract_id", sa.BigInteger(), nullable=False),
        sa.Column("year", sa.SmallInteger(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column(
            "topic",
            sa.Enum(
                "instalments",
                "relief",
                "refund",
                "suspension",
                "annulment",
                "self_correction",
                "access",
                "complaint",
                "information",
                "data_protection",
                "forms",
                "papers",
                "litigation",
                "insolvency",
                "renotification",
                name="topic",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "channel",
            sa.Enum(
                "phone",
                "desk",
                "email",
                "pec",
                "letter",
                "web",
                "ente",
                name="channel",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("contact_id", sa.BigInteger()),
        sa.Column("call_id", sa.Uuid()),
        sa.Column("received_at", INSTANT, nullable=False),
        sa.Column("opened_at", INSTANT, nullable=False),
        sa.Column("opened_by", sa.BigInteger(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "received",
                "working",
                "at_ente",
                "decided",
                "to_sign",
                "signed",
                "reported",
                "at_gestionale",
                "closed",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "outcome",
            sa.Enum(
                "granted",
                "partly",
                "refused",
                "answered",
                "done",
                "redirected",
                "withdrawn",
                name="outcome",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
        ),
        sa.Column("owner_id", sa.BigInteger()),
        sa.Column("surety", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("reasons", sa.String(4000), nullable=False),
        sa.Column("asked", sa.String(400), nullable=False),
        sa.Column("office_id", sa.BigInteger()),
        sa.Column("protocol_number", sa.String(40), server_default="", nullable=False),
        sa.Column("protocol_on", sa.Date()),
        sa.Column("due_at", INSTANT),
        sa.Column("rests", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("closed_at", INSTANT),
        sa.Column("version", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.CheckConstraint("(protocol_number = '') = (protocol_on IS NULL)", name=op.f("ck_case_request_protocol")),
        sa.CheckConstraint("(state = 'closed') = (closed_at IS NOT NULL)", name=op.f("ck_case_request_closed")),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name=op.f("fk_case_request_contract_id")),
        sa.ForeignKeyConstraint(
            ["ente_id", "contact_id"],
            ["contact.ente_id", "contact.id"],
            name=op.f("fk_case_request_ente_id_contact_id"),
        ),
        sa.ForeignKeyConstraint(
            ["ente_id", "office_id"], ["office.ente_id", "office.id"], name=op.f("fk_case_request_ente_id_office_id")
        ),
        sa.ForeignKeyConstraint(["ente_id"], ["ente.id"], name=op.f("fk_case_request_ente_id")),
        sa.ForeignKeyConstraint(["opened_by"], ["app_user.id"], name=op.f("fk_case_request_opened_by")),
        sa.ForeignKeyConstraint(["owner_id"], ["app_user.id"], name=op.f("fk_case_request_owner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_request")),
        sa.UniqueConstraint("ente_id", "id", name=op.f("uq_case_request_ente_id_id")),
        sa.UniqueConstraint("ente_id", "year", "number", name=op.f("uq_case_request_ente_id_year_number")),
    )
    op.create_index(
        "ix_case_request_contact_id", "case_request", ["contact_id"], postgresql_where=sa.text("contact_id IS NOT NULL")
    )
    op.create_index("ix_case_request_ente_id_received_at", "case_request", ["ente_id", "received_at"])
    op.create_index(
        "ix_case_request_open", "case_request", ["ente_id", "due_at"], postgresql_where=sa.text("state <> 'closed'")
    )
    op.create_index(
        "ix_case_request_owner_id", "case_request", ["owner_id"], postgresql_where=sa.text("state <> 'closed'")
    )
    op.create_table(
        "case_position",
        sa.Column("case_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("reference", sa.String(60), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("act_number", sa.String(40), nullable=False),
        sa.Column("standing", sa.String(32), nullable=False),
        sa.Column("residual_cents", sa.BigInteger(), nullable=False),
        sa.Column("as_of", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["ente_id", "case_id"],
            ["case_request.ente_id", "case_request.id"],
            name=op.f("fk_case_position_ente_id_case_id"),
        ),
        sa.PrimaryKeyConstraint("case_id", "reference", name=op.f("pk_case_position")),
    )
    op.create_index("ix_case_position_reference", "case_position", ["ente_id", "reference"])
    op.create_table(
        "case_step",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "deed",
            sa.Enum(
                "open",
                "take",
                "send_sheet",
                "authorise",
                "deny",
                "send_back",
                "decide",
                "draft",
                "sign",
                "reply",
                "hand_over",
                "report",
                "file_claim",
                "prepare",
                "carried_out",
                "redirect",
                "withdraw",
                "assign",
                "pause",
                "resume",
                "extend",
                "register",
                "attach",
                "warn",
                name="deed",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("made_by", sa.BigInteger()),
        sa.Column(
            "state",
            sa.Enum(
                "received",
                "working",
                "at_ente",
                "decided",
                "to_sign",
                "signed",
                "reported",
                "at_gestionale",
                "closed",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "outcome",
            sa.Enum(
                "granted",
                "partly",
                "refused",
                "answered",
                "done",
                "redirected",
                "withdrawn",
                name="outcome",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
        ),
        sa.Column("words", sa.String(2000), server_default="", nullable=False),
        sa.Column("message_id", sa.Uuid()),
        sa.ForeignKeyConstraint(
            ["ente_id", "case_id"],
            ["case_request.ente_id", "case_request.id"],
            name=op.f("fk_case_step_ente_id_case_id"),
        ),
        sa.ForeignKeyConstraint(["made_by"], ["app_user.id"], name=op.f("fk_case_step_made_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_step")),
    )
    op.create_index("ix_case_step_case_id", "case_step", ["case_id", "id"])
    op.create_table(
        "case_term",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "registered",
                "decided",
                "told",
                "sheet",
                "ente_decides",
                "drafted",
                "sent",
                "reply",
                "handed_over",
                "reported",
                "claimed",
                "prepared",
                name="term_kind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("days", sa.SmallInteger(), nullable=False),
        sa.Column("working", sa.Boolean(), nullable=False),
        sa.Column("extended", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("source", sa.String(80), nullable=False),
        sa.Column("by_contract", sa.Boolean(), nullable=False),
        sa.Column("since_at", INSTANT, nullable=False),
        sa.Column("due_at", INSTANT),
        sa.Column("met_at", INSTANT),
        sa.Column("dropped_at", INSTANT),
        sa.Column("owner_told_at", INSTANT),
        sa.Column("supervisor_told_at", INSTANT),
        sa.CheckConstraint("met_at IS NULL OR dropped_at IS NULL", name=op.f("ck_case_term_ended")),
        sa.ForeignKeyConstraint(
            ["ente_id", "case_id"],
            ["case_request.ente_id", "case_request.id"],
            name=op.f("fk_case_term_ente_id_case_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_term")),
    )
    op.create_index("ix_case_term_case_id", "case_term", ["case_id"])
    op.create_index("ix_case_term_ente_id_due_at", "case_term", ["ente_id", "due_at"])
    op.create_table(
        "case_pause",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "reason",
            sa.Enum(
                "papers_missing",
                "other_office",
                "court",
                name="pause_reason",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("since_at", INSTANT, nullable=False),
        sa.Column("until_at", INSTANT),
        sa.Column("message_id", sa.Uuid()),
        sa.CheckConstraint("until_at >= since_at", name=op.f("ck_case_pause_spell")),
        sa.ForeignKeyConstraint(
            ["ente_id", "case_id"],
            ["case_request.ente_id", "case_request.id"],
            name=op.f("fk_case_pause_ente_id_case_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_pause")),
    )
    op.create_index("ix_case_pause_case_id", "case_pause", ["case_id"])
    op.create_index(
        "uq_case_pause_open", "case_pause", ["case_id"], unique=True, postgresql_where=sa.text("until_at IS NULL")
    )
    op.create_table(
        "case_document",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("media_type", sa.String(80), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("added_at", INSTANT, nullable=False),
        sa.Column("added_by", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["added_by"], ["app_user.id"], name=op.f("fk_case_document_added_by")),
        sa.ForeignKeyConstraint(
            ["ente_id", "case_id"],
            ["case_request.ente_id", "case_request.id"],
            name=op.f("fk_case_document_ente_id_case_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_document")),
        sa.UniqueConstraint("case_id", "sha256", name=op.f("uq_case_document_case_id_sha256")),
    )
    op.create_index("ix_case_document_ente_id_sha256", "case_document", ["ente_id", "sha256"])
    op.create_table(
        "case_worker",
        sa.Column("contract_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("user_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("topics", ARRAY(sa.String(32)), nullable=False),
        sa.Column("most", sa.SmallInteger(), nullable=False),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name=op.f("fk_case_worker_contract_id")),
        sa.ForeignKeyConstraint(["user_id"], ["app_user.id"], name=op.f("fk_case_worker_user_id")),
        sa.PrimaryKeyConstraint("contract_id", "user_id", name=op.f("pk_case_worker")),
    )
    allow("timeline_entry", "entry_kind", "kind", "case")
    for table, deeds in MAY.items():
        op.execute(f"GRANT {deeds} ON {table} TO {APP}")
        if table != OF_NO_ENTE:
            for statement in protect(table):
                op.execute(statement)


def downgrade() -> None:
    op.execute("DELETE FROM timeline_entry WHERE kind = 'case'")
    forbid("timeline_entry", "entry_kind", "kind", "case")
    for table in reversed(MAY):
        op.drop_table(table)

"""The taxpayer file: the history of a position, the numbers by which it is found; documents; the identity gate.

Revision ID: 0009
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from crm.positions.numbers import KEY_LENGTH, act_key
from web.migrations.isolation import APP, protect, publish

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

BATCH = 5_000


CONFIGURATION = ("file_setting", "gate_question")
PURPOSES = ("call", "desk", "visit", "written_request", "case_check", "quality", "ente_control", "other")
CHECKS = ("name", "born", "address", "codice_fiscale", "act", "other")
KINDS = ("notice", "act", "notification_proof", "receipt", "pleading", "letter_sent", "letter_received", "other")


def upgrade() -> None:
    _positions()
    _gate()
    _documents()


def downgrade() -> None:
    for table in ("document_content", "document", "file_opening", *reversed(CONFIGURATION)):
        op.drop_table(table)
    op.drop_table("position_alias")
    op.drop_index("ix_position_act_key", table_name="position")
    for name in ("plan", "steps", "acts", "act_key"):
        op.drop_column("position", name)


def _positions() -> None:
    op.add_column("position", sa.Column("act_key", sa.String(KEY_LENGTH, collation="C")))
    for name in ("acts", "steps"):
        op.add_column("position", sa.Column(name, postgresql.JSONB(), nullable=False, server_default="[]"))
        op.alter_column("position", name, server_default=None)
    op.add_column("position", sa.Column("plan", postgresql.JSONB()))
    op.execute("ALTER TABLE position NO FORCE ROW LEVEL SECURITY")
    _fill()
    op.execute("ALTER TABLE position FORCE ROW LEVEL SECURITY")
    op.alter_column("position", "act_key", nullable=False)
    op.create_index("ix_position_act_key", "position", ["act_key"])
    op.create_table(
        "position_alias",
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("reference", sa.String(60), nullable=False),
        sa.Column("key", sa.String(KEY_LENGTH, collation="C"), nullable=False),
        sa.ForeignKeyConstraint(
            ["ente_id", "reference"], ["position.ente_id", "position.reference"], ondelete="CASCADE",
            name=op.f("fk_position_alias_ente_id_reference"),
        ),
        sa.PrimaryKeyConstraint("ente_id", "reference", "key", name=op.f("pk_position_alias")),
    )  # fmt: skip
    op.create_index("ix_position_alias_key", "position_alias", ["key"])
    for statement in protect("position_alias"):
        op.execute(statement)
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON position_alias TO {APP}")


def _fill() -> None:
    """The keys of the acts that are there already."""
    connection, last = op.get_bind(), 0
    read = sa.text("SELECT id, act_number FROM position WHERE id > :last ORDER BY id LIMIT :batch")
    while rows := connection.execute(read, {"last": last, "batch": BATCH}).all():
        last = rows[-1].id
        keys = [{"id": row.id, "key": act_key(row.act_number)} for row in rows]
        connection.execute(sa.text("UPDATE position SET act_key = :key WHERE id = :id"), keys)


def _gate() -> None:
    op.create_table(
        "file_setting",
        sa.Column("ente_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("answers_needed", sa.SmallInteger(), nullable=False),
        sa.Column("promise_h", sa.SmallInteger(), nullable=False),
        sa.CheckConstraint("answers_needed BETWEEN 0 AND 10", name=op.f("ck_file_setting_answers_needed")),
        sa.CheckConstraint("promise_h BETWEEN 1 AND 8784", name=op.f("ck_file_setting_promise_h")),
        sa.ForeignKeyConstraint(["ente_id"], ["ente.id"], name=op.f("fk_file_setting_ente_id")),
        sa.PrimaryKeyConstraint("ente_id", name=op.f("pk_file_setting")),
    )
    op.create_table(
        "gate_question",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("place", sa.SmallInteger(), nullable=False),
        sa.Column("key", sa.String(40), nullable=False),
        sa.Column("text", sa.String(200), nullable=False),
        sa.Column("checks", sa.String(32), nullable=False),
        sa.CheckConstraint(f"checks IN {CHECKS}", name=op.f("ck_gate_question_check")),
        sa.ForeignKeyConstraint(["ente_id"], ["ente.id"], name=op.f("fk_gate_question_ente_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gate_question")),
        sa.UniqueConstraint("ente_id", "key", name=op.f("uq_gate_question_ente_id_key")),
    )
    for table in CONFIGURATION:  # published by the ente; it names no taxpayer
        for statement in (*protect(table), publish(table)):
            op.execute(statement)
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {APP}")
        op.execute(
            f"CREATE TRIGGER raise_configuration_version AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION raise_configuration_version()"
        )
    op.create_table(
        "file_opening",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=False),
        sa.Column("opened_by", sa.BigInteger(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True)),
        sa.Column("purpose", sa.String(32), nullable=False),
        sa.Column("reason", sa.String(200), nullable=False),
        sa.Column("call_id", sa.Uuid()),
        sa.Column("interlocutor", sa.String(32), nullable=False),
        sa.Column("relation_id", sa.BigInteger()),
        sa.Column("gate", postgresql.JSONB(), nullable=False),
        sa.Column("seen", postgresql.JSONB(), nullable=False),
        sa.CheckConstraint(f"purpose IN {PURPOSES}", name=op.f("ck_file_opening_purpose")),
        sa.CheckConstraint(
            "interlocutor IN ('taxpayer', 'related', 'nobody')", name=op.f("ck_file_opening_interlocutor")
        ),
        sa.ForeignKeyConstraint(["opened_by"], ["app_user.id"], name=op.f("fk_file_opening_opened_by")),
        _of_contact("file_opening"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_file_opening")),
    )
    op.create_index("ix_file_opening_opened_by", "file_opening", ["opened_by", "contact_id", "opened_at"])
    op.create_index("ix_file_opening_call_id", "file_opening", ["call_id"])
    for statement in protect("file_opening"):
        op.execute(statement)
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON file_opening TO {APP}")


def _documents() -> None:
    op.create_table(
        "document",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=False),
        sa.Column("reference", sa.String(60), nullable=False),
        sa.Column("position_reference", sa.String(60)),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("title", sa.String(160), nullable=False),
        sa.Column("dated", sa.Date()),
        sa.Column("media_type", sa.String(80), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("as_of", sa.DateTime(timezone=True), nullable=False),
        sa.Column("digest", sa.String(32), nullable=False),
        sa.Column("withdrawn_as_of", sa.DateTime(timezone=True)),
        sa.CheckConstraint(f"kind IN {KINDS}", name=op.f("ck_document_document_kind")),
        _of_contact("document"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_document")),
        sa.UniqueConstraint("ente_id", "reference", name=op.f("uq_document_ente_id_reference")),
    )
    op.create_index("ix_document_ente_id_contact_id", "document", ["ente_id", "contact_id"])
    op.create_index("ix_document_ente_id_sha256", "document", ["ente_id", "sha256"])
    op.create_table(
        "document_content",
        sa.Column("ente_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["ente_id"], ["ente.id"], name=op.f("fk_document_content_ente_id")),
        sa.PrimaryKeyConstraint("ente_id", "sha256", name=op.f("pk_document_content")),
    )
    for table in ("document", "document_content"):
        for statement in protect(table):
            op.execute(statement)
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {APP}")


def _of_contact(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["ente_id", "contact_id"], ["contact.ente_id", "contact.id"], name=op.f(f"fk_{table}_ente_id_contact_id")
    )

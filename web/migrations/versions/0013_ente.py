"""Proposals to the collection system; closures that each ente agrees to; what administrators write.

Revision ID: 0013
Revises: 0012
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import SchemaItem

from web.migrations.isolation import APP, protect, protect_unattributed, publish

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

STATES = ("made", "approved", "refused", "exported", "acknowledged", "rejected", "withdrawn")
KINDS = ("correction", "notification_problem")
STILL_OPEN = "state IN ('made', 'approved', 'exported')"
STANDINGS = ("emergency", "proposed", "approved", "refused", "withdrawn")
OF_CLOSURES = (
    "decided_at", "decided_by", "proposal", "decision_reason", "declared_at", "standing", "message",
)  # fmt: skip
TABLES = ("proposal_export", "proposal", "proposal_voice", "proposal_draft")
BY_CONTRACT = ("special_day", "service_topic")  # of a contract, or of an ente under it
PUBLISHED = (*BY_CONTRACT, "payment_way", "office", "ente_logo")  # by the enti themselves: everybody reads them


def upgrade() -> None:
    op.execute("ALTER TABLE timeline_entry DROP CONSTRAINT ck_timeline_entry_entry_kind")
    op.execute(
        "ALTER TABLE timeline_entry ADD CONSTRAINT ck_timeline_entry_entry_kind CHECK (kind IN ('call', 'proposal'))"
    )
    _proposals()
    _closures()
    _administered()
    for table in TABLES:
        for statement in protect(table):
            op.execute(statement)
    for table in PUBLISHED:
        for statement in (protect_unattributed if table in BY_CONTRACT else protect)(table):
            op.execute(statement)
        op.execute(publish(table))
        op.execute(
            f"CREATE TRIGGER raise_configuration_version AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION raise_configuration_version()"
        )
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {', '.join(TABLES + PUBLISHED)} TO {APP}")


def downgrade() -> None:
    op.execute("ALTER TABLE closure NO FORCE ROW LEVEL SECURITY")
    op.execute("DELETE FROM closure WHERE standing <> 'emergency'")
    op.execute("ALTER TABLE closure FORCE ROW LEVEL SECURITY")
    for name in ("planned", "closure_standing"):
        op.drop_constraint(op.f(f"ck_closure_{name}"), "closure", type_="check")
    for name in OF_CLOSURES:
        op.drop_column("closure", name)
    for table in (*PUBLISHED, *reversed(TABLES)):
        op.drop_table(table)
    op.execute("ALTER TABLE timeline_entry NO FORCE ROW LEVEL SECURITY")
    op.execute("DELETE FROM timeline_entry WHERE kind = 'proposal'")
    op.execute("ALTER TABLE timeline_entry FORCE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE timeline_entry DROP CONSTRAINT ck_timeline_entry_entry_kind")
    op.execute("ALTER TABLE timeline_entry ADD CONSTRAINT ck_timeline_entry_entry_kind CHECK (kind IN ('call'))")


def _closures() -> None:
    op.add_column("closure", sa.Column("message", sa.String(200)))
    op.add_column("closure", sa.Column("standing", sa.String(32)))
    op.add_column("closure", sa.Column("declared_at", sa.DateTime(timezone=True)))
    op.add_column("closure", sa.Column("decision_reason", sa.String(400)))
    op.execute("ALTER TABLE closure NO FORCE ROW LEVEL SECURITY")
    op.execute(
        "UPDATE closure SET message = reason, standing = 'emergency', declared_at = starts_at, decision_reason = ''"
    )
    op.execute("ALTER TABLE closure FORCE ROW LEVEL SECURITY")
    for name in ("message", "standing", "declared_at", "decision_reason"):
        op.alter_column("closure", name, nullable=False)
    op.add_column("closure", sa.Column("proposal", sa.Uuid()))
    op.add_column("closure", sa.Column("decided_by", sa.BigInteger()))
    op.add_column("closure", sa.Column("decided_at", sa.DateTime(timezone=True)))
    op.create_foreign_key(op.f("fk_closure_decided_by"), "closure", "app_user", ["decided_by"], ["id"])
    op.create_unique_constraint(op.f("uq_closure_proposal_ente_id"), "closure", ["proposal", "ente_id"])
    op.create_check_constraint(op.f("ck_closure_closure_standing"), "closure", f"standing IN {STANDINGS}")
    op.create_check_constraint(
        op.f("ck_closure_planned"),
        "closure",
        "standing = 'emergency' OR (proposal IS NOT NULL AND ente_id IS NOT NULL AND ends_at IS NOT NULL)",
    )


def _proposals() -> None:
    op.create_table(
        "proposal_export",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by", sa.BigInteger()),
        sa.Column("corrections", sa.BigInteger(), nullable=False),
        sa.Column("problems", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("delivery_key", sa.Uuid()),
        sa.Column("delivered_at", sa.DateTime(timezone=True)),
        sa.Column("delivery_failure", sa.String(400)),
        sa.ForeignKeyConstraint(["ente_id"], ["ente.id"], name=op.f("fk_proposal_export_ente_id")),
        sa.ForeignKeyConstraint(["made_by"], ["app_user.id"], name=op.f("fk_proposal_export_made_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proposal_export")),
        sa.UniqueConstraint("ente_id", "number", name=op.f("uq_proposal_export_ente_id_number")),
        sa.UniqueConstraint("ente_id", "id", name=op.f("uq_proposal_export_ente_id_id")),
    )
    op.create_table(
        "proposal",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("what", sa.String(40), nullable=False),
        sa.Column("value_key", sa.String(251, collation="C"), nullable=False),
        sa.Column("now", postgresql.JSONB()),
        sa.Column("proposed", postgresql.JSONB()),
        sa.Column("reference", sa.String(60)),
        sa.Column("act_number", sa.String(40)),
        sa.Column("since", sa.Date()),
        sa.Column("note", sa.String(1000), nullable=False),
        sa.Column("evidence", sa.String(200), nullable=False),
        sa.Column("call_id", sa.Uuid()),
        sa.Column("made_by", sa.BigInteger(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("decided_by", sa.BigInteger()),
        sa.Column("decided_as", sa.String(32)),
        sa.Column("decided_at", sa.DateTime(timezone=True)),
        sa.Column("reason", sa.String(400), nullable=False),
        sa.Column("export_id", sa.BigInteger()),
        sa.Column("answered_at", sa.DateTime(timezone=True)),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint(f"kind IN {KINDS}", name=op.f("ck_proposal_proposal_kind")),
        sa.CheckConstraint(f"state IN {STATES}", name=op.f("ck_proposal_proposal_state")),
        sa.ForeignKeyConstraint(
            ["ente_id", "contact_id"], ["contact.ente_id", "contact.id"], name=op.f("fk_proposal_ente_id")
        ),
        sa.ForeignKeyConstraint(
            ["ente_id", "export_id"],
            ["proposal_export.ente_id", "proposal_export.id"],
            name=op.f("fk_proposal_ente_id_export_id"),
        ),
        sa.ForeignKeyConstraint(["made_by"], ["app_user.id"], name=op.f("fk_proposal_made_by")),
        sa.ForeignKeyConstraint(["decided_by"], ["app_user.id"], name=op.f("fk_proposal_decided_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proposal")),
        sa.UniqueConstraint("ente_id", "id", name=op.f("uq_proposal_ente_id_id")),
    )
    op.create_index(
        "uq_proposal_open", "proposal", ["ente_id", "contact_id", "what", "value_key"],
        unique=True, postgresql_where=sa.text(STILL_OPEN),
    )  # fmt: skip
    op.create_index("ix_proposal_ente_id_state", "proposal", ["ente_id", "state", "made_at"])
    op.create_index("ix_proposal_contact_id", "proposal", ["contact_id"])
    op.create_index(
        "ix_proposal_export_id", "proposal", ["export_id"], postgresql_where=sa.text("export_id IS NOT NULL")
    )
    op.create_table(
        "proposal_voice",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("proposal_id", sa.Uuid(), nullable=False),
        sa.Column("said_by", sa.BigInteger(), nullable=False),
        sa.Column("said_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("call_id", sa.Uuid()),
        sa.Column("note", sa.String(1000), nullable=False),
        sa.ForeignKeyConstraint(
            ["ente_id", "proposal_id"], ["proposal.ente_id", "proposal.id"], name=op.f("fk_proposal_voice_ente_id")
        ),
        sa.ForeignKeyConstraint(["said_by"], ["app_user.id"], name=op.f("fk_proposal_voice_said_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proposal_voice")),
    )
    op.create_index("ix_proposal_voice_proposal_id", "proposal_voice", ["proposal_id"])
    op.create_table(
        "proposal_draft",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("fields", postgresql.JSONB(), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(f"kind IN {KINDS}", name=op.f("ck_proposal_draft_proposal_kind")),
        sa.ForeignKeyConstraint(
            ["ente_id", "contact_id"], ["contact.ente_id", "contact.id"], name=op.f("fk_proposal_draft_ente_id")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["app_user.id"], name=op.f("fk_proposal_draft_user_id")),
        sa.PrimaryKeyConstraint("user_id", "contact_id", "kind", name=op.f("pk_proposal_draft")),
    )


def _administered() -> None:
    _of_contract(
        "special_day",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("opens", sa.Time()),
        sa.Column("closes", sa.Time()),
        sa.CheckConstraint("(opens IS NULL) = (closes IS NULL)", name=op.f("ck_special_day_hours")),
        _once("special_day", "contract_id", "ente_id", "day"),
    )
    _of_contract(
        "service_topic",
        sa.Column("topic", sa.String(40), nullable=False),
        _once("service_topic", "contract_id", "ente_id", "topic"),
    )
    _of_ente(
        "payment_way",
        sa.Column("place", sa.SmallInteger(), nullable=False),
        sa.Column("words", sa.String(200), nullable=False),
        sa.UniqueConstraint("ente_id", "place", name=op.f("uq_payment_way_ente_id_place")),
    )
    _of_ente(
        "office",
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("address", sa.String(200), nullable=False),
        sa.Column("phone", sa.String(20)),
        sa.Column("email", sa.String(254)),
        sa.Column("competent_for", sa.String(400), nullable=False),
        sa.Column("accessibility", sa.String(400), nullable=False),
        sa.Column("hours", postgresql.JSONB(), nullable=False),
        sa.UniqueConstraint("ente_id", "name", name=op.f("uq_office_ente_id_name")),
    )
    op.create_table(
        "ente_logo",
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("media_type", sa.String(20), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.ForeignKeyConstraint(["ente_id"], ["ente.id"], name=op.f("fk_ente_logo_ente_id")),
        sa.PrimaryKeyConstraint("ente_id", name=op.f("pk_ente_logo")),
    )


def _of_ente(table: str, *columns: SchemaItem) -> None:
    op.create_table(
        table,
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        *columns,
        sa.ForeignKeyConstraint(["ente_id"], ["ente.id"], name=op.f(f"fk_{table}_ente_id")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )


def _of_contract(table: str, *columns: SchemaItem) -> None:
    """Rows of a contract, or of an ente under it."""
    op.create_table(
        table,
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("contract_id", sa.BigInteger(), nullable=False),
        sa.Column("ente_id", sa.BigInteger()),
        *columns,
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name=op.f(f"fk_{table}_contract_id")),
        sa.ForeignKeyConstraint(["ente_id"], ["ente.id"], name=op.f(f"fk_{table}_ente_id")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )


def _once(table: str, *columns: str) -> sa.UniqueConstraint:
    """A contract's own row, which names no ente, is one too."""
    return sa.UniqueConstraint(
        *columns, name=op.f(f"uq_{table}_{'_'.join(columns)}"), postgresql_nulls_not_distinct=True
    )

"""Contacts as people tell them: addresses, preferences, consents, relations, mandates, merges, follow-ups.

Revision ID: 0008
Revises: 0007
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from crm.contacts.addresses import Address
from web.migrations.isolation import APP, protect

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

BATCH = 5_000
SOURCES = ("gestionale", "taxpayer", "related", "ente", "archive")
REACHES = ("phone", "email", "pec")
OF_ENTI = (
    "contact_address", "contact_condition", "contact_preference", "mandate", "relation", "disclosure_rule",
    "contact_merge", "follow_up",
)  # fmt: skip
ONLY_ADDED = ("consent_text", "consent")  # and erased with the person; never altered
FLAT = {"address": sa.String(160), "postcode": sa.String(10), "town": sa.String(80)}
STATED: dict[str, sa.types.TypeEngine[Any]] = {
    "residential": sa.Boolean(),
    "deceased_on": sa.Date(),
    "ceased_on": sa.Date(),
    "insolvent_since": sa.Date(),
}
ANALYZE = """
CREATE OR REPLACE FUNCTION analyze_collection() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    ANALYZE (SKIP_LOCKED) {tables};
END
$$
"""
ANALYZED = ("public.contact", "public.contact_reach", "public.position")


def upgrade() -> None:
    _addresses_and_conditions()
    _preferences_and_consents()
    _relations()
    _merges()
    _follow_ups()
    _reaches()
    for name, type_ in STATED.items():
        op.add_column("contact", sa.Column(name, type_))
    _move_addresses()
    for name in FLAT:
        op.drop_column("contact", name)
    for table in (*OF_ENTI, *ONLY_ADDED):
        for statement in protect(table):
            op.execute(statement)
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {', '.join(OF_ENTI)}, follow_up_list TO {APP}")
    op.execute(f"GRANT SELECT, INSERT, DELETE ON {', '.join(ONLY_ADDED)} TO {APP}")
    op.execute(ANALYZE.format(tables=", ".join((*ANALYZED, "public.contact_address", "public.relation"))))


def downgrade() -> None:
    """Of the addresses one a contact stays, the stated one before the others."""
    op.execute(ANALYZE.format(tables=", ".join(ANALYZED)))
    for name, type_ in FLAT.items():
        op.add_column("contact", sa.Column(name, type_))
    _unforced("contact", "contact_address")
    op.execute(
        "UPDATE contact SET address = one.street, postcode = one.postcode, town = one.town"
        " FROM (SELECT DISTINCT ON (contact_id) * FROM contact_address ORDER BY contact_id, NOT stated, id) one"
        " WHERE one.contact_id = contact.id"
    )
    op.execute("ALTER TABLE contact FORCE ROW LEVEL SECURITY")
    for name in STATED:
        op.drop_column("contact", name)
    for table in ("follow_up", "follow_up_list", "relation", "mandate", *ONLY_ADDED[::-1]):
        op.drop_table(table)
    for table in ("disclosure_rule", "contact_merge", "contact_preference", "contact_condition", "contact_address"):
        op.drop_table(table)
    _reaches_as_before()


def _reaches() -> None:
    """Who told a number, whether it was found right, and what came of the last attempt."""
    _unforced("contact_reach")
    op.drop_constraint(op.f("ck_contact_reach_reach_kind"), "contact_reach", type_="check")
    op.create_check_constraint(
        op.f("ck_contact_reach_reach_kind"), "contact_reach", f"kind IN {(*REACHES, 'digital_domicile')}"
    )
    for name in ("verification", "outcome"):
        op.add_column("contact_reach", sa.Column(name, sa.String(32)))
    for name in ("verified_at", "outcome_at", "told_at"):
        op.add_column("contact_reach", sa.Column(name, sa.DateTime(timezone=True)))
    for name in ("verified_by", "told_by"):
        op.add_column("contact_reach", sa.Column(name, sa.BigInteger()))
        op.create_foreign_key(op.f(f"fk_contact_reach_{name}"), "contact_reach", "app_user", [name], ["id"])
    op.add_column("contact_reach", sa.Column("call_id", sa.Uuid()))
    op.add_column("contact_reach", sa.Column("stated", sa.Boolean()))
    op.execute(
        "UPDATE contact_reach SET verification = 'unverified', stated = source = 'gestionale',"
        " source = CASE source WHEN 'gestionale' THEN source ELSE 'taxpayer' END"
    )
    op.alter_column("contact_reach", "verification", nullable=False)
    op.alter_column("contact_reach", "stated", nullable=False)
    op.alter_column("contact_reach", "source", type_=sa.String(32))
    checks = {
        "source": f"source IN {SOURCES}",
        "verification": "verification IN ('unverified', 'verified', 'wrong')",
        "last_outcome": "outcome IN ('reached', 'no_answer', 'wrong_person', 'unreachable')",
    }
    for name, check in checks.items():
        op.create_check_constraint(op.f(f"ck_contact_reach_{name}"), "contact_reach", check)
    op.execute("ALTER TABLE contact_reach FORCE ROW LEVEL SECURITY")


def _reaches_as_before() -> None:
    _unforced("contact_reach")
    op.execute("DELETE FROM contact_reach WHERE kind = 'digital_domicile'")
    op.drop_constraint(op.f("ck_contact_reach_reach_kind"), "contact_reach", type_="check")
    op.create_check_constraint(op.f("ck_contact_reach_reach_kind"), "contact_reach", f"kind IN {REACHES}")
    op.drop_constraint(op.f("ck_contact_reach_source"), "contact_reach", type_="check")
    op.alter_column("contact_reach", "source", type_=sa.String(40))
    for name in (
        "verification", "verified_at", "verified_by", "outcome", "outcome_at", "stated", "told_at", "told_by",
        "call_id",
    ):  # fmt: skip
        op.drop_column("contact_reach", name)
    op.execute("ALTER TABLE contact_reach FORCE ROW LEVEL SECURITY")


def _move_addresses() -> None:
    """What was a column of the contact is a row beside it: a person's residence, a company's seat."""
    _unforced("contact", "contact_address")
    connection, last = op.get_bind(), 0
    read = sa.text(
        "SELECT id, ente_id, kind, address, postcode, town FROM contact WHERE id > :last"
        " AND (address IS NOT NULL OR postcode IS NOT NULL OR town IS NOT NULL) ORDER BY id LIMIT :batch"
    )
    write = sa.text(
        "INSERT INTO contact_address (ente_id, contact_id, kind, street, postcode, town, country, place_key,"
        " verification, source, stated) VALUES (:ente_id, :contact_id, :kind, :street, :postcode, :town, 'IT',"
        " :place_key, 'unverified', 'gestionale', true)"
    )
    while rows := connection.execute(read, {"last": last, "batch": BATCH}).all():
        last = rows[-1].id
        moved = [
            {
                "ente_id": row.ente_id, "contact_id": row.id, "street": row.address, "postcode": row.postcode,
                "town": row.town, "kind": "seat" if row.kind == "legal" else "residence",
                "place_key": Address(row.address, row.postcode, row.town).key,
            }
            for row in rows
        ]  # fmt: skip
        connection.execute(write, moved)
    op.execute("ALTER TABLE contact FORCE ROW LEVEL SECURITY")


def _unforced(*tables: str) -> None:
    """Let the owner see the rows of these tables until it is forced again."""
    for table in tables:
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")


def _addresses_and_conditions() -> None:
    op.create_table(
        "contact_address",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "residence",
                "domicile",
                "seat",
                name="address_kind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("street", sa.String(length=160), nullable=True),
        sa.Column("postcode", sa.String(length=10), nullable=True),
        sa.Column("town", sa.String(length=80), nullable=True),
        sa.Column("province", sa.String(length=2), nullable=True),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("place_key", sa.String(length=250, collation="C"), nullable=False),
        sa.Column(
            "verification",
            sa.Enum(
                "unverified",
                "verified",
                "wrong",
                name="verification",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("verified_by", sa.BigInteger(), nullable=True),
        sa.Column(
            "outcome",
            sa.Enum(
                "reached",
                "no_answer",
                "wrong_person",
                "unreachable",
                name="last_outcome",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("outcome_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "source",
            sa.Enum(
                "gestionale",
                "taxpayer",
                "related",
                "ente",
                "archive",
                name="source",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("stated", sa.Boolean(), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("told_by", sa.BigInteger(), nullable=True),
        sa.Column("call_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["ente_id", "contact_id"],
            ["contact.ente_id", "contact.id"],
            name=op.f("fk_contact_address_ente_id_contact_id"),
        ),
        sa.ForeignKeyConstraint(["told_by"], ["app_user.id"], name=op.f("fk_contact_address_told_by")),
        sa.ForeignKeyConstraint(["verified_by"], ["app_user.id"], name=op.f("fk_contact_address_verified_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_address")),
        sa.UniqueConstraint(
            "ente_id",
            "contact_id",
            "kind",
            "place_key",
            name=op.f("uq_contact_address_ente_id_contact_id_kind_place_key"),
        ),
    )
    op.create_table(
        "contact_condition",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "deceased",
                "ceased",
                "insolvent",
                name="condition_kind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("since", sa.Date(), nullable=True),
        sa.Column(
            "source",
            sa.Enum(
                "gestionale",
                "taxpayer",
                "related",
                "ente",
                "archive",
                name="source",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("note", sa.String(length=200), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told_by", sa.BigInteger(), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_by", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["ente_id", "contact_id"],
            ["contact.ente_id", "contact.id"],
            name=op.f("fk_contact_condition_ente_id_contact_id"),
        ),
        sa.ForeignKeyConstraint(["told_by"], ["app_user.id"], name=op.f("fk_contact_condition_told_by")),
        sa.ForeignKeyConstraint(["withdrawn_by"], ["app_user.id"], name=op.f("fk_contact_condition_withdrawn_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_condition")),
    )
    op.create_index(
        "uq_contact_condition_ente_id_contact_id_kind",
        "contact_condition",
        ["ente_id", "contact_id", "kind"],
        unique=True,
        postgresql_where=sa.text("withdrawn_at IS NULL"),
    )


def _preferences_and_consents() -> None:
    op.create_table(
        "contact_preference",
        sa.Column("contact_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=True),
        sa.Column("residential", sa.Boolean(), nullable=True),
        sa.Column(
            "channel",
            sa.Enum(
                "phone",
                "sms",
                "email",
                "pec",
                "letter",
                name="channel",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("weekdays", sa.ARRAY(sa.SmallInteger()), nullable=False),
        sa.Column("hours_from", sa.Time(), nullable=True),
        sa.Column("hours_to", sa.Time(), nullable=True),
        sa.Column("do_not_call_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("do_not_call_why", sa.String(length=200), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("written_by", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "(hours_from IS NULL) = (hours_to IS NULL) AND hours_from < hours_to",
            name=op.f("ck_contact_preference_hours"),
        ),
        sa.ForeignKeyConstraint(
            ["ente_id", "contact_id"],
            ["contact.ente_id", "contact.id"],
            name=op.f("fk_contact_preference_ente_id_contact_id"),
        ),
        sa.ForeignKeyConstraint(["written_by"], ["app_user.id"], name=op.f("fk_contact_preference_written_by")),
        sa.PrimaryKeyConstraint("contact_id", name=op.f("pk_contact_preference")),
    )
    op.create_table(
        "consent_text",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "purpose",
            sa.Enum(
                "digital_messages",
                "survey",
                "recording",
                name="purpose",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("published_by", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["ente_id"], ["ente.id"], name=op.f("fk_consent_text_ente_id")),
        sa.ForeignKeyConstraint(["published_by"], ["app_user.id"], name=op.f("fk_consent_text_published_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent_text")),
        sa.UniqueConstraint("ente_id", "id", name=op.f("uq_consent_text_ente_id_id")),
        sa.UniqueConstraint("ente_id", "purpose", "version", name=op.f("uq_consent_text_ente_id_purpose_version")),
    )
    op.create_table(
        "consent",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=False),
        sa.Column("text_id", sa.BigInteger(), nullable=False),
        sa.Column("given", sa.Boolean(), nullable=False),
        sa.Column(
            "collected",
            sa.Enum("spoken", "written", "web", name="collected", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.BigInteger(), nullable=True),
        sa.Column("call_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["ente_id", "contact_id"], ["contact.ente_id", "contact.id"], name=op.f("fk_consent_ente_id_contact_id")
        ),
        sa.ForeignKeyConstraint(
            ["ente_id", "text_id"], ["consent_text.ente_id", "consent_text.id"], name=op.f("fk_consent_ente_id_text_id")
        ),
        sa.ForeignKeyConstraint(["recorded_by"], ["app_user.id"], name=op.f("fk_consent_recorded_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent")),
    )
    op.create_index("ix_consent_contact_id_occurred_at", "consent", ["contact_id", "occurred_at"], unique=False)


def _relations() -> None:
    op.create_table(
        "mandate",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("codice_fiscale", sa.String(length=16), nullable=True),
        sa.Column("name", sa.String(length=160), nullable=False),
        sa.Column("document", sa.String(length=120), nullable=False),
        sa.Column("covers", sa.ARRAY(sa.String(length=20)), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("written_by", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("valid_from <= valid_to", name=op.f("ck_mandate_days")),
        sa.ForeignKeyConstraint(["ente_id"], ["ente.id"], name=op.f("fk_mandate_ente_id")),
        sa.ForeignKeyConstraint(["written_by"], ["app_user.id"], name=op.f("fk_mandate_written_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mandate")),
        sa.UniqueConstraint("ente_id", "id", name=op.f("uq_mandate_ente_id_id")),
    )
    op.create_index(
        "ix_mandate_codice_fiscale",
        "mandate",
        ["codice_fiscale"],
        unique=False,
        postgresql_where=sa.text("codice_fiscale IS NOT NULL"),
    )
    op.create_table(
        "relation",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "heir",
                "legal_representative",
                "guardian",
                "partner",
                "delegate",
                "accountant",
                name="relation_kind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("who_key", sa.String(length=250, collation="C"), nullable=False),
        sa.Column("codice_fiscale", sa.String(length=16), nullable=True),
        sa.Column("name", sa.String(length=160), nullable=False),
        sa.Column("phone", sa.String(length=20), nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("mandate_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "source",
            sa.Enum(
                "gestionale",
                "taxpayer",
                "related",
                "ente",
                "archive",
                name="source",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("stated", sa.Boolean(), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("told_by", sa.BigInteger(), nullable=True),
        sa.Column("call_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint("codice_fiscale IS NOT NULL OR name <> ''", name=op.f("ck_relation_somebody")),
        sa.CheckConstraint("valid_from <= valid_to", name=op.f("ck_relation_days")),
        sa.ForeignKeyConstraint(
            ["ente_id", "contact_id"], ["contact.ente_id", "contact.id"], name=op.f("fk_relation_ente_id_contact_id")
        ),
        sa.ForeignKeyConstraint(
            ["ente_id", "mandate_id"], ["mandate.ente_id", "mandate.id"], name=op.f("fk_relation_ente_id_mandate_id")
        ),
        sa.ForeignKeyConstraint(["told_by"], ["app_user.id"], name=op.f("fk_relation_told_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_relation")),
        sa.UniqueConstraint(
            "ente_id", "contact_id", "kind", "who_key", name=op.f("uq_relation_ente_id_contact_id_kind_who_key")
        ),
    )
    op.create_index(
        "ix_relation_codice_fiscale",
        "relation",
        ["codice_fiscale"],
        unique=False,
        postgresql_where=sa.text("codice_fiscale IS NOT NULL"),
    )
    op.create_index(
        "ix_relation_mandate_id",
        "relation",
        ["mandate_id"],
        unique=False,
        postgresql_where=sa.text("mandate_id IS NOT NULL"),
    )
    op.create_table(
        "disclosure_rule",
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "relation",
            sa.Enum(
                "heir",
                "legal_representative",
                "guardian",
                "partner",
                "delegate",
                "accountant",
                name="relation",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("matters", sa.ARRAY(sa.String(length=20)), nullable=False),
        sa.ForeignKeyConstraint(["ente_id"], ["ente.id"], name=op.f("fk_disclosure_rule_ente_id")),
        sa.PrimaryKeyConstraint("ente_id", "relation", name=op.f("pk_disclosure_rule")),
    )


def _merges() -> None:
    op.create_table(
        "contact_merge",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("kept_id", sa.BigInteger(), nullable=False),
        sa.Column("merged_id", sa.BigInteger(), nullable=False),
        sa.Column("merged_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("merged_by", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("undone_by", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("kept_id <> merged_id", name=op.f("ck_contact_merge_two")),
        sa.ForeignKeyConstraint(
            ["ente_id", "kept_id"], ["contact.ente_id", "contact.id"], name=op.f("fk_contact_merge_ente_id_kept_id")
        ),
        sa.ForeignKeyConstraint(
            ["ente_id", "merged_id"], ["contact.ente_id", "contact.id"], name=op.f("fk_contact_merge_ente_id_merged_id")
        ),
        sa.ForeignKeyConstraint(["merged_by"], ["app_user.id"], name=op.f("fk_contact_merge_merged_by")),
        sa.ForeignKeyConstraint(["undone_by"], ["app_user.id"], name=op.f("fk_contact_merge_undone_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_merge")),
    )
    op.create_index(
        "ix_contact_merge_kept_id",
        "contact_merge",
        ["kept_id"],
        unique=False,
        postgresql_where=sa.text("undone_at IS NULL"),
    )
    op.create_index(
        "ix_contact_merge_merged_id",
        "contact_merge",
        ["merged_id"],
        unique=False,
        postgresql_where=sa.text("undone_at IS NULL"),
    )


def _follow_ups() -> None:
    op.create_table(
        "follow_up_list",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("contract_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name=op.f("fk_follow_up_list_contract_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_follow_up_list")),
        sa.UniqueConstraint("contract_id", "name", name=op.f("uq_follow_up_list_contract_id_name")),
    )
    op.create_table(
        "follow_up",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=False),
        sa.Column("list_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "call_back",
                "send",
                "check",
                "case",
                "appointment",
                name="follow_up_kind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "state",
            sa.Enum(
                "open",
                "done",
                "cancelled",
                name="follow_up_state",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=True),
        sa.Column("note", sa.String(length=1000), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by", sa.BigInteger(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("(state = 'open') = (closed_at IS NULL)", name=op.f("ck_follow_up_closed")),
        sa.ForeignKeyConstraint(["closed_by"], ["app_user.id"], name=op.f("fk_follow_up_closed_by")),
        sa.ForeignKeyConstraint(
            ["ente_id", "contact_id"], ["contact.ente_id", "contact.id"], name=op.f("fk_follow_up_ente_id_contact_id")
        ),
        sa.ForeignKeyConstraint(["list_id"], ["follow_up_list.id"], name=op.f("fk_follow_up_list_id")),
        sa.ForeignKeyConstraint(["made_by"], ["app_user.id"], name=op.f("fk_follow_up_made_by")),
        sa.ForeignKeyConstraint(["owner_id"], ["app_user.id"], name=op.f("fk_follow_up_owner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_follow_up")),
    )
    op.create_index("ix_follow_up_contact_id", "follow_up", ["contact_id", "due_at"], unique=False)
    op.create_index(
        "ix_follow_up_list_id",
        "follow_up",
        ["list_id", "due_at"],
        unique=False,
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index(
        "ix_follow_up_owner_id",
        "follow_up",
        ["owner_id", "due_at"],
        unique=False,
        postgresql_where=sa.text("state = 'open'"),
    )

"""Field agents, the practices in which they act, and their visits.

Revision ID: 0103
Revises: 0102
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from web.migrations.isolation import APP, protect

revision = "0103"
down_revision = "0102"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
COMPANYS = ("field_agent", "field_paper")  # of the company: they tell of no taxpayer
OF_ENTI = (
    "field_accreditation",
    "field_tie",
    "field_unfitness",
    "field_practice",
    "field_mandate",
    "field_practice_debt",
    "field_visit",
)


def upgrade() -> None:
    op.create_table(
        "field_agent",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("surname", sa.String(80), nullable=False),
        sa.Column("given_name", sa.String(80), nullable=False),
        sa.Column("former_surnames", sa.String(160), server_default="", nullable=False),
        sa.Column("codice_fiscale", sa.String(16), nullable=False),
        sa.Column("born_on", sa.Date(), nullable=False),
        sa.Column("birthplace", sa.String(80), nullable=False),
        sa.Column("street", sa.String(160), nullable=False),
        sa.Column("postcode", sa.String(10), nullable=False),
        sa.Column("town", sa.String(80), nullable=False),
        sa.Column("province", sa.String(2), nullable=False),
        sa.Column("phone", sa.String(16), nullable=False),
        sa.Column("photo", sa.String(64)),
        sa.Column("badge_number", sa.BigInteger(), nullable=False),
        sa.Column("badge_code", sa.String(8), nullable=False),
        sa.Column("badge_until", sa.Date()),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.Column("made_by", sa.BigInteger(), nullable=False),
        sa.Column("ended_on", sa.Date()),
        sa.ForeignKeyConstraint(["made_by"], ["app_user.id"], name=op.f("fk_field_agent_made_by")),
        sa.ForeignKeyConstraint(["user_id"], ["app_user.id"], name=op.f("fk_field_agent_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_field_agent")),
        sa.UniqueConstraint("badge_code", name=op.f("uq_field_agent_badge_code")),
        sa.UniqueConstraint("badge_number", name=op.f("uq_field_agent_badge_number")),
        sa.UniqueConstraint("codice_fiscale", name=op.f("uq_field_agent_codice_fiscale")),
        sa.UniqueConstraint("user_id", name=op.f("uq_field_agent_user_id")),
    )
    op.create_table(
        "field_accreditation",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("agent_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "decision",
            sa.Enum(
                "proposed",
                "approved",
                "refused",
                "withdrawn",
                name="decision",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("proposed_at", INSTANT, nullable=False),
        sa.Column("proposed_by", sa.BigInteger(), nullable=False),
        sa.Column("decided_at", INSTANT),
        sa.Column("decided_by", sa.BigInteger()),
        sa.Column("reason", sa.String(400), server_default="", nullable=False),
        sa.Column("letter", sa.String(64)),
        sa.Column("letter_at", INSTANT),
        sa.Column("notified_on", sa.Date()),
        sa.Column("proof", sa.String(64)),
        sa.Column("proof_number", sa.String(80), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["agent_id"], ["field_agent.id"], name=op.f("fk_field_accreditation_agent_id")),
        sa.ForeignKeyConstraint(["decided_by"], ["app_user.id"], name=op.f("fk_field_accreditation_decided_by")),
        sa.ForeignKeyConstraint(["ente_id"], ["ente.id"], name=op.f("fk_field_accreditation_ente_id")),
        sa.ForeignKeyConstraint(["proposed_by"], ["app_user.id"], name=op.f("fk_field_accreditation_proposed_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_field_accreditation")),
        sa.UniqueConstraint("ente_id", "id", name=op.f("uq_field_accreditation_ente_id_id")),
    )
    op.create_index(
        "uq_field_accreditation_open",
        "field_accreditation",
        ["ente_id", "agent_id"],
        unique=True,
        postgresql_where=sa.text("decision IN ('proposed', 'approved')"),
    )
    op.create_table(
        "field_paper",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("agent_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "paper",
            sa.Enum(
                "identity",
                "licence",
                "appointment",
                "record",
                "training",
                "other",
                name="paper",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("number", sa.String(60), nullable=False),
        sa.Column("issuer", sa.String(120), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("expires_on", sa.Date()),
        sa.Column("sha256", sa.String(64)),
        sa.Column("written_at", INSTANT, nullable=False),
        sa.Column("written_by", sa.BigInteger(), nullable=False),
        sa.Column("withdrawn_at", INSTANT),
        sa.ForeignKeyConstraint(["agent_id"], ["field_agent.id"], name=op.f("fk_field_paper_agent_id")),
        sa.ForeignKeyConstraint(["written_by"], ["app_user.id"], name=op.f("fk_field_paper_written_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_field_paper")),
    )
    op.create_index(
        "uq_field_paper_agent_id_paper",
        "field_paper",
        ["agent_id", "paper"],
        unique=True,
        postgresql_where=sa.text("withdrawn_at IS NULL AND paper <> 'other'"),
    )
    op.create_table(
        "field_tie",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("agent_id", sa.BigInteger(), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "tie",
            sa.Enum(
                "family",
                "friendship",
                "neighbour",
                "work",
                "business",
                "dispute",
                "other",
                name="tie",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("past", sa.Boolean(), nullable=False),
        sa.Column("note", sa.String(200), nullable=False),
        sa.Column("declared_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["agent_id"], ["field_agent.id"], name=op.f("fk_field_tie_agent_id")),
        sa.ForeignKeyConstraint(
            ["ente_id", "contact_id"], ["contact.ente_id", "contact.id"], name=op.f("fk_field_tie_ente_id_contact_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_field_tie")),
        sa.UniqueConstraint("ente_id", "agent_id", "contact_id", name=op.f("uq_field_tie_ente_id_agent_id_contact_id")),
    )
    op.create_table(
        "field_unfitness",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("agent_id", sa.BigInteger(), nullable=False),
        sa.Column("found_at", INSTANT, nullable=False),
        sa.Column("found_by", sa.BigInteger(), nullable=False),
        sa.Column("grounds", sa.String(600), nullable=False),
        sa.Column("removal_due", sa.Date(), nullable=False),
        sa.Column("substitute_due", sa.Date(), nullable=False),
        sa.Column("removed_at", INSTANT),
        sa.Column("removed_by", sa.BigInteger()),
        sa.Column("substitute_id", sa.BigInteger()),
        sa.Column("replaced_at", INSTANT),
        sa.Column("withdrawn_at", INSTANT),
        sa.Column("withdrawn_by", sa.BigInteger()),
        sa.ForeignKeyConstraint(["agent_id"], ["field_agent.id"], name=op.f("fk_field_unfitness_agent_id")),
        sa.ForeignKeyConstraint(["ente_id"], ["ente.id"], name=op.f("fk_field_unfitness_ente_id")),
        sa.ForeignKeyConstraint(["found_by"], ["app_user.id"], name=op.f("fk_field_unfitness_found_by")),
        sa.ForeignKeyConstraint(["removed_by"], ["app_user.id"], name=op.f("fk_field_unfitness_removed_by")),
        sa.ForeignKeyConstraint(["substitute_id"], ["field_agent.id"], name=op.f("fk_field_unfitness_substitute_id")),
        sa.ForeignKeyConstraint(["withdrawn_by"], ["app_user.id"], name=op.f("fk_field_unfitness_withdrawn_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_field_unfitness")),
    )
    op.create_index(
        "uq_field_unfitness_open",
        "field_unfitness",
        ["ente_id", "agent_id"],
        unique=True,
        postgresql_where=sa.text("withdrawn_at IS NULL"),
    )
    op.create_table(
        "field_practice",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=False),
        sa.Column("campaign_id", sa.BigInteger()),
        sa.Column(
            "origin",
            sa.Enum("campaign", "ente", name="origin", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column(
            "state",
            sa.Enum(
                "open",
                "offered",
                "accepted",
                "frozen",
                "closed",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("priority", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("cents", sa.BigInteger(), nullable=False),
        sa.Column("residential", sa.Boolean(), nullable=False),
        sa.Column("street", sa.String(160), nullable=False),
        sa.Column("postcode", sa.String(10), nullable=False),
        sa.Column("town", sa.String(80), nullable=False),
        sa.Column("latitude", sa.Double()),
        sa.Column("longitude", sa.Double()),
        sa.Column("placed", sa.String(20), server_default="", nullable=False),
        sa.Column("agent_id", sa.BigInteger()),
        sa.Column("opened_at", INSTANT, nullable=False),
        sa.Column("opened_by", sa.BigInteger()),
        sa.Column("not_before", INSTANT),
        sa.Column("frozen_why", sa.String(400), server_default="", nullable=False),
        sa.Column("closed_at", INSTANT),
        sa.Column(
            "closed",
            sa.Enum(
                "paid",
                "promised",
                "instalments",
                "disputed",
                "hardship",
                "refused",
                "not_found",
                "deceased",
                "forbidden",
                "unsafe",
                "recalled",
                name="closed",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
        ),
        sa.CheckConstraint("(state = 'closed') = (closed_at IS NOT NULL)", name=op.f("ck_field_practice_closed_at")),
        sa.CheckConstraint("(latitude IS NULL) = (longitude IS NULL)", name=op.f("ck_field_practice_place")),
        sa.ForeignKeyConstraint(["agent_id"], ["field_agent.id"], name=op.f("fk_field_practice_agent_id")),
        sa.ForeignKeyConstraint(
            ["ente_id", "campaign_id"],
            ["campaign.ente_id", "campaign.id"],
            name=op.f("fk_field_practice_ente_id_campaign_id"),
        ),
        sa.ForeignKeyConstraint(
            ["ente_id", "contact_id"],
            ["contact.ente_id", "contact.id"],
            name=op.f("fk_field_practice_ente_id_contact_id"),
        ),
        sa.ForeignKeyConstraint(["opened_by"], ["app_user.id"], name=op.f("fk_field_practice_opened_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_field_practice")),
        sa.UniqueConstraint("ente_id", "id", name=op.f("uq_field_practice_ente_id_id")),
        sa.UniqueConstraint("ente_id", "number", name=op.f("uq_field_practice_ente_id_number")),
    )
    op.create_index(
        "ix_field_practice_agent_id",
        "field_practice",
        ["agent_id"],
        unique=False,
        postgresql_where=sa.text("state <> 'closed'"),
    )
    op.create_index("ix_field_practice_ente_id_state", "field_practice", ["ente_id", "state"], unique=False)
    op.create_index(
        "uq_field_practice_open",
        "field_practice",
        ["ente_id", "contact_id"],
        unique=True,
        postgresql_where=sa.text("state <> 'closed'"),
    )
    op.create_table(
        "field_mandate",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("practice_id", sa.BigInteger(), nullable=False),
        sa.Column("agent_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "offered",
                "accepted",
                "declined",
                "revoked",
                "ended",
                name="mandate_state",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=False),
        sa.Column("cents", sa.BigInteger(), nullable=False),
        sa.Column("most_visits", sa.SmallInteger(), nullable=False),
        sa.Column("may_photograph", sa.Boolean(), nullable=False),
        sa.Column("given_at", INSTANT, nullable=False),
        sa.Column("given_by", sa.BigInteger(), nullable=False),
        sa.Column("accepted_at", INSTANT),
        sa.Column("no_ties_at", INSTANT),
        sa.Column("ended_at", INSTANT),
        sa.Column("reason", sa.String(400), server_default="", nullable=False),
        sa.CheckConstraint("valid_from <= valid_to", name=op.f("ck_field_mandate_days")),
        sa.ForeignKeyConstraint(["agent_id"], ["field_agent.id"], name=op.f("fk_field_mandate_agent_id")),
        sa.ForeignKeyConstraint(
            ["ente_id", "practice_id"],
            ["field_practice.ente_id", "field_practice.id"],
            name=op.f("fk_field_mandate_ente_id_practice_id"),
        ),
        sa.ForeignKeyConstraint(["given_by"], ["app_user.id"], name=op.f("fk_field_mandate_given_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_field_mandate")),
        sa.UniqueConstraint("ente_id", "id", name=op.f("uq_field_mandate_ente_id_id")),
    )
    op.create_index("ix_field_mandate_agent_id", "field_mandate", ["agent_id"], unique=False)
    op.create_index("ix_field_mandate_practice_id", "field_mandate", ["practice_id"], unique=False)
    op.create_index(
        "uq_field_mandate_open",
        "field_mandate",
        ["practice_id"],
        unique=True,
        postgresql_where=sa.text("state IN ('offered', 'accepted')"),
    )
    op.create_table(
        "field_practice_debt",
        sa.Column("practice_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("reference", sa.String(60), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("cents", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["ente_id", "practice_id"],
            ["field_practice.ente_id", "field_practice.id"],
            name=op.f("fk_field_practice_debt_ente_id_practice_id"),
        ),
        sa.PrimaryKeyConstraint("practice_id", "reference", name=op.f("pk_field_practice_debt")),
    )
    op.create_index("ix_field_practice_debt_reference", "field_practice_debt", ["ente_id", "reference"], unique=False)
    op.create_table(
        "field_visit",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("practice_id", sa.BigInteger(), nullable=False),
        sa.Column("mandate_id", sa.Uuid()),
        sa.Column("agent_id", sa.BigInteger(), nullable=False),
        sa.Column("began_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT),
        sa.Column("device_began_at", INSTANT, nullable=False),
        sa.Column("off_s", sa.BigInteger(), nullable=False),
        sa.Column("received_at", INSTANT, nullable=False),
        sa.Column("latitude", sa.Double()),
        sa.Column("longitude", sa.Double()),
        sa.Column("accuracy_m", sa.BigInteger()),
        sa.Column("distance_m", sa.BigInteger()),
        sa.Column(
            "whom",
            sa.Enum(
                "himself",
                "entitled",
                "company",
                "third_party",
                "not_established",
                name="whom",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
        ),
        sa.Column("spoke_with", sa.String(160), server_default="", nullable=False),
        sa.Column("capacity", sa.String(120), server_default="", nullable=False),
        sa.Column(
            "outcome",
            sa.Enum(
                "met",
                "paid",
                "promise",
                "instalments",
                "dispute",
                "already_paid",
                "hardship",
                "refused",
                "third_party",
                "absent",
                "moved",
                "deceased",
                "not_found",
                "closed",
                "unsafe",
                name="outcome",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
        ),
        sa.Column("note", sa.String(1000), server_default="", nullable=False),
        sa.Column("number", sa.SmallInteger(), nullable=False),
        sa.Column("deeds", JSONB(), nullable=False),
        sa.Column("faults", JSONB(), nullable=False),
        sa.Column("signs", JSONB(), nullable=False),
        sa.CheckConstraint("(latitude IS NULL) = (longitude IS NULL)", name=op.f("ck_field_visit_place")),
        sa.ForeignKeyConstraint(["agent_id"], ["field_agent.id"], name=op.f("fk_field_visit_agent_id")),
        sa.ForeignKeyConstraint(
            ["ente_id", "mandate_id"],
            ["field_mandate.ente_id", "field_mandate.id"],
            name=op.f("fk_field_visit_ente_id_mandate_id"),
        ),
        sa.ForeignKeyConstraint(
            ["ente_id", "practice_id"],
            ["field_practice.ente_id", "field_practice.id"],
            name=op.f("fk_field_visit_ente_id_practice_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_field_visit")),
        sa.UniqueConstraint("ente_id", "id", name=op.f("uq_field_visit_ente_id_id")),
    )
    op.create_index("ix_field_visit_agent_id", "field_visit", ["agent_id", "began_at"], unique=False)
    op.create_index("ix_field_visit_practice_id", "field_visit", ["practice_id"], unique=False)

    for table in (*COMPANYS, *OF_ENTI):
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {APP}")
    for table in OF_ENTI:
        for statement in protect(table):
            op.execute(statement)


def downgrade() -> None:
    for table in reversed((*COMPANYS, *OF_ENTI)):
        op.drop_table(table)

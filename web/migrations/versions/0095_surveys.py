"""Surveys are campaigns with a questionnaire: samples in strata, quotas, cases, verification.

Revision ID: 0095
Revises: 0094
"""

import sqlalchemy as sa
from alembic import op

from web.migrations.isolation import APP, protect

revision = "0095"
down_revision = "0094"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
ID = sa.BigInteger()
TABLES = ("survey_sample", "survey_stratum", "survey_case", "survey_quota", "survey_check")


def upgrade() -> None:
    _samples()
    _quotas()
    for name, kind in (("campaign_id", ID), ("call_id", sa.Uuid()), ("quota_id", ID)):
        op.add_column("interview", sa.Column(name, kind))
    for column, of in (("campaign_id", "campaign"), ("quota_id", "survey_quota")):
        op.create_foreign_key(
            op.f(f"fk_interview_ente_id_{column}"), "interview", of, ["ente_id", column], ["ente_id", "id"]
        )
    op.create_index(
        "uq_interview_campaign_id", "interview", ["campaign_id", "contact_id"], unique=True,
        postgresql_where=sa.text("campaign_id IS NOT NULL AND contact_id IS NOT NULL"),
    )  # fmt: skip
    op.create_index(
        "ix_interview_quota_id", "interview", ["quota_id"], postgresql_where=sa.text("quota_id IS NOT NULL")
    )
    for table in TABLES:
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {APP}")
        for statement in protect(table):
            op.execute(statement)


def downgrade() -> None:
    for name in ("ix_interview_quota_id", "uq_interview_campaign_id"):
        op.drop_index(name, "interview")
    for column in ("quota_id", "campaign_id"):
        op.drop_constraint(op.f(f"fk_interview_ente_id_{column}"), "interview")
    for column in ("quota_id", "call_id", "campaign_id"):
        op.drop_column("interview", column)
    for table in reversed(TABLES):
        op.drop_table(table)


def _samples() -> None:
    op.create_table(
        "survey_sample",
        sa.Column("campaign_id", ID, nullable=False),
        sa.Column("ente_id", ID, nullable=False),
        sa.Column("by", sa.String(80), nullable=False),
        sa.Column("allocation", _choice("allocation", "proportional", "equal", "neyman"), nullable=False),
        sa.Column("size", ID, nullable=False),
        sa.Column("reserves", sa.SmallInteger(), nullable=False),
        sa.Column("released", sa.SmallInteger(), nullable=False),
        sa.Column("seed", sa.Integer(), nullable=False),
        sa.Column("drawn_by", ID, nullable=False),
        sa.Column("drawn_at", INSTANT, nullable=False),
        _own("survey_sample", "campaign_id", "campaign"),
        _to("survey_sample", "drawn_by", "app_user.id"),
        sa.PrimaryKeyConstraint("campaign_id", name=op.f("pk_survey_sample")),
    )
    op.create_table(
        "survey_stratum",
        sa.Column("campaign_id", ID, nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("ente_id", ID, nullable=False),
        sa.Column("population", ID, nullable=False),
        sa.Column("drawn", ID, nullable=False),
        _own("survey_stratum", "campaign_id", "campaign"),
        sa.PrimaryKeyConstraint("campaign_id", "name", name=op.f("pk_survey_stratum")),
    )
    op.create_table(
        "survey_case",
        sa.Column("campaign_id", ID, nullable=False),
        sa.Column("contact_id", ID, nullable=False),
        sa.Column("ente_id", ID, nullable=False),
        sa.Column("stratum", sa.String(80), nullable=False),
        sa.Column("replicate", sa.SmallInteger(), nullable=False),
        sa.Column("refusals", sa.SmallInteger(), nullable=False),
        sa.Column("refused_at", INSTANT),
        sa.Column("not_by", ID),
        sa.Column("asked", _choice("asked", "conversion", "check")),
        sa.Column("wants_after", INSTANT),
        sa.Column("wants_agent", ID),
        _own("survey_case", "campaign_id", "campaign"),
        _own("survey_case", "contact_id", "contact"),
        _to("survey_case", "not_by", "app_user.id"),
        _to("survey_case", "wants_agent", "app_user.id"),
        sa.PrimaryKeyConstraint("campaign_id", "contact_id", name=op.f("pk_survey_case")),
    )
    op.create_index("ix_survey_case_contact_id", "survey_case", ["contact_id"])
    op.create_index("ix_survey_case_campaign_id", "survey_case", ["campaign_id", "stratum", "replicate"])


def _quotas() -> None:
    op.create_table(
        "survey_quota",
        sa.Column("id", ID, sa.Identity(always=False), nullable=False),
        sa.Column("ente_id", ID, nullable=False),
        sa.Column("campaign_id", ID, nullable=False),
        *(sa.Column(name, sa.String(120), nullable=False) for name in ("first", "value", "second", "second_value")),
        sa.Column("target", sa.Integer(), nullable=False),
        sa.Column("taken", sa.Integer(), nullable=False),
        _own("survey_quota", "campaign_id", "campaign"),
        sa.CheckConstraint("taken BETWEEN 0 AND target", name=op.f("ck_survey_quota_taken")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_survey_quota")),
        sa.UniqueConstraint("ente_id", "id", name=op.f("uq_survey_quota_ente_id_id")),
        sa.UniqueConstraint(
            "campaign_id", "value", "second_value", name=op.f("uq_survey_quota_campaign_id_value_second_value")
        ),
    )
    op.create_table(
        "survey_check",
        sa.Column("interview_id", sa.Uuid(), nullable=False),
        sa.Column("ente_id", ID, nullable=False),
        sa.Column("campaign_id", ID, nullable=False),
        sa.Column("drawn_by", ID, nullable=False),
        sa.Column("drawn_at", INSTANT, nullable=False),
        sa.Column("found", _choice("found", "confirmed", "differs", "never_was")),
        sa.Column("checked_by", ID),
        sa.Column("checked_at", INSTANT),
        _own("survey_check", "campaign_id", "campaign"),
        _to("survey_check", "interview_id", "interview.id"),
        _to("survey_check", "drawn_by", "app_user.id"),
        _to("survey_check", "checked_by", "app_user.id"),
        sa.PrimaryKeyConstraint("interview_id", name=op.f("pk_survey_check")),
    )
    op.create_index("ix_survey_check_campaign_id", "survey_check", ["campaign_id"])


def _choice(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)


def _to(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [target], name=op.f(f"fk_{table}_{column}"))


def _own(table: str, column: str, of: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["ente_id", column], [f"{of}.ente_id", f"{of}.id"], name=op.f(f"fk_{table}_ente_id_{column}")
    )

"""Questionnaires in versions, the interviews that fill them, and everything that happens in those.

Revision ID: 0088
Revises: 0087
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from web.migrations.choices import allow, forbid
from web.migrations.isolation import APP, protect, protect_covered

revision = "0088"
down_revision = "0087"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
ID = sa.BigInteger()
TABLES = ("survey_form", "survey_version", "interview", "interview_event")
STATES = ("running", "interrupted", "done")
DEEDS = (
    "began", "answered", "refused", "went_back", "went_on", "language", "broke_off", "resumed", "finished",
)  # fmt: skip
DISPOSITIONS = (
    "1.1", "1.2", "2.11", "2.112", "2.12", "2.21", "2.221", "2.222", "2.31", "2.32", "2.33", "2.333", "2.34", "2.35",
    "2.36", "3.11", "3.12", "3.13", "3.14", "3.15", "3.16", "3.20", "3.90", "4.10", "4.20", "4.31", "4.32", "4.33",
    "4.41", "4.43", "4.51", "4.70", "4.80", "4.90",
)  # fmt: skip


def upgrade() -> None:
    _forms()
    _interviews()
    for table in TABLES:
        for statement in protect_covered(table) if table.startswith("survey_") else protect(table):
            op.execute(statement)
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON survey_form, survey_version, interview TO {APP}")
    op.execute(f"GRANT SELECT, INSERT, DELETE ON interview_event TO {APP}")
    allow("timeline_entry", "entry_kind", "kind", "interview")


def downgrade() -> None:
    op.execute("ALTER TABLE timeline_entry NO FORCE ROW LEVEL SECURITY")
    op.execute("DELETE FROM timeline_entry WHERE kind = 'interview'")
    forbid("timeline_entry", "entry_kind", "kind", "interview")
    op.execute("ALTER TABLE timeline_entry FORCE ROW LEVEL SECURITY")
    for table in reversed(TABLES):
        op.drop_table(table)


def _forms() -> None:
    op.create_table(
        "survey_form",
        *_of_a_place("survey_form"),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("current", sa.SmallInteger()),
        sa.Column("published_at", INSTANT),
        sa.Column("withdrawn_at", INSTANT),
        sa.CheckConstraint("(current IS NULL) = (published_at IS NULL)", name=op.f("ck_survey_form_published")),
    )
    op.create_index("ix_survey_form_contract_id", "survey_form", ["contract_id"])
    op.create_table(
        "survey_version",
        *_of_a_place("survey_version"),
        sa.Column("form_id", ID, nullable=False),
        sa.Column("number", sa.SmallInteger(), nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("file_name", sa.String(200), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("compiled", JSONB(), nullable=False),
        sa.Column("questions", sa.SmallInteger(), nullable=False),
        sa.Column("uploaded_by", ID),
        sa.Column("uploaded_at", INSTANT, nullable=False),
        sa.Column("published_by", ID),
        sa.Column("published_at", INSTANT),
        _to("survey_version", "form_id", "survey_form.id"),
        _to("survey_version", "uploaded_by", "app_user.id"),
        _to("survey_version", "published_by", "app_user.id"),
        sa.UniqueConstraint("form_id", "number", name=op.f("uq_survey_version_form_id_number")),
    )


def _interviews() -> None:
    op.create_table(
        "interview",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ente_id", ID, nullable=False),
        sa.Column("contract_id", ID, nullable=False),
        sa.Column("form_id", ID, nullable=False),
        sa.Column("version_id", ID, nullable=False),
        sa.Column("contact_id", ID),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("disposition", sa.String(32)),
        sa.Column("language", sa.String(80), nullable=False),
        sa.Column("seed", sa.Integer(), nullable=False),
        sa.Column("at", sa.String(120), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("interviewer_id", ID),
        sa.Column("held_until", INSTANT),
        sa.Column("began_at", INSTANT, nullable=False),
        sa.Column("shown_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT),
        sa.CheckConstraint(_among("state", STATES), name=op.f("ck_interview_interview_state")),
        sa.CheckConstraint(_among("disposition", DISPOSITIONS), name=op.f("ck_interview_disposition")),
        sa.CheckConstraint("(state = 'done') = (ended_at IS NOT NULL)", name=op.f("ck_interview_ended")),
        sa.CheckConstraint("state <> 'done' OR disposition IS NOT NULL", name=op.f("ck_interview_disposed")),
        _to("interview", "ente_id", "ente.id"),
        _to("interview", "contract_id", "contract.id"),
        _to("interview", "form_id", "survey_form.id"),
        _to("interview", "version_id", "survey_version.id"),
        _to("interview", "interviewer_id", "app_user.id"),
        sa.ForeignKeyConstraint(
            ["ente_id", "contact_id"], ["contact.ente_id", "contact.id"], name=op.f("fk_interview_ente_id_contact_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_interview")),
    )
    op.create_index("ix_interview_form_id", "interview", ["form_id", "began_at"])
    op.create_index(
        "ix_interview_contact_id", "interview", ["contact_id"], postgresql_where=sa.text("contact_id IS NOT NULL")
    )
    op.create_index(
        "ix_interview_interviewer_id", "interview", ["interviewer_id"], postgresql_where=sa.text("state = 'running'")
    )
    op.create_table(
        "interview_event",
        sa.Column("id", ID, sa.Identity(always=False), nullable=False),
        sa.Column("interview_id", sa.Uuid(), nullable=False),
        sa.Column("ente_id", ID, nullable=False),
        sa.Column("deed", sa.String(32), nullable=False),
        sa.Column("path", sa.String(120), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("took_ms", sa.Integer()),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("interviewer_id", ID),
        sa.CheckConstraint(_among("deed", DEEDS), name=op.f("ck_interview_event_interview_deed")),
        _to("interview_event", "interview_id", "interview.id"),
        _to("interview_event", "ente_id", "ente.id"),
        _to("interview_event", "interviewer_id", "app_user.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_interview_event")),
    )
    op.create_index("ix_interview_event_interview_id", "interview_event", ["interview_id", "id"])


def _of_a_place(table: str) -> tuple[sa.Column[int] | sa.Constraint, ...]:
    return (
        sa.Column("id", ID, sa.Identity(always=False), nullable=False),
        sa.Column("contract_id", ID, nullable=False),
        sa.Column("ente_id", ID),
        _to(table, "contract_id", "contract.id"),
        _to(table, "ente_id", "ente.id"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )


def _to(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [target], name=op.f(f"fk_{table}_{column}"))


def _among(column: str, values: tuple[str, ...]) -> str:
    listed = ", ".join(f"'{one}'" for one in values)
    return f"{column} IN ({listed})"

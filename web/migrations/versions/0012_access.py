"""People and access: sessions that say where, second factors, providers, exclusions, the register of the staff.

Revision ID: 0012
Revises: 0010
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from web.migrations.isolation import APP, protect

revision = "0012"
down_revision = "0010"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
OWN = ("ente_exclusion", "access_link", "second_factor", "recovery_code", "user_identity", "user_event")
OF_ENTI = ("staff_notice", "replacement_request")
ROLES = (
    "agent", "supervisor", "campaign_manager", "field_agent", "desk_clerk", "ente_viewer", "ente_approver",
    "contract_supervisor", "administrator",
)  # fmt: skip
CHANGES = ("joined", "left", "changed", "suspended", "resumed", "removed", "readmitted", "replaced")


def upgrade() -> None:
    _users()
    _sessions()
    _factors()
    _staff()
    op.add_column("contract", sa.Column("replacement_days", sa.SmallInteger(), server_default="20", nullable=False))
    op.add_column(
        "agent_presence", sa.Column("not_for", postgresql.ARRAY(sa.BigInteger()), server_default="{}", nullable=False)
    )


def downgrade() -> None:
    op.drop_column("agent_presence", "not_for")
    op.drop_column("contract", "replacement_days")
    for table in reversed((*OWN, *OF_ENTI)):
        op.drop_table(table)
    op.execute("DELETE FROM user_session WHERE awaits IS NOT NULL")
    for name in ("id", "last_seen_at", "address", "browser", "method", "provider", "awaits"):
        op.drop_column("user_session", name)
    op.execute("UPDATE app_user SET password_hash = '' WHERE password_hash IS NULL")
    op.alter_column("app_user", "password_hash", nullable=False)
    for name in ("password_expired", "email", "qualification"):
        op.drop_column("app_user", name)


def _users() -> None:
    op.alter_column("app_user", "password_hash", nullable=True)
    op.add_column("app_user", sa.Column("password_expired", sa.Boolean(), server_default="false", nullable=False))
    op.add_column("app_user", sa.Column("email", sa.String(254)))
    op.add_column("app_user", sa.Column("qualification", sa.String(120), server_default="", nullable=False))
    op.create_unique_constraint(op.f("uq_app_user_email"), "app_user", ["email"])
    op.create_table(
        "user_event",
        _id(),
        _user("user_event", "user_id"),
        sa.Column("at", INSTANT, nullable=False),
        _user("user_event", "by_id", nullable=True),
        sa.Column("kind", sa.String(60), nullable=False),
        sa.Column("detail", postgresql.JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_event")),
    )
    op.create_index(op.f("ix_user_event_user_id"), "user_event", ["user_id"])
    op.execute(f"GRANT SELECT, INSERT ON user_event TO {APP}")
    op.create_table(
        "ente_exclusion",
        _id(),
        _user("ente_exclusion", "user_id"),
        _ente("ente_exclusion"),
        sa.Column("reason", sa.String(400), nullable=False),
        _user("ente_exclusion", "made_by"),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.Column("readmission_reason", sa.String(400)),
        _user("ente_exclusion", "asked_by", nullable=True),
        sa.Column("asked_at", INSTANT),
        _user("ente_exclusion", "lifted_by", nullable=True),
        sa.Column("lifted_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ente_exclusion")),
    )
    op.create_index(
        "ix_ente_exclusion_in_force", "ente_exclusion", ["user_id", "ente_id"], unique=True,
        postgresql_where=sa.text("lifted_at IS NULL"),
    )  # fmt: skip
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON ente_exclusion TO {APP}")


def _sessions() -> None:
    op.execute("DELETE FROM user_session")  # nobody knows how and where they began: everybody signs in once more
    op.add_column("user_session", sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False))
    op.create_unique_constraint(op.f("uq_user_session_id"), "user_session", ["id"])
    op.add_column("user_session", sa.Column("last_seen_at", INSTANT, nullable=False))
    op.add_column("user_session", sa.Column("address", sa.String(45), server_default="", nullable=False))
    op.add_column("user_session", sa.Column("browser", sa.String(60), server_default="", nullable=False))
    op.add_column("user_session", sa.Column("method", sa.String(32), nullable=False))
    op.add_column("user_session", sa.Column("provider", sa.String(40)))
    op.add_column("user_session", sa.Column("awaits", sa.String(32)))
    op.create_check_constraint(
        op.f("ck_user_session_method"), "user_session", "method IN ('password', 'code', 'recovery', 'provider')"
    )
    op.create_check_constraint(
        op.f("ck_user_session_step"), "user_session", "awaits IN ('code', 'enrolment', 'password')"
    )
    op.create_table(
        "access_link",
        _user("access_link", "user_id"),
        sa.Column("token_hash", sa.String(64), nullable=False),
        _user("access_link", "made_by", nullable=True),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_access_link")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_access_link_token_hash")),
    )
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON access_link TO {APP}")


def _factors() -> None:
    op.create_table(
        "second_factor",
        _user("second_factor", "user_id"),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("confirmed_at", INSTANT),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_second_factor")),
    )
    op.create_table(
        "recovery_code",
        _user("recovery_code", "user_id"),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("used_at", INSTANT),
        sa.PrimaryKeyConstraint("user_id", "code_hash", name=op.f("pk_recovery_code")),
    )
    op.create_table(
        "user_identity",
        _id(),
        _user("user_identity", "user_id"),
        sa.Column("provider", sa.String(40), nullable=False),
        sa.Column("issuer", sa.String(255), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("linked_at", INSTANT, nullable=False),
        _user("user_identity", "linked_by", nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_identity")),
        sa.UniqueConstraint("issuer", "subject", name=op.f("uq_user_identity_issuer_subject")),
    )
    op.create_index(op.f("ix_user_identity_user_id"), "user_identity", ["user_id"])
    for table in ("second_factor", "recovery_code", "user_identity"):
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {APP}")


def _staff() -> None:
    op.create_table(
        "staff_notice",
        _id(),
        _ente("staff_notice"),
        _user("staff_notice", "user_id"),
        sa.Column("change", sa.String(32), nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("qualification", sa.String(120), nullable=False),
        sa.Column("role", sa.String(32)),
        sa.Column("starts_on", sa.Date()),
        sa.Column("ends_on", sa.Date()),
        sa.Column("made_at", INSTANT, nullable=False),
        _user("staff_notice", "made_by", nullable=True),
        sa.Column("seen_at", INSTANT),
        _user("staff_notice", "seen_by", nullable=True),
        sa.CheckConstraint(f"change IN {CHANGES}", name=op.f("ck_staff_notice_staff_change")),
        sa.CheckConstraint(f"role IN {ROLES}", name=op.f("ck_staff_notice_role")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_notice")),
    )
    op.create_index("ix_staff_notice_ente_id_made_at", "staff_notice", ["ente_id", "made_at"])
    op.create_table(
        "replacement_request",
        _id(),
        _ente("replacement_request"),
        _user("replacement_request", "user_id"),
        sa.Column("reason", sa.String(400), nullable=False),
        sa.Column("asked_at", INSTANT, nullable=False),
        _user("replacement_request", "asked_by"),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        _user("replacement_request", "replaced_by", nullable=True),
        sa.Column("closed_at", INSTANT),
        _user("replacement_request", "closed_by", nullable=True),
        sa.CheckConstraint(
            "state IN ('asked', 'done', 'withdrawn')", name=op.f("ck_replacement_request_replacement_state")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_replacement_request")),
    )
    op.create_index(
        "ix_replacement_request_open", "replacement_request", ["ente_id", "user_id"], unique=True,
        postgresql_where=sa.text("state = 'asked'"),
    )  # fmt: skip
    for table in OF_ENTI:
        for statement in protect(table):
            op.execute(statement)
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {APP}")


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False)


def _ente(table: str) -> sa.Column[int]:
    return sa.Column(
        "ente_id", sa.BigInteger(), sa.ForeignKey("ente.id", name=op.f(f"fk_{table}_ente_id")), nullable=False
    )


def _user(table: str, column: str, *, nullable: bool = False) -> sa.Column[int]:
    key = sa.ForeignKey("app_user.id", name=op.f(f"fk_{table}_{column}"))
    return sa.Column(column, sa.BigInteger(), key, nullable=nullable)

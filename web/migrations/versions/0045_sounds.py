"""Messages left by callers are encrypted as recordings are; conversations by SMS are read with a reason.

A message that is in the store already is marked as not encrypted: it is, the next time the keeper runs.

Revision ID: 0045
Revises: 0044
"""

import sqlalchemy as sa
from alembic import op

from web.migrations.isolation import APP, protect_unattributed

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None

GONE = "gone IN ('expired', 'erased', 'not_agreed', 'absent')"


INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _voicemail()
    _texts()


def _texts() -> None:
    op.add_column("text_thread", sa.Column("forgotten_at", INSTANT))
    op.create_index("ix_text_thread_closed", "text_thread", ["begun_at"], postgresql_where=sa.text("state = 'closed'"))
    op.create_index(
        "ix_text_thread_to_forget", "text_thread", ["contract_id", "closed_at"],
        postgresql_where=sa.text("forgotten_at IS NULL AND state = 'closed'"),
    )  # fmt: skip
    op.create_table(
        "text_reading",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("thread_id", sa.Uuid(), nullable=False),
        sa.Column("contract_id", sa.BigInteger(), nullable=False),
        sa.Column("ente_id", sa.BigInteger()),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(200), nullable=False),
        sa.Column("began_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["thread_id"], ["text_thread.id"], name=op.f("fk_text_reading_thread_id")),
        sa.ForeignKeyConstraint(["ente_id"], ["ente.id"], name=op.f("fk_text_reading_ente_id")),
        sa.ForeignKeyConstraint(["user_id"], ["app_user.id"], name=op.f("fk_text_reading_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_text_reading")),
    )
    op.create_index("ix_text_reading_thread_id", "text_reading", ["thread_id", "user_id"])
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON text_reading TO {APP}")
    for statement in protect_unattributed("text_reading"):
        op.execute(statement)


def _voicemail() -> None:
    op.add_column(
        "recording_setting", sa.Column("voicemail_days", sa.SmallInteger(), nullable=False, server_default="30")
    )
    op.create_check_constraint(
        op.f("ck_recording_setting_voicemail_days"), "recording_setting", "voicemail_days BETWEEN 1 AND 365"
    )
    op.drop_index("ix_voicemail_let_go", table_name="voicemail")
    op.drop_index("ix_voicemail_at_the_carrier", table_name="voicemail")
    op.alter_column("voicemail", "recording_sid", new_column_name="carrier_sid")
    op.add_column("voicemail", sa.Column("at_carrier", sa.Boolean(), nullable=False, server_default="true"))
    op.alter_column("voicemail", "at_carrier", server_default=None)
    op.add_column("voicemail", sa.Column("key", sa.LargeBinary()))
    op.add_column("voicemail", sa.Column("size", sa.BigInteger()))
    op.add_column("voicemail", sa.Column("gone", sa.String(32)))
    op.add_column("voicemail", sa.Column("unsealed", sa.String(64)))
    op.create_check_constraint(op.f("ck_voicemail_gone"), "voicemail", GONE)
    op.execute("ALTER TABLE voicemail NO FORCE ROW LEVEL SECURITY")
    op.execute("UPDATE voicemail SET at_carrier = let_go_at IS NULL")
    op.execute("UPDATE voicemail SET gone = 'expired', sha256 = NULL WHERE deleted_at IS NOT NULL")
    op.execute("UPDATE voicemail SET unsealed = sha256, sha256 = NULL WHERE deleted_at IS NULL")
    op.execute("ALTER TABLE voicemail FORCE ROW LEVEL SECURITY")
    op.drop_column("voicemail", "let_go_at")
    op.create_index(
        "ix_voicemail_elsewhere", "voicemail", ["left_at"],
        postgresql_where=sa.text("at_carrier OR unsealed IS NOT NULL"),
    )  # fmt: skip


def downgrade() -> None:
    """What was encrypted meanwhile cannot be heard by the version before."""
    op.drop_table("text_reading")
    op.drop_index("ix_text_thread_to_forget", table_name="text_thread")
    op.drop_index("ix_text_thread_closed", table_name="text_thread")
    op.drop_column("text_thread", "forgotten_at")
    op.drop_index("ix_voicemail_elsewhere", table_name="voicemail")
    op.add_column("voicemail", sa.Column("let_go_at", INSTANT))
    op.execute("ALTER TABLE voicemail NO FORCE ROW LEVEL SECURITY")
    op.execute("UPDATE voicemail SET let_go_at = left_at WHERE NOT at_carrier")
    op.execute("UPDATE voicemail SET sha256 = unsealed WHERE unsealed IS NOT NULL")
    op.execute("ALTER TABLE voicemail FORCE ROW LEVEL SECURITY")
    op.drop_constraint(op.f("ck_voicemail_gone"), "voicemail")
    for column in ("unsealed", "gone", "size", "key", "at_carrier"):
        op.drop_column("voicemail", column)
    op.alter_column("voicemail", "carrier_sid", new_column_name="recording_sid")
    op.create_index(
        "ix_voicemail_at_the_carrier", "voicemail", ["left_at"],
        postgresql_where=sa.text("sha256 IS NULL AND deleted_at IS NULL"),
    )  # fmt: skip
    op.create_index(
        "ix_voicemail_let_go", "voicemail", ["left_at"],
        postgresql_where=sa.text("let_go_at IS NULL AND sha256 IS NOT NULL"),
    )  # fmt: skip
    op.drop_constraint(op.f("ck_recording_setting_voicemail_days"), "recording_setting")
    op.drop_column("recording_setting", "voicemail_days")

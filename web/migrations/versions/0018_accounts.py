"""Who made an account; the secret of an authenticator being set up belongs to the session that sets it up.

Revision ID: 0018
Revises: 0017
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    key = sa.ForeignKey("app_user.id", name=op.f("fk_app_user_made_by"))
    op.add_column("app_user", sa.Column("made_by", sa.BigInteger(), key))
    op.execute(
        """
        UPDATE app_user SET made_by = user_event.by_id FROM user_event
        WHERE user_event.user_id = app_user.id AND user_event.kind = 'user.created'
        """
    )
    op.add_column("user_session", sa.Column("secret", sa.LargeBinary()))
    op.execute("DELETE FROM second_factor WHERE confirmed_at IS NULL")
    op.alter_column("second_factor", "confirmed_at", nullable=False)


def downgrade() -> None:
    op.alter_column("second_factor", "confirmed_at", nullable=True)
    op.drop_column("user_session", "secret")
    op.drop_column("app_user", "made_by")

"""Until when each mail has to be answered, and which answer was to which mail.

Revision ID: 0120
Revises: 0119
"""

import sqlalchemy as sa
from alembic import op

revision = "0120"
down_revision = "0119"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("mail_thread", sa.Column("answer_by", sa.DateTime(timezone=True)))
    # What waits already: 30 days, as the law has it where nothing else is said (L. 241/1990, art. 2, c. 2).
    op.execute("UPDATE mail_thread SET answer_by = waiting_since + interval '30 days' WHERE state = 'open'")
    op.create_check_constraint(
        op.f("ck_mail_thread_answered_by_when"), "mail_thread", "(answer_by IS NULL) = (waiting_since IS NULL)"
    )
    op.create_index(
        "ix_mail_thread_answer_by", "mail_thread", ["answer_by", "id"], postgresql_where=sa.text("state = 'open'")
    )
    op.drop_index("ix_mail_thread_waiting", "mail_thread")
    op.add_column("mail", sa.Column("answered_by", sa.Uuid()))
    op.create_foreign_key(op.f("fk_mail_answered_by"), "mail", "mail", ["answered_by"], ["id"])
    op.execute(
        "UPDATE mail SET answered_by = (SELECT a.id FROM mail a WHERE a.thread_id = mail.thread_id AND NOT a.inbound "
        "AND a.agent_id IS NOT NULL AND a.at = mail.answered_at ORDER BY a.id LIMIT 1) WHERE answered_at IS NOT NULL"
    )


def downgrade() -> None:
    op.drop_constraint(op.f("fk_mail_answered_by"), "mail", type_="foreignkey")
    op.drop_column("mail", "answered_by")
    op.create_index(
        "ix_mail_thread_waiting", "mail_thread", ["waiting_since", "id"], postgresql_where=sa.text("state = 'open'")
    )
    op.drop_index("ix_mail_thread_answer_by", "mail_thread")
    op.drop_constraint(op.f("ck_mail_thread_answered_by_when"), "mail_thread", type_="check")
    op.drop_column("mail_thread", "answer_by")

"""Mails and files too large for a mail server or a scanner; mailboxes for which there is no token; who waits in each.

Revision ID: 0125
Revises: 0124
"""

import sqlalchemy as sa
from alembic import op

from web.migrations.choices import allow, forbid

revision = "0125"
down_revision = "0124"
branch_labels = None
depends_on = None
SCANNED = ("mail_attachment", "mail_enclosure", "case_document", "submission_file")


def upgrade() -> None:
    allow("message", "reason", "reason", "too_large")
    allow("mailbox", "trouble", "trouble", "token")
    for table in SCANNED:
        allow(table, "scan", "scan", "too_large")
    columns = ["mailbox_id", "contract_id", "ente_id"]
    op.create_index("ix_mail_thread_waiting", "mail_thread", columns, postgresql_where=sa.text("state = 'open'"))


def downgrade() -> None:
    op.drop_index("ix_mail_thread_waiting", "mail_thread")
    for table in SCANNED:
        forbid(table, "scan", "scan", "too_large")
    forbid("mailbox", "trouble", "trouble", "token")
    forbid("message", "reason", "reason", "too_large")

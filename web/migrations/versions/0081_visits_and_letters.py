"""Visits at the desk and letters handed over, on timelines; a note of each visit; days that end at the desks.

Revision ID: 0081
Revises: 0080
"""

import sqlalchemy as sa
from alembic import op

from web.migrations.choices import allow, forbid

revision = "0081"
down_revision = "0080"
branch_labels = None
depends_on = None


def upgrade() -> None:
    allow("timeline_entry", "entry_kind", "kind", "visit", "letter")
    op.add_column("turn", sa.Column("note", sa.String(2000), nullable=False, server_default=""))
    op.alter_column("turn", "note", server_default=None)
    allow("turn", "turn_state", "state", "closed")
    allow("turn_event", "deed", "deed", "closed")
    allow("appointment", "appointment_state", "state", "unserved")
    allow("appointment_event", "appointment_deed", "deed", "closed")
    op.add_column("bookable_service", sa.Column("walk_ins", sa.SmallInteger()))
    op.create_check_constraint(op.f("ck_bookable_service_walk_ins"), "bookable_service", "walk_ins BETWEEN 0 AND 1000")


def downgrade() -> None:
    op.drop_constraint(op.f("ck_bookable_service_walk_ins"), "bookable_service", type_="check")
    op.drop_column("bookable_service", "walk_ins")
    forbid("appointment_event", "appointment_deed", "deed", "closed")
    forbid("appointment", "appointment_state", "state", "unserved")
    forbid("turn_event", "deed", "deed", "closed")
    forbid("turn", "turn_state", "state", "closed")
    op.drop_column("turn", "note")
    forbid("timeline_entry", "entry_kind", "kind", "visit", "letter")

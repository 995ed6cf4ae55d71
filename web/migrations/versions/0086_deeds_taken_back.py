"""A deed at the desk that was a mistake is taken back by an event of its own; a number that was, is nobody's.

Revision ID: 0086
Revises: 0085
"""

from web.migrations.choices import allow, forbid

revision = "0086"
down_revision = "0085"
branch_labels = None
depends_on = None


def upgrade() -> None:
    allow("turn", "turn_state", "state", "withdrawn")
    allow("turn_event", "deed", "deed", "retracted")


def downgrade() -> None:
    forbid("turn_event", "deed", "deed", "retracted")
    forbid("turn", "turn_state", "state", "withdrawn")

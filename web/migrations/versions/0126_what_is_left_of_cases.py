"""How many instalments a case asks for and is granted; adhesion to an assessment; debts that change; extensions told.

Revision ID: 0126
Revises: 0125
"""

import sqlalchemy as sa
from alembic import op

from web.migrations.choices import allow, forbid

revision = "0126"
down_revision = "0125"
branch_labels = None
depends_on = None

DEEDS, TERMS = ("summon", "concern"), ("summoned", "longer_told")


def upgrade() -> None:
    for name in ("instalments_asked", "instalments_granted"):
        op.add_column("case_request", sa.Column(name, sa.SmallInteger()))
    op.create_check_constraint(
        op.f("ck_case_request_instalments"), "case_request", "instalments_asked > 1 AND instalments_granted > 1"
    )
    for table in ("case_request", "submission_draft"):
        allow(table, "topic", "topic", "adhesion")
    for table in ("case_request", "case_step"):
        allow(table, "state", "state", "summoned")
    allow("case_step", "deed", "deed", *DEEDS)
    allow("case_term", "term_kind", "kind", *TERMS)


def downgrade() -> None:
    op.execute("UPDATE case_request SET topic = 'self_correction' WHERE topic = 'adhesion'")
    op.execute("UPDATE case_request SET state = 'working' WHERE state = 'summoned'")
    op.execute("UPDATE case_step SET state = 'working' WHERE state = 'summoned'")
    op.execute("DELETE FROM case_step WHERE deed IN ('summon', 'concern')")
    op.execute("DELETE FROM case_term WHERE kind IN ('summoned', 'longer_told')")
    forbid("case_term", "term_kind", "kind", *TERMS)
    forbid("case_step", "deed", "deed", *DEEDS)
    for table in ("case_request", "case_step"):
        forbid(table, "state", "state", "summoned")
    for table in ("case_request", "submission_draft"):
        forbid(table, "topic", "topic", "adhesion")
    op.drop_constraint(op.f("ck_case_request_instalments"), "case_request", type_="check")
    for name in ("instalments_granted", "instalments_asked"):
        op.drop_column("case_request", name)

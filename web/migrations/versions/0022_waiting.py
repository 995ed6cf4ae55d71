"""Documents wait for their taxpayers as positions do.

Revision ID: 0022
Revises: 0021
"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

BY_PERSON = "ente_id_codice_fiscale"


def upgrade() -> None:
    op.rename_table("waiting_position", "waiting_record")
    op.add_column("waiting_record", sa.Column("of", sa.String(32), nullable=False, server_default="position"))
    op.alter_column("waiting_record", "of", server_default=None)
    kinds = "\"of\" IN ('taxpayer', 'position', 'document')"
    op.create_check_constraint(op.f("ck_waiting_record_of"), "waiting_record", kinds)
    op.execute(f"ALTER INDEX ix_waiting_position_{BY_PERSON} RENAME TO ix_waiting_record_{BY_PERSON}")
    op.execute("ALTER TABLE waiting_record RENAME CONSTRAINT fk_waiting_position_ente_id TO fk_waiting_record_ente_id")
    _key("pk_waiting_position", "pk_waiting_record", ["ente_id", "of", "reference"])


def downgrade() -> None:
    op.execute("ALTER TABLE waiting_record NO FORCE ROW LEVEL SECURITY")
    op.execute("DELETE FROM waiting_record WHERE \"of\" <> 'position'")
    op.execute("ALTER TABLE waiting_record FORCE ROW LEVEL SECURITY")
    _key("pk_waiting_record", "pk_waiting_position", ["ente_id", "reference"])
    op.execute("ALTER TABLE waiting_record RENAME CONSTRAINT fk_waiting_record_ente_id TO fk_waiting_position_ente_id")
    op.execute(f"ALTER INDEX ix_waiting_record_{BY_PERSON} RENAME TO ix_waiting_position_{BY_PERSON}")
    op.drop_constraint(op.f("ck_waiting_record_of"), "waiting_record", type_="check")
    op.drop_column("waiting_record", "of")
    op.rename_table("waiting_record", "waiting_position")


def _key(old: str, new: str, columns: list[str]) -> None:
    op.drop_constraint(op.f(old), "waiting_record", type_="primary")
    op.create_primary_key(op.f(new), "waiting_record", columns)

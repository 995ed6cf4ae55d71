"""Searches are added up before they are noted; an end of contract remembers what it took the ente from.

That entries were let go of is marked as seals are; what was let go of before has no mark, and verifying tells so.
Entries of an ended ente go seal by seal, by `expire_audit` alone, so that none goes that was not handed over.

Revision ID: 0017
Revises: 0016
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from web.migrations.isolation import APP, protect

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
# As 0011 has it, but for the tables.
FORGET = """
CREATE OR REPLACE FUNCTION forget_ended(of_table text, of_ente bigint, most integer) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    gone bigint;
BEGIN
    IF of_table NOT IN ({tables})
        OR NOT of_ente = ANY (string_to_array(current_setting('app.enti'), ',')::bigint[]) THEN
        RAISE insufficient_privilege USING MESSAGE = 'not of this scope';
    END IF;
    EXECUTE format(
        'DELETE FROM public.%I WHERE ctid = ANY (ARRAY(SELECT ctid FROM public.%I WHERE ente_id = $1 LIMIT $2))',
        of_table, of_table
    ) USING of_ente, most;
    GET DIAGNOSTICS gone = ROW_COUNT;
    RETURN gone;
END
$$
"""
# Numbers of notices and of receipts, of persons who were erased before these were taken out, too.
NAMELESS = """
UPDATE position SET
    {column} = (SELECT coalesce(jsonb_agg(one - 'notice_number' - 'receipt' ORDER BY place), '[]')
        FROM jsonb_array_elements({column}) WITH ORDINALITY AS them (one, place))
WHERE digest = 'erased'
"""


def upgrade() -> None:
    op.add_column("audit_expiry", sa.Column("mark", sa.LargeBinary(), nullable=False, server_default=""))
    op.alter_column("audit_expiry", "mark", server_default=None)
    op.add_column(
        "ente_end", sa.Column("contracts", postgresql.ARRAY(sa.BigInteger()), nullable=False, server_default="{}")
    )
    op.alter_column("ente_end", "contracts", server_default=None)
    op.add_column("ente_end", sa.Column("log_through", sa.BigInteger()))
    op.add_column("ente_end", sa.Column("log_taken_at", INSTANT))
    op.execute(FORGET.format(tables="'call_event', 'service_fact'"))
    _searches()
    op.execute("ALTER TABLE position NO FORCE ROW LEVEL SECURITY")
    for column in ("payments", "instalments"):
        op.execute(NAMELESS.format(column=column))
    op.execute("ALTER TABLE position FORCE ROW LEVEL SECURITY")


def _searches() -> None:
    op.create_table(
        "search_tally",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("since", INSTANT, nullable=False),
        sa.Column("place", sa.String(80), nullable=False),
        sa.Column("searches", sa.BigInteger(), nullable=False),
        sa.Column("shown", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["app_user.id"], name=op.f("fk_search_tally_user_id")),
        sa.ForeignKeyConstraint(["ente_id"], ["ente.id"], name=op.f("fk_search_tally_ente_id")),
        sa.PrimaryKeyConstraint("user_id", "ente_id", name=op.f("pk_search_tally")),
    )
    for statement in (*protect("search_tally"), f"GRANT SELECT, INSERT, UPDATE, DELETE ON search_tally TO {APP}"):
        op.execute(statement)


def downgrade() -> None:
    op.drop_table("search_tally")
    op.execute(FORGET.format(tables="'audit_entry', 'call_event', 'service_fact'"))
    for name in ("log_taken_at", "log_through", "contracts"):
        op.drop_column("ente_end", name)
    op.drop_column("audit_expiry", "mark")

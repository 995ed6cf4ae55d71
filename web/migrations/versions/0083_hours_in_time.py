"""Opening hours and holidays keep what they were: the past is judged by its own.

Revision ID: 0083
Revises: 0082
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from web.migrations.isolation import APP, protect, protect_unattributed, publish

revision = "0083"
down_revision = "0082"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
# What is known of the past holds for all of it, written by nobody that is known.
BEFORE = """
    INSERT INTO opening_week (contract_id, ente_id, since, days, written_at)
    SELECT contract_id, ente_id, '2000-01-01 00:00+01',
           (SELECT jsonb_agg(coalesce(told, '') ORDER BY d) FROM generate_series(0, 6) d LEFT JOIN (
               SELECT weekday, string_agg(to_char(opens, 'HH24:MI') || '-' || CASE closes WHEN '00:00' THEN '24:00'
                      ELSE to_char(closes, 'HH24:MI') END, ', ' ORDER BY opens) AS told
               FROM opening_hours h
               WHERE h.contract_id = o.contract_id AND h.ente_id IS NOT DISTINCT FROM o.ente_id GROUP BY weekday
           ) t ON t.weekday = d), now()
    FROM (SELECT DISTINCT contract_id, ente_id FROM opening_hours) o
"""
AFTER = """
    INSERT INTO opening_hours (contract_id, ente_id, weekday, opens, closes)
    SELECT contract_id, ente_id, d - 1, split_part(span, '-', 1)::time,
           replace(split_part(span, '-', 2), '24:00', '00:00')::time
    FROM (SELECT DISTINCT ON (contract_id, ente_id) * FROM opening_week WHERE withdrawn_at IS NULL AND since <= now()
          ORDER BY contract_id, ente_id, since DESC, id DESC) w,
         jsonb_array_elements_text(days) WITH ORDINALITY t (told, d), regexp_split_to_table(told, ', ') span
    WHERE span <> ''
"""


def upgrade() -> None:
    op.create_table(
        "opening_week",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("contract_id", sa.BigInteger(), nullable=False),
        sa.Column("ente_id", sa.BigInteger()),
        sa.Column("since", INSTANT, nullable=False),
        sa.Column("days", JSONB(), nullable=False),
        sa.Column("written_by", sa.BigInteger()),
        sa.Column("written_at", INSTANT, nullable=False),
        sa.Column("withdrawn_by", sa.BigInteger()),
        sa.Column("withdrawn_at", INSTANT),
        sa.CheckConstraint("jsonb_array_length(days) = 7", name=op.f("ck_opening_week_days")),
        sa.CheckConstraint("withdrawn_at IS NULL OR withdrawn_at < since", name=op.f("ck_opening_week_withdrawn")),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name=op.f("fk_opening_week_contract_id")),
        sa.ForeignKeyConstraint(["ente_id"], ["ente.id"], name=op.f("fk_opening_week_ente_id")),
        sa.ForeignKeyConstraint(["written_by"], ["app_user.id"], name=op.f("fk_opening_week_written_by")),
        sa.ForeignKeyConstraint(["withdrawn_by"], ["app_user.id"], name=op.f("fk_opening_week_withdrawn_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_opening_week")),
    )
    op.create_index("ix_opening_week_contract_id", "opening_week", ["contract_id", "ente_id", "since"])
    op.create_table(
        "holiday_change",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("until", INSTANT, nullable=False),
        sa.Column("observes_holidays", sa.Boolean(), nullable=False),
        sa.Column("patron_month", sa.SmallInteger(), nullable=False),
        sa.Column("patron_day", sa.SmallInteger(), nullable=False),
        sa.ForeignKeyConstraint(["ente_id"], ["ente.id"], name=op.f("fk_holiday_change_ente_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_holiday_change")),
    )
    op.create_index("ix_holiday_change_ente_id", "holiday_change", ["ente_id", "until"])
    op.execute("ALTER TABLE opening_hours NO FORCE ROW LEVEL SECURITY")
    op.execute(BEFORE)
    op.drop_table("opening_hours")
    for table, kept in (("opening_week", protect_unattributed), ("holiday_change", protect)):
        for statement in (*kept(table), publish(table)):
            op.execute(statement)
        op.execute(
            f"CREATE TRIGGER raise_configuration_version AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION raise_configuration_version()"
        )
    op.execute(f"GRANT SELECT, INSERT, DELETE ON opening_week, holiday_change TO {APP}")  # they go with their ente
    op.execute(f"GRANT UPDATE (withdrawn_by, withdrawn_at) ON opening_week TO {APP}")


def downgrade() -> None:
    """Of each contract's and ente's hours those that hold now stay."""
    op.create_table(
        "opening_hours",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("contract_id", sa.BigInteger(), nullable=False),
        sa.Column("ente_id", sa.BigInteger()),
        sa.Column("weekday", sa.SmallInteger(), nullable=False),
        sa.Column("opens", sa.Time(), nullable=False),
        sa.Column("closes", sa.Time(), nullable=False),
        sa.CheckConstraint("weekday BETWEEN 0 AND 6", name=op.f("ck_opening_hours_weekday")),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name=op.f("fk_opening_hours_contract_id")),
        sa.ForeignKeyConstraint(["ente_id"], ["ente.id"], name=op.f("fk_opening_hours_ente_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_opening_hours")),
    )
    op.execute("ALTER TABLE opening_week NO FORCE ROW LEVEL SECURITY")
    op.execute(AFTER)
    op.drop_table("opening_week")
    op.drop_table("holiday_change")
    for statement in (*protect_unattributed("opening_hours"), publish("opening_hours")):
        op.execute(statement)
    op.execute(
        "CREATE TRIGGER raise_configuration_version AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON opening_hours "
        "FOR EACH STATEMENT EXECUTE FUNCTION raise_configuration_version()"
    )
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON opening_hours TO {APP}")
    op.execute(f"GRANT USAGE ON SEQUENCE opening_hours_id_seq TO {APP}")

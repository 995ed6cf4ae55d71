"""When the service was there, what stopped it, what was said of it; backups and drills.

Revision ID: 0056
Revises: 0055
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from web.migrations.isolation import APP, protect

revision = "0056"
down_revision = "0055"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
TABLES = (
    "continuity_run", "service_follower", "service_notice", "interruption_remark", "interruption", "service_spell",
)  # fmt: skip


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False)


def upgrade() -> None:
    _measured()
    _remarks()
    _told()
    _runs()


def _measured() -> None:
    op.create_table(
        "service_spell",
        _id(),
        sa.Column("part", sa.String(32), nullable=False),
        sa.Column("began_at", INSTANT, nullable=False),
        sa.Column("last_at", INSTANT, nullable=False),
        sa.CheckConstraint("part IN ('pages', 'engine')", name=op.f("ck_service_spell_part")),
        sa.CheckConstraint("last_at >= began_at", name=op.f("ck_service_spell_order")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_spell")),
    )
    op.create_index("ix_service_spell_part_last_at", "service_spell", ["part", "last_at"])
    op.execute(f"GRANT SELECT, INSERT, UPDATE (last_at) ON service_spell TO {APP}")
    op.create_table(
        "interruption",
        _id(),
        sa.Column("cause", sa.String(32), nullable=False),
        sa.Column("began_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT),
        sa.Column("found_at", INSTANT, nullable=False),
        sa.Column("told_at", INSTANT),
        sa.Column("end_told_at", INSTANT),
        sa.Column("apologies", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "cause IN ('everything', 'database', 'pages', 'carrier')", name=op.f("ck_interruption_cause")
        ),
        sa.CheckConstraint("ended_at >= began_at", name=op.f("ck_interruption_order")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_interruption")),
    )
    op.create_index(
        "uq_interruption_open", "interruption", ["cause"], unique=True, postgresql_where=sa.text("ended_at IS NULL")
    )
    op.create_index("ix_interruption_began_at", "interruption", ["began_at"])
    op.execute(f"GRANT SELECT, INSERT, UPDATE (ended_at, told_at, end_told_at, apologies) ON interruption TO {APP}")
    op.execute(
        """
        CREATE FUNCTION interruption_stands() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF OLD.ended_at IS NOT NULL AND NEW.ended_at IS DISTINCT FROM OLD.ended_at
               OR OLD.told_at IS NOT NULL AND NEW.told_at IS DISTINCT FROM OLD.told_at
               OR NEW.apologies < OLD.apologies THEN
                RAISE EXCEPTION 'what was measured of an interruption stands' USING ERRCODE = 'restrict_violation';
            END IF;
            RETURN NEW;
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER interruption_stands BEFORE UPDATE ON interruption "
        "FOR EACH ROW EXECUTE FUNCTION interruption_stands()"
    )


def _remarks() -> None:
    table = "interruption_remark"
    refers = {
        "contract_id": "contract.id", "ente_id": "ente.id", "interruption_id": "interruption.id",
        "said_by": "app_user.id", "decided_by": "app_user.id",
    }  # fmt: skip
    op.create_table(
        table,
        _id(),
        sa.Column("contract_id", sa.BigInteger(), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("interruption_id", sa.BigInteger(), nullable=False),
        sa.Column("words", sa.String(400), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("said_by", sa.BigInteger(), nullable=False),
        sa.Column("said_at", INSTANT, nullable=False),
        sa.Column("decided_by", sa.BigInteger()),
        sa.Column("decided_at", INSTANT),
        sa.Column("decision", sa.String(400), nullable=False),
        sa.CheckConstraint(
            "state IN ('asked', 'approved', 'refused')", name=op.f("ck_interruption_remark_remark_state")
        ),
        sa.CheckConstraint(
            "(decided_by IS NULL) = (decided_at IS NULL)", name=op.f("ck_interruption_remark_decided")
        ),
        *(
            sa.ForeignKeyConstraint([column], [target], name=op.f(f"fk_{table}_{column}"))
            for column, target in refers.items()
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_interruption_remark")),
    )  # fmt: skip
    op.create_index(
        "uq_interruption_remark_open", table, ["contract_id", "ente_id", "interruption_id"], unique=True,
        postgresql_where=sa.text("state IN ('asked', 'approved')"),
    )  # fmt: skip
    for statement in protect(table):
        op.execute(statement)
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {APP}")


def _told() -> None:
    op.create_table(
        "service_notice",
        _id(),
        sa.Column("words", sa.String(400), nullable=False),
        sa.Column("until", INSTANT),
        sa.Column("over", sa.Boolean(), nullable=False),
        sa.Column("published_by", sa.BigInteger(), nullable=False),
        sa.Column("published_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["published_by"], ["app_user.id"], name=op.f("fk_service_notice_published_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_notice")),
    )
    op.execute(f"GRANT SELECT, INSERT ON service_notice TO {APP}")
    op.create_table(
        "service_follower",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("since", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["app_user.id"], name=op.f("fk_service_follower_user_id")),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_service_follower")),
    )
    op.execute(f"GRANT SELECT, INSERT, DELETE ON service_follower TO {APP}")


def _runs() -> None:
    op.create_table(
        "continuity_run",
        _id(),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("archive", sa.String(120), nullable=False),
        sa.Column("began_at", INSTANT, nullable=False),
        sa.Column("alive_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT),
        sa.Column("detail", JSONB(), nullable=False),
        sa.CheckConstraint("kind IN ('backup', 'drill')", name=op.f("ck_continuity_run_run_kind")),
        sa.CheckConstraint("state IN ('running', 'done', 'failed')", name=op.f("ck_continuity_run_run_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_continuity_run")),
    )
    op.create_index(
        "uq_continuity_run_running", "continuity_run", ["kind"], unique=True,
        postgresql_where=sa.text("state = 'running'"),
    )  # fmt: skip
    op.create_index("ix_continuity_run_kind_began_at", "continuity_run", ["kind", "began_at"])
    op.execute(f"GRANT SELECT, INSERT, UPDATE (state, archive, alive_at, ended_at, detail) ON continuity_run TO {APP}")


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
    op.execute("DROP FUNCTION interruption_stands()")

"""The audit is sealed in chains, personal values in it are under a key per person, unusual reading is raised.

Revision ID: 0011
Revises: 0010
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from web.migrations.isolation import APP, protect, protect_or_nobodys

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

OWNER = "filodiretto_owner"

# Whoever adds an entry, however he does it, leaves it to be sealed.
LEAVE = """
CREATE FUNCTION leave_to_be_sealed() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    INSERT INTO public.audit_unsealed (entry_id, ente_id) SELECT id, ente_id FROM added;
    RETURN NULL;
END
$$
"""

# The application adds entries and removes none. What is older than 24 months may go through this function alone, which
# the owner's policy holds to that; the scope of whoever calls it bounds the enti.
EXPIRE = """
CREATE FUNCTION expire_audit(wanted bigint[]) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    gone bigint;
BEGIN
    DELETE FROM public.audit_entry WHERE id = ANY (wanted) AND
        (ente_id IS NULL OR ente_id = ANY (string_to_array(current_setting('app.enti'), ',')::bigint[]));
    GET DIAGNOSTICS gone = ROW_COUNT;
    RETURN gone;
END
$$
"""
# The rows of an ente whose contract ended, when two persons have said so: of the tables that are only added to.
FORGET = """
CREATE FUNCTION forget_ended(of_table text, of_ente bigint, most integer) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    gone bigint;
BEGIN
    IF of_table NOT IN ('audit_entry', 'call_event', 'service_fact')
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
ENDED = "ente_id IN (SELECT e.ente_id FROM ente_end e WHERE e.state = 'deleting' AND e.confirmed_at IS NOT NULL)"
FORGOTTEN = ("audit_entry", "call_event", "service_fact")

OLD = f"CREATE POLICY old ON audit_entry TO {OWNER} USING (occurred_at < now() - interval '24 months')"


def upgrade() -> None:
    _entries()
    _sealing()
    _alerts()
    _persons()
    _ends()
    _breaches()


def _entries() -> None:
    op.add_column("audit_entry", sa.Column("secret", sa.LargeBinary()))
    op.create_check_constraint(
        op.f("ck_audit_entry_secret"),
        "audit_entry",
        "secret IS NULL OR (ente_id IS NOT NULL AND contact_id IS NOT NULL)",
    )
    op.create_index("ix_audit_entry_actor_id_occurred_at", "audit_entry", ["actor_id", "occurred_at"])
    op.create_index("ix_audit_entry_occurred_at_id", "audit_entry", ["occurred_at", "id"])
    op.create_table(
        "person_key",
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["ente_id"], ["ente.id"], name=op.f("fk_person_key_ente_id")),
        sa.PrimaryKeyConstraint("ente_id", "contact_id", name=op.f("pk_person_key")),
    )
    _run(*protect("person_key"), f"GRANT SELECT, INSERT, DELETE ON person_key TO {APP}")


def _sealing() -> None:
    op.create_table(
        "audit_unsealed",
        sa.Column("entry_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("ente_id", sa.BigInteger()),
        sa.ForeignKeyConstraint(["ente_id"], ["ente.id"], name=op.f("fk_audit_unsealed_ente_id")),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_audit_unsealed")),
    )
    op.create_table(
        "audit_seal",
        sa.Column("chain", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("ente_id", sa.BigInteger()),
        sa.Column("sealed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("entries", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("mark", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("chain = coalesce(ente_id, 0)", name=op.f("ck_audit_seal_chain")),
        sa.CheckConstraint("cardinality(entries) > 0", name=op.f("ck_audit_seal_entries")),
        sa.CheckConstraint("octet_length(hashes) = 32 * cardinality(entries)", name=op.f("ck_audit_seal_hashes")),
        sa.ForeignKeyConstraint(["ente_id"], ["ente.id"], name=op.f("fk_audit_seal_ente_id")),
        sa.PrimaryKeyConstraint("chain", "number", name=op.f("pk_audit_seal")),
    )
    op.create_table(
        "audit_expiry",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("chain", sa.BigInteger(), nullable=False),
        sa.Column("ente_id", sa.BigInteger()),
        sa.Column("through", sa.BigInteger(), nullable=False),
        sa.Column("entries", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("chain = coalesce(ente_id, 0)", name=op.f("ck_audit_expiry_chain")),
        sa.CheckConstraint("reason IN ('retention', 'contract_ended')", name=op.f("ck_audit_expiry_expiry_reason")),
        sa.ForeignKeyConstraint(["ente_id"], ["ente.id"], name=op.f("fk_audit_expiry_ente_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_expiry")),
    )
    for table in ("audit_unsealed", "audit_seal", "audit_expiry"):
        _run(*protect_or_nobodys(table), f"GRANT SELECT, INSERT ON {table} TO {APP}")
    _run(
        f"GRANT DELETE ON audit_unsealed TO {APP}",
        LEAVE,
        "CREATE TRIGGER leave_to_be_sealed AFTER INSERT ON audit_entry REFERENCING NEW TABLE AS added"
        " FOR EACH STATEMENT EXECUTE FUNCTION leave_to_be_sealed()",
        "REVOKE ALL ON FUNCTION leave_to_be_sealed() FROM PUBLIC",
        # What was written before: nobody has it sealed otherwise.
        "ALTER TABLE audit_entry NO FORCE ROW LEVEL SECURITY",
        "ALTER TABLE audit_unsealed NO FORCE ROW LEVEL SECURITY",
        "INSERT INTO audit_unsealed (entry_id, ente_id) SELECT id, ente_id FROM audit_entry",
        "ALTER TABLE audit_entry FORCE ROW LEVEL SECURITY",
        "ALTER TABLE audit_unsealed FORCE ROW LEVEL SECURITY",
        EXPIRE,
        "REVOKE ALL ON FUNCTION expire_audit(bigint[]) FROM PUBLIC",
        f"GRANT EXECUTE ON FUNCTION expire_audit(bigint[]) TO {APP}",
        OLD,
    )


def _alerts() -> None:
    op.create_table(
        "reading_alert",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("rule", sa.String(32), nullable=False),
        sa.Column("files", sa.BigInteger(), nullable=False),
        sa.Column("usual", sa.BigInteger(), nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_by", sa.BigInteger()),
        sa.Column("seen_at", sa.DateTime(timezone=True)),
        sa.Column("explanation", sa.String(400), nullable=False),
        sa.CheckConstraint("rule IN ('hour', 'day', 'unusual')", name=op.f("ck_reading_alert_reading_rule")),
        sa.ForeignKeyConstraint(["ente_id"], ["ente.id"], name=op.f("fk_reading_alert_ente_id")),
        sa.ForeignKeyConstraint(["user_id"], ["app_user.id"], name=op.f("fk_reading_alert_user_id")),
        sa.ForeignKeyConstraint(["seen_by"], ["app_user.id"], name=op.f("fk_reading_alert_seen_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reading_alert")),
        sa.UniqueConstraint(
            "ente_id", "user_id", "day", "rule", name=op.f("uq_reading_alert_ente_id_user_id_day_rule")
        ),
    )
    _run(*protect("reading_alert"), f"GRANT SELECT, INSERT, UPDATE, DELETE ON reading_alert TO {APP}")


def _persons() -> None:
    op.create_table(
        "person_export",
        *_request(),
        sa.Column("parts", sa.BigInteger(), nullable=False),
        sa.Column("parts_made", sa.BigInteger(), nullable=False),
        sa.Column("path", sa.String(400)),
        sa.Column("bytes", sa.BigInteger()),
        sa.Column("expires_at", sa.DateTime(timezone=True)),
        sa.Column("taken_by", sa.BigInteger()),
        sa.Column("taken_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint(
            "state IN ('waiting', 'ready', 'taken', 'expired', 'stopped')", name=op.f("ck_person_export_export_state")
        ),
        *_requested("person_export"),
        sa.ForeignKeyConstraint(["taken_by"], ["app_user.id"], name=op.f("fk_person_export_taken_by")),
    )
    op.create_table(
        "person_erasure",
        *_request(),
        sa.Column("protocol", sa.String(80), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True)),
        sa.Column("outcome", postgresql.JSONB(), nullable=False),
        sa.CheckConstraint(
            "state IN ('waiting', 'done', 'refused', 'stopped')", name=op.f("ck_person_erasure_erasure_state")
        ),
        *_requested("person_erasure"),
    )
    op.create_table(
        "erased_person",
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("mark", sa.LargeBinary(), nullable=False),
        sa.Column("erasure_id", sa.BigInteger(), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["ente_id"], ["ente.id"], name=op.f("fk_erased_person_ente_id")),
        sa.ForeignKeyConstraint(["erasure_id"], ["person_erasure.id"], name=op.f("fk_erased_person_erasure_id")),
        sa.PrimaryKeyConstraint("ente_id", "mark", name=op.f("pk_erased_person")),
    )
    for table in ("person_export", "person_erasure", "erased_person"):
        _run(*protect(table), f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {APP}")


def _request() -> tuple[sa.Column[object], ...]:
    return (
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("job_id", sa.BigInteger()),
        sa.Column("asked_by", sa.BigInteger(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
    )


def _requested(table: str) -> tuple[sa.Constraint, ...]:
    return (
        sa.ForeignKeyConstraint(["ente_id"], ["ente.id"], name=op.f(f"fk_{table}_ente_id")),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f(f"fk_{table}_job_id")),
        sa.ForeignKeyConstraint(["asked_by"], ["app_user.id"], name=op.f(f"fk_{table}_asked_by")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )


def _ends() -> None:
    op.create_table(
        "ente_end",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("job_id", sa.BigInteger()),
        sa.Column("reason", sa.String(200), nullable=False),
        sa.Column("asked_by", sa.BigInteger(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("path", sa.String(400)),
        sa.Column("log_path", sa.String(400)),
        sa.Column("sha256", sa.String(64)),
        sa.Column("parts", sa.BigInteger(), nullable=False),
        sa.Column("parts_made", sa.BigInteger(), nullable=False),
        sa.Column("taken_by", sa.BigInteger()),
        sa.Column("taken_at", sa.DateTime(timezone=True)),
        sa.Column("confirmed_by", sa.BigInteger()),
        sa.Column("confirmed_at", sa.DateTime(timezone=True)),
        sa.Column("done_at", sa.DateTime(timezone=True)),
        sa.Column("report", postgresql.JSONB(), nullable=False),
        sa.CheckConstraint(
            "state IN ('exporting', 'exported', 'handed_over', 'deleting', 'done', 'withdrawn', 'stopped')",
            name=op.f("ck_ente_end_end_state"),
        ),
        sa.CheckConstraint("confirmed_by <> asked_by", name=op.f("ck_ente_end_two_persons")),
        sa.CheckConstraint("(confirmed_by IS NULL) = (confirmed_at IS NULL)", name=op.f("ck_ente_end_confirmed")),
        sa.ForeignKeyConstraint(["ente_id"], ["ente.id"], name=op.f("fk_ente_end_ente_id")),
        sa.ForeignKeyConstraint(["asked_by"], ["app_user.id"], name=op.f("fk_ente_end_asked_by")),
        sa.ForeignKeyConstraint(["taken_by"], ["app_user.id"], name=op.f("fk_ente_end_taken_by")),
        sa.ForeignKeyConstraint(["confirmed_by"], ["app_user.id"], name=op.f("fk_ente_end_confirmed_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ente_end")),
    )
    op.create_index(
        "uq_ente_end_ente_id", "ente_end", ["ente_id"], unique=True,
        postgresql_where=sa.text("state NOT IN ('withdrawn', 'done')"),
    )  # fmt: skip
    _run(
        f"GRANT SELECT, INSERT, UPDATE ON ente_end TO {APP}",
        FORGET,
        "REVOKE ALL ON FUNCTION forget_ended(text, bigint, integer) FROM PUBLIC",
        f"GRANT EXECUTE ON FUNCTION forget_ended(text, bigint, integer) TO {APP}",
        *(f"CREATE POLICY ended ON {table} TO {OWNER} USING ({ENDED})" for table in FORGOTTEN),
    )


def _breaches() -> None:
    instants = ("happened_at", "ente_told_at", "garante_told_at", "persons_told_at", "closed_at")
    texts = ("what", "data", "consequences", "measures", "late_reason", "persons_not_told")
    op.create_table(
        "breach",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("ente_id", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in texts),
        *(sa.Column(name, sa.DateTime(timezone=True)) for name in instants),
        sa.Column("known_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("persons", sa.BigInteger()),
        sa.Column("risk", sa.String(32), nullable=False),
        sa.Column("recorded_by", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("risk IN ('unknown', 'unlikely', 'risk', 'high')", name=op.f("ck_breach_risk")),
        sa.ForeignKeyConstraint(["ente_id"], ["ente.id"], name=op.f("fk_breach_ente_id")),
        sa.ForeignKeyConstraint(["recorded_by"], ["app_user.id"], name=op.f("fk_breach_recorded_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_breach")),
    )
    _run(*protect("breach"), f"GRANT SELECT, INSERT, UPDATE, DELETE ON breach TO {APP}")


def downgrade() -> None:
    _run(
        *(f"DROP POLICY ended ON {table}" for table in FORGOTTEN), "DROP FUNCTION forget_ended(text, bigint, integer)"
    )  # fmt: skip
    for table in ("breach", "ente_end", "erased_person", "person_erasure", "person_export"):
        op.drop_table(table)
    op.drop_table("reading_alert")
    _run(
        "DROP POLICY old ON audit_entry", "DROP FUNCTION expire_audit(bigint[])",
        "DROP TRIGGER leave_to_be_sealed ON audit_entry", "DROP FUNCTION leave_to_be_sealed()",
    )  # fmt: skip
    for table in ("audit_expiry", "audit_seal", "audit_unsealed", "person_key"):
        op.drop_table(table)
    op.drop_index("ix_audit_entry_occurred_at_id", "audit_entry")
    op.drop_index("ix_audit_entry_actor_id_occurred_at", "audit_entry")
    op.drop_constraint(op.f("ck_audit_entry_secret"), "audit_entry", type_="check")
    op.drop_column("audit_entry", "secret")


def _run(*statements: str) -> None:
    for statement in statements:
        op.execute(statement)

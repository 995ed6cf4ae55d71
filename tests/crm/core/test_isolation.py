"""Tenant isolation, attacked in raw SQL as the roles that the product runs as."""

from collections.abc import Callable, Iterator
from typing import Any, LiteralString, cast

import psycopg
import pytest
from psycopg import errors, sql
from sqlalchemy import func, select

from crm.access import service as access
from crm.access.models import EnteExclusion, Role, RoleGrant, User
from crm.access.permissions import PERMISSIONS, Permission, Principal
from crm.contacts.models import (
    Contact,
)
from crm.core.db import Database, Scope
from crm.core.secrecy import Secrecy
from telephony.calls.models import Call
from tests.cast import Cast, arrive
from tests.crm.core.rows import one_of_each
from tests.databases import Copies, DatabaseUrls, PostgresServer
from tests.telephony.stage import Stage

pytestmark = pytest.mark.integration

Connection = psycopg.Connection[Any]
OWNER, APP, ROUTING = "filodiretto_owner", "filodiretto_app", "filodiretto_routing"

# Tables that name an ente and yet stand outside row-level security, each with its reason.
OUTSIDE = {
    "role_grant": "it says what a scope is, so it is read before there is one",
    "ente_exclusion": "it takes an ente out of a scope, so it is read before there is one",
    "contract_ente": "a scope is made of it; it names no taxpayer",
    "ente_end": "policies read it to let the rows of an ended ente go; it names no taxpayer",
    "phone_line": "a webhook learns from it which contract a called number belongs to; the numbers are published",
}
# Tables that name no ente: nothing in them may be a taxpayer's. A new table must be put somewhere on purpose.
OF_NOBODY = {
    "access_link", "agent_fact", "agent_presence", "agent_release", "agent_time", "alembic_version", "alert",
    "alert_rule", "app_user", "broadcast", "broadcast_reader", "carrier_command", "carrier_standing",
    "case_team", "case_team_member", "case_worker", "civic_file", "civic_incoming", "civic_number", "civic_street",
    "configuration_version", "continuity_run", "contract", "contract_agreement", "contract_condition",
    "contract_level", "contract_terms", "ente", "field_agent", "field_agent_file", "field_badge_pace", "field_company",
    "field_device", "field_paper", "field_register_head", "field_round_agent", "field_round_matrix",
    "field_round_plan", "field_round_published",
    "follow_up_list", "forecast_day", "heartbeat", "interruption",
    "ivr_flow", "ivr_publication", "ivr_version", "known_day", "name_stump", "office_screen", "pause_limit",
    "practice_debrief", "practice_session", "push_notice", "push_subscription", "quality_form", "queue",
    "queue_member", "recovery_code", "reinforcement", "roster_week", "sample_draw", "sampling_rule",
    "second_factor", "service_follower", "service_notice", "service_spell", "shift", "sign_in_attempt",
    "staffing_setting", "text_desk", "text_setting", "timer", "user_event", "user_identity", "user_session",
    "wall", "worker_agreement", "worker_agreement_document", "worker_agreement_reading",
}  # fmt: skip
# By the enti themselves; they name no taxpayer.
PUBLISHED = (
    "agenda_window", "appointment_setting", "bookable_service", "booking_site", "channel_quota", "closure",
    "desk", "emergency_message", "ente_logo", "file_setting", "gate_question", "holiday_change", "office",
    "office_agenda", "office_exception", "opening_week", "payment_way", "recording_setting", "self_service_setting",
    "service_office", "service_topic", "special_day",
)  # fmt: skip
APPEND_ONLY = ("audit_entry", "audit_expiry", "audit_seal", "call_event", "field_register", "service_fact")
NEVER_ALTERED = (  # what somebody agreed to, and his key, go with him alone
    "appointment_event", "audit_entry", "audit_expiry", "audit_seal", "audit_unsealed", "campaign_report",
    "closed_period", "consent",
    "case_document", "case_position", "case_step",
    "consent_text", "field_payment_event", "field_register", "field_report", "field_settlement",
    "field_settlement_line", "holiday_change", "interview_event", "opening_week", "person_key", "report_addressee",
    "report_wish", "service_fact", "service_report", "turn_event",
)  # fmt: skip
# What the cross-ente role may look into; nothing else, and so no table that a later migration adds.
OPEN_TO_ROUTING = (
    "agent_fact", "agent_leg", "agent_presence", "call", "call_event", "callback", "carrier_command",
    "carrier_standing", "configuration_version", "phone_line", "queue", "queue_entry", "queue_member", "recording",
    "text_event", "text_message", "text_setting", "text_thread", "timer", "voicemail",
)  # fmt: skip


def plain(url: str) -> str:
    """SQLAlchemy's address as libpq's."""
    return url.replace("postgresql+psycopg:", "postgresql:")


def query(text: str, *names: str) -> sql.Composed:
    """SQL with the names of tables put in."""
    return sql.SQL(cast("LiteralString", text)).format(*(sql.Identifier(name) for name in names))


@pytest.fixture(scope="module")
def database_urls(copies: Copies, settled: tuple[str, Cast]) -> DatabaseUrls:
    """One database for all: what is attacked here stays as it was."""
    return copies.make(settled[0])


@pytest.fixture(scope="module")
def database(database_urls: DatabaseUrls) -> Iterator[Database]:
    database = Database(database_urls.app, database_urls.routing, pool_size=8, secrecy=Secrecy(bytes(32)))
    yield database
    database.dispose()


@pytest.fixture(scope="module", name="cast")
def arrived(database: Database, settled: tuple[str, Cast]) -> Cast:
    arrive(database)
    return settled[1]


@pytest.fixture(scope="module")
def superuser(postgres: PostgresServer, database_urls: DatabaseUrls) -> Iterator[Connection]:
    """Sees everything, to know what there is to be seen."""
    with psycopg.connect(postgres.dsn, dbname=database_urls.name, autocommit=True) as connection:
        yield connection


Login = Callable[[str], Connection]


@pytest.fixture
def login(database_urls: DatabaseUrls) -> Iterator[Login]:
    """Connects as one of the product's roles."""
    opened: list[Connection] = []

    def connect(role: str) -> Connection:
        url = {OWNER: database_urls.owner, APP: database_urls.app, ROUTING: database_urls.routing}[role]
        opened.append(psycopg.connect(plain(url)))
        return opened[-1]

    yield connect
    for connection in opened:
        connection.close()


def scoped(connection: Connection, *, enti: str, contracts: str = "") -> Connection:
    """As the product opens a transaction."""
    connection.rollback()
    connection.execute(
        "SELECT set_config('app.enti', %s, true), set_config('app.contracts', %s, true)", [enti, contracts]
    )
    return connection


def denied(connection: Connection, statement: sql.Composed, *args: object) -> str:
    """The refusal; the transaction goes on."""
    with pytest.raises(errors.InsufficientPrivilege) as refusal, connection.transaction():
        connection.execute(statement, args)
    return str(refusal.value)


@pytest.fixture(scope="module")
def lived_in(database: Database, cast: Cast) -> Iterator[Stage]:
    """A database in which each tenant table has rows of Empoli's, and some are nobody's yet."""
    stage = one_of_each(database, cast)
    yield stage
    stage.matcher.close()
    stage.dispatcher.close()


def tables_of_enti(superuser: Connection) -> list[str]:
    """The tables that name an ente, as the catalogue knows them."""
    rows = superuser.execute(
        "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'ente_id'"
        " WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') ORDER BY 1"
    )
    return [name for (name,) in rows if name not in OUTSIDE]


def all_tables(superuser: Connection) -> list[str]:
    """Every table there is."""
    rows = superuser.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
    )
    return [name for (name,) in rows]


# -- what the catalogue says --------------------------------------------------------------------------------------


def test_every_table_that_names_an_ente_is_behind_a_forced_policy(superuser: Connection) -> None:
    tables = tables_of_enti(superuser)
    assert {"contact", "position", "call", "timeline_entry", "service_count"} <= set(tables)
    rows = superuser.execute(
        "SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity, p.polcmd, p.polpermissive,"
        "       p.polqual IS NOT NULL, p.polwithcheck IS NOT NULL"
        " FROM pg_class c JOIN pg_policy p ON p.polrelid = c.oid"
        " WHERE %s::regrole = ANY (p.polroles) AND c.relname = ANY (%s)",
        [APP, tables],
    ).fetchall()
    scoped_rows = [row for row in rows if row[2] == "*"]
    assert sorted(scoped_rows) == [(table, True, "*", True, True, True) for table in tables]
    assert {row[0] for row in rows if row[2] != "*"} == set(PUBLISHED)
    assert {row[2] for row in rows if row[0] in PUBLISHED} == {"*", "r"}  # read by all, written in scope


def test_no_policy_opens_a_table_to_anybody_else(superuser: Connection) -> None:
    rows = superuser.execute(
        "SELECT DISTINCT r.rolname FROM pg_policy p, unnest(p.polroles) AS role LEFT JOIN pg_roles r ON r.oid = role"
    )
    assert {name for (name,) in rows} == {APP, ROUTING, OWNER}
    owners = superuser.execute(
        "SELECT c.relname, p.polname FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid"
        " WHERE %s::regrole = ANY (p.polroles)",
        [OWNER],
    )
    assert sorted(owners.fetchall()) == [  # to be removed: what was kept for long enough, and an ended ente's
        ("audit_entry", "ended"), ("audit_entry", "old"), ("call_event", "ended"), ("service_fact", "ended"),
    ]  # fmt: skip


def test_every_table_is_a_tenants_or_is_known_to_be_nobodys(superuser: Connection) -> None:
    rows = superuser.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    unprotected = {name for (name,) in rows} - set(tables_of_enti(superuser))
    assert unprotected == OF_NOBODY | set(OUTSIDE)


def test_no_role_of_ours_may_pass_by_row_level_security(superuser: Connection) -> None:
    for role in (OWNER, APP, ROUTING):
        attributes = superuser.execute(
            "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication"
            " FROM pg_roles WHERE rolname = %s",
            [role],
        ).fetchone()
        assert attributes == (False,) * 5, role
        assert superuser.execute("SELECT FROM pg_auth_members WHERE member = %s::regrole", [role]).rowcount == 0
        owned = superuser.execute("SELECT FROM pg_class WHERE relowner = %s::regrole", [role]).rowcount
        assert bool(owned) == (role == OWNER)


def test_few_functions_lend_the_owners_rights(superuser: Connection) -> None:
    rows = superuser.execute(
        "SELECT proname, proowner::regrole::text, proconfig, has_function_privilege(%s, oid, 'EXECUTE'),"
        "       has_function_privilege(%s, oid, 'EXECUTE'), has_function_privilege('public', oid, 'EXECUTE')"
        " FROM pg_proc WHERE prosecdef AND pronamespace = 'public'::regnamespace",
        [APP, ROUTING],
    ).fetchall()
    assert sorted(rows) == [
        ("analyze_collection", OWNER, ["search_path=pg_catalog"], True, False, False),
        ("expire_audit", OWNER, ["search_path=pg_catalog"], True, False, False),
        ("forget_ended", OWNER, ["search_path=pg_catalog"], True, False, False),
        ("raise_configuration_version", OWNER, ["search_path=pg_catalog, public"], False, False, False),
    ]


# -- another ente's rows ------------------------------------------------------------------------------------------


def test_every_tenant_table_has_rows_to_be_attacked(lived_in: Stage, superuser: Connection) -> None:
    for table in tables_of_enti(superuser):
        rows = superuser.execute(query("SELECT FROM {} WHERE ente_id = %s", table), [lived_in.cast.empoli]).rowcount
        assert rows, table


def test_siena_sees_nothing_of_empoli(lived_in: Stage, superuser: Connection, login: Login) -> None:
    cast = lived_in.cast
    app = login(APP)
    for table in set(tables_of_enti(superuser)) - set(PUBLISHED):
        theirs = query("SELECT FROM {} WHERE ente_id = ANY (%s) OR ente_id IS NULL", table)
        scoped(app, enti=str(cast.siena), contracts="")
        assert app.execute(theirs, [[cast.empoli, cast.vinci, 0]]).rowcount == 0, table
        everything = app.execute(query("SELECT ente_id FROM {}", table)).fetchall()
        assert {ente for (ente,) in everything} <= {cast.siena}, table


def test_siena_changes_nothing_of_empoli(lived_in: Stage, superuser: Connection, login: Login) -> None:
    cast = lived_in.cast
    app = login(APP)
    for table in tables_of_enti(superuser):
        scoped(app, enti=str(cast.siena), contracts=str(cast.other_contract))
        take = query("UPDATE {} SET ente_id = %s WHERE ente_id = %s", table)
        delete = query("DELETE FROM {} WHERE ente_id = %s", table)
        if table in NEVER_ALTERED:
            denied(app, take, cast.siena, cast.empoli)
        else:
            assert app.execute(take, [cast.siena, cast.empoli]).rowcount == 0, table
        if table in APPEND_ONLY:
            denied(app, delete, cast.empoli)
        else:
            assert app.execute(delete, [cast.empoli]).rowcount == 0, table


def test_siena_writes_nothing_into_empoli(lived_in: Stage, superuser: Connection, login: Login) -> None:
    cast = lived_in.cast
    app = login(APP)
    for table in tables_of_enti(superuser):
        found = superuser.execute(
            query("SELECT to_jsonb(t)::text FROM {} t WHERE ente_id = %s LIMIT 1", table), [cast.empoli]
        ).fetchone()
        if found is None:
            continue
        scoped(app, enti=str(cast.siena), contracts=str(cast.other_contract))
        refusal = denied(
            app, query("INSERT INTO {} SELECT * FROM jsonb_populate_record(NULL::{}, %s::jsonb)", table, table), *found
        )
        assert "row-level security" in refusal, table


def test_empoli_cannot_hand_its_rows_to_siena(lived_in: Stage, superuser: Connection, login: Login) -> None:
    cast = lived_in.cast
    app = login(APP)
    for table in tables_of_enti(superuser):
        scoped(app, enti=str(cast.empoli), contracts=str(cast.contract))
        give = query("UPDATE {} SET ente_id = %s WHERE ente_id = %s", table)
        if app.execute(query("SELECT FROM {} WHERE ente_id = %s", table), [cast.empoli]).rowcount:
            denied(app, give, cast.siena, cast.empoli)


def test_a_call_of_nobodys_yet_is_seen_by_whoever_holds_the_contract(lived_in: Stage) -> None:
    cast, database = lived_in.cast, lived_in.database

    def seen(scope: Scope) -> int:
        with database.begin(scope) as session:
            return session.execute(
                select(func.count()).select_from(Call).where(Call.carrier_sid == "CAunknown")
            ).scalar_one()

    assert seen(Scope.of_contract(cast.contract)) == 1
    assert seen(Scope.of_enti([cast.empoli], [cast.contract])) == 1
    assert seen(Scope.across_enti()) == 1
    assert seen(Scope.of_enti([cast.empoli, cast.vinci])) == 0  # an ente's own viewer
    assert seen(Scope.of_contract(cast.other_contract)) == 0
    assert seen(Scope.nothing()) == 0


# -- each kind of user --------------------------------------------------------------------------------------------


def signed_in(database: Database, cast: Cast, role: Role, *, on_contract: bool, removed: bool) -> Principal:
    """Somebody who holds one role, on Empoli or on the contract of Empoli and Vinci, as his requests see him."""
    where = {"contract_id": cast.contract} if on_contract else {"ente_id": cast.empoli}
    with database.begin(Scope.nothing()) as session:
        at = session.info["now"]
        user = User(username=f"{role.value}-{on_contract:d}{removed:d}", name=role.value)
        session.add(user)
        session.flush()
        session.add(RoleGrant(user_id=user.id, role=role, valid_from=at, valid_to=None, **where))
        if removed:
            session.add(EnteExclusion(user_id=user.id, ente_id=cast.empoli, reason="x", made_by=cast.vera, made_at=at))
        session.flush()
        found = access.resume(session, access.open_session(session, user.id))
    assert found is not None
    return found.principal


@pytest.mark.parametrize("removed", [False, True], ids=["", "removed"])
@pytest.mark.parametrize("on_contract", [False, True], ids=["ente", "contract"])
def test_for_each_kind_of_user_other_enti_s_rows_do_not_exist(
    lived_in: Stage, superuser: Connection, login: Login, on_contract: bool, removed: bool
) -> None:
    cast, app = lived_in.cast, login(APP)
    his = ({cast.empoli, cast.vinci} if on_contract else {cast.empoli}) - ({cast.empoli} if removed else set())
    tables = set(tables_of_enti(superuser)) - set(PUBLISHED)
    walked: set[tuple[str, str]] = set()  # scopes whose tables were looked at
    for role in Role:
        who = signed_in(lived_in.database, cast, role, on_contract=on_contract, removed=removed)
        for permission in Permission:
            with lived_in.database.begin(Scope.nothing()) as session:
                scope = access.scope_for(session, who, permission)
            held = permission in PERMISSIONS[role]
            assert scope.enti == (his if held else set()), (role, permission)
            enti, contracts = (",".join(map(str, sorted(ids))) for ids in (scope.enti or (), scope.contracts))
            if (enti, contracts) in walked:
                continue
            walked.add((enti, contracts))
            scoped(app, enti=enti, contracts=contracts)
            for table in tables:
                seen = {ente for (ente,) in app.execute(query("SELECT DISTINCT ente_id FROM {}", table))}
                assert seen - {None} <= (his if held else set()), (role, permission, table)
            seen_people = app.execute("SELECT id FROM contact").fetchall()
            assert (cast.stranger_in_siena,) not in seen_people
            assert ((cast.mario,) in seen_people) == (held and cast.empoli in his)
            assert app.execute("SELECT FROM contact WHERE id = %s", [cast.stranger_in_siena]).rowcount == 0
            assert app.execute("UPDATE position SET paid_cents = 1 WHERE ente_id = %s", [cast.siena]).rowcount == 0


# -- getting out of the scope -------------------------------------------------------------------------------------


def test_without_a_scope_there_is_only_a_refusal(lived_in: Stage, superuser: Connection, login: Login) -> None:
    app = login(APP)
    for table in set(tables_of_enti(superuser)) - set(PUBLISHED):
        if superuser.execute(query("SELECT FROM {}", table)).rowcount:
            with pytest.raises(errors.UndefinedObject), app.transaction():
                app.execute(query("SELECT count(*) FROM {}", table))


def test_after_a_commit_or_a_reset_there_is_nothing_to_be_seen(cast: Cast, login: Login) -> None:
    for attempt in ("COMMIT", "RESET app.enti", "RESET ALL", "SET LOCAL app.enti TO DEFAULT"):
        app = scoped(login(APP), enti=str(cast.empoli))
        assert app.execute("SELECT FROM contact").rowcount > 0
        app.execute(attempt)
        try:
            seen = app.execute("SELECT FROM contact").rowcount
        except errors.UndefinedObject:
            seen = 0
        assert seen == 0, attempt


WAYS_OUT: tuple[LiteralString, ...] = (
    "SET ROLE filodiretto_owner", "SET ROLE postgres", "SET SESSION AUTHORIZATION filodiretto_owner",
    "ALTER TABLE contact DISABLE ROW LEVEL SECURITY", "ALTER TABLE contact NO FORCE ROW LEVEL SECURITY",
    "DROP POLICY scope ON contact", "CREATE POLICY mine ON contact USING (true)",
    "ALTER ROLE CURRENT_USER BYPASSRLS", "TRUNCATE contact", "COPY contact TO PROGRAM 'cat'",
    "CREATE TABLE public.loot (x int)", "SELECT pg_read_file('postgresql.conf')",
)  # fmt: skip


@pytest.mark.parametrize("role", [APP, ROUTING])
def test_a_role_cannot_free_itself(cast: Cast, login: Login, role: str) -> None:
    other = sql.SQL("SET ROLE {}").format(sql.Identifier(ROUTING if role == APP else APP))
    connection = scoped(login(role), enti="")
    for attempt in (other, *map(sql.SQL, WAYS_OUT)):
        denied(connection, sql.Composed([attempt]))


def test_switching_row_security_off_makes_queries_fail_not_succeed(cast: Cast, login: Login) -> None:
    app = scoped(login(APP), enti=str(cast.empoli))
    app.execute("SET row_security = off")
    with pytest.raises(errors.InsufficientPrivilege):
        app.execute("SELECT FROM contact")


def test_the_owner_too_sees_no_taxpayer(lived_in: Stage, superuser: Connection, login: Login) -> None:
    owner = scoped(login(OWNER), enti=str(lived_in.cast.empoli), contracts=str(lived_in.cast.contract))
    for table in tables_of_enti(superuser):
        assert owner.execute(query("SELECT FROM {}", table)).rowcount == 0, table


def test_a_pooled_connection_remembers_nobodys_scope(database: Database, cast: Cast) -> None:
    known = {cast.mario, cast.gina, cast.stranger_in_siena}

    def contacts(scope: Scope) -> set[int]:
        with database.begin(scope) as session:
            return known & set(session.scalars(select(Contact.id)))

    assert contacts(Scope.of_enti([cast.empoli])) == {cast.mario}
    assert contacts(Scope.nothing()) == set()
    assert contacts(Scope.of_contract(cast.contract)) == {cast.mario, cast.gina}
    assert contacts(Scope.of_contract(cast.other_contract)) == {cast.stranger_in_siena}


# -- the cross-ente role, and the logs -----------------------------------------------------------------------------


def test_routing_does_not_touch_what_is_not_telephonys(cast: Cast, superuser: Connection, login: Login) -> None:
    routing = login(ROUTING)
    for table in set(all_tables(superuser)) - set(OPEN_TO_ROUTING):
        denied(routing, query("SELECT FROM {}", table))
        granted = superuser.execute(
            "SELECT has_any_column_privilege(%s, %s, 'SELECT, INSERT, UPDATE, REFERENCES')"
            "    OR has_table_privilege(%s, %s, 'DELETE, TRUNCATE, TRIGGER')",
            [ROUTING, table, ROUTING, table],
        ).fetchone()
        assert granted == (False,), table


def test_what_an_agent_did_cannot_be_altered_and_goes_after_two_years(
    lived_in: Stage, superuser: Connection, login: Login
) -> None:
    added = "INSERT INTO agent_fact (agent_id, at, activity) SELECT {}, now() - interval {}, 'ready'"
    for age in ("2 years 1 day", "23 months"):
        superuser.execute(sql.SQL(added).format(sql.Literal(lived_in.cast.anna), sql.Literal(age)))
    app, routing = scoped(login(APP), enti=""), login(ROUTING)
    for role in (app, routing):
        for change in ("UPDATE {} SET at = now()", "TRUNCATE {}"):
            denied(role, query(change, "agent_fact"))
    denied(routing, query("DELETE FROM {}", "agent_fact"))
    assert app.execute("DELETE FROM agent_fact").rowcount == 1


def test_what_was_seen_cannot_be_unseen(lived_in: Stage, login: Login) -> None:
    cast = lived_in.cast
    changes = ("DELETE FROM {}", "UPDATE {} SET occurred_at = now()", "UPDATE {} SET kind = ''", "TRUNCATE {}")
    for role in (APP, ROUTING):
        connection = scoped(login(role), enti=f"{cast.empoli},{cast.vinci}", contracts=str(cast.contract))
        for table in ("audit_entry", "call_event", "service_fact"):
            if role == APP or table in OPEN_TO_ROUTING:  # which it does not even see
                assert connection.execute(query("SELECT FROM {}", table)).rowcount > 0
            for change in changes:
                denied(connection, query(change, table))

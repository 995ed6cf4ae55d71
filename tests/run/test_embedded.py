"""The embedded servers and the roles in them."""

import os
import signal

import psycopg
import pytest
import redis

from tests.databases import PASSWORDS
from web.run import claims, embedded, prepare, processes


@pytest.fixture
def launched():
    children = []
    yield children
    processes.stop(children, 3)


@pytest.mark.usefixtures("loopback")
def test_postgres_comes_back_from_a_kill_with_what_was_committed(tmp_path, launched):
    server = embedded.Postgres(tmp_path, claims.free_port(), "secret")
    launched.append(embedded.start(server, tmp_path / "log"))
    with psycopg.connect(server.dsn()) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")

    os.kill(launched[0].pid, signal.SIGKILL)  # and nobody buries it, as in a container without an init
    launched.append(embedded.start(server, tmp_path / "log"))

    with psycopg.connect(server.dsn()) as connection:
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(server.dsn(password="wrong"))
    assert processes.stop(launched, 3) == []
    assert not (server.folder / "postmaster.pid").exists()


@pytest.mark.usefixtures("loopback")
def test_redis_comes_back_from_a_kill_with_what_was_written(tmp_path, launched):
    server = embedded.Redis(tmp_path, claims.free_port(), "secret")
    launched.append(embedded.start(server, tmp_path / "log"))
    with redis.Redis.from_url(server.url()) as client:
        client.set("kept", "42")

    os.kill(launched[0].pid, signal.SIGKILL)
    launched.append(embedded.start(server, tmp_path / "log"))

    with redis.Redis.from_url(server.url()) as client:
        assert client.get("kept") == b"42"
    wrong = server.url().replace("secret", "wrong")
    with redis.Redis.from_url(wrong, retry=embedded.ONCE) as client, pytest.raises(redis.AuthenticationError):
        client.ping()


def test_credentials_are_private_and_stay_the_same(tmp_path):
    first = embedded.credentials(tmp_path)
    assert embedded.credentials(tmp_path) == first
    assert (tmp_path / "credentials.json").stat().st_mode & 0o777 == 0o600
    assert first.twilio()["FILODIRETTO_TWILIO_ACCOUNT_SID"].startswith("AC")
    assert len({*vars(first).values()}) == len(vars(first))


@pytest.mark.integration
def test_the_three_roles_have_no_more_rights_than_they_need(postgres):
    database = f"fd_test_{postgres.run}_roles"
    for _ in range(2):  # a second preparation changes nothing
        prepare.prepare_database(postgres.dsn, database, PASSWORDS)

    with postgres.connect() as connection:
        rows = connection.execute(
            "SELECT rolname, rolcanlogin, rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb"
            " FROM pg_roles WHERE rolname ^@ 'filodiretto_' AND rolname <> %s ORDER BY 1",
            [prepare.BACKUP],  # which reads past row-level security, where backups are wanted
        ).fetchall()
    assert rows == [(role, True, False) for role in (prepare.APP, prepare.OWNER, prepare.ROUTING)]

    owner = postgres.url(database, prepare.OWNER, PASSWORDS.owner).replace("+psycopg", "")
    with psycopg.connect(owner) as connection:
        connection.execute("CREATE TABLE made_by_owner (id int)")
    for role, password in ((prepare.APP, PASSWORDS.app), (prepare.ROUTING, PASSWORDS.routing)):
        with psycopg.connect(postgres.url(database, role, password).replace("+psycopg", "")) as connection:
            for statement in (
                "CREATE TABLE mine (id int)",
                "CREATE TEMP TABLE mine (id int)",
                "TABLE made_by_owner",
            ):
                with pytest.raises(psycopg.errors.InsufficientPrivilege), connection.transaction():
                    connection.execute(statement)

    with postgres.connect() as connection:
        connection.execute(f"DROP DATABASE {database} WITH (FORCE)")


@pytest.mark.integration
def test_preparing_from_the_settings_names_what_is_wrong(postgres, tmp_path):
    database = f"fd_test_{postgres.run}_settings"
    environ = {
        "FILODIRETTO_DATABASE_URL": postgres.url(database, prepare.APP, PASSWORDS.app),
        "FILODIRETTO_DATABASE_ROUTING_URL": postgres.url(database, prepare.ROUTING, PASSWORDS.routing),
        "FILODIRETTO_DATABASE_OWNER_URL": postgres.url(database, "somebody", "else"),
    }
    with pytest.raises(SystemExit, match="FILODIRETTO_DATABASE_OWNER_URL must name the role filodiretto_owner"):
        prepare.from_environment(environ)
    environ["FILODIRETTO_DATABASE_OWNER_URL"] = postgres.url(database, prepare.OWNER, PASSWORDS.owner)
    with pytest.raises(SystemExit, match="Set FILODIRETTO_DATABASE_SUPERUSER_URL or"):
        prepare.from_environment(environ)

    (tmp_path / "secret").write_text(postgres.dsn + "\n")
    environ["FILODIRETTO_DATABASE_SUPERUSER_URL_FILE"] = str(tmp_path / "secret")
    prepare.from_environment(environ)

    with psycopg.connect(environ["FILODIRETTO_DATABASE_URL"].replace("+psycopg", "")) as connection:
        assert connection.execute("SELECT current_user").fetchone() == (prepare.APP,)
    with postgres.connect() as connection:
        connection.execute(f"DROP DATABASE {database} WITH (FORCE)")

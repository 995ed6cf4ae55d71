"""The database's roles. The owner runs migrations; the application and the routing role, at run time, own
nothing. None of the three is a superuser or may pass by row-level security.

    python -m web.run.prepare

creates them and the database on the server of FILODIRETTO_DATABASE_SUPERUSER_URL (or its _FILE), with the
names and passwords of the FILODIRETTO_DATABASE_*_URL settings. It may be run again at any time."""

import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

import psycopg
from psycopg import sql

OWNER, APP, ROUTING = "filodiretto_owner", "filodiretto_app", "filodiretto_routing"
BACKUP = "filodiretto_backup"  # reads everything, past row-level security, and writes nothing: backups alone
URLS = {
    "owner": "FILODIRETTO_DATABASE_OWNER_URL",
    "app": "FILODIRETTO_DATABASE_URL",
    "routing": "FILODIRETTO_DATABASE_ROUTING_URL",
}
BACKUP_URL = "FILODIRETTO_DATABASE_BACKUP_URL"  # may be left out
SUPERUSER = "FILODIRETTO_DATABASE_SUPERUSER_URL"
Connection = psycopg.Connection[tuple[object, ...]]
_RUN_TIME = (sql.Identifier(APP), sql.Identifier(ROUTING))
_LOCK = 7_451_002  # any number: two preparations at once wait for each other


@dataclass(frozen=True)
class Passwords:
    """One password a role; without one for backups that role is not made."""

    owner: str = field(repr=False)
    app: str = field(repr=False)
    routing: str = field(repr=False)
    backup: str | None = field(default=None, repr=False)


def prepare_database(superuser_dsn: str, database: str, passwords: Passwords) -> None:
    """Create the roles and the database, or bring them to the state they should have."""
    with psycopg.connect(superuser_dsn, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        for role, password in ((OWNER, passwords.owner), (APP, passwords.app), (ROUTING, passwords.routing)):
            _role(connection, role, password)
        if passwords.backup is not None:
            _backup_role(connection, passwords.backup)
        if not connection.execute("SELECT FROM pg_database WHERE datname = %s", [database]).rowcount:
            create_database(connection, database)
        own_database(connection, database, BACKUP if passwords.backup is not None else None)
    with psycopg.connect(superuser_dsn, dbname=database, autocommit=True) as connection:
        connection.execute(sql.SQL("ALTER SCHEMA public OWNER TO {}").format(sql.Identifier(OWNER)))
        connection.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
        connection.execute(
            sql.SQL("GRANT USAGE ON SCHEMA public TO {}, {}").format(sql.Identifier(APP), sql.Identifier(ROUTING))
        )


def create_database(connection: Connection, database: str, template: str = "template0") -> None:
    """An empty database, or the copy of another to which nobody is connected."""
    connection.execute(
        sql.SQL("CREATE DATABASE {} OWNER {} ENCODING 'UTF8' TEMPLATE {}").format(
            sql.Identifier(database), sql.Identifier(OWNER), sql.Identifier(template)
        )
    )


def own_database(connection: Connection, database: str, backup: str | None = None) -> None:
    """Only our roles connect; this does not come along when a database is copied."""
    name, owner = sql.Identifier(database), sql.Identifier(OWNER)
    connection.execute(sql.SQL("ALTER DATABASE {} OWNER TO {}").format(name, owner))
    connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(name))
    connection.execute(
        sql.SQL("GRANT CONNECT ON DATABASE {} TO {}, {}").format(name, sql.Identifier(APP), sql.Identifier(ROUTING))
    )
    if backup is not None:
        connection.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(name, sql.Identifier(backup)))


def _backup_role(connection: Connection, password: str) -> None:
    _role(connection, BACKUP, password)
    name = sql.Identifier(BACKUP)
    connection.execute(sql.SQL("ALTER ROLE {} BYPASSRLS").format(name))
    connection.execute(sql.SQL("ALTER ROLE {} SET default_transaction_read_only = on").format(name))
    connection.execute(sql.SQL("GRANT pg_read_all_data TO {}").format(name))


def _role(connection: Connection, role: str, password: str) -> None:
    exists = connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [role]).rowcount
    statement = "{} ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD {}"
    connection.execute(
        sql.SQL(statement).format(sql.SQL("ALTER" if exists else "CREATE"), sql.Identifier(role), sql.Literal(password))
    )


def from_environment(environ: Mapping[str, str]) -> None:
    """Prepare the database that the settings describe."""
    urls = {name: urlsplit(value_of(environ, variable)) for name, variable in URLS.items()}
    for name, role in (("owner", OWNER), ("app", APP), ("routing", ROUTING)):
        if urls[name].username != role or not urls[name].password:
            raise SystemExit(f"{URLS[name]} must name the role {role} and its password.")
    superuser = value_of(environ, SUPERUSER).replace("postgresql+psycopg:", "postgresql:")
    _wait(superuser)
    prepare_database(superuser, urls["owner"].path.strip("/"), passwords_of(environ))


def passwords_of(environ: Mapping[str, str]) -> Passwords:
    """The roles' passwords, as their addresses have them."""
    backup = BACKUP_URL if {BACKUP_URL, f"{BACKUP_URL}_FILE"} & set(environ) else None
    wanted = {**URLS, **({"backup": backup} if backup else {})}
    return Passwords(
        **{name: unquote(urlsplit(value_of(environ, variable)).password or "") for name, variable in wanted.items()}
    )


def value_of(environ: Mapping[str, str], variable: str) -> str:
    if path := environ.get(f"{variable}_FILE"):
        return Path(path).read_text(encoding="utf-8").strip()
    if value := environ.get(variable):
        return value
    raise SystemExit(f"Set {variable} or {variable}_FILE.")


def _wait(dsn: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            psycopg.connect(dsn, connect_timeout=5).close()
        except psycopg.OperationalError as error:
            if time.monotonic() > deadline:
                raise SystemExit(f"PostgreSQL does not answer: {error}") from None
            time.sleep(1)
        else:
            return


if __name__ == "__main__":
    from_environment(os.environ)
    sys.exit(0)

"""PostgreSQL and Redis for the tests: embedded ones, started once a run by pytest's first process and ended
with it, or the servers of FILODIRETTO_TEST_POSTGRES_URL (a superuser) and FILODIRETTO_TEST_REDIS_URL
(one address, or several with spaces between). Each parallel worker has a Redis server of its own, because
published messages cross Redis's databases; give several addresses to the same end."""

import contextlib
import fcntl
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
import pytest_socket
import redis
from psycopg import sql
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from tests.databases import PASSWORDS, PREFIX, Copies, DatabaseUrls, KeptConnections, PostgresServer
from web.run import claims, embedded
from web.run.prepare import OWNER, prepare_database
from web.run.processes import Child, RunError, stop

POSTGRES_URL, REDIS_URL = "FILODIRETTO_TEST_POSTGRES_URL", "FILODIRETTO_TEST_REDIS_URL"
MEMORY, ROOM = Path("/dev/shm"), 2 << 30  # bytes; a run takes some hundred megabytes
FAST = {
    **dict.fromkeys(("fsync", "full_page_writes", "synchronous_commit", "autovacuum"), "off"),
    "wal_level": "minimal", "max_wal_senders": "0",
    "scram_iterations": "1",  # each test connects a few times
}  # fmt: skip


class Servers:
    """The servers of one run; they live in pytest's first process and start when somebody needs them."""

    def __init__(self) -> None:
        self.run = secrets.token_hex(4)
        self._children: list[Child] = []
        self._folder: Path | None = None
        self._lock: Any = None
        self._postgres = os.environ.get(POSTGRES_URL)
        self._redis = os.environ.get(REDIS_URL, "").split()
        self._outside = bool(self._postgres)

    def postgres(self) -> str:
        """The superuser's address."""
        if self._postgres is None:
            data = self._data()
            server = embedded.Postgres(data, claims.free_port(), secrets.token_hex(8), FAST)
            self._children.append(embedded.start(server, data / "postgres.log"))
            self._postgres = server.dsn()
        return self._postgres

    def redis(self, worker: int) -> str:
        """A worker's own server, or its own database of a server."""
        if self._redis:
            turn, place = divmod(worker, len(self._redis))
            parts = urlsplit(self._redis[place])
            return urlunsplit(parts._replace(path=f"/{turn + 1}"))
        data = self._data() / f"redis-{worker}"
        data.mkdir()
        server = embedded.Redis(data, claims.free_port(), secrets.token_hex(8))
        self._children.append(embedded.start(server, data / "redis.log"))
        return server.url()

    def close(self) -> None:
        """End what was started, drop what was created."""
        if self._outside and self._postgres:
            _drop_databases(self._postgres, self.run)
        stop(reversed(self._children), 3)
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _data(self) -> Path:
        if self._folder is None:
            _remove_leftovers()
            self._folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}_", dir=_place()))
            self._folder.chmod(0o711)
            self._lock = (self._folder / "lock").open("w")
            fcntl.flock(self._lock, fcntl.LOCK_EX)
        return self._folder


def _place() -> Path:
    """Where the servers keep their files: in memory when there is enough, for each test copies a database."""
    if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= ROOM:
        return MEMORY
    return Path(tempfile.gettempdir())


def _remove_leftovers() -> None:
    """Folders of runs that were killed; a living run holds its lock."""
    for lock in _place().glob(f"{PREFIX}_*/lock"):
        with contextlib.suppress(OSError), lock.open("w") as held:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(lock.parent, ignore_errors=True)


def _drop_databases(dsn: str, run: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        rows = connection.execute("SELECT datname FROM pg_database WHERE datname ^@ %s", [f"{PREFIX}_{run}"])
        for (name,) in rows.fetchall():
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


# Hooks: with xdist the first process starts the servers before it starts its workers.

_SERVERS = pytest.StashKey[Servers]()


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        config.stash[_SERVERS] = Servers()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    servers = node.config.stash[_SERVERS]
    worker = int(node.gateway.id.removeprefix("gw"))
    try:
        node.workerinput["filodiretto"] = (servers.postgres(), servers.redis(worker), servers.run)
    except RunError as error:
        pytest.exit(str(error), returncode=1)


def pytest_unconfigure(config: pytest.Config) -> None:
    if servers := config.stash.get(_SERVERS, None):
        servers.close()


# Fixtures


def open_loopback() -> None:
    """Allow sockets to this machine, until pytest-socket takes them away at the end of the test."""
    pytest_socket.enable_socket()
    pytest_socket.socket_allow_hosts(["127.0.0.1", "::1", "localhost"], allow_unix_socket=True)


@pytest.fixture
def loopback() -> None:
    """For a test that speaks to a server on this machine."""
    open_loopback()


@pytest.fixture(scope="session")
def _servers(request: pytest.FixtureRequest) -> tuple[str, str, str]:
    shared = getattr(request.config, "workerinput", {}).get("filodiretto")
    if shared:
        return tuple(shared)
    servers = request.config.stash[_SERVERS]
    open_loopback()
    return servers.postgres(), servers.redis(0), servers.run


@pytest.fixture(scope="session")
def postgres(_servers: tuple[str, str, str]) -> PostgresServer:
    """The server that all workers share."""
    dsn, _, run = _servers
    return PostgresServer(dsn, run)


@pytest.fixture(scope="session")
def template_database(postgres: PostgresServer) -> str:
    """The name of a database in which the migrations were run, once for all workers."""
    name = f"{PREFIX}_{postgres.run}_template"
    with postgres.connect() as connection:
        connection.execute("SELECT pg_advisory_lock(7451003)")
        if not connection.execute("SELECT FROM pg_database WHERE datname = %s", [name]).rowcount:
            from web.migrations.running import upgrade  # noqa: PLC0415  # only these tests need it

            fresh = f"{name}_new"
            prepare_database(postgres.dsn, fresh, PASSWORDS)
            upgrade(postgres.url(fresh, OWNER, PASSWORDS.owner))
            connection.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(*map(sql.Identifier, (fresh, name))))
    return name


@pytest.fixture(scope="session")
def kept_connections() -> Iterator[KeptConnections]:
    """Connections that the tests' engines close are kept for the next ones."""
    kept = KeptConnections()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PGDialect_psycopg, "connect", lambda *args, **params: kept.connect(*args, **params))  # noqa: PLW0108  # a method
        patch.setattr(PGDialect_psycopg, "do_close", lambda *args: kept.close(*args))  # noqa: PLW0108
        yield kept
    kept.end_all()


@pytest.fixture(scope="session")
def copies(postgres: PostgresServer, kept_connections: KeptConnections) -> Iterator[Copies]:
    """Makes databases of one's own."""
    copies = Copies(postgres, kept_connections)
    yield copies
    copies.close()


@pytest.fixture
def template(template_database: str) -> str:
    """What the test's database is copied from."""
    return template_database


@pytest.fixture
def database_urls(copies: Copies, template: str) -> Iterator[DatabaseUrls]:
    """A migrated database of the test's own."""
    made = copies.make(template)
    yield made
    copies.used(made, template)


@pytest.fixture
def redis_url(_servers: tuple[str, str, str], loopback: None) -> str:
    """An empty Redis database of this worker's own."""
    url = _servers[1]
    with redis.Redis.from_url(url) as client:
        client.flushdb()
    return url

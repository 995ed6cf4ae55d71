"""A database for each test: a copy of a template, or one that another test gave back, cleared until it is as a copy.

To copy one takes PostgreSQL as long as many a test takes. So rows, which is all that the application's roles can
change, are put back instead; whoever asks for a database's name, or for its owner's address, may do more to it, and
it is dropped. What a connection has learned of the tables lasts as long as its database: they are handed on as well.
"""

import contextlib
import itertools
import os
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit
from weakref import WeakKeyDictionary

import psycopg
from psycopg import sql
from psycopg.pq import TransactionStatus
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from web.run.prepare import APP, OWNER, ROUTING, Passwords, own_database

PASSWORDS = Passwords(owner="owner", app="app", routing="routing")
PREFIX = "fd_test"
LARGE = 4 << 20  # bytes of rows that were written: to clear them takes longer than to copy anew

KNOWN = """
    SELECT relname FROM pg_class
    WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND reltuples >= 0 ORDER BY 1
"""

Connection = psycopg.Connection[tuple[Any, ...]]


@dataclass(frozen=True)
class PostgresServer:
    """The server under test, as its superuser."""

    dsn: str
    run: str

    def url(self, database: str, role: str, password: str) -> str:
        """The address of a database for SQLAlchemy."""
        parts = urlsplit(self.dsn)
        place = parts.netloc.rpartition("@")[2]
        return f"postgresql+psycopg://{role}:{quote(password)}@{place}/{database}"

    def connect(self, **where: str) -> Connection:
        """A superuser's connection that commits each statement."""
        return psycopg.connect(self.dsn, autocommit=True, **where)

    def cut_off(self, database: str) -> int:
        """End every connection to a database, as a restart of the server does; how many there were."""
        with self.connect() as connection:
            cut = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s"
            return connection.execute(cut, [database]).rowcount

    def shut(self, database: str) -> None:
        """Nobody gets a connection to a database, and whoever had one has lost it."""
        self._let_in(database, let=False)
        self.cut_off(database)

    @contextlib.contextmanager
    def away(self, database: str) -> Iterator[None]:
        """The same, for a while."""
        try:
            self.shut(database)
            yield
        finally:
            self._let_in(database, let=True)

    def _let_in(self, database: str, *, let: bool) -> None:
        said = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
        with self.connect() as connection:
            connection.execute(said.format(sql.Identifier(database), sql.Literal(let)))


class DatabaseUrls:
    """One database, as each of its roles."""

    def __init__(self, server: PostgresServer, name: str, taken: Callable[[str], None]) -> None:
        self.app = server.url(name, APP, PASSWORDS.app)
        self.routing = server.url(name, ROUTING, PASSWORDS.routing)
        self.is_taken = False
        self._owner = server.url(name, OWNER, PASSWORDS.owner)
        self.lent = name  # whoever changes its rows alone, be it as superuser, gives it back
        self._taken = taken

    @property
    def name(self) -> str:
        """For whoever does more than the application may: nobody gets this database after him."""
        if not self.is_taken:
            self.is_taken = True
            self._taken(self.lent)
        return self.lent

    @property
    def owner(self) -> str:
        """The address of the role that migrates; as for the name."""
        assert self.name
        return self._owner


class KeptConnections:
    """What the tests' engines close, for the next engine that asks for the same."""

    def __init__(self) -> None:
        self._free: dict[str, dict[Hashable, list[Connection]]] = {}
        self._kinds: WeakKeyDictionary[Connection, Hashable] = WeakKeyDictionary()

    def begin(self, database: str) -> None:
        """Keep the connections to this database, from now on."""
        self._free.setdefault(database, defaultdict(list))

    def end(self, database: str) -> None:
        """Close what was kept, and keep no more."""
        for free in self._free.pop(database, {}).values():
            for connection in free:
                connection.close()

    def end_all(self) -> None:
        """Close what was kept of every database."""
        for database in list(self._free):
            self.end(database)

    def forked(self) -> None:
        """In a process forked off: they are its parent's, and neither used nor closed here."""
        self._parents, self._free = self._free, {}

    def pids(self, database: str) -> list[int]:
        """The server's processes behind those that are kept."""
        kinds = self._free.get(database, {}).values()
        return [one.info.backend_pid for free in kinds for one in free if not one.closed]

    def connect(self, dialect: PGDialect_psycopg, *args: Any, **params: Any) -> Connection:
        """As `PGDialect_psycopg.connect`."""
        told = tuple(sorted((key, value) for key, value in params.items() if key != "context"))
        kind = (dialect._json_deserializer, args, told)
        free = self._free.get(params.get("dbname", ""), {}).get(kind)
        while free:
            connection = free.pop()
            if not connection.closed:
                return connection
        fresh: Connection = dialect.loaded_dbapi.connect(*args, **params)
        self._kinds[fresh] = kind
        return fresh

    def close(self, _dialect: PGDialect_psycopg, connection: Connection) -> None:
        """As `PGDialect_psycopg.do_close`."""
        kind = self._kinds.get(connection)
        idle = kind and not connection.closed and connection.info.transaction_status == TransactionStatus.IDLE
        free = self._free.get(connection.info.dbname) if idle else None
        if free is None:
            connection.close()
            return
        try:
            connection.autocommit = True
            connection.execute("RESET ALL; SELECT pg_advisory_unlock_all()", prepare=False)
            connection.autocommit = False
        except psycopg.Error:  # the server has ended it
            connection.close()
            return
        connection._notice_handlers.clear()
        free[kind].append(connection)


@dataclass(frozen=True)
class Original:
    """What is in a template: its tables' columns and rows as `COPY` has them, where its sequences are."""

    rows: dict[str, tuple[sql.Composed, bytes]]
    sequences: str  # JSON
    known: list[tuple[Any, ...]]  # the tables of which the planner knows how many rows there are

    @classmethod
    def of(cls, connection: Connection) -> "Original":
        """Read it from a fresh copy."""
        written = """
            SELECT relname, array_agg(attname ORDER BY attnum)
            FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
            WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND pg_relation_size(pg_class.oid) > 0
              AND attnum > 0 AND NOT attisdropped AND attgenerated = '' GROUP BY 1
        """
        rows = {}
        for table, columns in connection.execute(written):
            whole = sql.SQL("{} ({})").format(sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns)))
            with connection.cursor() as cursor, cursor.copy(sql.SQL("COPY {} TO STDOUT").format(whole)) as copy:
                rows[table] = whole, b"".join(bytes(part) for part in copy)
        [(sequences,)] = connection.execute(
            "SELECT coalesce(json_agg(json_build_array(sequencename, start_value, last_value)), '[]')::text"
            " FROM pg_sequences WHERE schemaname = 'public'"
        )
        return cls(rows, sequences, connection.execute(KNOWN).fetchall())

    def restore(self, connection: Connection) -> bool:
        """Put it back, by a superuser's connection on which no trigger fires; whether that was worth while."""
        sizes = dict(
            connection.execute(
                "SELECT relname, pg_relation_size(oid) AS bytes FROM pg_class"
                " WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND pg_relation_size(oid) > 0"
            ).fetchall()
        )
        if sum(sizes.values()) > LARGE or connection.execute(KNOWN).fetchall() != self.known:
            return False
        with connection.transaction():
            emptied = sql.SQL("; ").join(sql.SQL("DELETE FROM {}").format(sql.Identifier(one)) for one in sizes)
            connection.execute(emptied, prepare=False)
            for whole, content in self.rows.values():
                with connection.cursor() as cursor, cursor.copy(sql.SQL("COPY {} FROM STDIN").format(whole)) as copy:
                    copy.write(content)
            connection.execute(
                """
                SELECT setval(relation, coalesce(last, start), last IS NOT NULL)
                FROM (SELECT (one->>0)::regclass, (one->>1)::bigint, (one->>2)::bigint
                      FROM json_array_elements(%s::json) one) original (relation, start, last)
                WHERE pg_sequence_last_value(relation) IS DISTINCT FROM last
                """,
                [self.sequences],
            )
        return True


class Copies:
    """Databases of one's own, each like its template."""

    def __init__(self, postgres: PostgresServer, kept: KeptConnections) -> None:
        self._postgres = postgres
        self.kept = kept
        self._connection = postgres.connect()
        self._numbers = itertools.count()
        self._originals: dict[str, Original] = {}
        self._cleaners: dict[str, Connection] = {}
        self._free: dict[str, list[DatabaseUrls]] = defaultdict(list)
        self._used: list[str] = []

    def make(self, template: str) -> DatabaseUrls:
        """A database like the template, to which nobody is connected."""
        if self._free[template]:
            return self._free[template].pop()
        name = f"{PREFIX}_{self._postgres.run}_{os.getpid()}_{next(self._numbers)}"
        copy = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY")
        self._connection.execute(copy.format(sql.Identifier(name), sql.Identifier(template)))
        own_database(self._connection, name)
        if template not in self._originals:
            with self._postgres.connect(dbname=name) as connection:
                self._originals[template] = Original.of(connection)
        self.kept.begin(name)
        return DatabaseUrls(self._postgres, name, self.kept.end)

    def used(self, database: DatabaseUrls, template: str) -> None:
        """Cut everybody off from what was used, and have it ready for the next test, or drop it."""
        if not database.is_taken and self._cleared(database, template):
            self._free[template].append(database)
            return
        self._end(database.name)

    def close(self) -> None:
        """The last ones go with the server, or with the run."""
        for connection in (self._connection, *self._cleaners.values()):
            connection.close()

    def _cleared(self, database: DatabaseUrls, template: str) -> bool:
        """Whether it is like its template again, with nobody but its kept connections."""
        name = database.lent
        if name not in self._cleaners:
            self._cleaners[name] = self._postgres.connect(
                dbname=name, options="-c session_replication_role=replica -c lock_timeout=10s"
            )
        cleaner = self._cleaners[name]
        stay = [*self.kept.pids(name), cleaner.info.backend_pid]
        # Whoever is in a transaction is waited for: it must not be committed after all.
        cut = (
            "SELECT pg_terminate_backend(pid, CASE state WHEN 'idle' THEN 0 ELSE 5000 END) FROM pg_stat_activity"
            " WHERE datname = %s AND pid <> ALL (%s)"
        )
        cleaner.execute(cut, [name, stay])
        return self._originals[template].restore(cleaner)

    def _end(self, name: str) -> None:
        """Drop what was used before, not this one: PostgreSQL would wait 0.1 s for those whose end has not come yet."""
        cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
        self._connection.execute(cut, [name])
        if cleaner := self._cleaners.pop(name, None):
            cleaner.close()
        for one in self._used:
            self._connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(one)))
        self._used = [name]

"""Fixtures shared by all tests. Servers are real ones, started once a run (`tests/servers.py`)."""

import gc
import re
from collections.abc import Generator, Iterator
from functools import cache, partial
from typing import Any

import httpx
import pytest
import structlog
from argon2 import PasswordHasher
from hypothesis import settings
from sqlalchemy import create_engine
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.orm import Session
from sqlalchemy.util import LRUCache
from xdist.scheduler import LoadScopeScheduling

from crm.access import passwords
from crm.core import db
from crm.core.db import Database, Scope
from crm.core.secrecy import Secrecy
from tests.cast import Cast, arrive, lock_again, settle

pytest_plugins = ["tests.servers", "tests.browsers", "tests.dovecot"]
# A running centre, the demonstration's files, the sentences of all sources: each is made once.
TOGETHER = ("tests/journeys/", "tests/demo/", "tests/web/test_locale.py")
# Of two running centres people telephone in one; in the other pages are looked through:
LOOKED_THROUGH = (
    "access|booking|contact_lists|contacts|desk|lists|live_board|pages|privacy|recordings|self_service|slow_link"
)
settings.register_profile("untimed", deadline=None)  # how long an example takes says how busy the machine is
settings.load_profile("untimed")


class _TogetherScheduling(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """What shares something costly goes to one worker; every other test goes wherever there is room.

    As `--dist=loadgroup` would do it; but that marks tests by their ids, which pytest 9 does not let it change.
    """

    def _split_scope(self, nodeid: str) -> str:
        if re.match(rf"tests/journeys/test_({LOOKED_THROUGH})\.py", nodeid):
            return "pages"
        return next((one for one in TOGETHER if nodeid.startswith(one)), nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> _TogetherScheduling:
    """Asked by xdist."""
    return _TogetherScheduling(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Nothing is thrown away while tests are collected; and what was imported stays: it is not looked through each
    time that tests' leavings are cleared away, which is done seldom."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.set_threshold(5_000, 10, 10)
        gc.enable()


@pytest.fixture(scope="session", autouse=True)
def tracebacks_as_python_writes_them() -> None:
    """Half a second each is what one costs that is drawn with colours and frames."""
    renderer = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[structlog.contextvars.merge_contextvars, renderer])


@pytest.fixture(scope="session", autouse=True)
def cheap_passwords() -> Iterator[None]:
    """Hashes that cost little: what they cost elsewhere is the library's default."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        yield


@pytest.fixture(scope="session", autouse=True)
def authorities_read_once() -> Iterator[None]:
    """Each client of HTTP would read whom the machine trusts: 20 ms, and whoever waits for a server asks often."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("httpx._transports.default.create_ssl_context", cache(httpx.create_ssl_context))
        yield


@pytest.fixture(scope="session", autouse=True)
def statements_compiled_once() -> Iterator[None]:
    """Each test has engines of its own; all are of one kind, and share what SQLAlchemy has made of statements."""

    def reads_alike(self: PGDialect_psycopg, other: object) -> bool:
        return type(other) is type(self) and self._json_deserializer is other._json_deserializer

    learned: dict[str, Any] = {}
    ask = PGDialect_psycopg.initialize

    def remembers(self: PGDialect_psycopg, connection: Any) -> None:
        """What the server is, and can, is asked of it once: five questions an engine."""
        if not learned:
            before = dict(vars(self))
            ask(self, connection)
            learned.update({name: value for name, value in vars(self).items() if before.get(name, self) is not value})
        vars(self).update(learned)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PGDialect_psycopg, "initialize", remembers)
        patch.setattr(PGDialect_psycopg, "__eq__", reads_alike)
        patch.setattr(PGDialect_psycopg, "__hash__", lambda self: hash(type(self)))
        options = {"execution_options": {"compiled_cache": LRUCache(4000)}}
        patch.setattr(db, "create_engine", partial(create_engine, **options))
        yield


@pytest.fixture
def database(database_urls: Any) -> Iterator[Database]:
    """A fresh, migrated database of one's own."""
    database = Database(database_urls.app, database_urls.routing, pool_size=8, secrecy=Secrecy(bytes(32)))
    yield database
    database.dispose()


@pytest.fixture(scope="session")
def settled(copies: Any, postgres: Any, template_database: str) -> tuple[str, Cast]:
    """A template in which the cast is, and their ids."""
    made = copies.make(template_database)
    database = Database(made.app, made.routing, secrecy=Secrecy(bytes(32)))
    cast = settle(database)
    database.dispose()
    postgres.shut(made.name)  # to whose sessions, were one left, no copy could be made
    return made.name, cast


@pytest.fixture
def template(request: pytest.FixtureRequest, template_database: str) -> str:
    """What the test's database is copied from."""
    with_cast = "cast" in request.fixturenames
    return str(request.getfixturevalue("settled")[0]) if with_cast else template_database


@pytest.fixture
def cast(database: Database, template: str, settled: tuple[str, Cast]) -> Cast:
    """The small fixed cast: see `tests.cast`."""
    where, cast = settled
    if template != where:
        return settle(database)
    arrive(database)
    return cast


@pytest.fixture
def locked_centre(database: Database, cast: Cast) -> Database:  # its agreements are withdrawn
    """A database in which nobody may be watched."""
    lock_again(database)
    return database


@pytest.fixture
def everything(database: Database, cast: Cast) -> Iterator[Session]:
    """A session that sees the whole contract."""
    with database.begin(Scope.of_contract(cast.contract)) as session:
        yield session

"""Fixtures shared by all tests. Servers are real ones, started once a run (`tests/servers.py`)."""

from collections.abc import Iterator
from typing import Any

import pytest
from argon2 import PasswordHasher
from hypothesis import settings
from sqlalchemy.orm import Session

from crm.access import passwords
from crm.core.db import Database, Scope
from crm.core.secrecy import Secrecy
from tests.cast import Cast, settle

pytest_plugins = ["tests.servers"]
settings.register_profile("untimed", deadline=None)  # how long an example takes says how busy the machine is
settings.load_profile("untimed")


@pytest.fixture(scope="session", autouse=True)
def cheap_passwords() -> Iterator[None]:
    """Hashes that cost little: what they cost elsewhere is the library's default."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        yield


@pytest.fixture
def database(database_urls: Any) -> Iterator[Database]:
    """A fresh, migrated database of one's own."""
    database = Database(database_urls.app, database_urls.routing, pool_size=8, secrecy=Secrecy(bytes(32)))
    yield database
    database.dispose()


@pytest.fixture
def cast(database: Database) -> Cast:
    """The small fixed cast: see `tests.cast`."""
    return settle(database)


@pytest.fixture
def everything(database: Database, cast: Cast) -> Iterator[Session]:
    """A session that sees the whole contract."""
    with database.begin(Scope.of_contract(cast.contract)) as session:
        yield session

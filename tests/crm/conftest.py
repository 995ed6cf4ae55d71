"""An ente, its database, and feed files of a few lines."""

import json
import os
import signal
import traceback
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from crm.core.db import Database, Scope
from crm.enti.models import Ente
from tests.databases import DatabaseUrls, KeptConnections

HEADER = {
    "record": "feed", "version": 1, "ente": "D403", "mode": "full", "as_of": "2026-01-10T06:00:00+01:00",
    "source": "Prova",
}  # fmt: skip
ROSSI = {
    "record": "taxpayer", "codice_fiscale": "RSSMRA80A01D403T", "surname": "Rossi", "given_name": "Mario",
    "born_on": "1980-01-01", "birthplace": "Empoli", "address": "Via Roma 1", "postcode": "50053",
    "town": "Empoli", "phones": ["0571 700123", "333.1234567"], "emails": ["Mario@Example.it"],
}  # fmt: skip
TARI = {
    "record": "position", "reference": "T-1", "codice_fiscale": "RSSMRA80A01D403T",
    "notice_number": "301000000000012373", "tax": "tari", "year": 2022, "act_kind": "ingiunzione",
    "act_number": "2024/118", "state": "overdue",
    "amounts": {"tax": "600.00", "sanctions": 180, "interest": 22.5, "costs": "9.5", "residual": "812.00"},
    "issued_on": "2024-08-20", "due_on": "2024-11-03", "notification": "notified", "notified_on": "2024-09-03",
}  # fmt: skip
WriteFeed = Callable[..., Path]
Killed = Callable[[Callable[[Database], object]], None]


@dataclass
class Clock:
    """Set by the test."""

    now: datetime


@pytest.fixture
def timed(database_urls: Any, clock: Clock) -> Iterator[Database]:
    """A database whose clock the test sets."""
    found = Database(database_urls.app, database_urls.routing, pool_size=3, clock=lambda: clock.now)
    yield found
    found.dispose()


def die(*_: object, **__: object) -> None:
    """Nothing is tidied up after it."""
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.fixture
def killed(database_urls: DatabaseUrls, kept_connections: KeptConnections) -> Killed:
    """Does something in a process of its own, which dies of it. What it patches is patched there alone."""

    def run(work: Callable[[Database], object]) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # a stand-in's thread waits to be asked
            child = os.fork()
        if not child:
            try:
                kept_connections.forked()
                work(Database(database_urls.app, database_urls.routing, pool_size=2))
            except BaseException:  # noqa: BLE001  # it must not go on as a second pytest
                traceback.print_exc()
            finally:
                os._exit(1)
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == -signal.SIGKILL

    return run


@pytest.fixture
def records() -> dict[str, dict[str, Any]]:
    """A valid record of each kind, to be varied."""
    return {"header": dict(HEADER), "rossi": dict(ROSSI), "tari": dict(TARI)}


@pytest.fixture
def write_feed(tmp_path: Path) -> WriteFeed:
    """Writes lines (records, or raw bytes) after a header into a file."""

    def write(*lines: dict[str, Any] | bytes, header: dict[str, Any] | None = None, name: str = "feed") -> Path:
        path = tmp_path / f"{name}.jsonl"
        with path.open("wb") as file:
            for line in ({**HEADER, **(header or {})}, *lines):
                file.write(line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n")
        return path

    return write


@pytest.fixture
def db(database: Database) -> Database:
    """A migrated database with two enti, Empoli (D403) and Scandicci (B962)."""
    with database.begin(Scope.nothing()) as session:
        session.add(_ente("Empoli", "048014", "D403", "01329160483"))
        session.add(_ente("Scandicci", "048041", "B962", "00975370487"))
    return database


def _ente(name: str, istat: str, cadastral: str, codice_fiscale: str) -> Ente:
    return Ente(
        name=f"Comune di {name}", short_name=name, istat_code=istat, cadastral_code=cadastral,
        codice_fiscale=codice_fiscale, province="FI", band=1, patron_name="Santo", patron_month=11,
        patron_day=30, observes_holidays=True,
    )  # fmt: skip

"""Where a measurement takes place: PostgreSQL and Redis of its own, a migrated database with the cast, processes.

Everything lives in one temporary folder and in children that Linux ends together with this process.
"""

import contextlib
import fcntl
import http.client
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar

import psycopg

from crm.core.db import Database
from crm.core.settings import Settings, load_settings
from tests import cast
from tests.cast import Cast
from web.migrations.running import upgrade
from web.run import claims, embedded
from web.run.prepare import prepare_database
from web.run.processes import Child, Program, RunError, stop

T = TypeVar("T")
ROOT = Path(__file__).resolve().parents[1]
PREFIX = "fd_bench_"
WORKERS = 2
# So that the instant of a commit can be read from the database.
POSTGRES = {"track_commit_timestamp": "on"}


class Place:
    """The servers of one run; leaving it stops everything and removes the folder."""

    def __enter__(self) -> Self:
        _remove_leftovers()
        self.folder = Path(tempfile.mkdtemp(prefix=PREFIX))
        self.folder.chmod(0o711)
        self._lock = (self.folder / "lock").open("w")
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        self._servers: list[Child] = []
        self._children: list[Child] = []
        self._made: dict[str, Any] = {}
        try:
            self._credentials = embedded.credentials(self.folder)
            self.postgres = embedded.Postgres(self.folder, claims.free_port(), self._credentials.postgres, POSTGRES)
            self._servers.append(embedded.start(self.postgres, self.folder / "postgres.log"))
            self.redis = embedded.Redis(self.folder, claims.free_port(), self._credentials.redis)
            self._servers.append(embedded.start(self.redis, self.folder / "redis.log"))
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        stop(self._children, 3)
        stop(reversed(self._servers), 5)
        self._lock.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def centre(self, name: str) -> "Centre":
        """A contact centre on a database of its own, with the cast in it; nothing runs yet."""
        prepare_database(self.postgres.dsn(), name, self._credentials.roles)
        carrier, web = claims.free_port(), claims.free_port()
        environ = {
            **embedded.settings(self.postgres, self.redis, self._credentials.roles, name),
            **self._credentials.twilio(),
            "FILODIRETTO_CARRIER": "twilio",
            "FILODIRETTO_CALLS_PER_SECOND": "100",  # more than is placed here, so that taking a token is measured too
            "FILODIRETTO_TWILIO_API_URL": f"http://{claims.LOOPBACK}:{carrier}",
            "FILODIRETTO_PUBLIC_URL": f"http://{claims.LOOPBACK}:{web}",
            "FILODIRETTO_PORT": str(web),
            "FILODIRETTO_METRICS_PORT": str(claims.free_port()),
            "FILODIRETTO_DATA": str(self.folder),
        }
        upgrade(environ["FILODIRETTO_DATABASE_OWNER_URL"])
        settings = load_settings(environ)
        database = Database(settings.database_url, settings.database_routing_url, pool_size=4)
        return Centre(self, name, environ, settings, database, cast.settle(database), carrier)

    def once(self, name: str, make: Callable[[], T]) -> T:
        """What several measurements share, made by the first of them."""
        if name not in self._made:
            self._made[name] = make()
        made: T = self._made[name]
        return made

    def start(self, name: str, *command: str, environ: Mapping[str, str] | None = None) -> Child:
        """Start a Python module as a process: `command` is what follows `python -m`."""
        number = len(list(self.folder.glob(f"{name}*.log")))
        program = Program(name, (sys.executable, "-m", *command), environ or {}, cwd=ROOT)
        child = Child(program, self.folder / f"{name}{number}.log")
        self._children.append(child)
        return child

    def stop(self, *children: Child) -> None:
        """Stop some processes before the end."""
        stop(children, 3)
        self._children = [child for child in self._children if child not in children]

    def wait(self, child: Child, ready: Callable[[], bool], seconds: float = 60) -> None:
        """Wait until a process is ready. Raises `RunError` with the end of its log when it is not."""
        deadline = time.monotonic() + seconds
        while not ready():
            if child.poll() is not None or time.monotonic() > deadline:
                tail = child.log.read_text(encoding="utf-8", errors="replace")[-3000:]
                raise RunError(f"{child.program.name} is not ready:\n{tail}")
            time.sleep(0.02)

    def finish(self, child: Child, seconds: float = 300) -> None:
        """Wait until a process has ended well."""
        self.wait(child, lambda: child.poll() == 0, seconds)
        self._children.remove(child)


@dataclass(frozen=True, slots=True)
class Centre:
    """A contact centre under measurement. `database` is the harness's own handle, with no handlers wired."""

    place: Place
    name: str
    environ: dict[str, str]
    settings: Settings
    database: Database
    cast: Cast
    carrier_port: int

    def start_web(self, workers: int = WORKERS) -> Child:
        """The product's web process, answering."""
        child = self.place.start("web", "web.cli", "web", "--workers", str(workers), environ=self.environ)
        self.place.wait(child, lambda: answers(self.settings.port, "/health/ready"))
        return child

    def start_engine(self) -> Child:
        """The product's engine."""
        child = self.place.start("engine", "web.cli", "engine", environ=self.environ)
        self.place.wait(child, lambda: answers(self.settings.metrics_port or 0, "/metrics"))
        return child

    def start_carrier(self) -> Child:
        """The stand-in for the carrier's REST API."""
        child = self.place.start("carrier", *bare("bench.carrier:create", self.carrier_port, 1))
        self.place.wait(child, lambda: answers(self.carrier_port, "/rings"))
        return child

    def start_bare(self, factory: str, port: int, workers: int, environ: Mapping[str, str] | None = None) -> Child:
        """A ceiling, answering."""
        child = self.place.start("bare", *bare(factory, port, workers), environ={**self.environ, **(environ or {})})
        self.place.wait(child, lambda: answers(port, "/ready"))
        return child

    def query(self, statement: str) -> list[Any]:
        """Ask the database as its superuser, who sees everything."""
        with psycopg.connect(self.place.postgres.dsn(self.name)) as connection:
            return connection.execute(statement).fetchall()

    def close(self) -> None:
        """Let go of the harness's connections."""
        self.database.dispose()


def bare(factory: str, port: int, workers: int) -> list[str]:
    """The command of a ceiling. Compressing each frame for each socket would be no ceiling."""
    return [
        "uvicorn", factory, "--factory", "--host", claims.LOOPBACK, "--port", str(port), "--workers", str(workers),
        "--no-access-log", "--log-level", "warning", "--ws-per-message-deflate", "false",
    ]  # fmt: skip


def fetch(port: int, path: str) -> str:
    """The body of one small page. Raises `OSError`."""
    connection = http.client.HTTPConnection(claims.LOOPBACK, port, timeout=5)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        if response.status != http.HTTPStatus.OK:
            raise OSError(response.status)
        return response.read().decode()
    except http.client.HTTPException as error:
        raise OSError from error
    finally:
        connection.close()


def answers(port: int, path: str) -> bool:
    """Whether a process is up."""
    with contextlib.suppress(OSError):
        fetch(port, path)
        return True
    return False


def cpu_seconds(child: Child) -> float:
    """The processor time that a process and its workers have taken: other programs hardly change it."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text(encoding="utf-8").rpartition(")")[2].split()
            if int(fields[2]) == child.pid:  # the group, which its workers share
                ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def _remove_leftovers() -> None:
    """Folders of runs that were killed; a living run holds its lock."""
    for lock in Path(tempfile.gettempdir()).glob(f"{PREFIX}*/lock"):
        with contextlib.suppress(OSError), lock.open("w") as held:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(lock.parent, ignore_errors=True)


def machine(place: Place) -> dict[str, str]:
    """What the figures were measured on."""
    with psycopg.connect(place.postgres.dsn()) as connection:
        row = connection.execute("SHOW server_version").fetchone()
    assert row is not None
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    return {
        "cores": str(os.cpu_count()), "python": sys.version.split()[0], "postgresql": str(row[0]), "load": load,
    }  # fmt: skip

"""Whether the processes live: said by themselves as their loops turn, asked by whoever watches over them."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update
from starlette.testclient import TestClient
from typer.testing import CliRunner

from crm.core import heartbeats
from crm.core.db import Database, Scope
from crm.core.heartbeats import FRESH, LEADS, WAITS, Heartbeat, Pulse, Sign
from web.app import create_app
from web.cli import app
from web.wiring import Runtime

pytestmark = pytest.mark.integration
ROOT = Path(__file__).parents[2]
Environ = dict[str, str]


@pytest.fixture
def here(runtime: Runtime, loopback: None) -> Iterator[TestClient]:
    """Somebody on the same machine."""
    with TestClient(create_app(runtime), client=("127.0.0.1", 50000)) as client:
        yield client


def old(database: Database, process: str) -> None:
    """The last sign of a process is older than a loop that turns would leave it."""
    with database.begin(Scope.nothing()) as session:
        mine = update(Heartbeat).where(Heartbeat.process == process)
        session.execute(mine.values(beaten_at=Heartbeat.beaten_at - FRESH - timedelta(seconds=5)))


def signs(database: Database, process: str) -> list[Sign]:
    with database.begin(Scope.nothing()) as session:
        return [sign for sign in heartbeats.signs(session) if sign.process == process]


def cli(environ: Environ, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A `filodiretto` command."""
    return subprocess.run(
        [sys.executable, "-m", "web.cli", *arguments], env=os.environ | environ, cwd=ROOT, capture_output=True,
        text=True, check=False, timeout=60,
    )  # fmt: skip


def alive(environ: Environ, *arguments: str) -> int:
    """The exit code of `filodiretto alive`, without a process of its own."""
    return CliRunner().invoke(app, ["alive", *arguments], env=environ).exit_code


def eventually(check: Callable[[], object], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_the_processes_are_listed_and_what_is_missing_is_said(here: TestClient, database: Database) -> None:
    nobody = here.get("/health/processes")
    assert (nobody.status_code, nobody.json()["status"]) == (503, "missing: engine, worker, beat")
    for process in ("worker", "beat"):
        Pulse(database, process).beat()
    Pulse(database, "engine").beat(WAITS)
    assert here.get("/health/processes").json()["status"] == "missing: leading engine"
    Pulse(database, "engine").beat(LEADS)
    everybody = here.get("/health/processes")
    assert (everybody.status_code, everybody.json()["status"]) == (200, "ok")
    assert [(one["process"], one["fresh"]) for one in everybody.json()["processes"]] == [
        ("beat", True), ("engine", True), ("worker", True),
    ]  # fmt: skip
    old(database, "worker")
    assert here.get("/health/processes").json()["status"] == "missing: worker"


def test_web_is_ready_whatever_becomes_of_the_others(here: TestClient, database: Database) -> None:
    assert here.get("/health/processes").status_code == 503
    assert (here.get("/health/ready").status_code, here.get("/health/ready").json()) == (200, {"status": "ok"})


def test_the_processes_are_nobody_elses_business(runtime: Runtime, loopback: None) -> None:
    with TestClient(create_app(runtime), client=("192.0.2.1", 50000)) as elsewhere:
        for path in ("/health/processes", "/metrics"):
            assert elsewhere.get(path).status_code == 403


def test_a_check_in_the_container_asks_about_its_own_process(environ: Environ, database: Database) -> None:
    never = cli(environ, "alive", "engine")
    assert (never.returncode, never.stdout) == (1, "engine: no sign of life.\n")
    Pulse(database, "engine").beat(LEADS)
    fresh = cli(environ, "alive", "engine")
    assert fresh.returncode == 0
    assert fresh.stdout.startswith("engine: last sign of life ")
    old(database, "engine")
    assert alive(environ, "engine") == 1
    assert alive(environ, "engine", "--within", "600") == 0
    with database.begin(Scope.nothing()) as session:
        session.execute(update(Heartbeat).values(host="another"))
    assert alive(environ, "engine", "--within", "600") == 1


@contextmanager
def process(environ: Environ, name: str, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """One of the product's processes."""
    folder.mkdir()
    with (folder / f"{name}.log").open("wb") as log:
        running = subprocess.Popen(
            [sys.executable, "-m", "web.cli", name], env=os.environ | environ | {"FILODIRETTO_DATA": str(folder)},
            cwd=ROOT, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    try:
        yield running
    finally:
        os.killpg(running.pid, signal.SIGKILL)
        running.wait(10)


def test_a_process_that_stands_still_is_noticed_and_so_is_its_going_on(
    environ: Environ, database: Database, tmp_path: Path
) -> None:
    with ExitStack() as stack:  # all at once, for each is waited for
        names = ("engine", "worker", "beat")
        pids = {name: stack.enter_context(process(environ, name, tmp_path / name)).pid for name in names}

        def age(name: str) -> float:
            (sign,) = signs(database, name)
            assert sign.pid == pids[name]
            return sign.age.total_seconds()

        for name in names:
            eventually(lambda name=name: signs(database, name))
            eventually(lambda name=name: age(name) > 1)
            eventually(lambda name=name: age(name) < 1)  # not only its first
        for pid in pids.values():
            os.kill(pid, signal.SIGSTOP)
        for name in names:
            eventually(lambda name=name: age(name) > 6)  # twice as long as it takes to the next
            assert alive(environ, name, "--within", "5") == 1
        for pid in pids.values():
            os.kill(pid, signal.SIGCONT)
        for name in names:
            eventually(lambda name=name: age(name) < 1)

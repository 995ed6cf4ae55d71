"""The supervisor with real servers and stand-in programs, as `make run` starts it."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import psycopg
import pytest

from web.run import claims, embedded, processes

START = Path(__file__).with_name("start.py")
NAMES = ("postgres", "redis", "simulator", "gestionale", "protocol-office", "web", "web-2", "engine", "worker", "beat")

pytestmark = pytest.mark.usefixtures("loopback")


class Run:
    """One `make run` and what it says on the terminal."""

    def __init__(self, data, *, ports=None, **environ):
        self.data = data
        self.ports = ports or [claims.free_port() for _ in range(4)]
        self.output = data.with_suffix(f".{time.monotonic_ns()}.out")
        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, str(START), str(data), *map(str, self.ports)],
                stdout=output,
                stderr=output,
                env={**os.environ, **environ},
                cwd=START.parents[2],
            )

    def said(self):
        return self.output.read_text()

    def wait_for(self, text, seconds=20):
        deadline = time.monotonic() + seconds
        while not re.search(text, self.said()):
            running = self.process.poll() is None and time.monotonic() < deadline
            assert running or re.search(text, self.said()), f"never said {text!r}:\n{self.said()}"
            time.sleep(0.02)

    def ready(self):
        self.wait_for("Ctrl-C stops everything")
        return self

    def pids(self):
        rows = json.loads((self.data / "processes.json").read_text())
        return {name: pid for pid, _, _, name in rows}

    def get(self, seconds=5):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.ports[0]}/", timeout=seconds) as answer:
            return int(answer.read())

    def stop(self, number=signal.SIGINT):
        began = time.monotonic()
        self.process.send_signal(number)
        code = self.process.wait(10)
        return code, time.monotonic() - began


@pytest.fixture(scope="session")
def made_before(tmp_path_factory):
    """A data folder with PostgreSQL's files in it, as a first run leaves it: to make them costs a second each time."""
    data = tmp_path_factory.mktemp("made") / "data"
    data.mkdir()
    embedded.Postgres(data, 0, embedded.credentials(data).postgres).initialise()
    return data


@pytest.fixture
def start(tmp_path, request):
    runs = []

    def begin(data=tmp_path / "data", *, first=False, **options):
        if not first and not data.exists():
            subprocess.run(["cp", "-a", str(request.getfixturevalue("made_before")), str(data)], check=True)
        runs.append(Run(data, **options))
        return runs[-1]

    yield begin
    for run in runs:
        with contextlib.suppress(subprocess.TimeoutExpired):
            run.process.terminate()
            run.process.wait(6)
        run.process.kill()
        run.process.wait()


def alive(pids):
    return [name for name, pid in pids.items() if processes.birth(pid)]


def wait_until_dead(pids, seconds=5):
    deadline = time.monotonic() + seconds
    while alive(pids):
        assert time.monotonic() < deadline, f"still there: {alive(pids)}"
        time.sleep(0.02)


def test_ctrl_c_stops_everything_within_five_seconds_and_leaves_nothing_behind(start):
    run = start(first=True).ready()
    pids = run.pids()
    assert alive(pids) == list(NAMES)
    assert "Demo users: nobody" in run.said()

    code, seconds = run.stop()

    assert code == 0
    assert seconds < 5
    assert alive(pids) == []
    assert "had to be killed" not in run.said()
    left = {path.name for path in run.data.rglob("*") if path.suffix in {".pid", ".sock"} or path.is_socket()}
    assert left == set()
    assert not (run.data / "processes.json").exists()


@pytest.mark.parametrize("name", ["web", "worker", "redis", "postgres"])
def test_what_dies_is_started_again_and_said_so(start, name):
    run = start().ready()
    before = run.pids()

    os.kill(before[name], signal.SIGKILL)
    run.wait_for(f"{name} was ended by SIGKILL: started again")

    deadline = time.monotonic() + 5
    while run.pids()[name] == before[name]:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    after = run.pids()
    assert {other for other in NAMES if after[other] != before[other]} == {name}


def test_a_connection_waits_while_web_is_started_again(start):
    run = start().ready()
    pids = run.pids()

    os.kill(pids["web"], signal.SIGKILL)
    os.kill(pids["web-2"], signal.SIGKILL)

    assert run.get() not in pids.values()


def test_the_second_web_process_answers_while_the_first_is_started_again(start):
    run = start().ready()
    pids = run.pids()

    os.kill(pids["web"], signal.SIGSTOP)  # for as long as it takes
    answered = {run.get() for _ in range(5)}
    os.kill(pids["web"], signal.SIGKILL)

    assert answered == {pids["web-2"]}


def test_a_killed_run_takes_its_children_along_and_the_next_one_recovers(start):
    run = start().ready()
    pids = run.pids()
    passwords = json.loads((run.data / "credentials.json").read_text())
    dsn = f"postgresql://filodiretto_owner:{passwords['owner']}@127.0.0.1:{run.ports[2]}/filodiretto"
    with psycopg.connect(dsn) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")

    run.process.kill()
    run.process.wait()
    if sys.platform == "linux":
        wait_until_dead(pids)

    again = start(ports=run.ports).ready()
    assert alive(pids) == []
    with psycopg.connect(dsn) as connection:
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)
    assert again.stop(signal.SIGTERM)[0] == 0


def test_a_second_run_on_the_same_folder_is_refused(start):
    first = start().ready()
    second = start()
    assert second.process.wait(10) == 1
    assert second.said().strip() == (
        f"Filodiretto is already running on {first.data}: stop it with Ctrl-C,"
        " or set FILODIRETTO_DATA to another folder."
    )
    assert alive(first.pids()) == list(NAMES)


@pytest.mark.parametrize(
    ("position", "what", "option"),
    [(0, "web", "--port"), (1, "simulator", "--simulator-port"), (2, "PostgreSQL", "--postgres-port")],
)
def test_a_port_in_use_is_one_sentence(start, tmp_path, position, what, option):
    ports = [claims.free_port() for _ in range(4)]
    with claims.listening({"somebody": (ports[position], "")}):
        run = start(ports=ports)
        assert run.process.wait(10) == 1
    assert run.said().strip() == (
        f"Port {ports[position]}, wanted for {what}, is in use: stop the program that uses it,"
        f" or choose another port with `make run ARGS='{option} {ports[position] + 10}'`."
    )


def test_a_failed_migration_ends_the_run_with_its_last_words(start):
    run = start(STAND_IN_FAILS="migrate")
    assert run.process.wait(20) == 1
    assert "  | migrate fails on purpose" in run.said()
    assert f"`migrate` ended with exit code 1: read {run.data}/logs/migrate.log." in run.said()
    assert not (run.data / "processes.json").exists()


def test_a_program_that_cannot_run_ends_the_run_long_before_a_slow_one_would(start):
    run = start(STAND_IN_FAILS="web")
    assert run.process.wait(20) == 1
    assert "web ended with exit code 1: started again" in run.said()
    read = f"read {run.data}/logs/web.log."
    assert f"  | web fails on purpose\nThe pages do not answer, and web has ended 3 times: {read}" in run.said()


def test_pages_that_never_answer_end_the_run_with_the_log_to_read(start):
    run = start(STAND_IN_HANGS="web", READY_WITHIN_S="3")
    assert run.process.wait(20) == 1
    assert f"The pages do not answer within 3 s: read {run.data}/logs/web.log." in run.said()


def test_a_file_where_the_data_folder_should_be_is_one_sentence(start, tmp_path):
    (tmp_path / "file").touch()
    run = start(data=tmp_path / "file")
    assert run.process.wait(10) == 1
    assert run.said().startswith(f"The data folder {tmp_path / 'file'} cannot be used (File exists)")
    assert len(run.said().splitlines()) == 1

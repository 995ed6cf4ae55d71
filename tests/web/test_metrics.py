"""Metrics of several processes, asked for by any of them."""

import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from web import metrics
from web.run import claims

# Counts to `number`, holds so many pages open, says so, and lives until its input ends.
COUNTS = """
import sys
from prometheus_client import Counter, Gauge
from web import metrics
number, port = int(sys.argv[1]), int(sys.argv[2])
Counter("filodiretto_tried", "", ["what"]).labels("x").inc(number)
Gauge("filodiretto_open", "", multiprocess_mode="livesum").set(number)
Gauge("filodiretto_state", "", multiprocess_mode="livemostrecent").set(number)
if port:
    metrics.serve(port, "127.0.0.1")
print("counted", flush=True)
sys.stdin.read()
"""


class Counting:
    """Processes that count together, as `web` and its colleagues do."""

    def __init__(self) -> None:
        self.port = claims.free_port()
        self.started: list[subprocess.Popen[str]] = []

    def start(self, number: int, *, asked: bool = False) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", COUNTS, str(number), str(self.port if asked else 0)]
        pipe = subprocess.PIPE
        child = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env={**os.environ})
        self.started.append(child)
        assert child.stdout is not None
        said = iter(child.stdout.readline, "")
        assert any(line == "counted\n" for line in said)
        return child

    def told(self) -> dict[str, float]:
        """What whoever is asked says."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=5) as answer:
            lines = answer.read().decode().splitlines()
        rows = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
        return {name: float(value) for name, value in rows}

    def stop(self) -> None:
        for child in self.started:
            child.kill()
            child.wait()
            for pipe in (child.stdin, child.stdout):
                assert pipe is not None
                pipe.close()


@pytest.fixture
def counting(loopback: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Counting]:
    monkeypatch.delenv(metrics.FOLDER, raising=False)
    found = Counting()
    with metrics.together():
        yield found
        found.stop()


def test_whoever_is_asked_tells_of_all_also_of_what_the_dead_counted(counting: Counting) -> None:
    counting.start(2, asked=True)
    second = counting.start(3)
    assert counting.told() == {
        'filodiretto_tried_total{what="x"}': 5, "filodiretto_open": 5, "filodiretto_state": 3,
    }  # fmt: skip
    second.kill()
    second.wait()
    assert counting.told() == {
        'filodiretto_tried_total{what="x"}': 5, "filodiretto_open": 2, "filodiretto_state": 2,
    }  # fmt: skip
    counting.start(10)
    assert counting.told()['filodiretto_tried_total{what="x"}'] == 15
    assert counting.told()["filodiretto_open"] == 12


def test_a_port_that_is_taken_is_no_reason_not_to_work(counting: Counting) -> None:
    """An engine and a worker with the same settings on one machine: one of the two answers for both."""
    counting.start(1, asked=True)
    counting.start(1, asked=True)
    assert counting.told()["filodiretto_open"] == 2


def test_each_run_begins_with_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(metrics.FOLDER, raising=False)
    with metrics.together():
        folder = Path(os.environ[metrics.FOLDER])
        assert list(folder.iterdir()) == []
        with metrics.together():  # a `web` that the supervisor started joins the others
            assert os.environ[metrics.FOLDER] == str(folder)
    assert not folder.exists()
    assert metrics.FOLDER not in os.environ

"""A gestionale that answers on this machine: the stand-in, served as it is."""

import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from crm.collection.simulator.app import Gestionale, create_app
from crm.collection.sources.endpoints import Endpoint
from tests.crm.collection.test_importer import taxpayers

TOKEN = "a-token"
AT = datetime(2026, 1, 12, 8, tzinfo=UTC)


class Served:
    """The stand-in, and where it answers."""

    def __init__(self, gestionale: Gestionale, port: int) -> None:
        self.gestionale, self.url = gestionale, f"http://127.0.0.1:{port}"
        self.endpoint = Endpoint(self.url, TOKEN)
        self.empoli = gestionale.enti["D403"]


@pytest.fixture
def served(loopback: None, tmp_path: Path, records: dict[str, dict[str, Any]]) -> Iterator[Served]:
    """Five taxpayers of Empoli, each with one debt."""
    feed = tmp_path / "demo" / "feed-empoli.jsonl"
    feed.parent.mkdir()
    lines = [records["header"], *taxpayers(records, 5)]
    feed.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    gestionale = Gestionale.of_folder(TOKEN, feed.parent)
    gestionale.now = lambda: AT
    gestionale.pause = lambda _seconds: None
    with serving(gestionale) as port:
        yield Served(gestionale, port)


@contextlib.contextmanager
def serving(gestionale: Gestionale) -> Iterator[int]:
    """The port of this machine on which a stand-in answers."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(create_app(gestionale), log_config=None, lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    while not server.started:
        time.sleep(0.005)
    yield listening.getsockname()[1]
    server.should_exit = True
    thread.join()
    listening.close()

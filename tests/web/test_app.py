"""The process as a whole: it starts, and it ends when told to."""

import asyncio
import contextlib
from time import monotonic

import pytest
from starlette.testclient import TestClient

from tests.web.conftest import PUBLIC
from web.app import create_app
from web.live.listener import Listener
from web.wiring import Runtime

pytestmark = pytest.mark.integration


def test_a_process_ends_although_whom_it_tells_does_not_hear_at_once(
    runtime: Runtime, loopback: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is being connected in the instant of the cancellation swallows it, before Python 3.12."""

    async def listen(_: Listener) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(60)
        await asyncio.sleep(60)

    monkeypatch.setattr(Listener, "_listen_postgres", listen)
    with TestClient(create_app(runtime), base_url=PUBLIC) as client:
        assert client.get("/health/live").status_code == 200
        began = monotonic()
    assert monotonic() - began < 20

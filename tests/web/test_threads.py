"""Work in threads is waited for, whoever asked for it."""

import asyncio
import threading

import pytest

from tests.web.conftest import in_a_loop
from web.live.threads import to_the_end

pytestmark = pytest.mark.usefixtures("loopback")  # an event loop talks to itself


def test_a_cancellation_waits_for_the_thread() -> None:
    begun, may_end, ended = threading.Event(), threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        may_end.wait(5)
        ended.set()

    async def scenario() -> None:
        task = asyncio.create_task(to_the_end(work))
        await asyncio.to_thread(begun.wait, 5)
        for _ in range(2):  # whoever ends a process asks more than once
            task.cancel()
            await asyncio.sleep(0)
        assert not task.done()
        may_end.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert ended.is_set()

    in_a_loop(scenario())


def test_what_the_thread_says_or_raises_is_handed_on() -> None:
    async def scenario() -> None:
        assert await to_the_end(divmod, 7, 2) == (3, 1)
        with pytest.raises(ZeroDivisionError):
            await to_the_end(divmod, 7, 0)

    in_a_loop(scenario())

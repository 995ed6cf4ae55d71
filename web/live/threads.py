"""Work in threads, beside the event loop."""

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from starlette.concurrency import run_in_threadpool

P = ParamSpec("P")
T = TypeVar("T")


async def to_the_end(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run in a thread; cancelled, wait for its end all the same. A thread cannot be stopped, and what it uses is
    closed once whoever waits for it is gone.
    """
    running = asyncio.ensure_future(run_in_threadpool(work, *args, **kwargs))
    cancelled: asyncio.CancelledError | None = None
    while not running.done():
        try:
            await asyncio.wait([running])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        running.exception()  # nobody else asks for it
        raise cancelled
    return running.result()

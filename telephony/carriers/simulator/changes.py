"""Something changed: whoever waits looks again."""

import asyncio
from collections.abc import Callable


class Changes:
    """A condition without a lock: one event loop, many waiters."""

    def __init__(self) -> None:
        self.count = 0
        self._next: asyncio.Future[None] | None = None

    def notify(self) -> None:
        self.count += 1
        if self._next is not None and not self._next.done():
            self._next.set_result(None)
        self._next = None

    async def wait(self) -> None:
        """Until the next change."""
        if self._next is None:
            self._next = asyncio.get_running_loop().create_future()
        await asyncio.shield(self._next)

    async def until(self, true: Callable[[], bool]) -> None:
        """Until the predicate holds."""
        while not true():
            await self.wait()

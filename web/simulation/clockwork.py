"""Virtual time: what happens next happens at once, and in the same order whenever it is played again.

What the product does on threads of its own, waiting for the carrier meanwhile, runs on strands, which give way
whenever time passes for them.
"""

import contextlib
import heapq
from collections.abc import Callable
from datetime import datetime, timedelta

from greenlet import getcurrent, greenlet


class Killed(BaseException):
    """The process died in which this was done."""


class Clockwork:
    """The instant, in seconds since `start`, and what is to happen."""

    def __init__(self, start: datetime) -> None:
        self._start = start
        self._due: list[tuple[float, int, Callable[[], object]]] = []
        self._told = 0
        self._main = getcurrent()
        self.seconds = 0.0

    def now(self) -> datetime:
        """The instant in UTC."""
        return self._start + timedelta(seconds=self.seconds)

    def instant(self, seconds: float) -> datetime:
        """When so many seconds have passed since the start."""
        return self._start + timedelta(seconds=seconds)

    def after(self, seconds: float, do: Callable[[], object]) -> None:
        """Have something done, after what was to happen at the same instant before."""
        self._told += 1
        heapq.heappush(self._due, (self.seconds + max(0.0, seconds), self._told, do))

    def every(self, seconds: float, do: Callable[[], object]) -> None:
        """Again and again."""

        def again() -> None:
            do()
            self.after(seconds, again)

        self.after(seconds, again)

    def run(self, until: float) -> None:
        """Let time pass."""
        while self._due and self._due[0][0] <= until:
            self.seconds, _, do = heapq.heappop(self._due)
            do()
        self.seconds = max(self.seconds, until)

    # -- strands ------------------------------------------------------------------------------------------------

    def begin(self, work: Callable[[], object]) -> None:
        """Do something that waits meanwhile, up to its first wait."""

        def live() -> None:
            with contextlib.suppress(Killed):
                work()

        greenlet(live, self._main).switch()

    def sleep(self, seconds: float) -> None:
        """Let time pass on this strand."""
        strand = getcurrent()
        assert strand is not self._main, "only a strand can wait"
        self.after(seconds, strand.switch)
        self._main.switch()

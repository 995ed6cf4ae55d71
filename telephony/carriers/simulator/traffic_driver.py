"""Places the calls of the traffic model while the simulator runs."""

import asyncio
from zoneinfo import ZoneInfo

import structlog

from telephony.carriers.simulator.callers import read_callers
from telephony.carriers.simulator.citizens_api import place_call
from telephony.carriers.simulator.config import Traffic
from telephony.carriers.simulator.exchange import Exchange
from telephony.carriers.simulator.instants import now
from telephony.carriers.simulator.traffic import Attempt, attempts

log = structlog.get_logger(__name__)
ROME = ZoneInfo("Europe/Rome")


class TrafficDriver:
    """Off unless the configuration says on; waits for the first number to be registered."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._traffic: Traffic = exchange.config.traffic
        self._task: asyncio.Task[None] | None = None
        self._turn = 0

    def start(self) -> None:
        if self._traffic.on and self._traffic.calls_per_hour > 0:
            self._task = asyncio.create_task(self._run(), name="traffic")

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        exchange, traffic = self._exchange, self._traffic
        await exchange.changes.until(lambda: bool(exchange.numbers.all()))
        await self._until_callers_are_written()
        callers = await asyncio.to_thread(read_callers, traffic.callers_file)
        log.info("traffic.started", callers=len(callers), calls_per_hour=traffic.calls_per_hour)
        start = now().astimezone(ROME)
        for attempt in attempts(traffic.seed, start, calls_per_hour=traffic.calls_per_hour, callers=callers):
            await asyncio.sleep(max(0.0, (attempt.at - now()).total_seconds()))
            self._place(attempt)

    async def _until_callers_are_written(self) -> None:
        """The demonstration's data may still be on their way; after a minute anybody may call."""
        path = self._traffic.callers_file
        for _ in range(60):
            if path is None or path.exists():
                return
            await asyncio.sleep(1)

    def _place(self, attempt: Attempt) -> None:
        """To the numbers in turn; skipped when as many calls live as the demonstration can bear."""
        lines = [line for line in self._exchange.numbers.all() if line.number.voice_url]
        if not lines or len(self._exchange.live_calls()) >= self._traffic.max_live:
            return
        self._turn += 1
        line = lines[self._turn % len(lines)]
        place_call(self._exchange, line, attempt.from_, list(attempt.script))

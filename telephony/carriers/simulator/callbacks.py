"""Status callbacks: each its own task, in order for one subject unless a fault says otherwise."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

import structlog

from telephony.carriers.simulator.errors import DocumentError
from telephony.carriers.simulator.faults import About, Fate, Kind, Misfortune
from telephony.carriers.simulator.webhooks import Webhooks

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Target:
    """Where somebody asked to be told, and of which events."""

    url: str
    method: str = "POST"
    events: frozenset[str] = frozenset()


class Callbacks:
    """Delivers, and forgets: a callback that fails is lost, as Twilio loses it."""

    def __init__(self, webhooks: Webhooks, misfortune: Misfortune) -> None:
        self.misfortune = misfortune
        self._webhooks = webhooks
        self._last: dict[str, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._delivered: set[str] = set()

    def send(self, subject: str, target: Target, params: Mapping[str, str]) -> None:
        """Start the delivery of one callback about `subject` (a call's or conference's ordinal)."""
        fate = self.misfortune.fate(_about(subject, params))
        if fate.copies == 0:
            log.info("callback.dropped", subject=subject, url=target.url)
            return
        before = None if fate.out_of_order else self._last.get(subject)
        task = asyncio.create_task(self._deliver(subject, before, fate, target, dict(params)))
        self._tasks.add(task)
        if not fate.out_of_order:
            self._last[subject] = task
        task.add_done_callback(lambda done: self._forget(subject, done))

    async def first(self, subject: str, limit_s: float = 1.0) -> None:
        """Until the first callback about `subject` has been delivered, or for `limit_s`."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + limit_s
        while subject not in self._delivered and loop.time() < deadline:
            await asyncio.sleep(0.005)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _forget(self, subject: str, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if self._last.get(subject) is task:
            del self._last[subject]

    async def _deliver(
        self,
        subject: str,
        before: asyncio.Task[None] | None,
        fate: Fate,
        target: Target,
        params: Mapping[str, str],
    ) -> None:
        if fate.delay_s:
            await asyncio.sleep(fate.delay_s)
        if before is not None:
            await asyncio.wait({before})
        for _ in range(fate.copies):
            try:
                await self._webhooks.request(target.url, target.method, params, forged=fate.forged)
            except DocumentError as error:
                log.warning("callback.lost", url=error.url, code=error.code, error=error.message)
            self._remember(subject)

    def _remember(self, subject: str) -> None:
        if len(self._delivered) > 10_000:
            self._delivered.clear()
        self._delivered.add(subject)


def _about(subject: str, params: Mapping[str, str]) -> About:
    """Which kind of callback it is, as its own fields tell."""
    call = params.get("CallSid")
    if "RecordingStatus" in params:
        return About(Kind.RECORDING, subject, call, params["RecordingStatus"])
    if "StatusCallbackEvent" in params:
        return About(Kind.CONFERENCE, subject, call, params["StatusCallbackEvent"])
    if "MessageStatus" in params:
        return About(Kind.MESSAGE, subject, None, params["MessageStatus"])
    return About(Kind.CALL, subject, call, params.get("CallStatus"))

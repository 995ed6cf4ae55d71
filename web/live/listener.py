"""Listening for live topics on both ways at once: Redis for speed, PostgreSQL for when Redis is away.

Redis's client resubscribes silently after a cut, and what was said meanwhile is gone. Messages are numbered and a
heartbeat of our own comes back every second: a gap or a missed beat means "look at everything again".
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import psycopg
import redis.asyncio as redis
import structlog
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from web.live.publisher import CHANNEL, NOTIFY_CHANNEL

log = structlog.get_logger(__name__)

BEAT_S = 1.0
LATEST_BEAT_S = 3 * BEAT_S
RETRY_S = 0.5

Heard = Callable[[set[str]], Awaitable[None]]
Lost = Callable[[], Awaitable[None]]


class Listener:
    """Calls `heard` with topics that changed, and `lost` when some may have been missed."""

    def __init__(self, redis_url: str, database_url: str, heard: Heard, lost: Lost) -> None:
        self._redis_url = redis_url
        self._database_url = database_url.replace("postgresql+psycopg://", "postgresql://")
        self._heard, self._lost = heard, lost
        self._beat_channel = f"{CHANNEL}:beat:{uuid4()}"

    async def run(self) -> None:
        """Listen until cancelled. Cancelled once more, it passes that on once more, as a task group would not."""
        await asyncio.gather(self._forever(self._listen_redis), self._forever(self._listen_postgres))

    async def _forever(self, listen: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await listen()
            except (RedisError, psycopg.Error, OSError, TimeoutError) as error:
                log.warning("live_listener_cut", by=listen.__name__, error=type(error).__name__)
            except Exception:
                log.exception("live_listener_failed", by=listen.__name__)
            await asyncio.sleep(RETRY_S)

    async def _listen_redis(self) -> None:
        client = redis.Redis.from_url(
            self._redis_url, socket_timeout=2 * BEAT_S, socket_connect_timeout=1, retry=Retry(NoBackoff(), 0)
        )
        async with client, client.pubsub() as subscription:
            await subscription.subscribe(CHANNEL, self._beat_channel)
            await self._lost()  # whatever happened before we listened
            beating = asyncio.create_task(self._beat(client))
            try:
                await self._follow(subscription)
            finally:
                beating.cancel()
                await asyncio.wait([beating])  # it may be connecting: the client must not be closed under it

    async def _beat(self, client: Any) -> None:
        while True:
            await client.publish(self._beat_channel, "")
            await asyncio.sleep(BEAT_S)

    async def _follow(self, subscription: Any) -> None:
        expected: int | None = None
        beaten = time.monotonic()
        while time.monotonic() - beaten < LATEST_BEAT_S:
            message = await subscription.get_message(ignore_subscribe_messages=True, timeout=BEAT_S)
            if message is None:
                continue
            if message["channel"] != CHANNEL.encode():
                beaten = time.monotonic()
                continue
            number, _, body = message["data"].partition(b" ")
            if expected is not None and int(number) != expected:
                await self._lost()
            expected = int(number) + 1
            await self._heard(set(json.loads(body)))
        raise TimeoutError("our own beat does not come back: the subscription is dead")

    async def _listen_postgres(self) -> None:
        connection = await psycopg.AsyncConnection.connect(
            self._database_url, autocommit=True, connect_timeout=5, application_name="filodiretto-live"
        )
        async with connection:
            await connection.execute(f"LISTEN {NOTIFY_CHANNEL}")
            await self._lost()
            async for notice in connection.notifies():
                await self._heard(set(json.loads(notice.payload)))

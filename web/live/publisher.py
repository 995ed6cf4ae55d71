"""Publishing live topics: through Redis, numbered; through PostgreSQL's NOTIFY while Redis is away."""

import json
import time
from collections.abc import Iterable

import redis
import structlog
from prometheus_client import Counter
from redis.backoff import NoBackoff
from redis.retry import Retry
from sqlalchemy import func, select

from crm.core.db import Database, Scope

log = structlog.get_logger(__name__)
FALLEN_BACK = Counter("filodiretto_live_fallbacks", "Live messages sent through PostgreSQL because Redis was away")

CHANNEL = "filodiretto:live"
NUMBER = "filodiretto:live:number"
NOTIFY_CHANNEL = "filodiretto_live"
REST_S = 1.0  # how long Redis is left alone after a failure

# One step, so that messages are numbered in the order in which they are published.
_PUBLISH = "local n = redis.call('INCR', KEYS[1]); redis.call('PUBLISH', KEYS[2], n .. ' ' .. ARGV[1]); return n"


class Publisher:
    """Tells every hub which topics changed. Never raises: what is missed is caught by the hubs' next snapshot."""

    def __init__(self, redis_url: str, database: Database) -> None:
        self._redis = redis.Redis.from_url(
            redis_url, socket_timeout=0.5, socket_connect_timeout=0.5, retry=Retry(NoBackoff(), 0)
        )
        self._publish = self._redis.register_script(_PUBLISH)
        self._database = database
        self._resting_until = 0.0

    def publish(self, topics: Iterable[str]) -> None:
        """Say that these topics changed. They are committed already."""
        body = json.dumps(sorted(set(topics)))
        if time.monotonic() >= self._resting_until:
            try:
                self._publish(keys=[NUMBER, CHANNEL], args=[body])
            except redis.RedisError as error:
                self._resting_until = time.monotonic() + REST_S
                log.warning("live_redis_away", error=type(error).__name__)
            else:
                return
        FALLEN_BACK.inc()
        with self._database.begin(Scope.nothing()) as session:
            session.execute(select(func.pg_notify(NOTIFY_CHANNEL, body)))

    def close(self) -> None:
        """Let go of the connections."""
        self._redis.close()

"""Signs of life of `worker` and `beat`: each time Celery's own loop turns, and at no other time."""

from typing import Any

from celery import Celery
from celery.beat import PersistentScheduler
from celery.signals import heartbeat_sent

from crm.core.db import Database
from crm.core.heartbeats import Pulse
from crm.core.settings import Settings


def follow_worker(settings: Settings) -> None:
    """Have the worker's main process say that it lives: its loop sends Celery's heartbeat every two seconds.

    No connection stays open between two signs, for the pool's processes are forked off this one.
    """
    database = _database(settings)
    pulse = Pulse(database, "worker")

    def turned(**_: Any) -> None:
        pulse.beat()
        database.dispose()

    heartbeat_sent.connect(turned, weak=False)


def follow_beat(app: Celery, settings: Settings) -> None:
    """Have the schedule's loop say at each tick that it lives, whatever becomes of the tasks that it sends."""
    pulse = Pulse(_database(settings), "beat")

    class Scheduler(PersistentScheduler):
        def tick(self, *args: Any, **options: Any) -> Any:
            wait = super().tick(*args, **options)
            pulse.beat()
            return wait

    app.conf.beat_scheduler = Scheduler


def _database(settings: Settings) -> Database:
    return Database(settings.database_url, settings.database_routing_url, pool_size=1)

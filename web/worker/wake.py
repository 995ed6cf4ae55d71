"""Waking workers. A wake that is lost costs seconds, never the job: beat's sweep finds the row."""

import structlog
from celery import Celery
from celery.schedules import crontab
from kombu.exceptions import OperationalError

from crm.core.jobs import JobWritten

log = structlog.get_logger(__name__)


def celery_app(redis_url: str) -> Celery:
    """Celery on Redis, with nothing that must not be lost in it."""
    broker = redis_url.replace("unix://", "redis+socket://") if redis_url.startswith("unix://") else redis_url
    app = Celery("filodiretto", broker=broker.replace("?db=", "?virtual_host="))
    app.conf.update(
        broker_connection_max_retries=None,
        broker_connection_retry_on_startup=True,
        broker_transport_options={"socket_timeout": 5, "socket_connect_timeout": 2},
        task_ignore_result=True,
        task_serializer="json",
        accept_content=["json"],
        task_publish_retry=False,
        task_acks_late=False,
        worker_prefetch_multiplier=1,
        worker_hijack_root_logger=False,
        timezone="UTC",
        beat_schedule={
            "sweep-jobs": {"task": "filodiretto.sweep_jobs", "schedule": 3.0, "options": {"expires": 3}},
            "tidy": {"task": "filodiretto.tidy", "schedule": crontab(hour=0, minute=30)},
            "search-duplicates": {"task": "filodiretto.search_duplicates", "schedule": crontab(hour=1, minute=30)},
        },
    )
    return app


class Waker:
    """Sends job ids to Celery's queue."""

    def __init__(self, redis_url: str) -> None:
        self._app = celery_app(redis_url)

    def wake(self, written: list[JobWritten]) -> None:
        """Wake a worker for each job; without Redis the sweep will, once it is back."""
        for job in written:
            try:
                self._app.send_task("filodiretto.run_job", args=[job.job_id, job.ente_id])
            except OperationalError:
                log.warning("worker_not_woken", job=job.job_id)

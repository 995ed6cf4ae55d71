"""The `beat` process: it knows the schedule, and of what is on it the names alone."""

from crm.core.settings import Settings
from web.worker.pulse import follow_beat
from web.worker.wake import celery_app


def run_beat(settings: Settings, schedule_file: str) -> None:
    """Keep the schedule until told to stop."""
    app = celery_app(settings.redis_url)
    follow_beat(app, settings)
    app.start(["beat", "--loglevel=INFO", f"--schedule={schedule_file}"])

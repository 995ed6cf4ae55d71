"""How often a token may be used. Pure: the generic cell rate algorithm (ITU-T I.371), as one instant."""

from datetime import datetime, timedelta

PER_MINUTE = 60
BURST = 30  # requests at once, after a pause
EACH = timedelta(minutes=1) / PER_MINUTE


def take(full_at: datetime | None, now: datetime) -> tuple[timedelta, datetime | None]:
    """Take one use: nothing to wait and the new instant; or how long to wait, and the instant as it was."""
    full = max(full_at or now, now) + EACH
    wait = full - EACH * BURST - now
    return (wait, full_at) if wait > timedelta() else (timedelta(), full)

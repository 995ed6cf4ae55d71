"""The carrier's own clock. The simulator stands for another company: it shares no clock with us."""

import os
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

AHEAD = timedelta(seconds=float(os.environ.get("FILODIRETTO_SIMULATOR_AHEAD_S", "0")))  # of this machine's clock


def now() -> datetime:
    return datetime.now(UTC) + AHEAD


def rfc2822(instant: datetime | None) -> str | None:
    """As Twilio writes instants: `Fri, 18 Oct 2019 17:00:00 +0000`."""
    return None if instant is None else format_datetime(instant)


def seconds_between(start: datetime | None, end: datetime | None) -> int:
    """Whole seconds, rounded; 0 when either end is unknown."""
    return 0 if start is None or end is None else max(0, round((end - start).total_seconds()))

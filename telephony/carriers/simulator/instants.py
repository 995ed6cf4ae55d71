"""The carrier's own clock. The simulator stands for another company: it shares no clock with us."""

from datetime import UTC, datetime
from email.utils import format_datetime


def now() -> datetime:
    return datetime.now(UTC)


def rfc2822(instant: datetime | None) -> str | None:
    """As Twilio writes instants: `Fri, 18 Oct 2019 17:00:00 +0000`."""
    return None if instant is None else format_datetime(instant)


def seconds_between(start: datetime | None, end: datetime | None) -> int:
    """Whole seconds, rounded; 0 when either end is unknown."""
    return 0 if start is None or end is None else max(0, round((end - start).total_seconds()))

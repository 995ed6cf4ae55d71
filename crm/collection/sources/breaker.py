"""The circuit breaker of a source: when it does not answer, it is left alone for a while. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

OPENS_AT = 3  # failures in a row
FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=1), timedelta(hours=1)


class Circuit(StrEnum):
    CLOSED = "closed"
    OPEN = "open"  # nothing is asked
    TRYING = "trying"  # the pause is over: the next reading decides


@dataclass(frozen=True, slots=True)
class Breaker:
    """Failures in a row, and until when nothing is asked."""

    failures: int = 0
    open_until: datetime | None = None

    def circuit(self, now: datetime) -> Circuit:
        """How it stands."""
        if self.open_until is None:
            return Circuit.CLOSED
        return Circuit.OPEN if now < self.open_until else Circuit.TRYING

    def failed(self, now: datetime, *, permanent: bool, retry_after: float | None = None) -> "Breaker":
        """After a reading that failed. A permanent failure opens it at once, for as long as it ever is."""
        failures = self.failures + 1
        if permanent:
            pause = LONGEST_PAUSE
        elif failures >= OPENS_AT:
            pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(failures - OPENS_AT, 10))
        else:
            pause = timedelta()
        pause = max(pause, min(timedelta(seconds=retry_after or 0), LONGEST_PAUSE))
        return Breaker(failures, now + pause if pause else None)

"""The one clock. A transaction reads the database's clock once (hosts disagree), so all it writes agrees.

Instants are UTC. Business time, which is what opening hours and "today" mean, is Europe/Rome and explicit.
"""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

ROME = ZoneInfo("Europe/Rome")


def now(session: Session) -> datetime:
    """The instant of this transaction, in UTC: the same value however often it is asked."""
    instant: datetime | None = session.info.get("now")
    if instant is None:
        session.connection()  # the first use of a connection sets the scope and reads the clock
        instant = session.info["now"]
    return instant


def in_rome(instant: datetime) -> datetime:
    """The same instant on a clock that hangs in Rome."""
    return instant.astimezone(ROME)


def business_day(instant: datetime) -> date:
    """The day, in Rome, to which an instant belongs."""
    return in_rome(instant).date()


def start_of_day(day: date) -> datetime:
    """Midnight in Rome at which `day` begins, in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=ROME).astimezone(UTC)

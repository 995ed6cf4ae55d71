"""The one clock. A transaction reads the database's clock once (hosts disagree), so all it writes agrees.

Instants are UTC. Business time, which is what opening hours and "today" mean, is Europe/Rome and explicit.
"""

import time
from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm.core.db import Database, Scope

ROME = ZoneInfo("Europe/Rome")
HOUR = timedelta(hours=1)


def now(session: Session) -> datetime:
    """The instant of this transaction, in UTC: the same value however often it is asked."""
    instant: datetime | None = session.info.get("now")
    if instant is None:
        session.connection()  # the first use of a connection sets the scope and reads the clock
        instant = session.info["now"]
    return instant


class DatabaseClock:
    """The database's clock between transactions, for whatever ticks by itself, such as the beat of the live pages.

    `refresh` asks the database, in a thread that may wait; every half minute is often enough. `now` never waits: it
    goes on from the last answer by this host's monotonic clock, which no time server sets. An answer is off by half
    its way to and fro at the most. While the database is away `refresh` raises, and the last answer stands; before
    the first one it is this host's time.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._told = (datetime.now(UTC), time.monotonic())

    def refresh(self) -> None:
        """Set this clock by the database's."""
        with self._database.begin(Scope.nothing()) as session:
            session.connection()  # connecting takes its time: it is not part of the question's way
            asked = time.monotonic()
            told = session.execute(select(func.clock_timestamp())).scalar_one()
            answered = time.monotonic()
        self._told = (told.astimezone(UTC), (asked + answered) / 2)  # one assignment: `now` sees both or neither

    def now(self) -> datetime:
        """The instant at the database, in UTC."""
        told, at = self._told
        return told + timedelta(seconds=time.monotonic() - at)


def in_rome(instant: datetime) -> datetime:
    """The same instant on a clock that hangs in Rome."""
    return instant.astimezone(ROME)


def business_day(instant: datetime) -> date:
    """The day, in Rome, to which an instant belongs."""
    return in_rome(instant).date()


def start_of_day(day: date) -> datetime:
    """Midnight in Rome at which `day` begins, in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=ROME).astimezone(UTC)


def months_before(instant: datetime, months: int) -> datetime:
    """The same instant so many months ago, in Rome; the month's last day where it has no such day."""
    local = in_rome(instant)
    year, month = divmod(local.year * 12 + local.month - 1 - months, 12)
    day = min(local.day, monthrange(year, month + 1)[1])
    return local.replace(year=year, month=month + 1, day=day).astimezone(UTC)

"""When a source is read next: every so many minutes, or once a day at a time of Rome's clock. Pure."""

from datetime import UTC, datetime, time, timedelta

from crm.core.clock import ROME, in_rome

MIN_EVERY, MAX_EVERY = 1, 7 * 24 * 60
DAY_MIN = 24 * 60


def next_due(*, every_min: int | None, at_minute: int | None, after: datetime) -> datetime | None:
    """The first instant later than `after`; None for a source that is read by hand alone.

    `at_minute` counts from midnight in Rome. An hour that the change to summer time skips is read an hour later.
    """
    if every_min is not None:
        return after + timedelta(minutes=every_min)
    if at_minute is None:
        return None
    at = time(at_minute // 60, at_minute % 60)
    day = in_rome(after).date()
    while (due := datetime.combine(day, at, ROME).astimezone(UTC)) <= after:
        day += timedelta(days=1)
    return due


def longest_silence(*, every_min: int | None, at_minute: int | None) -> timedelta | None:
    """After how long without a reading that went well the timetable was not kept: twice its step."""
    step = every_min if every_min is not None else DAY_MIN if at_minute is not None else None
    return None if step is None else timedelta(minutes=2 * step)

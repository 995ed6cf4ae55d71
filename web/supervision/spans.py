"""Which part of time a figure of the live board is of, and which calls of just now. Pure."""

from datetime import datetime, timedelta
from enum import StrEnum

from crm.core.clock import HOUR, business_day, start_of_day
from crm.levels.agreement import Period
from crm.levels.metering import hour_of, quarter_of
from telephony.queues.waits import LATELY

QUARTER = timedelta(minutes=15)


class Live(StrEnum):
    """Calls that are under way, by what becomes of them."""

    WAITING = "waiting"
    TALKING = "talking"
    AWAY = "away"  # to be called back


class Apart(StrEnum):
    """Calls that are in no counter of the service level."""

    FOUND_SHUT = "found_shut"  # to a number that was closed by itself


class Span(StrEnum):
    """Up to now, from the beginning of what it names."""

    NOW = "now"  # the running quarter hour
    HOUR = "hour"
    LATELY = "lately"  # the last two hours, in whole quarters: what an expected wait is made of
    WEEK = "week"  # the last seven days, the same way
    TODAY = "today"
    PERIOD = "period"  # of the contract's agreement


BACK = dict(zip((Span.LATELY, Span.WEEK), LATELY, strict=True))


def bounds(span: Span, at: datetime, period: Period) -> tuple[datetime, datetime]:
    """The first instant of a span, and the first one after it."""
    if span is Span.NOW:
        return quarter_of(at), quarter_of(at) + QUARTER
    if span is Span.HOUR:
        return hour_of(at), hour_of(at) + HOUR
    if span in BACK:
        since = at - BACK[span]
        return since if quarter_of(since) == since else quarter_of(since) + QUARTER, quarter_of(at) + QUARTER
    today = business_day(at)
    if span is Span.TODAY:
        return start_of_day(today), start_of_day(today + timedelta(days=1))
    first, after = period.around(today)
    return start_of_day(first), start_of_day(after)

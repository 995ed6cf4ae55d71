"""When a campaign's calls will be done, at its pace, pure.

It is assumed that those who are left need as many calls each as those who are done, that as many leave an hour as did,
and that people are called in all of the plan's hours. Nobody is assumed to wait for more than that.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from crm.core.clock import business_day

HOUR = timedelta(hours=1)
FEWEST = 20  # people done, before which nothing is foretold


@dataclass(frozen=True, slots=True)
class Forecast:
    """Calls still to be made, each person's share of them, hours of calling; the day on which they end, if it is near
    enough to be told.
    """

    calls: int
    calls_each: float
    hours: float
    day: date | None


def foretell(
    *, left: int, done: int, calls: int, an_hour: float, now: datetime, spans: Iterable[tuple[datetime, datetime]]
) -> Forecast | None:
    """None while too little is known. `left`, `done`: people; `calls`: placed so far; `an_hour`: of calling, now.

    `spans`: the stretches in which people are called from today on, in their order.
    """
    if not left or done < FEWEST or an_hour <= 0:
        return None
    each = calls / done
    needed = left * each / an_hour
    rest, day = needed * HOUR, None
    for start, end in spans:
        open_for = end - max(start, now)
        if open_for <= timedelta():
            continue
        if rest <= open_for:
            day = business_day(max(start, now) + rest)
            break
        rest -= open_for
    return Forecast(round(left * each), each, needed, day)

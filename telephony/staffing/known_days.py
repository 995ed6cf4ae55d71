"""What is known beforehand of days: due dates, notices that arrive, holidays just over. Pure."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from telephony.staffing.forecast import Driver

DAY = timedelta(days=1)
SOON_DAYS, JUST_PASSED_DAYS, LATER_DAYS = 4, 5, 20  # before a due date; after it; after it, Intercent-ER 6.5
NOTICES_DAYS = 10
MANY, TIMES_THE_MEAN = 30, 4  # acts of one day are worth noting from so many on, and so many times those of a mean day


class Kind(StrEnum):
    DUE = "due"  # something is to be paid until this day
    NOTICES = "notices"  # notices arrive on this day


@dataclass(frozen=True, slots=True)
class Known:
    """A day of which something is known. `name` is the tax or what else is due; `acts`: how many, if counted."""

    day: date
    kind: Kind
    name: str = ""
    acts: int | None = None


def imu(year: int, is_working: Callable[[date], bool]) -> tuple[Known, Known]:
    """The two due dates of the IMU, 16 June and 16 December (L. 160/2019, art. 1, c. 762).

    One that falls on a Saturday or a holiday is put off to the next working day (D.L. 70/2011, art. 7, c. 2, l).
    """
    return tuple(  # type: ignore[return-value]
        Known(_put_off(date(year, month, 16), is_working), Kind.DUE, name)
        for month, name in ((6, "IMU, acconto"), (12, "IMU, saldo"))
    )


def _put_off(day: date, is_working: Callable[[date], bool]) -> date:
    while not is_working(day):
        day += DAY
    return day


def notable(acts: Mapping[date, int], kind: Kind) -> list[Known]:
    """The days on which unusually many acts fall due, or were notified."""
    if not acts:
        return []
    mean = sum(acts.values()) / len(acts)
    return [Known(day, kind, "", n) for day, n in sorted(acts.items()) if n >= max(MANY, TIMES_THE_MEAN * mean)]


def drivers_of(on: date, known: Collection[Known], was_holiday: Callable[[date], bool]) -> frozenset[Driver]:
    """Why a day is not like others of its weekday."""
    found = set()
    for one in known:
        since = (on - one.day).days
        if one.kind is Kind.NOTICES:
            if 0 <= since <= NOTICES_DAYS:
                found.add(Driver.NOTICES)
        elif -SOON_DAYS <= since <= 0:
            found.add(Driver.DUE_SOON)
        elif 0 < since <= JUST_PASSED_DAYS:
            found.add(Driver.OVERDUE)
        elif JUST_PASSED_DAYS < since <= LATER_DAYS:
            found.add(Driver.OVERDUE_LATER)
    before = on - DAY
    while before.weekday() >= 5:  # the Friday before a Monday
        before -= DAY
    if was_holiday(before):
        found.add(Driver.AFTER_HOLIDAY)
    return frozenset(found)

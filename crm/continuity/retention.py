"""Which backups are kept: of the last days, weeks and months that have one, the newest of each. Pure."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from crm.core.clock import business_day, in_rome


@dataclass(frozen=True, slots=True)
class Retention:
    """How many days, weeks (ISO 8601) and months of Rome's calendar keep one."""

    days: int = 7
    weeks: int = 4
    months: int = 12


def kept(made: Iterable[datetime], rule: Retention = Retention()) -> set[datetime]:  # frozen
    """Those that are kept: what has no backup uses up no place. The newest of all is always among them."""
    newest_first = sorted(made, reverse=True)
    found: set[datetime] = set(newest_first[:1])
    for most, of in ((rule.days, business_day), (rule.weeks, _week), (rule.months, _month)):
        found |= set(_newest_of_each(newest_first, of, most))
    return found


def _newest_of_each(newest_first: list[datetime], of: Callable[[datetime], Any], most: int) -> list[datetime]:
    chosen: dict[Any, datetime] = {}
    for one in newest_first:
        if len(chosen) < most:
            chosen.setdefault(of(one), one)
    return list(chosen.values())


def _week(instant: datetime) -> tuple[int, int]:
    year, week, _ = in_rome(instant).isocalendar()
    return year, week


def _month(instant: datetime) -> tuple[int, int]:
    local = in_rome(instant)
    return local.year, local.month

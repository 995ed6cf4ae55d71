"""Whether what repeats (RFC 5545, 3.3.10) can happen at all between two days. Pure.

A rule that never happens, such as each thirtieth of February, is looked for by libraries until the year 9999. Here a
few hundred days are asked instead: a day on which no part of the rule forbids it. It is never said to be impossible
where it happens; where it is said to be possible a library finds it soon.
"""

from calendar import isleap, monthrange
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from math import prod
from typing import Any

_DAY = timedelta(days=1)
_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_TIMES = ("BYHOUR", "BYMINUTE", "BYSECOND")  # each makes more of one day


def may_happen(rule: Mapping[str, Any], start: date, first: date, last: date) -> bool:
    """Whether some day between two, both included, may have an occurrence of what began at `start`."""
    places = [abs(int(one)) for one in rule.get("BYSETPOS", [])]
    if not places:
        return any(True for _ in _days(rule, start, first, last))
    in_period = Counter(_period(rule, day) for day in _days(rule, start, first, last))
    times = prod(max(1, len(rule.get(part, []))) for part in _TIMES)
    return any(many * times >= min(places) for many in in_period.values())


def _days(rule: Mapping[str, Any], start: date, first: date, last: date) -> Iterator[date]:
    """The days that no part of the rule forbids."""
    often, every = _often(rule), max(1, *(int(one) for one in rule.get("INTERVAL", [1])))
    months, month_days = _numbers(rule, "BYMONTH"), _numbers(rule, "BYMONTHDAY")
    year_days, weeks = _numbers(rule, "BYYEARDAY"), _numbers(rule, "BYWEEKNO")
    weekdays = [str(one).upper() for one in rule.get("BYDAY", [])]
    day = max(first, start)
    while day <= last:
        if (
            _aligned(often, every, start, day)
            and (not months or day.month in months)
            and (not month_days or not month_days.isdisjoint(_from_both_ends(*_in_month(day))))
            and (not year_days or not year_days.isdisjoint(_from_both_ends(*_in_year(day))))
            and (not weeks or _in_week(weeks, day))
            and (not weekdays or any(_on(one, day, in_year=often == "YEARLY" and not months) for one in weekdays))
        ):
            yield day
        day += _DAY


def _often(rule: Mapping[str, Any]) -> str:
    return str(next(iter(rule.get("FREQ", ["DAILY"])))).upper()


def _numbers(rule: Mapping[str, Any], part: str) -> frozenset[int]:
    return frozenset(int(one) for one in rule.get(part, []))


def _aligned(often: str, every: int, start: date, day: date) -> bool:
    """Whether a day lies in one of the periods that count; of weeks, whichever day they begin with."""
    if every == 1:
        return True
    if often == "YEARLY":
        return (day.year - start.year) % every == 0
    if often == "MONTHLY":
        return ((day.year - start.year) * 12 + day.month - start.month) % every == 0
    if often == "WEEKLY":
        return (day - start).days // 7 % every in {0, every - 1}
    return (day - start).days % every == 0


def _period(rule: Mapping[str, Any], day: date) -> tuple[int, ...]:
    match _often(rule):
        case "YEARLY":
            return (day.year,)
        case "MONTHLY":
            return day.year, day.month
        case "WEEKLY":
            return (0,)  # by whichever day weeks begin: any that there are
    return (day.toordinal(),)


def _in_month(day: date) -> tuple[int, int]:
    return day.day, monthrange(day.year, day.month)[1]


def _in_year(day: date) -> tuple[int, int]:
    return day.timetuple().tm_yday, 365 + isleap(day.year)


def _from_both_ends(nth: int, of: int) -> tuple[int, int]:
    return nth, nth - of - 1


def _in_week(weeks: frozenset[int], day: date) -> bool:
    """By ISO weeks, give or take one: another day may begin them, and a year may have 52 or 53."""
    week = day.isocalendar().week
    near = {week - 1, week, week + 1, 1 if week >= 52 else week, 53 if week == 1 else week}
    return any(one in near or (one < 0 and one + 53 in near) or (one < 0 and one + 54 in near) for one in weeks)


def _on(weekday: str, day: date, *, in_year: bool) -> bool:
    """Whether a day is one of `MO`, or the one that `2MO`, `-1MO` names of its month or year."""
    name, nth = weekday[-2:], weekday[:-2]
    if name not in _WEEKDAYS or _WEEKDAYS.index(name) != day.weekday():
        return False
    if not nth:
        return True
    at, of = _in_year(day) if in_year else _in_month(day)
    return int(nth) in {(at - 1) // 7 + 1, -((of - at) // 7 + 1)}

"""Working days of an ente: Monday to Friday, no Italian holiday, not its patron saint's day. Pure.

Whether its offices keep a holiday or work on it changes nothing: terms in working days are counted by the calendar.
"""

from datetime import date, timedelta

from crm.enti.calendar import Timetable, is_holiday

Patron = tuple[int, int]  # month and day
DAY = timedelta(days=1)
_SATURDAY = 5


def is_working_day(day: date, patron: Patron | None) -> bool:
    """Whether a term in working days counts this one."""
    return day.weekday() < _SATURDAY and not is_holiday(Timetable((), patron=patron), day)


def working_days(patron: Patron | None, after: date, until: date) -> int:
    """How many lie after one day up to another, that one included; none where it lies before."""
    return sum(is_working_day(after + DAY * n, patron) for n in range(1, (until - after).days + 1))


def working_day_after(day: date, days: int, patron: Patron | None) -> date:
    """The last day of a term of so many working days that began on `day`, which does not count itself."""
    while days:
        day += DAY
        days -= is_working_day(day, patron)
    return day

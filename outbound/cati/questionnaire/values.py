"""What an expression is worth: a text, a number, a yes or no, or the values of a repeated question. Never an error.

As XPath 1.0 turns one into another, with what XForms adds: a date is worth the days since 1 January 1970, a time of
day the part of the day that is over; so `today() - ${birth}` are days, and `. < '2026-01-01'` compares dates.
"""

import math
import re
from datetime import date, datetime, time
from decimal import Decimal

Value = str | float | bool | tuple[str, ...]

EPOCH = date(1970, 1, 1).toordinal()
_NUMBER = re.compile(r"-?(\d+(\.\d*)?|\.\d+)", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d(:\d\d)?)", re.ASCII)
_TIME = re.compile(r"\d\d:\d\d(:\d\d)?", re.ASCII)


def text(value: Value) -> str:
    """Of several values the first."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case tuple():
            return value[0] if value else ""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    if value == int(value) and abs(value) < 1e15:
        return str(int(value))
    return format(Decimal(format(value, ".15g")), "f")


def number(value: Value) -> float:
    """Not a number where it is none."""
    match value:
        case bool():
            return 1.0 if value else 0.0
        case float():
            return value
    said = text(value).strip()
    if _NUMBER.fullmatch(said):
        return float(said)
    return _days(said)


def _days(said: str) -> float:
    try:
        if _DATE.fullmatch(said):
            return float(date.fromisoformat(said).toordinal() - EPOCH)
        if found := _MOMENT.fullmatch(said):
            return date.fromisoformat(found[1]).toordinal() - EPOCH + _part(found[2])
        if _TIME.fullmatch(said):
            return _part(said)
    except ValueError:
        pass
    return math.nan


def _part(clock: str) -> float:
    read = time.fromisoformat(clock)
    return (read.hour * 3600 + read.minute * 60 + read.second) / 86_400


def truth(value: Value) -> bool:
    """Nothing, `false`, zero and what is not a number are no."""
    match value:
        case bool():
            return value
        case float():
            return bool(value) and not math.isnan(value)
    said = text(value).strip()
    return said not in {"", "false"} and not (_NUMBER.fullmatch(said) and float(said) == 0)


def each(value: Value) -> tuple[str, ...]:
    """The values of a repeated question; else the one that it is."""
    return value if isinstance(value, tuple) else (text(value),)


def alike(left: Value, right: Value) -> bool:
    """Whether any of the left is equal to any of the right (XPath 1.0, 3.4)."""
    if isinstance(left, bool) or isinstance(right, bool):
        return truth(left) == truth(right)
    if isinstance(left, float) or isinstance(right, float):
        return any(a == b for a in _numbers(left) for b in _numbers(right))
    return any(a == b for a in each(left) for b in each(right))


def unlike(left: Value, right: Value) -> bool:
    """Whether any of the left differs from any of the right."""
    if isinstance(left, bool) or isinstance(right, bool):
        return truth(left) != truth(right)
    if isinstance(left, float) or isinstance(right, float):
        return any(a != b for a in _numbers(left) for b in _numbers(right))
    return any(a != b for a in each(left) for b in each(right))


def before(left: Value, right: Value, *, also_same: bool) -> bool:
    """Whether any of the left is below any of the right; nothing is below or above what is not a number."""
    return any(a < b or (also_same and a == b) for a in _numbers(left) for b in _numbers(right))


def _numbers(value: Value) -> tuple[float, ...]:
    return tuple(number(one) for one in value) if isinstance(value, tuple) else (number(value),)


def day_of(value: Value) -> date | None:
    """The date that it tells, be it as text or as days since 1970."""
    days = number(value)
    if math.isnan(days) or not 1 <= days + EPOCH <= date.max.toordinal():
        return None
    return date.fromordinal(int(days) + EPOCH) if days >= 0 else date.fromordinal(math.floor(days) + EPOCH)


def moment_of(value: Value) -> datetime | None:
    """The instant that it tells, in the wall clock's time, to the second."""
    day = day_of(value)
    if day is None:
        return None
    seconds = min(round((number(value) % 1) * 86_400), 86_399)
    return datetime.combine(day, time(seconds // 3600, seconds // 60 % 60, seconds % 60))

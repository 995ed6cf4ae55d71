"""Opening hours as people write them, `8:30-13, 15:00-17:30`, and as they are kept. Pure."""

import re
from collections.abc import Iterable, Mapping
from datetime import time
from itertools import pairwise

from crm.core.errors import InvalidError
from crm.enti.calendar import Hours

DAYS = 7
_SPAN = re.compile(r"(\d{1,2})(?:[:.](\d{2}))?\s*[-–]\s*(\d{1,2})(?:[:.](\d{2}))?")
_MIDNIGHT = 24 * 60


def parse_day(weekday: int, text: str, *, field: str) -> list[Hours]:
    """The hours of one weekday (0 is Monday); none when nothing is written. Raises `InvalidError`."""
    spans = sorted(_span(part, field) for part in text.replace(";", ",").split(",") if part.strip())
    for (_, closes), (opens, _) in pairwise(spans):
        if opens < closes:
            raise InvalidError("Due orari si accavallano.", field=field)
    return [Hours(weekday, _time(opens), _time(closes)) for opens, closes in spans]


def parse_week(texts: Mapping[int, str], *, field: str = "day") -> list[Hours]:
    """The hours of a week from the text of each weekday. Raises `InvalidError`, one part for each `FIELD-N` wrong."""
    found: list[Hours] = []
    wrong: list[InvalidError] = []
    for weekday in range(DAYS):
        try:
            found += parse_day(weekday, texts.get(weekday, ""), field=f"{field}-{weekday}")
        except InvalidError as error:
            wrong.append(error)
    if wrong:
        raise InvalidError("Qualche orario non si legge.", parts=wrong)
    return found


def written(hours: Iterable[Hours], weekday: int) -> str:
    """The hours of a weekday as they are written."""
    mine = sorted((one for one in hours if one.weekday == weekday), key=lambda one: one.opens)
    return ", ".join(f"{one.opens:%H:%M}-{one.closes:%H:%M}".replace("-00:00", "-24:00") for one in mine)


def written_week(hours: Iterable[Hours]) -> tuple[str, ...]:
    """The same of each weekday, Monday first."""
    hours = list(hours)
    return tuple(written(hours, weekday) for weekday in range(DAYS))


def _span(text: str, field: str) -> tuple[int, int]:
    match = _SPAN.fullmatch(text.strip())
    if match is None:
        raise InvalidError("Scrivi gli orari così: 8:30-13:00, 15:00-17:30.", field=field)
    opens, closes = (_minutes(match[one], match[one + 1]) for one in (1, 3))
    if opens is None or closes is None or opens >= _MIDNIGHT:
        raise InvalidError("Un'ora va da 0:00 a 24:00.", field=field)
    if closes <= opens:
        raise InvalidError("Chiude prima di aprire: ricontrolla.", field=field)
    return opens, closes


def _minutes(hour: str, minute: str | None) -> int | None:
    total = int(hour) * 60 + int(minute or 0)
    return total if int(minute or 0) < 60 and total <= _MIDNIGHT else None


def _time(minutes: int) -> time:
    return time(minutes // 60 % 24, minutes % 60)

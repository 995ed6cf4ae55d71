"""What people type or addresses hold, as values that nothing further in stumbles over."""

from datetime import date, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime
from pydantic_core import PydanticCustomError

FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2199, 12, 31)  # a day's or a year's arithmetic stays within the calendar


def near(day: date) -> date:
    """The day, unless it is too far away: then raises a `ValueError` of the kind that pydantic has for days."""
    if not FIRST_DAY <= day <= LAST_DAY:
        raise PydanticCustomError("date_too_far", "too far away")
    return day


def near_instant(at: datetime) -> datetime:
    """The same of an instant."""
    near(at.date())
    return at


NearDay = Annotated[date, AfterValidator(near)]
NearInstant = Annotated[AwareDatetime, AfterValidator(near_instant)]


def day_of(text: str) -> date:
    """A day as a form's field writes it, such as 2026-11-21. Raises `ValueError` for anything else, or too far away."""
    return near(date.fromisoformat(text.strip()))


def instant_of(text: str) -> datetime:
    """A day and an hour as a form's field writes them. Raises `ValueError` as `day_of`."""
    at = datetime.fromisoformat(text.strip())
    near(at.date())
    return at


def id_of(text: str) -> int | None:
    """A number such as rows have; none for any other text."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None

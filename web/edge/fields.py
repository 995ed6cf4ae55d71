"""What people type or addresses hold, as values that nothing further in stumbles over."""

import re
from datetime import date, datetime, timedelta
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime
from pydantic_core import PydanticCustomError

from crm.core.errors import InvalidError, NotFoundError

FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2199, 12, 31)  # a day's or a year's arithmetic stays within the calendar

_AMOUNT = re.compile(r"(?P<euro>[0-9]{1,3}(?:\.[0-9]{3})+|[0-9]{1,9})(?:,(?P<cents>[0-9]{1,2}))?")


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


def chosen(text: str) -> int | None:
    """A choice of a form's; none where nothing is chosen. Raises `NotFoundError`."""
    if not text:
        return None
    if (found := id_of(text)) is None:
        raise NotFoundError("Questa scelta non esiste: ricarica la pagina.")
    return found


def period_of(since: str, until: str, *, today: date, days: int) -> tuple[date, date]:
    """A first and a last day as an address says them; the last so many until somebody chooses otherwise.

    Raises `InvalidError`, field by field.
    """
    wrong: list[InvalidError] = []

    def day(text: str, field: str, usual: date) -> date:
        try:
            return day_of(text) if text else usual
        except ValueError:
            wrong.append(InvalidError("Scrivi la data come giorno, mese e anno.", field=field))
            return usual

    first, last = day(since, "since", today - timedelta(days=days)), day(until, "until", today)
    if not wrong and first > last:
        wrong.append(InvalidError("La data finale viene prima di quella iniziale.", field="until"))
    if wrong:
        raise InvalidError("Controlla le date.", parts=wrong)
    return first, last


def cents_of(text: str) -> int | None:
    """An amount in euro as people type it, in whole cents; none for any other text."""
    found = _AMOUNT.fullmatch(text.strip().removesuffix("€").strip())
    if found is None:
        return None
    return int(found["euro"].replace(".", "")) * 100 + int((found["cents"] or "0").ljust(2, "0"))

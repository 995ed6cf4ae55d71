"""Templates: one environment per language, numbers and dates as people write them."""

import re
from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from babel.dates import format_date, format_datetime, format_time, format_timedelta, get_day_names
from babel.numbers import format_currency, format_decimal, format_percent
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from crm.cases.deadlines import shown_day
from crm.contacts.phone import spaced
from crm.core.clock import ROME
from crm.files.gate import USUAL
from crm.levels.metrics import METRICS, MetricName
from web.edge.i18n import CITIZENS, said, translations
from web.edge.letters import letters
from web.edge.words import word_for

HERE = Path(__file__).parent.parent
NOT_AVAILABLE = "n.d."
THEME_COOKIE, THEMES = "theme", ("light", "dark")  # else as the device has it
_SAMPLE = re.compile(r"(?P<before>\D*)1(?P<between>\D*)234\D*567(?P<point>\D*)89(?P<after>\D*)")
OURS = frozenset(question.text for question in USUAL)  # an ente's own are in its own words


@lru_cache(maxsize=len(CITIZENS))
def environment(language: str) -> Environment:
    """The environment of a language."""
    locale = CITIZENS[language]
    env = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    catalogue = translations(language)
    env.install_gettext_translations(catalogue, newstyle=True)  # type: ignore[attr-defined]
    env.globals |= {"language": language, "languages": tuple(CITIZENS)}
    env.filters |= {
        "euro": _euros(locale),
        "number": partial(_number, locale=locale),
        "percent": partial(_percent, locale=locale, missing=catalogue.gettext(NOT_AVAILABLE)),
        "day": lambda day: _day(day, locale),
        "dayname": lambda number: get_day_names("wide", locale=locale)[number],  # 0 is Monday
        "weekday": lambda day: format_date(day, _dotted("EEE d MMM", locale), locale=locale),
        "longday": lambda day: _longday(day, locale),
        "month": lambda day: format_date(day, "LLLL y", locale=locale),
        "at": lambda instant: format_datetime(instant, "d MMM y, HH:mm", tzinfo=ROME, locale=locale),
        "last_day": shown_day,  # of a term that is over at an instant
        "clock": partial(_clock, locale=locale),
        "stamp": lambda instant: instant.isoformat(timespec="milliseconds"),
        "local": lambda instant: f"{instant.astimezone(ROME):%Y-%m-%dT%H:%M}",  # as a form's field has it
        "duration": duration,
        "span": lambda length: format_timedelta(length, locale=locale),
        "phone": spaced,
        "level_name": lambda metric: catalogue.gettext(word_for(MetricName(metric))) if metric in METRICS else metric,
        "word": lambda member: catalogue.gettext(word_for(member)),
        "lettered": lambda members: _lettered(members, catalogue.gettext),
        # Not `_()`, which fills in placeholders and trusts what it is given as markup: that is for texts of templates.
        "said": partial(said, language),
        "asked": lambda question: catalogue.gettext(question.text) if question.text in OURS else question.text,
        "bytes": partial(_bytes, locale=locale),
        "grouped": lambda digits: " ".join(digits[i : i + 4] for i in range(0, len(digits), 4)),
    }
    return env


def _lettered(members: Iterable[StrEnum], say: Callable[[str], str]) -> list[tuple[StrEnum, str]]:
    """Choices, each with the letter that chooses it in this language."""
    known = list(members)
    return list(zip(known, letters([say(word_for(one)) for one in known]), strict=True))


def fragment(template: str, language: str, **context: Any) -> str:
    """A rendered piece of a page."""
    return environment(language).get_template(template).render(**context)


def page(request: Request, template: str, language: str, *, status: int = 200, **context: Any) -> HTMLResponse:
    """A rendered page, in the colours that this browser has asked for."""
    theme = request.cookies.get(THEME_COOKIE)
    context |= {"path": request.url.path, "theme": theme if theme in THEMES else ""}
    return HTMLResponse(fragment(template, language, **context), status_code=status)


def duration(length: timedelta | float | None, *, hours: bool = False) -> str:
    """Minutes and seconds: `1:05`; with hours when there are any, or `hours` wants them: `1:02:05`."""
    if length is None:
        return "—"
    seconds = int(length.total_seconds() if isinstance(length, timedelta) else length)
    minutes, seconds = divmod(max(0, seconds), 60)
    whole, minutes = divmod(minutes, 60)
    return f"{whole}:{minutes:02d}:{seconds:02d}" if whole or hours else f"{minutes}:{seconds:02d}"


def _number(value: float | Decimal, digits: int | None = None, *, locale: str) -> str:
    """A number; with `digits`, always so many after the comma, so that a column lines up."""
    return format_decimal(value, format=None if digits is None else "#,##0." + "0" * digits, locale=locale)


def _percent(share: Decimal | None, decimals: int = 1, *, locale: str, missing: str) -> str:
    places = "." + "0" * decimals if decimals else ""
    return missing if share is None else format_percent(share, f"#,##0{places} %", locale=locale)


def _clock(instant: datetime, pattern: str = "HH:mm", *, locale: str) -> str:
    return format_time(instant, pattern, tzinfo=ROME, locale=locale)


def _euros(locale: str) -> Callable[[int], str]:
    """Writes cents as Babel does, in a fiftieth of its time, which on a page of amounts was longer than all the rest.

    The signs around the digits, and those between them, are Babel's own, taken from what it writes of a sample.
    """
    below, above = (_SAMPLE.fullmatch(format_currency(one, "EUR", locale=locale)) for one in (-1234567.89, 1234567.89))
    assert below is not None
    assert above is not None
    between, point = above["between"], above["point"]

    def write(cents: int) -> str:
        around = below if cents < 0 else above
        euros, rest = divmod(abs(cents), 100)
        whole = f"{euros:,}".replace(",", between)
        return f"{around['before']}{whole}{point}{rest:02d}{around['after']}"

    return write


def _bytes(size: int, *, locale: str) -> str:
    """A size as people say it: `12 kB`, `3,4 MB`."""
    if size < 1_000_000:
        return f"{format_decimal(max(1, round(size / 1000)), locale=locale)} kB"
    return f"{format_decimal(round(size / 1_000_000, 1), locale=locale)} MB"


def _longday(day: date | datetime, locale: str) -> str:
    """As on an invitation: `martedì 24 novembre 2026`, `Dienstag, 24. November 2026`."""
    day = day.astimezone(ROME) if isinstance(day, datetime) else day
    return format_date(day, _dotted("EEEE d MMMM y", locale), locale=locale)


def _dotted(pattern: str, locale: str) -> str:
    """German has a comma after the weekday, and a dot after the day."""
    return pattern.replace(" d ", ", d. ") if locale == CITIZENS["de"] else pattern


@lru_cache(maxsize=8192)
def _day(day: date | datetime | None, locale: str) -> str:
    if day is None:
        return "—"
    if isinstance(day, datetime):
        day = day.astimezone(ROME).date()
    return format_date(day, "d MMM y", locale=locale)

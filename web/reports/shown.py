"""The values of a report's tables in people's words: the same on the page and in the PDF."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from babel.dates import format_date, format_datetime
from babel.numbers import format_currency, format_decimal, format_percent

from crm.levels.agreement import Period, Promise
from crm.levels.metrics import Unit
from crm.reports.report import Report
from web.edge.i18n import LANGUAGES, translations
from web.edge.templating import duration
from web.edge.words import word_for
from web.reports.sheets import Column, Figure, Kind, Sheet, Value

NOTHING = "—"
NUMERIC = frozenset({Kind.COUNT, Kind.SECONDS, Kind.SHARE, Kind.NUMBER, Kind.EURO, Kind.ANY})


def titles(sheet: Sheet, language: str) -> list[str]:
    """What stands above its columns in files, whose durations are seconds."""
    words = translations(language)
    return [words.gettext(word_for(column)) for column, _ in sheet.columns]


def heads(sheet: Sheet, language: str) -> list[str]:
    """What stands above them for people, who read durations as hours, minutes and seconds."""
    return [title.removesuffix(" (s)") for title in titles(sheet, language)]


def worded(value: Value, language: str) -> Value:
    """A name of the field's in words; anything else as it is. For files, whose numbers stay numbers."""
    words = translations(language)
    if isinstance(value, StrEnum):
        return words.gettext(word_for(value))
    if isinstance(value, bool):
        return words.gettext("sì") if value else words.gettext("no")
    if isinstance(value, tuple):
        return ", ".join(words.gettext(word_for(one)) for one in value)
    return value


def rows(sheet: Sheet, language: str) -> list[list[str]]:
    """Its rows, each value written as people read it."""
    return [
        [
            _written(_told(sheet, row) if column is Column.MEASURED else value, kind, column, row, language)
            for value, (column, kind) in zip(row, sheet.columns, strict=True)
        ]
        for row in sheet.rows
    ]


def _told(sheet: Sheet, row: tuple[Value, ...]) -> Value:
    """What was measured, with as many decimals as it takes beside the limit in its row."""
    of = {column: value for value, (column, _) in zip(row, sheet.columns, strict=True)}
    measured, op, target = (of.get(one) for one in (Column.MEASURED, Column.OP, Column.TARGET))
    if not isinstance(measured, Decimal) or not isinstance(target, Decimal):
        return measured
    return Promise(0, "", str(op), target).rounded(measured, 3)


def said_above(report: Report) -> tuple[Column, ...]:
    """What a row of the levels need not say: its days, where they are the report's."""
    if all((one.first, one.last) in {(None, None), (report.first, report.last)} for one in report.levels):
        return Column.PERIOD, Column.FIRST, Column.LAST, Column.ENDED
    return (Column.PERIOD,)


def period_name(report_period: Period, first: date, last: date, language: str) -> str:
    """Such as `ottobre 2026`, `luglio – settembre 2026`, `2026`."""
    locale = LANGUAGES[language]
    if report_period is Period.YEAR:
        return str(first.year)
    if report_period is Period.QUARTER:
        return f"{format_date(first, 'LLLL', locale=locale)} – {format_date(last, 'LLLL y', locale=locale)}"
    return format_date(first, "LLLL y", locale=locale)


def name_of(report: Report, language: str) -> str:
    """The period of a report."""
    return period_name(report.period, report.first, report.last, language)


def _written(value: Value, kind: Kind, column: StrEnum, row: tuple[Value, ...], language: str) -> str:
    words = translations(language)
    unit = next((one for one in row if isinstance(one, Unit)), None)
    if value is None:
        return words.gettext("nessun dato") if column in {Column.VALUE, Column.MEASURED} else NOTHING
    if column is Column.UNIT and isinstance(row[0], Figure) and not isinstance(row[1], int):
        return words.gettext("ore:minuti:secondi") if unit and row[1] is not None else ""  # euros say so themselves
    if column is Column.OP:
        return _limit(str(value), language)
    if isinstance(value, bool | StrEnum | tuple):
        return str(worded(value, language)) or NOTHING
    if isinstance(value, date):
        return _instant(value, LANGUAGES[language])
    if isinstance(value, str):
        return value or NOTHING
    if column in {Column.TARGET, Column.MEASURED} and unit is Unit.SHARE:
        kind = Kind.SHARE
    elif kind is Kind.ANY and isinstance(value, Decimal):
        kind = Kind.SECONDS if unit is Unit.SECONDS else Kind.EURO
    return _number(value, kind, LANGUAGES[language])


def _instant(value: date, locale: str) -> str:
    if isinstance(value, datetime):
        return format_datetime(value, "d MMM y, HH:mm", locale=locale)
    return format_date(value, "d MMM y", locale=locale)


def _number(value: int | Decimal, kind: Kind, locale: str) -> str:
    match kind:
        case Kind.SECONDS:
            return duration(float(value))
        case Kind.SHARE:
            return format_percent(value, "#,##0.0########## %", locale=locale)
        case Kind.EURO:
            return format_currency(value, "EUR", locale=locale)
        case _:
            return format_decimal(value, locale=locale)


def _limit(op: str, language: str) -> str:
    words = translations(language)
    said = {
        "<": words.gettext("meno di"),
        "<=": words.gettext("al massimo"),
        ">": words.gettext("più di"),
        ">=": words.gettext("almeno"),
    }
    return said.get(op, op)

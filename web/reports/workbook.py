"""A report as an Excel workbook: numbers are numbers, days are days, and the charts are Excel's own."""

import io
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import xlsxwriter

from crm.reports.report import Report
from web.edge.i18n import translations
from web.edge.words import word_for
from web.reports.sheets import Column, Kind, Sheet, SheetName, sheets
from web.reports.shown import name_of, titles, worded

FORMATS = {
    Kind.COUNT: "#,##0", Kind.SECONDS: "#,##0.000", Kind.SHARE: "0.0%", Kind.NUMBER: "#,##0.0###",
    Kind.EURO: "#,##0.00 €", Kind.DAY: "dd/mm/yyyy", Kind.INSTANT: "dd/mm/yyyy hh:mm", Kind.ANY: "#,##0.###",
}  # fmt: skip
WIDTHS = {Kind.TEXT: 26, Kind.DAY: 12, Kind.INSTANT: 17}


def workbook(report: Report, language: str) -> bytes:
    """The file of a report, with its charts."""
    title = f"{report.about} – {name_of(report, language)}"
    charts = (SheetName.DAYS, SheetName.HOURS)
    return of_sheets(sheets(report), title, report.made_at, language, charts=charts)


def of_sheets(
    tables: Sequence[Sheet], title: str, at: datetime, language: str, *, charts: Sequence[SheetName] = ()
) -> bytes:
    """A file with a tab for each table. Formulas are never made of what somebody typed."""
    buffer = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    book = xlsxwriter.Workbook(buffer, options)
    book.set_properties({"title": title, "author": "Filodiretto", "created": at.astimezone(UTC)})
    formats = {kind: book.add_format({"num_format": form}) for kind, form in FORMATS.items()}
    head = book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bottom": 1})
    for one in tables:
        _write(book, one, language, formats, head)
        if one.name in charts:
            _chart(book, one, language)
    book.close()
    return buffer.getvalue()


def _write(book: Any, sheet: Sheet, language: str, formats: dict[Kind, Any], head: Any) -> None:
    page = book.add_worksheet(_title(sheet.name, language))
    page.freeze_panes(1, 0)
    for place, (title, (_, kind)) in enumerate(zip(titles(sheet, language), sheet.columns, strict=True)):
        page.set_column(place, place, WIDTHS.get(kind, 14))
        page.write_string(0, place, title, head)
    for down, row in enumerate(sheet.rows, start=1):
        for place, (value, (_, kind)) in enumerate(zip(row, sheet.columns, strict=True)):
            told = worded(value, language)
            if told is None:
                continue
            if isinstance(told, str):
                page.write_string(down, place, told)
            elif kind in {Kind.DAY, Kind.INSTANT}:
                page.write_datetime(down, place, told, formats[kind])
            else:
                page.write_number(down, place, float(told), formats.get(kind))  # type: ignore[arg-type]
    if sheet.rows:
        page.autofilter(0, 0, len(sheet.rows), len(sheet.columns) - 1)


def _chart(book: Any, sheet: Sheet, language: str) -> None:
    """Received and lost, row by row; of a kind of telephone each, as the rows are."""
    if not sheet.rows:
        return
    columns = [column for column, _ in sheet.columns]
    tab, last = _title(sheet.name, language), len(sheet.rows)
    chart = book.add_chart({"type": "column"})
    for wanted, colour in ((Column.RECEIVED, "#0066CC"), (Column.LOST, "#B3222F")):
        place = columns.index(wanted)
        chart.add_series(
            {
                "name": [tab, 0, place], "categories": [tab, 1, 0, last, 0], "values": [tab, 1, place, last, place],
                "fill": {"color": colour}, "gap": 40,
            }
        )  # fmt: skip
    chart.set_title({"name": tab})
    chart.set_legend({"position": "bottom"})
    chart.set_size({"width": 900, "height": 320})
    book.get_worksheet_by_name(tab).insert_chart(
        1, len(columns) + 1, chart, {"description": tab}
    )  # fmt: skip


def _title(name: StrEnum, language: str) -> str:
    """A tab's name; Excel takes 31 characters."""
    return translations(language).gettext(word_for(name))[:31]

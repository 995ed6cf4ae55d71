"""A campaign's results as files: a workbook, CSV, and a PDF that screen readers can read (PDF/UA-1)."""

import io
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import xlsxwriter

from crm.core.clock import ROME
from crm.core.spreadsheet import csv_lines
from outbound.results.results import Results
from outbound.results.service import Made
from web.edge import paper
from web.edge.i18n import translations
from web.edge.templating import environment
from web.outcomes.tables import Kind, Table, Value, plain, tables

SOURCE = Path(__file__).parent / "results.typ"
FORMS = {
    Kind.TEXT: "@", Kind.COUNT: "#,##0", Kind.EURO: "#,##0.00 €", Kind.SHARE: "0.0%", Kind.DAY: "dd/mm/yyyy",
    Kind.INSTANT: "dd/mm/yyyy hh:mm",
}  # fmt: skip
TAB = 31  # characters that Excel takes in a tab's name
NOTHING = "—"


def csv(found: Results, language: str) -> bytes:
    """One file, a line for each figure: the table, the row, the column, the value."""
    lines = (
        (
            one.about,
            str(row[0]) if not isinstance(row[0], datetime) else plain(row[0], one.kinds[0]),
            head,
            plain(value, kind),
        )
        for one in tables(found, language)
        for row in one.rows
        for head, kind, value in zip(one.head[1:], one.kinds[1:], row[1:], strict=True)
        if value is not None
    )
    words = translations(language)
    head = (words.gettext("Tabella"), words.gettext("Riga"), words.gettext("Colonna"), words.gettext("Valore"))
    return "".join(csv_lines(head, lines)).encode()


def workbook(found: Results, language: str) -> bytes:
    """A tab for each table. Formulas are never made of what somebody typed."""
    buffer = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    book = xlsxwriter.Workbook(buffer, options)
    book.set_properties({"title": found.name, "author": "Filodiretto", "created": found.at.astimezone(UTC)})
    formats = {kind: book.add_format({"num_format": form}) for kind, form in FORMS.items()}
    head = book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bottom": 1})
    for one in tables(found, language):
        page = book.add_worksheet(one.title[:TAB])
        page.freeze_panes(1, 0)
        for place, title in enumerate(one.head):
            page.set_column(place, place, 30 if place == 0 else 14)
            page.write_string(0, place, title, head)
        for down, row in enumerate(one.rows, start=1):
            for place, (value, kind) in enumerate(zip(row, one.kinds, strict=True)):
                _cell(page, down, place, value, kind, formats)
    book.close()
    return buffer.getvalue()


def pdf(found: Results, made: Made, language: str) -> bytes:
    """The report to the ente on paper; the same report makes the same file."""
    return paper.pdf(SOURCE, written(found, made, language), made.made_at)


def written(found: Results, made: Made, language: str) -> dict[str, Any]:
    """All words and figures that are laid out, written as people read them."""
    words, filters = translations(language), environment(language).filters
    number = found.breaches.number
    judged = (
        words.gettext("Regole non rispettate: nessuna, su {n} tentativi ricontrollati.")
        if not number
        else words.gettext("Regole non rispettate: {broken}, su {n} tentativi ricontrollati.")
    )
    known = found.collected.known_on
    return {
        "lang": language, "title": words.gettext("Relazione sulla campagna"), "name": found.name, "ente": found.ente,
        "made": words.gettext("Preparata il {at}, versione {version}").format(
            at=filters["at"](made.made_at), version=made.version
        ),
        "known": words.gettext("Pagamenti noti fino al {day}.").format(day=filters["day"](known)) if known else "",
        "judged": judged.format(broken=number, n=found.breaches.looked_at), "clean": number == 0,
        "page": words.gettext("pagina"), "seal": f"{words.gettext('Sigillo')} {made.seal}",
        "sections": [_section(one, filters) for one in tables(found, language) if one.rows],
    }  # fmt: skip


def shown(value: Value, kind: Kind, filters: Mapping[str, Any]) -> str:
    """A value as people read it."""
    if value is None or isinstance(value, str):
        return value or NOTHING
    match kind:
        case Kind.COUNT:
            return str(filters["number"](value))
        case Kind.EURO:
            return str(filters["euro"](value))
        case Kind.SHARE:
            return str(filters["percent"](value))
        case Kind.DAY:
            return str(filters["day"](value))
        case Kind.INSTANT:
            return str(filters["at"](value))
    return str(value)


def _section(one: Table, filters: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "title": one.title, "head": list(one.head), "note": one.note,
        "right": [kind not in {Kind.TEXT, Kind.INSTANT, Kind.DAY} for kind in one.kinds],
        "rows": [[shown(value, kind, filters) for value, kind in zip(row, one.kinds, strict=True)] for row in one.rows],
    }  # fmt: skip


def _cell(page: Any, down: int, place: int, value: Value, kind: Kind, formats: Mapping[Kind, Any]) -> None:
    match value:
        case None:
            return
        case str():
            page.write_string(down, place, value)
        case datetime():
            page.write_datetime(down, place, value.astimezone(ROME).replace(tzinfo=None), formats[kind])
        case date():
            page.write_datetime(down, place, value, formats[kind])
        case _:
            page.write_number(down, place, value / 100 if kind is Kind.EURO else value, formats[kind])

"""The files of a report. None is stored: each is made of the figures that were, so that all say the same."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from pydantic import TypeAdapter

from crm.core.spreadsheet import csv_lines
from crm.reports.queries import Made
from crm.reports.report import Report
from web.reports import opendocument, pdf, workbook
from web.reports.sheets import Sheet, SheetName, Value, sheet
from web.reports.shown import titles, worded


class FileKind(StrEnum):
    """A whole report, by its file's ending."""

    PDF = "pdf"
    XLSX = "xlsx"
    ODS = "ods"
    JSON = "json"


MEDIA = {
    FileKind.PDF: "application/pdf",
    FileKind.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    FileKind.ODS: opendocument.TYPE,
    FileKind.JSON: "application/json",
}
CSV = "text/csv; charset=utf-8"


@dataclass(frozen=True, slots=True)
class File:
    """A file to hand out. `name` needs no quoting."""

    name: str
    media_type: str
    contents: bytes


@dataclass(frozen=True, slots=True)
class Document:
    """A version of a report with its figures. `seal` is the SHA-256 of `report`, as JSON without spaces."""

    id: int
    version: int
    seal: str
    report: Report


_DOCUMENT = TypeAdapter(Document)


def whole(made: Made, report: Report, kind: FileKind, language: str) -> File:
    """A report in one file."""
    match kind:
        case FileKind.PDF:
            contents = pdf.pdf(report, language, seal=made.seal, version=made.version)
        case FileKind.XLSX:
            contents = workbook.workbook(report, language)
        case FileKind.ODS:
            contents = opendocument.spreadsheet(report, language)
        case FileKind.JSON:
            contents = _DOCUMENT.dump_json(document(made, report), indent=1)
    return File(_name(made, kind.value), MEDIA[kind], contents)


def document(made: Made, report: Report) -> Document:
    """The JSON of a report: what the API answers with, and what is downloaded."""
    return Document(made.id, made.version, made.seal, report)


def table(made: Made, report: Report, name: SheetName, language: str) -> File:
    """One table as CSV: UTF-8 with a mark, semicolons, decimal commas, days as ISO 8601; see `docs/reports.md`."""
    return File(_name(made, f"{name.value}.csv"), CSV, csv_of(sheet(report, name), language))


def csv_of(one: Sheet, language: str) -> bytes:
    """A table as CSV."""
    return "".join(csv_lines(titles(one, language), _cells(one, language))).encode()


def _cells(one: Sheet, language: str) -> Iterator[list[object]]:
    for row in one.rows:
        yield [_cell(worded(value, language)) for value in row]


def _cell(value: Value) -> object:
    match value:
        case datetime():
            return value.isoformat(sep=" ", timespec="minutes")
        case date():
            return value.isoformat()
        case Decimal():
            return f"{value:f}".replace(".", ",")
        case int():
            return value
    return value


def _name(made: Made, ending: str) -> str:
    about = f"contratto-{made.contract_id}" if made.ente_id is None else made.ente_id
    return f"relazione-{about}-{made.first:%Y-%m-%d}-{made.last:%Y-%m-%d}-v{made.version}.{ending}"

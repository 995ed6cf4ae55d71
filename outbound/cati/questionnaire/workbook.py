"""An uploaded Excel file, read with suspicion: small, without formulas, without entities; every cell with its place."""

import io
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from openpyxl.reader.excel import load_workbook
from openpyxl.utils.cell import get_column_letter

from outbound.cati.questionnaire.mistakes import Flaw, Mistake

MOST_BYTES = 2_000_000
MOST_UNPACKED = 30_000_000
MOST_PARTS = 300
MOST_ROWS = 3_000
MOST_COLUMNS = 80
LONGEST_CELL = 4_000
LONGEST_HEADER = 80  # it holds a language's name
_DOCUMENT_TYPE = re.compile(rb"<\x00?!\x00?(D\x00?O|E\x00?N)")  # declares entities; no office program writes one
SHEETS = ("survey", "choices", "settings")


@dataclass(frozen=True, slots=True)
class Row:
    """A row by its headers, in lower case and without double spaces; `number` counts from 1, the headers' row."""

    number: int
    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet: the letter of each header's column, and its rows (the empty ones too)."""

    name: str
    headers: Mapping[str, str]
    rows: tuple[Row, ...]

    def column(self, *families: str) -> str:
        """The letter of the first header of these, in whatever language; empty where there is none."""
        for header, letter in self.headers.items():
            if header.split("::")[0].split(":")[0].strip() in families or header in families:
                return letter
        return ""


@dataclass(frozen=True, slots=True)
class Workbook:
    """The sheets that make a form, by name, and what is wrong with their cells."""

    sheets: Mapping[str, Sheet]
    mistakes: tuple[Mistake, ...]


def read(content: bytes) -> Workbook:
    """Read a file's bytes. Never raises: of what is no workbook, or too large a one, it has but the mistake."""
    if flaw := _refused(content):
        return Workbook({}, (Mistake("", 0, "", flaw),))
    try:
        return _read(content)
    except Exception:  # noqa: BLE001  # openpyxl raises whatever its parsers do
        return Workbook({}, (Mistake("", 0, "", Flaw.NOT_A_WORKBOOK),))


def _refused(content: bytes) -> Flaw | None:
    if len(content) > MOST_BYTES:
        return Flaw.TOO_LARGE
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = archive.infolist()
            if len(parts) > MOST_PARTS:
                return Flaw.TOO_LARGE
            left = MOST_UNPACKED
            for part in parts:  # what the directory says of sizes may be a lie: count what comes out
                with archive.open(part) as opened:
                    unpacked = opened.read(left + 1)
                left -= len(unpacked)
                if left < 0:
                    return Flaw.TOO_LARGE
                if _DOCUMENT_TYPE.search(unpacked):
                    return Flaw.NOT_A_WORKBOOK
    except Exception:  # noqa: BLE001  # a broken, encrypted or strangely packed archive
        return Flaw.NOT_A_WORKBOOK
    return None


def _read(content: bytes) -> Workbook:
    book = load_workbook(io.BytesIO(content), read_only=True, keep_links=False)  # type: ignore[no-untyped-call]
    try:
        sheets, mistakes = {}, []
        for title in book.sheetnames:
            name = title.strip().lower()
            if name in SHEETS and name not in sheets:
                sheets[name], wrong = _sheet(name, book[title])
                mistakes += wrong
        return Workbook(sheets, tuple(mistakes))
    finally:
        book.close()


def _sheet(name: str, worksheet: Any) -> tuple[Sheet, list[Mistake]]:
    mistakes: list[Mistake] = []
    headers: dict[int, str] = {}
    letters: dict[str, str] = {}
    rows: list[Row] = []
    worksheet.reset_dimensions()  # what a file says of its size may be a lie
    for number, cells in enumerate(_cells(worksheet), 1):
        if number > MOST_ROWS:
            if any(cell.value is not None for cell in cells):
                mistakes.append(Mistake(name, number, "", Flaw.TOO_MANY_ROWS, str(MOST_ROWS)))
                break
            continue
        row: dict[str, str] = {}
        for index, cell in enumerate(cells[:MOST_COLUMNS]):
            letter = get_column_letter(index + 1)
            if cell.data_type == "f":
                mistakes.append(Mistake(name, number, letter, Flaw.FORMULA))
                continue
            if not (text := _text(cell.value)):
                continue
            if len(text) > LONGEST_CELL:
                mistakes.append(Mistake(name, number, letter, Flaw.CELL_TOO_LONG, str(LONGEST_CELL)))
            elif number == 1 and len(text) > LONGEST_HEADER:
                mistakes.append(Mistake(name, 1, letter, Flaw.CELL_TOO_LONG, str(LONGEST_HEADER)))
            elif number == 1:
                header = _header(text)
                if header in letters:
                    mistakes.append(Mistake(name, 1, letter, Flaw.SAME_HEADER, header))
                headers[index] = header
                letters.setdefault(header, letter)
            elif index in headers:
                row[headers[index]] = text
        if number > 1:
            rows.append(Row(number, row))
    while rows and not rows[-1].cells:
        rows.pop()
    return Sheet(name, letters, tuple(rows)), mistakes


def _cells(worksheet: Any) -> Iterator[tuple[Any, ...]]:
    yield from worksheet.iter_rows(max_row=MOST_ROWS + 500)


def _header(text: str) -> str:
    """Families in lower case; the language of a translated one as it is written."""
    family, mark, language = " ".join(text.split()).partition("::")
    return (
        f"{family.strip().lower().replace(' ', '_')}::{language.strip()}" if mark else family.lower().replace(" ", "_")
    )


def _text(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "TRUE" if value else "FALSE"
        case float() if value.is_integer():
            return str(int(value))
        case datetime() if value.time() == time():
            return value.date().isoformat()
        case datetime():
            return value.isoformat(timespec="minutes")
        case date() | time():
            return value.isoformat()
    kept = "".join(sign for sign in str(value).replace("\xa0", " ") if sign.isprintable() or sign in "\n\t")
    return kept.strip()

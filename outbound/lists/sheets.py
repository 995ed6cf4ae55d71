"""The rows of a file that somebody sends: CSV in the ways people write it, or the first sheet of an Excel file.

Nothing of it is run or computed: a formula counts as the value that the spreadsheet last saw. Whatever would take more
memory or time than a list of a million rows is refused with a sentence.
"""

import codecs
import csv
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from itertools import chain
from pathlib import Path
from xml.etree.ElementTree import ParseError

from openpyxl.reader.excel import load_workbook

MOST_BYTES = 200 * 1024**2
MOST_ROWS = 2_000_000
MOST_COLUMNS = 60
LONGEST_CELL = 400
MOST_UNPACKED = 700 * 1024**2
MOST_SHARED = 160 * 1024**2  # of the table of texts, which is held in memory
MOST_RATIO = 200  # unpacked to packed: an honest sheet is a tenth or a twentieth
MOST_PARTS = 2_000  # files within the file
SEPARATORS = ";,\t|"
HEAD, LONGEST_LINE = 64 * 1024, 256 * 1024
_ZIP, _OLD_EXCEL = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
OLD_EXCEL = "Questo file Excel è nel formato vecchio, o protetto da una password: salvalo come .xlsx senza password."
NOT_A_SHEET = "Questo file non è un foglio Excel intero: salvalo di nuovo come .xlsx, oppure come CSV."
MACROS = "Questo file contiene macro, che non si accettano: salvalo come .xlsx senza macro, oppure come CSV."
TOO_DENSE = "Questo file si espande troppo per essere un foglio di lavoro: salvalo come CSV."
NOT_TEXT = "Questo file non è un CSV né un file Excel: non contiene testo."
EMPTY = "Questo file è vuoto."
TOO_LONG = "Questo file ha più di {rows} righe: dividilo in più file."
TOO_LARGE = "Questo file è troppo grande: dividilo in più file."
EXACT, ROUNDED = 10**15, "…"  # a spreadsheet keeps fifteen digits of a number: the others are not what was typed
Cells = tuple[str, ...]


class FileRefusedError(Exception):
    """The file as a whole cannot be read; the message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Line:
    """A row, by its number in the file; `broken`: it could not be read as one."""

    number: int
    cells: Cells
    broken: bool = False


def read(path: Path) -> Iterator[Line]:
    """The rows of a file, the headings first; those that are empty left out. Raises `FileRefusedError`, at any row."""
    if path.stat().st_size > MOST_BYTES:
        raise FileRefusedError(TOO_LARGE)
    with path.open("rb") as file:
        head = file.read(HEAD)
    if not head.strip():
        raise FileRefusedError(EMPTY)
    if head.startswith(_OLD_EXCEL):
        raise FileRefusedError(OLD_EXCEL)
    lines = _sheet(path) if head.startswith(_ZIP) else _text(path, head)
    for count, line in enumerate(lines):
        if count > MOST_ROWS:
            raise FileRefusedError(TOO_LONG.format(rows=MOST_ROWS))
        if line.broken or any(line.cells):
            yield line


def named(given: str, longest: int) -> str:
    """A file's name as people see it: without folders, and without what neither a screen nor a database can hold."""
    name = given.replace("\\", "/").rpartition("/")[2]
    return "".join(one for one in name if one.isprintable())[-longest:]


def _text(path: Path, head: bytes) -> Iterator[Line]:
    encoding = _encoding(path, head)
    if b"\x00" in head and encoding != "utf-16":
        raise FileRefusedError(NOT_TEXT)
    with path.open(encoding=encoding, newline="", errors="replace") as file:
        first = file.readline(LONGEST_LINE)
        rest = iter(partial(file.readline, LONGEST_LINE), "")  # of a line without end no more is held than this
        reader = csv.reader(chain([first], rest), delimiter=_separator(first))
        while True:
            began = reader.line_num + 1
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error:  # a cell without end, or a character that no text has
                yield Line(began, (), broken=True)
                continue
            yield Line(began, tuple(_cell(one) for one in row[:MOST_COLUMNS]))


def _encoding(path: Path, head: bytes) -> str:
    """UTF-8 where the whole file is, else what Excel writes in Italy."""
    for mark, encoding in _MARKS.items():
        if head.startswith(mark):
            return encoding
    decoder = codecs.getincrementaldecoder("utf-8")()
    with path.open("rb") as file:
        try:
            while part := file.read(1 << 20):
                decoder.decode(part)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "cp1252"
    return "utf-8"


def _separator(first: str) -> str:
    """What stands most often between the headings."""
    return max(SEPARATORS, key=first.count)


def _sheet(path: Path) -> Iterator[Line]:
    _examine(path)
    try:
        with path.open("rb") as file:
            book = load_workbook(file, read_only=True, data_only=True, keep_links=False)
            for number, row in enumerate(book.worksheets[0].iter_rows(values_only=True, max_col=MOST_COLUMNS), 1):
                yield Line(number, _cells(row))
    except (KeyError, ValueError, IndexError, TypeError, AttributeError, OSError, ParseError, zipfile.BadZipFile):
        raise FileRefusedError(NOT_A_SHEET) from None


def _examine(path: Path) -> None:
    """Look at the parts of an Excel file before any is unpacked: what their directory says is kept to by the reader."""
    try:
        with zipfile.ZipFile(path) as parts:
            infos = parts.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        raise FileRefusedError(NOT_A_SHEET) from None
    names = {one.filename.lower() for one in infos}
    if any(name.endswith("vbaproject.bin") for name in names):
        raise FileRefusedError(MACROS)
    if "xl/workbook.xml" not in names or any(one.flag_bits & 1 for one in infos):
        raise FileRefusedError(NOT_A_SHEET)
    unpacked = sum(one.file_size for one in infos)
    shared = sum(one.file_size for one in infos if one.filename.lower().endswith("sharedstrings.xml"))
    dense = unpacked > MOST_RATIO * max(path.stat().st_size, 1 << 14)
    if len(infos) > MOST_PARTS or unpacked > MOST_UNPACKED or shared > MOST_SHARED or dense:
        raise FileRefusedError(TOO_DENSE)


def _cells(row: Sequence[object]) -> Cells:
    """Up to the last that has something: a reader fills rows up."""
    cells = [_cell(one) for one in row]
    while cells and not cells[-1]:
        cells.pop()
    return tuple(cells)


def _cell(value: object) -> str:
    """A cell as text: whole numbers without a point, days as people write them; no more of it than a cell needs."""
    match value:
        case None:
            return ""
        case bool():
            return "sì" if value else "no"
        case int() | float() if abs(value) >= EXACT:
            return f"{value:.0f}"[:15] + ROUNDED
        case float() if value.is_integer():
            return str(int(value))
        case datetime() | date():
            return f"{value:%d/%m/%Y}"
        case _:
            return str(value).replace("\x00", "").strip()[:LONGEST_CELL]

"""The records of a CSV file, a line each: whatever is wrong with one, the next begins on its own line."""

import codecs
import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from crm.core.errors import InvalidError
from telephony.history.reading import COLUMNS, REFERENCE

LONGEST_LINE = 65_536  # characters; more is no record
ADDED = ("line", "reason")  # the columns that a file of refused rows has before its own


@dataclass(frozen=True, slots=True)
class Record:
    """A line of the file, the first one being 1: its cells, and why it cannot be read, if it cannot."""

    line: int
    cells: list[str]
    problem: str = ""


def opened(file: Path) -> TextIO:
    """The file's text, UTF-8, or UTF-16 where it says so. What is no text is left for the row to be refused."""
    with file.open("rb") as raw:
        begins = raw.read(2)
    encoding = "utf-16" if begins in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE} else "utf-8-sig"
    return file.open(encoding=encoding, errors="surrogateescape" if encoding == "utf-8-sig" else "replace", newline="")


def read_records(source: TextIO) -> tuple[list[str], Iterator[Record]]:
    """The names of the columns, and the records. Raises `InvalidError` where the first line does not name them.

    The columns of a file of refused rows that were added to it are left out again.
    """
    number, first = 1, source.readline(LONGEST_LINE)
    if first.strip().lower().startswith("sep="):  # as spreadsheets begin
        number, first = 2, source.readline(LONGEST_LINE)
    delimiter = ";" if first.count(";") > first.count(",") else ","
    named = [name.strip().lower().replace(" ", "_") for name in next(csv.reader([first], delimiter=delimiter), [])]
    header = [name for name in _without_tail(named, 0) if name not in ADDED]
    missing = [name for name in COLUMNS if name not in header]
    if missing:
        raise InvalidError(f"Mancano le colonne {', '.join(missing)}: la prima riga del file le nomina.")
    strange = [name for name in header if name not in COLUMNS and name != REFERENCE]
    if strange:
        raise InvalidError(f"Queste colonne non si conoscono: {', '.join(strange)}.")
    if twice := sorted({name for name in header if header.count(name) > 1}):
        raise InvalidError(f"Queste colonne ci sono due volte: {', '.join(twice)}.")
    added = sum(name in ADDED for name in named)
    return header, _records(source, number, delimiter, width=len(header), added=added)


def _records(source: TextIO, number: int, delimiter: str, *, width: int, added: int) -> Iterator[Record]:
    while line := source.readline(LONGEST_LINE):
        number += 1
        if len(line) == LONGEST_LINE and not line.endswith(("\n", "\r")):
            while (rest := source.readline(LONGEST_LINE)) and not rest.endswith(("\n", "\r")):
                pass
            yield Record(number, [line[:200]], "la riga è troppo lunga")
            continue
        text = line.rstrip("\r\n")
        if text.strip():
            cells, problem = _cells(text, delimiter)
            cells = _without_tail(cells[added:], width)
            if not problem and len(cells) != width:
                problem = f"le colonne sono {len(cells)}, nell'intestazione {width}"
            yield Record(number, cells, problem)


def _cells(text: str, delimiter: str) -> tuple[list[str], str]:
    if '"' not in text:
        return text.split(delimiter), ""
    try:
        return next(csv.reader([text], delimiter=delimiter, strict=True)), ""
    except csv.Error:
        return [text], "le virgolette non si chiudono, o sono in mezzo al testo"


def _without_tail(cells: list[Any], width: int) -> list[Any]:
    """Without the empty cells at the end that are more than the columns: spreadsheets add them."""
    while len(cells) > width and not cells[-1].strip():
        cells = cells[:-1]
    return cells

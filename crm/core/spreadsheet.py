"""CSV that people open in a spreadsheet: UTF-8 with a mark, semicolons as in Italy, and no cell that is a formula."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

BOM = "\ufeff"
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")  # OWASP, CSV Injection, and DDE's other beginnings


def csv_lines(head: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """The file, line by line."""
    yield BOM + _line(head)
    for row in rows:
        yield _line(row)


def harmless(value: object) -> str:
    """A value as a spreadsheet shows it and never runs it. A number stays one."""
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return f"{value:.2f}".replace(".", ",")
    if isinstance(value, int | float):
        return str(value)
    text = str(value).replace("\x00", "")
    return f"'{text}" if text.lstrip(" \u00a0").startswith(FORMULA) or text[:1] in FORMULA else text


def _line(row: Sequence[object]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=";", lineterminator="\r\n").writerow([harmless(value) for value in row])
    return buffer.getvalue()

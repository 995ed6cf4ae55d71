"""Tables as files that spreadsheets open: UTF-8 with its mark, semicolons as in Italy, no cell that is a formula."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any

from fastapi.responses import StreamingResponse

BEGINS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_answer(name: str, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> StreamingResponse:
    """A file to download. `name` is ours, without anything that would need quoting."""
    return StreamingResponse(
        _lines(header, rows), media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )  # fmt: skip


def harmless(cell: Any) -> Any:
    """A text that a spreadsheet would compute, made one that it shows (OWASP, CSV injection). Numbers stay numbers."""
    if isinstance(cell, Decimal):
        return f"{cell:.2f}".replace(".", ",")
    return f"'{cell}" if isinstance(cell, str) and cell.lstrip(" ").startswith(BEGINS_A_FORMULA) else cell


def _lines(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[bytes]:
    yield b"\xef\xbb\xbf"
    for row in (header, *rows):
        line = io.StringIO()
        csv.writer(line, delimiter=";", lineterminator="\r\n").writerow([harmless(cell) for cell in row])
        yield line.getvalue().encode()

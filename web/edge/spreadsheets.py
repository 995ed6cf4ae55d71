"""Tables to download, as files that spreadsheets open."""

from collections.abc import Iterable, Sequence

from fastapi.responses import StreamingResponse

from crm.core.spreadsheet import csv_lines


def csv_answer(name: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> StreamingResponse:
    """A file to download. `name` is ours, without anything that would need quoting."""
    return StreamingResponse(
        csv_lines(header, rows), media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )  # fmt: skip

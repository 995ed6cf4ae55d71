"""The copy of everything about a person: one archive, to be read by people and by programs."""

import json
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from crm.core.spreadsheet import csv_lines
from crm.privacy.copies import written
from crm.privacy.holders import Section

Readable = Callable[["Copy"], str]  # the first page of the archive, as HTML


@dataclass(frozen=True, slots=True)
class Copy:
    """What the archive holds."""

    ente: str
    made_at: datetime
    sections: Sequence[Section]


def write(path: Path, copy: Copy, readable: Readable, read: Callable[[str], bytes], renew: Callable[[], None]) -> None:
    """Write the archive. `read` gives a document's contents by their digest; `renew` says that the work goes on."""
    with written(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("index.html", readable(copy))
        for name, sha256 in (one for section in copy.sections for one in section.contents):
            archive.writestr(f"documents/{name}", read(sha256))
            renew()
        for section in copy.sections:
            archive.writestr(f"data/{section.name}.json", json.dumps(section.rows, ensure_ascii=False, indent=1))
            archive.writestr(f"data/{section.name}.csv", "".join(_csv(section.rows)))
            renew()


def _csv(rows: Sequence[Any]) -> list[str]:
    names = list(rows[0]) if rows else []
    return list(csv_lines(names, ([_cell(row[name]) for name in names] for row in rows)))


def _cell(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value

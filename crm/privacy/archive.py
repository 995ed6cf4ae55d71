"""The copy of everything about a person: one archive, to be read by people and by programs."""

import json
import re
import unicodedata
import zipfile
from collections.abc import Callable, Iterable, Sequence
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

    @property
    def contents(self) -> list[tuple[str, str]]:
        """Documents: the name that each gets, and its digest."""
        return [one for section in self.sections for one in section.contents]

    @property
    def kept(self) -> list[tuple[str, bytes]]:
        """Other files: the name that each gets, and what is in it."""
        return [one for section in self.sections for one in section.kept]


def write(path: Path, copy: Copy, readable: Readable, read: Callable[[str], bytes], renew: Callable[[], None]) -> None:
    """Write the archive. `read` gives a document's contents by their digest; `renew` says that the work goes on."""
    with written(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("index.html", readable(copy))
        for name, sha256 in copy.contents:
            archive.writestr(f"documenti/{name}", read(sha256))
            renew()
        for name, content in copy.kept:
            archive.writestr(f"documenti/{name}", content)
        for name, section in _files(copy.sections).items():
            archive.writestr(f"dati/{name}.json", json.dumps(section.rows, ensure_ascii=False, indent=1))
            archive.writestr(f"dati/{name}.csv", "".join(_csv(section.rows)))
            renew()


def _files(sections: Iterable[Section]) -> dict[str, Section]:
    """The sections in which there is something, by the names of their files: their titles, plainly written."""
    found: dict[str, Section] = {}
    for section in sections:
        if section.rows:
            letters = unicodedata.normalize("NFKD", section.title).encode("ascii", "ignore").decode().lower()
            name = re.sub(r"[^a-z0-9]+", "-", letters).strip("-")
            found[f"{name}-{section.name}" if name in found else name] = section
    return found


def _csv(rows: Sequence[Any]) -> list[str]:
    names = list(rows[0]) if rows else []
    return list(csv_lines(names, ([_cell(row[name]) for name in names] for row in rows)))


def _cell(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value

"""The first page of a person's copy."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from crm.privacy.archive import Copy
from crm.privacy.holders import Section
from web.audit.stored import NOTHING, Said, name_of, said
from web.edge.i18n import DEFAULT
from web.edge.templating import fragment

OURS = frozenset({"id", "sha256", "digest", "score"})
OURS_BY_ENDING = ("_id", "_by", "_key")  # of rows and of staff: numbers that say nothing to people
UUIDS = frozenset({("timeline_entry", "source")})


@dataclass(frozen=True, slots=True)
class Part:
    """A section as people read it: only the columns in which there is something."""

    title: str
    names: tuple[str, ...]
    rows: tuple[tuple[Said, ...], ...]


def readable(copy: Copy) -> str:
    """The copy as people read it, by itself: it is opened from a disk, without our style sheets."""
    return fragment("privacy/archive.html", DEFAULT, copy=copy, parts=[part(one) for one in copy.sections])


def part(section: Section) -> Part:
    """A section in words. The files beside the page keep every column as it is stored."""
    columns = [name for name in (section.rows[0] if section.rows else ()) if _told(section, name)]
    return Part(
        section.title, tuple(name_of(name, DEFAULT) for name in columns),
        tuple(tuple(_value(row, name) for name in columns) for row in section.rows),
    )  # fmt: skip


def _value(row: Mapping[str, Any], name: str) -> Said:
    """Codes in what changed are read by the kind of the change."""
    kind = row.get("kind")
    return said(name, row[name], DEFAULT, of=kind if isinstance(kind, str) and "." in kind else "")


def _told(section: Section, name: str) -> bool:
    if name in OURS or name.endswith(OURS_BY_ENDING) or (section.name, name) in UUIDS:
        return False
    return any(_value(row, name) not in (NOTHING, (), {}) for row in section.rows)

"""The folder of the backups: how they are called, which there are, and letting go of the old ones."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from crm.continuity.retention import kept
from crm.core.settings import Settings

_NAME = re.compile(r"filodiretto-(\d{8}T\d{6}Z)\.age", re.ASCII)


@dataclass(frozen=True, slots=True)
class Kept:
    """A backup on the shelf."""

    path: Path
    made_at: datetime
    size: int


def folder_of(settings: Settings) -> Path:
    """Where backups are kept."""
    return settings.backups or settings.data / "backups"


def name_of(made_at: datetime) -> str:
    """What the backup of an instant is called."""
    return f"filodiretto-{made_at.astimezone(UTC):%Y%m%dT%H%M%SZ}.age"


def there_are(folder: Path) -> list[Kept]:
    """Whole ones, the newest first."""
    found = []
    for path in folder.glob("filodiretto-*.age") if folder.is_dir() else ():
        if match := _NAME.fullmatch(path.name):
            made_at = datetime.strptime(match[1], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
            found.append(Kept(path, made_at, path.stat().st_size))
    return sorted(found, key=lambda one: one.made_at, reverse=True)


def let_go(folder: Path) -> list[str]:
    """Remove what needs not be kept any more, and what a killed run left; the names of the backups that went."""
    for unfinished in folder.glob(".new-filodiretto-*.age"):
        unfinished.unlink(missing_ok=True)
    here = there_are(folder)
    keep = kept(one.made_at for one in here)
    return _removed(one.path for one in here if one.made_at not in keep)


def _removed(paths: Iterable[Path]) -> list[str]:
    names = []
    for path in paths:
        path.unlink(missing_ok=True)
        names.append(path.name)
    return names

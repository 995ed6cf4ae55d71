"""Taking in contents: a zip archive or a folder, each file known by its digest whatever its name.

Names in an archive are never used as paths. Those that look like an attempt to leave it are refused all the same:
whoever made them did not mean well, or his program is broken.
"""

import errno
import lzma
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO, BinaryIO, cast

from sqlalchemy import select

from crm.core.db import Database, Scope
from crm.core.errors import InvalidError
from crm.documents.models import MAX_BYTES, Document
from crm.documents.service import receive
from crm.documents.store import DocumentStore, StoreError, hashed

MOST_ENTRIES = 20_000
MOST_BYTES = 5_000_000_000  # unpacked, of a whole archive
MAX_RATIO = 200  # as for feeds: documents hardly compress, zeros do
RATIO_FREE_BYTES = 16_000_000
LISTED = b"PK\x01\x02"  # before each entry of the list at an archive's end (APPNOTE.TXT, 4.3.12)
OURS = {errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE}  # trouble of this machine, not of a file
SHOWN = 50
BOMB = "L'archivio si espande oltre il consentito: dividerlo in parti."
NOT_KEPT = "non si può conservare: è troppo grande o l'archivio dei documenti lo rifiuta"
BROKEN = "è danneggiato o cifrato"
UNKNOWN = "nessun documento annunciato dal gestionale ha questo contenuto"
OTHER_LENGTH = "la lunghezza non è quella annunciata"
LINK = "è un collegamento, non un file"
OUTSIDE = "il percorso esce dall'archivio"
CIPHERED = "è cifrato"
DAMAGED = "L'archivio zip è danneggiato: rigenerarlo."


@dataclass(slots=True)
class Taken:
    """What became of the files: counts, and the first names that were not taken, with the reason."""

    stored: int = 0
    there_already: int = 0
    refused: int = 0
    reasons: list[tuple[str, str]] = field(default_factory=list)

    def refuse(self, name: str, reason: str) -> None:
        """A file was not taken."""
        self.refused += 1
        if len(self.reasons) < SHOWN:
            self.reasons.append((name[-120:], reason))


Entry = tuple[str, Callable[[], IO[bytes]], str | None]  # its name, how to open it, why it is refused unread


def take_in(
    database: Database, store: DocumentStore, *, ente_id: int, path: Path,
    on_progress: Callable[[Taken], None] = lambda _taken: None,
) -> Taken:  # fmt: skip
    """Store every file of a folder or zip archive that a document of the ente announces. Again, it changes nothing.

    Contents are stored first and recorded after, one by one: killed in between, the next time finds them there.
    Raises `InvalidError` when the archive as a whole cannot be read.
    """
    taken, unpacked = Taken(), 0
    with _entries(path) as entries:
        for name, opened, reason in entries:
            if reason is not None:
                taken.refuse(name, reason)
                continue
            try:
                with opened() as source, hashed(cast("BinaryIO", source), most=MAX_BYTES) as (copy, sha256, size):
                    unpacked += size
                    _take(database, store, ente_id, (name, copy, sha256, size), taken)
            except StoreError as error:
                if not error.permanent:
                    raise
                taken.refuse(name, NOT_KEPT)
            except OSError as error:
                if error.errno in OURS:
                    raise
                taken.refuse(name, BROKEN)
            except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, RuntimeError, NotImplementedError):
                taken.refuse(name, BROKEN)
            if _is_bomb(path, unpacked):
                raise InvalidError(BOMB)
            on_progress(taken)
    return taken


def _take(
    database: Database, store: DocumentStore, ente_id: int, file: tuple[str, Path, str, int], taken: Taken
) -> None:
    name, copy, sha256, size = file
    scope = Scope.of_enti([ente_id])
    with database.begin(scope) as session:
        announced = session.execute(
            select(Document.size).where(Document.ente_id == ente_id, Document.sha256 == sha256).limit(1)
        ).scalar_one_or_none()
    if announced is None:
        taken.refuse(name, UNKNOWN)
        return
    if announced != size:
        taken.refuse(name, OTHER_LENGTH)
        return
    store.put(ente_id, sha256, copy)
    with database.begin(scope) as session:
        is_new = receive(session, ente_id=ente_id, sha256=sha256)
    taken.stored += is_new
    taken.there_already += not is_new


@contextmanager
def _entries(path: Path) -> Iterator[Iterator[Entry]]:
    if path.is_dir():
        yield _in_folder(path)
        return
    try:
        if _listed(path) > MOST_ENTRIES:  # before the list is read: each entry takes its memory
            raise InvalidError(f"L'archivio ha più di {MOST_ENTRIES} file: dividerlo in parti.")
        with zipfile.ZipFile(path) as archive:
            if _is_bomb(path, sum(one.file_size for one in archive.infolist())):
                raise InvalidError(BOMB)
            yield _in_archive(archive)
    except (zipfile.BadZipFile, zlib.error, EOFError):
        raise InvalidError(DAMAGED) from None
    except OSError as error:
        raise InvalidError(f"Impossibile leggere {path.name}: {error.strerror or error}.") from None


def _listed(path: Path) -> int:
    """At most so many entries has the archive."""
    count, kept = 0, b""
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            count += (kept + chunk).count(LISTED)
            kept = chunk[-len(LISTED) + 1 :]
    return count


def _in_folder(folder: Path) -> Iterator[Entry]:
    for one in sorted(folder.rglob("*")):
        if one.is_symlink():
            yield one.name, lambda one=one: one.open("rb"), LINK  # type: ignore[misc]
        elif one.is_file():
            yield one.name, lambda one=one: one.open("rb"), None  # type: ignore[misc]


def _in_archive(archive: zipfile.ZipFile) -> Iterator[Entry]:
    for one in archive.infolist():
        if not one.is_dir():
            yield one.filename, lambda one=one: archive.open(one), _odd(one)  # type: ignore[misc]


def _odd(entry: zipfile.ZipInfo) -> str | None:
    """Why a name in an archive is refused, if it is."""
    name = entry.filename
    outside = PurePosixPath(name).is_absolute() or bool(PureWindowsPath(name).anchor) or "\\" in name
    if outside or ".." in PurePosixPath(name).parts or "\x00" in name:
        return OUTSIDE
    if stat.S_ISLNK(entry.external_attr >> 16):
        return LINK
    return CIPHERED if entry.flag_bits & 1 else None


def _is_bomb(path: Path, unpacked: int) -> bool:
    if path.is_dir():
        return False
    return unpacked > MOST_BYTES or (unpacked > RATIO_FREE_BYTES and unpacked > path.stat().st_size * MAX_RATIO)

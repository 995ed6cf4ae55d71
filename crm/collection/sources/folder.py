"""A folder into which a gestionale puts its files: the oldest is read first, each in a reading of its own."""

import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

from crm.collection.lines import shown
from crm.collection.sources.port import Fetched, Known, SourceError

INBOX = "inbox"  # within FILODIRETTO_DATA: a folder an ente, by its codice catastale
READY = re.compile(r"(?!\.).*\.jsonl(\.gz)?", re.IGNORECASE)
SETTLED_S = 5.0  # since a file was last written to: until then it may still be on its way


class Folder:
    """The files of one ente. They are removed once they have been dealt with; their history is the run's."""

    def __init__(self, path: Path, now: Callable[[], float] = time.time) -> None:
        self._path, self._now = path, now

    def waiting(self) -> list[Path]:
        """The files that may be read, the oldest first. A link is not followed."""
        try:
            found = [one for one in self._path.iterdir() if READY.fullmatch(one.name)]
            files = [(one.lstat(), one) for one in found if one.is_file() and not one.is_symlink()]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise _trouble("La cartella dei flussi non si può leggere", error) from None
        ready = [(stat.st_mtime, one) for stat, one in files if stat.st_mtime <= self._now() - SETTLED_S]
        return [one for _, one in sorted(ready)]

    def fetch(self, into: Path, known: Known, alive: Callable[[], None]) -> Fetched:
        """Copy the oldest file. It stays until it is `done`, so that a crash loses nothing."""
        files = self.waiting()
        if not files:
            return Fetched(known, is_feed=False)
        name = shown(files[0].name)
        try:
            with files[0].open("rb") as source, into.open("wb") as target:
                mark = _mark(os.fstat(source.fileno()))
                while chunk := source.read(1 << 20):
                    target.write(chunk)
                    alive()
        except OSError as error:
            raise _trouble(f"Il file {name[:80]} non si può leggere", error) from None
        return Fetched(Known(name, mark), is_feed=True)

    def done(self, read: Known) -> None:
        """Remove the file that was read, unless another has taken its name meanwhile."""
        aside = self._path / f".read-{read.etag}"  # nothing is written into it by its name any more
        name = read.cursor or ""
        try:
            if not aside.exists():
                same = (one for one in self._path.iterdir() if shown(one.name) == name and not one.is_symlink())
                file = next((one for one in same if _mark(one.stat()) == read.etag), None)
                if file is None:
                    return
                file.rename(aside)
            if _mark(aside.stat()) == read.etag:
                aside.unlink()
            else:  # it was written anew between the looking and the renaming
                aside.rename(self._path / f"{uuid4().hex}-{name[-40:]}")
        except FileNotFoundError:
            return
        except OSError as error:
            raise _trouble(f"Il file {name[:80]} non si può togliere dalla cartella", error) from None


def _mark(stat: os.stat_result) -> str:
    return f"{stat.st_mtime_ns}-{stat.st_size}"


def _trouble(what: str, error: OSError) -> SourceError:
    return SourceError(f"{what}: {error.strerror or error}.", permanent=False)

"""Where the contents of documents are kept: one port, a folder or a server that speaks S3 behind it.

Contents are kept by ente and digest, so that writing them twice changes nothing, and whoever reads them sees that
they are the ones announced. One ente's contents never stand for another's, even when they are equal.
"""

import hashlib
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol

CHUNK_BYTES = 1 << 18
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)


class StoreError(Exception):
    """The store cannot do it. `permanent` tells whether trying again is of no use."""

    def __init__(self, message: str, *, permanent: bool) -> None:
        super().__init__(message)
        self.permanent = permanent


class DocumentStore(Protocol):
    """Keeps contents. No method is called within a transaction; each raises `StoreError`."""

    def put(self, ente_id: int, sha256: str, source: Path) -> None:
        """Keep a file whose digest this is; keeping it again changes nothing."""

    def read(self, ente_id: int, sha256: str, *, most: int) -> bytes:
        """The contents, of at most so many bytes; verified against their digest."""

    def delete(self, ente_id: int, sha256: str) -> None:
        """Forget contents; forgetting what is not there is no error."""


class FolderStore:
    """A folder that all processes share. A file appears there whole, by renaming, or not at all."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, ente_id: int, sha256: str, source: Path) -> None:
        """Copy into the folder."""
        target = self._path(ente_id, sha256)
        if target.exists():
            return
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=target.parent, prefix=".new-", delete=False) as new:
                try:
                    with source.open("rb") as file:
                        for chunk in _chunks(file):
                            new.write(chunk)
                    new.flush()
                    os.fsync(new.fileno())
                    Path(new.name).replace(target)
                except BaseException:
                    Path(new.name).unlink(missing_ok=True)
                    raise
        except OSError as error:
            raise StoreError(f"cannot write: {error.strerror}", permanent=False) from error

    def read(self, ente_id: int, sha256: str, *, most: int) -> bytes:
        """Read from the folder."""
        try:
            with self._path(ente_id, sha256).open("rb") as file:
                return _verified(file.read(most + 1), sha256)
        except FileNotFoundError as error:
            raise StoreError("not in the store", permanent=True) from error
        except OSError as error:
            raise StoreError(f"cannot read: {error.strerror}", permanent=False) from error

    def delete(self, ente_id: int, sha256: str) -> None:
        """Remove from the folder."""
        self._path(ente_id, sha256).unlink(missing_ok=True)

    def _path(self, ente_id: int, sha256: str) -> Path:
        assert _DIGEST.fullmatch(sha256), "a digest, never a name that somebody chose"
        return self._folder / str(ente_id) / sha256[:2] / sha256


@contextmanager
def hashed(source: BinaryIO, *, most: int) -> Iterator[tuple[Path, str, int]]:
    """A copy of a stream in a temporary file, its digest and its size. Raises `StoreError` beyond `most` bytes."""
    digest, size = hashlib.sha256(), 0
    with tempfile.NamedTemporaryFile(prefix="filodiretto-document-") as copy:
        for chunk in _chunks(source):
            size += len(chunk)
            if size > most:
                raise StoreError(f"longer than {most} bytes", permanent=True)
            digest.update(chunk)
            copy.write(chunk)
        copy.flush()
        yield Path(copy.name), digest.hexdigest(), size


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    while chunk := file.read(CHUNK_BYTES):
        yield chunk


def _verified(contents: bytes, sha256: str) -> bytes:
    if hashlib.sha256(contents).hexdigest() != sha256:
        raise StoreError("the contents are not those announced", permanent=True)
    return contents

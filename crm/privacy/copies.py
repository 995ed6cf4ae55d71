"""The files in which copies are handed over: nobody but us reads them, and nobody ever sees half of one.

Each attempt of a job writes under a name of its own: a worker that lost its lease and does not know it yet disturbs
nobody.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


@contextmanager
def written(path: Path) -> Iterator[IO[bytes]]:
    """A file that is there, whole, once the block has ended, and not at all when it fails."""
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f"{path.name}.half")
    try:
        with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        half.replace(path)
    finally:
        half.unlink(missing_ok=True)


def place(folder: Path, name: str, *, attempt: int, suffix: str) -> Path:
    """Where an attempt at something writes."""
    return folder / f"{name}-{attempt}{suffix}"


def remove(folder: Path, name: str, *, besides: Path | None = None) -> None:
    """Remove what attempts at something have written, whole or in part, but for one file."""
    for path in folder.glob(f"{name}-*"):
        if path != besides:
            path.unlink(missing_ok=True)

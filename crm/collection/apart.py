"""Understanding the lines of a large feed in a process of its own, so that reading and storing share no interpreter.

`python -m crm.collection.apart` reads what to do from its standard input and writes batches of items to its standard
output. It opens no database. Whoever started it is gone when the pipe breaks, and so is it.
"""

import contextlib
import os
import pickle
import struct
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import IO

from crm.collection.items import Item, Reader
from crm.collection.lines import FeedFile, read_lines

WORTH_BYTES = 4_000_000  # below so much left to read, a process costs more than it brings
_LENGTH = struct.Struct("!I")


@dataclass(frozen=True, slots=True)
class Task:
    """The part of a file to understand: what comes after line `number`, which ends at `offset`."""

    file: FeedFile
    reader: Reader
    offset: int
    number: int
    batch_lines: int


class ReaderGone(Exception):  # noqa: N818 (trouble of ours, not of the file)
    """The process that reads ended before the file did."""


@contextlib.contextmanager
def batches(task: Task) -> Iterator[Iterator[list[Item]]]:
    """The items of a file, in lists of so many lines. The last list is empty."""
    if task.file.size - task.offset < WORTH_BYTES:
        yield _understood(task)
        return
    command = [sys.executable, "-m", "crm.collection.apart"]
    environ = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environ) as process:  # noqa: S603
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            with process.stdin as given:
                pickle.dump(task, given)
            yield _received(process.stdout)
        finally:
            process.kill()


def _understood(task: Task) -> Iterator[list[Item]]:
    items = task.reader.read(read_lines(task.file, offset=task.offset, number=task.number))
    while batch := list(islice(items, task.batch_lines)):
        yield batch
    yield []


def _received(pipe: IO[bytes]) -> Iterator[list[Item]]:
    batch: list[Item] | None = None
    while batch is None or batch:
        length = pipe.read(_LENGTH.size)
        if len(length) < _LENGTH.size:
            raise ReaderGone
        batch = pickle.loads(pipe.read(_LENGTH.unpack(length)[0]))  # noqa: S301 (written by ourselves)
        yield batch


def main() -> None:
    """Do the task given."""
    task: Task = pickle.load(sys.stdin.buffer)  # noqa: S301 (written by ourselves)
    out = sys.stdout.buffer
    with contextlib.suppress(BrokenPipeError):
        for batch in _understood(task):
            told = pickle.dumps(batch, pickle.HIGHEST_PROTOCOL)
            out.write(_LENGTH.pack(len(told)) + told)
            out.flush()


if __name__ == "__main__":
    main()

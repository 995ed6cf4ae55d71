"""Reading a feed file: looked over once as a whole, then line by line, never more than a line in memory."""

import codecs
import gzip
import hashlib
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from crm.collection.errors import CollectionError

MAX_LINE_BYTES = 1_000_000
MAX_UNPACKED_BYTES = 50_000_000_000
# A compressed feed is 5 to 30 times smaller than its text; deflate can reach 1,032 on a bomb's zeros.
MAX_RATIO = 200
LONGEST_NAME = 200  # of a file, in what is stored of it
RATIO_FREE_BYTES = 16_000_000  # below this size the ratio is nobody's concern
CHUNK_BYTES = 1 << 20
GZIP_MAGIC = b"\x1f\x8b"

DAMAGED = "L'archivio gzip è danneggiato o incompleto: trasmettere di nuovo il file."
BOMB = "L'archivio gzip si espande oltre il consentito: trasmettere il file non compresso, o diviso in parti."
EMPTY = "Il file è vuoto: rigenerarlo."
NOT_UTF8 = "Il file non è UTF-8 (riga {line}): riesportarlo con questa codifica."


@dataclass(frozen=True, slots=True)
class FeedFile:
    """A file that is all UTF-8 text. `size` is in bytes, unpacked; `sha256` is of the file as it was sent."""

    path: Path
    sha256: str
    size: int
    packed: bool


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its number from 1, the offset at which it ends, and its text without the end of line.

    `content` is None when the line is longer than `MAX_LINE_BYTES`. `ended` is false for a last line that no
    newline ends.
    """

    number: int
    end: int
    content: bytes | None
    ended: bool


class WholeFileRefused(Exception):  # noqa: N818 (a reason, which becomes the run's failure)
    """The file is not a feed as a whole. `sha256` and `size` are what is known of it."""

    def __init__(self, reason: str, sha256: str, size: int) -> None:
        super().__init__(reason)
        self.sha256 = sha256
        self.size = size


def shown(name: str) -> str:
    """A file's name as it can be stored and shown, whatever its bytes and its length."""
    return "".join(char if char.isprintable() else "\ufffd" for char in name)[-LONGEST_NAME:]


def examine(path: Path, on_chunk: Callable[[], None] = lambda: None) -> FeedFile:
    """Read the whole file once: its digest, its size, and whether it is text within the limits.

    `on_chunk` is called as it goes, because a large file takes its time. Raises `WholeFileRefused`, or
    `CollectionError` when the file cannot even be read.
    """
    try:
        with path.open("rb") as file:
            sha256 = _digest(file, on_chunk)
            packed_size = file.tell()
            file.seek(0)
            packed = file.read(2) == GZIP_MAGIC
        with _open(path, packed=packed) as text:
            size = _check(text, sha256, packed_size if packed else None, on_chunk)
    except (gzip.BadGzipFile, EOFError, zlib.error):
        raise WholeFileRefused(DAMAGED, sha256, packed_size) from None
    except OSError as error:
        raise CollectionError(f"Impossibile leggere {path.name}: {error.strerror or error}.") from error
    if size == 0:
        raise WholeFileRefused(EMPTY, sha256, 0)
    return FeedFile(path, sha256, size, packed)


def read_lines(file: FeedFile, *, offset: int = 0, number: int = 0) -> Iterator[Line]:
    """The lines after line `number`, which ends at `offset`."""
    with _open(file.path, packed=file.packed) as text:
        text.seek(offset)
        while raw := text.readline(MAX_LINE_BYTES + 1):
            number += 1
            offset += len(raw)
            too_long = len(raw) > MAX_LINE_BYTES and not raw.endswith(b"\n")
            last = raw
            while too_long and not last.endswith(b"\n") and (last := text.readline(CHUNK_BYTES)):
                offset += len(last)
            ended = last.endswith(b"\n")
            yield Line(number, offset, None if too_long else _stripped(raw, first=number == 1), ended)


def _digest(file: IO[bytes], on_chunk: Callable[[], None]) -> str:
    digest = hashlib.sha256()
    while chunk := file.read(CHUNK_BYTES):
        digest.update(chunk)
        on_chunk()
    return digest.hexdigest()


def _open(path: Path, *, packed: bool) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(path, "rb")) if packed else path.open("rb")


def _stripped(raw: bytes, *, first: bool) -> bytes:
    return (raw.removeprefix(codecs.BOM_UTF8) if first else raw).strip(b" \t\r\n")


def _check(text: IO[bytes], sha256: str, packed_size: int | None, on_chunk: Callable[[], None]) -> int:
    decoder = codecs.getincrementaldecoder("utf-8")()
    size = 0
    line = 1
    while chunk := text.read(CHUNK_BYTES):
        size += len(chunk)
        if packed_size is not None and _is_bomb(size, packed_size):
            raise WholeFileRefused(BOMB, sha256, packed_size)
        try:
            decoder.decode(chunk)
        except UnicodeDecodeError as error:
            line += error.object[: error.start].count(b"\n")
            raise WholeFileRefused(NOT_UTF8.format(line=line), sha256, size) from None
        line += chunk.count(b"\n")
        on_chunk()
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        raise WholeFileRefused(NOT_UTF8.format(line=line), sha256, size) from None
    return size


def _is_bomb(size: int, packed_size: int) -> bool:
    return size > MAX_UNPACKED_BYTES or (size > RATIO_FREE_BYTES and size > packed_size * MAX_RATIO)

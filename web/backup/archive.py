"""The file of a backup: a tar archive in an age file (age-encryption.org/v1), written and read as a stream.

What is needed to open one by hand is `age` and `tar`: see docs/continuity.md. The database comes first, in parts of a
few megabytes, since a tar archive tells a size before what it is of; the manifest comes last, so that an archive
without one was never finished. age refuses what was altered or cut off; the manifest has the digest of each file.
"""

import contextlib
import hashlib
import io
import json
import os
import tarfile
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import pyrage

PART_BYTES = 4 << 20
DUMP = "database/"
FILES = "files/"
MANIFEST = "manifest.json"
FORMAT = 1


class ArchiveError(Exception):
    """The archive is not whole, not ours, or does not open with this key."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an archive holds. `counts`: rows by table. `heads`: of each chain of the audit, its last seal, as
    `filodiretto verify-audit` writes it. `files`: size and SHA-256 by path. `dump`: those of the database's dump."""

    made_at: str
    revision: str
    server: str
    counts: dict[str, int]
    heads: list[str]
    dump: tuple[int, str]
    files: dict[str, tuple[int, str]] = field(default_factory=dict)
    elsewhere: list[str] = field(default_factory=list)
    """What an installation keeps outside of this archive, such as documents on a server that speaks S3."""
    format: int = FORMAT


def recipient_of(key: str) -> str:
    """The public half of a key: enough to encrypt. Raises `ArchiveError`."""
    return str(_identity(key).to_public())


def new_key() -> str:
    """A key of its own: `AGE-SECRET-KEY-1…`."""
    return str(pyrage.x25519.Identity.generate())


class Writer:
    """Adds to an archive; its parts go out encrypted as they come."""

    def __init__(self, archive: tarfile.TarFile) -> None:
        self._archive = archive

    def stream(self, source: BinaryIO) -> tuple[int, str]:
        """The database's dump, in parts; its size and digest."""
        size, digest, number = 0, hashlib.sha256(), 0
        while part := _exactly(source, PART_BYTES):
            self._add(f"{DUMP}{number:06d}", len(part), io.BytesIO(part))
            size, number = size + len(part), number + 1
            digest.update(part)
        return size, digest.hexdigest()

    def file(self, name: str, path: Path) -> tuple[int, str] | None:
        """A file; its size and digest. None when it has gone meanwhile."""
        try:
            source = path.open("rb")
        except FileNotFoundError:
            return None
        with source:
            size = os.fstat(source.fileno()).st_size
            read = _Hashed(source)
            try:
                self._add(FILES + name, size, read)
            except OSError as error:
                raise ArchiveError(f"{name} changed while it was read: {error}") from error
            return size, read.digest.hexdigest()

    def finish(self, manifest: Manifest) -> None:
        """The last thing that is written."""
        content = json.dumps(asdict(manifest), indent=1).encode()
        self._add(MANIFEST, len(content), io.BytesIO(content))

    def _add(self, name: str, size: int, content: Any) -> None:
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode = size, 0o600
        self._archive.addfile(entry, content)


@contextlib.contextmanager
def writing(target: Path, recipient: str) -> Iterator[Writer]:
    """A new archive. It has its name only once it is whole and on the disk; else nothing of it is left."""
    try:
        to = pyrage.x25519.Recipient.from_str(recipient)
    except pyrage.RecipientError as error:
        raise ArchiveError(f"not a public age key: {error}") from None
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = target.with_name(f".new-{target.name}")
    try:
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
            with (
                _through(lambda source: pyrage.encrypt_io(source, out, [to])) as sink,
                tarfile.open(fileobj=sink, mode="w|", format=tarfile.PAX_FORMAT) as archive,
            ):
                yield Writer(archive)
            out.flush()
            os.fsync(out.fileno())
        unfinished.replace(target)
        _sync_folder(target.parent)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


class Content:
    """What an entry holds, read as a stream. Raises `ArchiveError` where it is cut off or damaged."""

    def __init__(self, source: Any) -> None:
        self._source = source

    def read(self, size: int = -1) -> bytes:
        """As a file is read."""
        try:
            return bytes(self._source.read(size))
        except (tarfile.TarError, EOFError, OSError) as error:
            raise ArchiveError(f"the archive is cut off or damaged: {error}") from error


@dataclass(frozen=True, slots=True)
class Part:
    """One entry: of the dump, of the files, or the manifest."""

    name: str
    content: Content


def reading(path: Path, key: str) -> Iterator[Part]:
    """The entries of an archive, in order, each to be read before the next. Raises `ArchiveError` for one that is not
    whole; what came before was read all the same, and must not be taken for everything."""
    identity = _identity(key)
    finished = False
    try:
        with path.open("rb") as source, _from(lambda sink: pyrage.decrypt_io(source, sink, [identity])) as plain:
            with tarfile.open(fileobj=plain, mode="r|") as archive:
                for entry in archive:
                    content = archive.extractfile(entry)
                    if content is None or entry.name.startswith("/") or ".." in Path(entry.name).parts:
                        raise ArchiveError(f"{entry.name}: not an entry of a backup")
                    finished = entry.name == MANIFEST
                    yield Part(entry.name, Content(content))
            while plain.read(1 << 16):  # to the last chunk, which age has marked as such
                pass
    except FileNotFoundError:
        raise ArchiveError(f"{path}: there is no such file") from None
    if not finished:
        raise ArchiveError(f"{path.name} has no manifest: it was never finished")


def manifest_of(content: bytes) -> Manifest:
    """From its entry. Raises `ArchiveError`."""
    try:
        found = json.loads(content)
        if found.get("format") != FORMAT:
            raise ArchiveError(f"this version does not read archives of format {found.get('format')}")
        files = {name: (int(size), str(digest)) for name, (size, digest) in found.pop("files").items()}
        size, digest = found.pop("dump")
        return Manifest(**found, files=files, dump=(int(size), str(digest)))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ArchiveError("the manifest is not readable") from error


def _identity(key: str) -> pyrage.x25519.Identity:
    try:
        return pyrage.x25519.Identity.from_str(key.strip())
    except pyrage.IdentityError:
        raise ArchiveError("not an age key: it begins with AGE-SECRET-KEY-1") from None


class _Hashed:
    """A file that is hashed as it is read."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._source.read(size)
        self.digest.update(data)
        return data


@contextlib.contextmanager
def _through(carry: Any) -> Iterator[BinaryIO]:
    """Something to write to, whose reader works in a thread; its failure is raised here."""
    end_out, end_in = os.pipe()
    failed: list[BaseException] = []

    def work() -> None:
        with os.fdopen(end_out, "rb") as source:
            try:
                carry(source)
            except BaseException as error:  # noqa: BLE001  # raised by whoever waits
                failed.append(error)

    thread = threading.Thread(target=work, name="age")
    thread.start()
    sink = os.fdopen(end_in, "wb", buffering=1 << 16)
    try:
        yield sink
    except BrokenPipeError:
        pass  # the thread says why
    finally:
        with contextlib.suppress(BrokenPipeError):
            sink.close()
        thread.join()
    if failed:
        raise ArchiveError(f"cannot encrypt: {failed[0]}") from failed[0]


@contextlib.contextmanager
def _from(carry: Any) -> Iterator[BinaryIO]:
    """Something to read from, whose writer works in a thread; its failure is raised here."""
    end_out, end_in = os.pipe()
    failed: list[BaseException] = []

    def work() -> None:
        with os.fdopen(end_in, "wb") as sink:
            try:
                carry(sink)
            except BaseException as error:  # noqa: BLE001  # raised by whoever waits
                failed.append(error)

    thread = threading.Thread(target=work, name="age")
    thread.start()
    source = os.fdopen(end_out, "rb")
    try:
        yield source
    except (tarfile.TarError, EOFError) as error:
        source.close()
        thread.join()
        raise ArchiveError(f"it does not open: {failed[0] if failed else error}") from error
    finally:
        source.close()
        thread.join()
    if failed:
        raise ArchiveError(f"it does not open: {failed[0]}") from failed[0]


def _exactly(source: BinaryIO, size: int) -> bytes:
    parts, left = [], size
    while left and (data := source.read(left)):
        parts.append(data)
        left -= len(data)
    return b"".join(parts)


def _sync_folder(folder: Path) -> None:
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)

"""Bringing an archive back: read whole and proved first, restored beside what is there, and only then put in use."""

import hashlib
import os
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from web.backup import programs
from web.backup.archive import DUMP, FILES, MANIFEST, Content, Manifest, manifest_of, reading
from web.backup.making import counted
from web.run.prepare import Passwords, prepare_database

CHUNK_BYTES = 1 << 20
UNPACKED = ".restoring"  # within the data folder: what is in it was never put in use
Tell = Callable[[str, float], None]


class RestoreError(Exception):
    """It cannot be restored there, or what came out is not what went in; nothing was put in use."""


@dataclass(frozen=True, slots=True)
class Unpacked:
    """An archive, read to its end; every digest in it agrees."""

    manifest: Manifest
    dump: Path
    files: Path


def unpack(archive: Path, key: str, into: Path) -> Unpacked:
    """Decrypt into a folder, which is emptied first, and prove each digest. Raises `ArchiveError`, `RestoreError`."""
    shutil.rmtree(into, ignore_errors=True)
    into.mkdir(mode=0o700, parents=True)
    dump, files = into / "database.dump", into / "files"
    files.mkdir()
    dump_digest, dump_size = hashlib.sha256(), 0
    found: dict[str, tuple[int, str]] = {}
    manifest: Manifest | None = None
    with dump.open("wb") as out:
        for part in reading(archive, key):
            if part.name.startswith(DUMP):
                while data := part.content.read(CHUNK_BYTES):
                    out.write(data)
                    dump_digest.update(data)
                    dump_size += len(data)
            elif part.name.startswith(FILES):
                name = part.name.removeprefix(FILES)
                found[name] = _write(files / name, part.content)
            elif part.name == MANIFEST:
                manifest = manifest_of(part.content.read())
    if manifest is None:
        raise RestoreError(f"{archive.name} has no manifest")
    if (dump_size, dump_digest.hexdigest()) != manifest.dump:
        raise RestoreError("the database's dump is not the one that was written")
    if found != manifest.files:
        wrong = sorted({*found.items()} ^ {*manifest.files.items()})
        raise RestoreError(f"{wrong[0][0]} is not the file that was written")
    for name, (_, digest) in found.items():
        place = Path(name)
        if place.parts[0] == "documents" and place.name != digest:  # contents are kept by their digest
            raise RestoreError(f"{name} was already damaged when it was copied")
    return Unpacked(manifest, dump, files)


def restore_database(
    unpacked: Unpacked, superuser_dsn: str, database: str, passwords: Passwords, *, programs_in: Path | None,
) -> None:  # fmt: skip
    """Restore into a new database, roles included, and count. Raises `RestoreError`, `ProgramError`."""
    program = programs.found("pg_restore", programs_in)
    with psycopg.connect(superuser_dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database)))
    prepare_database(superuser_dsn, database, passwords)
    there = psycopg.conninfo.make_conninfo(superuser_dsn, dbname=database)
    jobs = str(max(1, min(8, os.cpu_count() or 1)))
    # Its schema exists already, and is ours.
    with programs.running(program, there, ("--exit-on-error", f"--jobs={jobs}", str(unpacked.dump))):
        pass
    with psycopg.connect(there) as connection:
        counts = counted(connection)
    if counts != unpacked.manifest.counts:
        wrong = sorted({*counts.items()} ^ {*unpacked.manifest.counts.items()})
        raise RestoreError(f"{wrong[0][0]} has another number of rows than when it was copied")
    with psycopg.connect(there, autocommit=True) as connection:
        connection.execute("ANALYZE")


def restore(
    archive: Path, key: str, *, superuser_dsn: str, database: str, passwords: Passwords, data: Path,
    programs_in: Path | None, tell: Tell,
) -> Manifest:  # fmt: skip
    """Put an archive in use where there is nothing yet. Killed at any point it is begun anew by the same command.

    Raises `RestoreError` where a database or documents are.
    """
    refuse_unless_empty(superuser_dsn, database, data)
    began = time.monotonic()
    unpacked = unpack(archive, key, data / UNPACKED)
    tell("read and proved", time.monotonic() - began)
    began = time.monotonic()
    beside = f"{database}_restoring"
    restore_database(unpacked, superuser_dsn, beside, passwords, programs_in=programs_in)
    tell("database", time.monotonic() - began)
    for folder in sorted(unpacked.files.iterdir()):
        target = data / folder.name
        with suppress(FileNotFoundError):
            target.rmdir()  # empty, as was seen
        folder.replace(target)
    with psycopg.connect(superuser_dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(database)))  # empty
        connection.execute(
            sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(beside), sql.Identifier(database))
        )
    shutil.rmtree(data / UNPACKED)
    return unpacked.manifest


def refuse_unless_empty(superuser_dsn: str, database: str, data: Path) -> None:
    """Raise `RestoreError` where something would be lost."""
    with psycopg.connect(superuser_dsn, autocommit=True) as connection:
        exists = connection.execute("SELECT FROM pg_database WHERE datname = %s", [database]).rowcount
    if exists:
        with psycopg.connect(superuser_dsn, dbname=database, autocommit=True) as connection:
            tables = connection.execute("SELECT FROM pg_tables WHERE schemaname = 'public'").rowcount
        if tables:
            raise RestoreError(
                f"The database {database} has tables: nothing is restored over them. Rename it or drop it first."
            )
    # Moved there by a run that was killed before the database had its name: the same archive puts them there again.
    resumed = (data / UNPACKED).exists()
    for name in ("documents", "copies"):
        if not resumed and (data / name).is_dir() and any((data / name).iterdir()):
            raise RestoreError(f"{data / name} is not empty: nothing is restored over it. Move it away first.")


def _write(path: Path, content: Content) -> tuple[int, str]:
    path.parent.mkdir(parents=True, exist_ok=True)
    digest, size = hashlib.sha256(), 0
    with path.open("xb") as out:
        while data := content.read(CHUNK_BYTES):
            out.write(data)
            digest.update(data)
            size += len(data)
    return size, digest.hexdigest()

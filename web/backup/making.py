"""Making a backup: one snapshot of the database, then the files that it names, in one encrypted archive."""

import os
import secrets
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from crm.core.settings import Settings
from web.backup import programs, shelf
from web.backup.archive import Manifest, Writer, new_key, recipient_of, writing

KEY_FILE = "backup.key"
FOLDERS = ("documents", "copies", "uploads", "inbox")
HOOK_WITHIN_S = 3 * 3600
Connection = psycopg.Connection[tuple[Any, ...]]


class BackupError(Exception):
    """It cannot be made; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Made:
    """A whole backup, and what was measured while it was made."""

    path: Path
    size: int
    manifest: Manifest
    seconds: dict[str, float]
    let_go: list[str]
    copied: bool | None  # none: nobody asked for a copy elsewhere


def key_of(settings: Settings) -> str:
    """The key that opens backups: by the setting, else in a file of the data folder, made at the first need."""
    if settings.backup_key is not None:
        return settings.backup_key.get_secret_value()
    path = settings.data / KEY_FILE
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        mine = path.with_name(f"{KEY_FILE}.{secrets.token_hex(4)}")
        with os.fdopen(os.open(mine, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(new_key() + "\n")
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(mine, path)
        mine.unlink()
    return path.read_text(encoding="ascii").strip()


def make(settings: Settings, *, made_at: datetime) -> Made:
    """Make one. Raises `BackupError`, `ArchiveError` or `ProgramError`.

    The files come after the database: a document's contents are stored before the row that names them, so that each
    one the snapshot names is there.
    """
    if settings.database_backup_url is None:
        raise BackupError("FILODIRETTO_DATABASE_BACKUP_URL is not set: see docs/continuity.md.")
    began = time.monotonic()
    seconds: dict[str, float] = {}
    dsn = programs.libpq(settings.database_backup_url)
    folder = shelf.folder_of(settings)
    target = folder / shelf.name_of(made_at)
    recipient = settings.backup_recipient or recipient_of(key_of(settings))
    dump_with = programs.found("pg_dump", settings.postgres_programs)
    with psycopg.connect(dsn, connect_timeout=10) as connection, writing(target, recipient) as archive:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        snapshot = str(_one(connection, "SELECT pg_export_snapshot()"))
        dump = _dump(dump_with, dsn, snapshot, archive)
        seconds["database"] = time.monotonic() - began
        counts, heads = counted(connection), audit_heads(connection)
        revision = str(_one(connection, "SELECT version_num FROM alembic_version"))
        server = str(_one(connection, "SHOW server_version"))
        connection.rollback()  # from here on the snapshot holds nothing up
        seconds["counts"] = time.monotonic() - began - seconds["database"]
        files = {}
        for name, path in _files(settings.data):
            if (written := archive.file(name, path)) is not None:
                files[name] = written
            seconds["files"] = time.monotonic() - began - sum(seconds.values())
        elsewhere = ["documents"] if settings.s3_url else []
        manifest = Manifest(made_at.isoformat(), revision, server, counts, heads, dump, files, elsewhere)
        archive.finish(manifest)
    gone = shelf.let_go(folder)
    copied = _copy(settings.backup_hook, target)
    seconds["whole"] = time.monotonic() - began
    rounded = {name: round(value, 2) for name, value in seconds.items()}
    return Made(target, target.stat().st_size, manifest, rounded, gone, copied)


def counted(connection: Connection) -> dict[str, int]:
    """How many rows each table has, for the eyes of this connection."""
    tables = connection.execute(
        "SELECT c.relname FROM pg_class c WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace ORDER BY 1"
    ).fetchall()
    count = sql.SQL("SELECT count(*) FROM {}")
    return {name: int(_one(connection, count.format(sql.Identifier(name)))) for (name,) in tables}


def audit_heads(connection: Connection) -> list[str]:
    """The last seal of each chain of the audit, as `verify-audit --head` takes it."""
    rows = connection.execute(
        "SELECT DISTINCT ON (s.chain) coalesce(e.cadastral_code, '-'), s.number, s.digest "
        "FROM audit_seal s LEFT JOIN ente e ON e.id = s.chain ORDER BY s.chain, s.number DESC"
    )
    return [f"{code}:{number}:{bytes(digest).hex()}" for code, number, digest in rows]


def _dump(program: Path, dsn: str, snapshot: str, archive: Writer) -> tuple[int, str]:
    options = ("--format=custom", "--compress=1", f"--snapshot={snapshot}", "--no-sync")
    with programs.running(program, dsn, options, output=subprocess.PIPE) as child:
        assert child.stdout is not None
        with child.stdout:
            return archive.stream(child.stdout)  # type: ignore[arg-type]


def _files(data: Path) -> Iterator[tuple[str, Path]]:
    for name in FOLDERS:
        for path in sorted((data / name).rglob("*")):
            if path.is_file() and not path.is_symlink() and not path.name.startswith(".new-"):
                yield path.relative_to(data).as_posix(), path


def _copy(hook: Path | None, target: Path) -> bool | None:
    """Have the backup taken elsewhere; whether whoever does it says that it is."""
    if hook is None:
        return None
    try:
        done = subprocess.run(  # noqa: S603  # the operator's own program
            [str(hook), str(target)], stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=HOOK_WITHIN_S
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _one(connection: Connection, statement: Any) -> Any:
    row = connection.execute(statement).fetchone()
    assert row is not None
    return row[0]

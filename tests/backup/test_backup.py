"""A backup of a real database, brought back: whole, or not at all."""

import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import text

from crm.audit import sealing
from crm.audit import service as audit
from crm.core.db import Database, Scope
from crm.core.settings import Settings, load_settings
from tests.cast import Cast
from tests.databases import PASSWORDS, DatabaseUrls, PostgresServer
from web.backup import shelf
from web.backup.archive import ArchiveError, new_key
from web.backup.drill import drill
from web.backup.making import BackupError, Made, key_of, make
from web.backup.restoring import RestoreError, restore
from web.run.prepare import BACKUP, Passwords, prepare_database

pytestmark = pytest.mark.integration
NIGHT = datetime(2026, 11, 22, 2, 30, tzinfo=UTC)
WITH_BACKUP = Passwords(owner=PASSWORDS.owner, app=PASSWORDS.app, routing=PASSWORDS.routing, backup="backup")
DOCUMENT = b"%PDF-1.7 un atto"


@pytest.fixture
def environ(database_urls: DatabaseUrls, postgres: PostgresServer, redis_url: str, tmp_path: Path) -> dict[str, str]:
    prepare_database(postgres.dsn, database_urls.name, WITH_BACKUP)
    return {
        "FILODIRETTO_DATABASE_URL": database_urls.app, "FILODIRETTO_DATABASE_ROUTING_URL": database_urls.routing,
        "FILODIRETTO_DATABASE_OWNER_URL": database_urls.owner,
        "FILODIRETTO_DATABASE_BACKUP_URL": postgres.url(database_urls.name, BACKUP, "backup"),
        "FILODIRETTO_REDIS_URL": redis_url, "FILODIRETTO_MASTER_KEY": "00" * 32,
        "FILODIRETTO_DATA": str(tmp_path / "data"), "FILODIRETTO_PUBLIC_URL": "http://testserver",
        "FILODIRETTO_TWILIO_ACCOUNT_SID": "AC" + "0" * 32, "FILODIRETTO_TWILIO_AUTH_TOKEN": "x",
        "FILODIRETTO_TWILIO_API_KEY": "SK" + "0" * 32, "FILODIRETTO_TWILIO_API_SECRET": "x",
        "FILODIRETTO_TWILIO_API_URL": "http://127.0.0.1:9", "FILODIRETTO_SIMULATOR_URL": "http://127.0.0.1:9",
    }  # fmt: skip


@pytest.fixture
def settings(environ: dict[str, str]) -> Settings:
    return load_settings(environ)


@pytest.fixture
def made(settings: Settings, database: Database, cast: Cast) -> Made:
    """A backup of the cast, of a sealed audit and of a document."""
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        audit.note(session, None, kind="file.opened", ente_id=cast.empoli)
        sealing.seal(session, cast.empoli)
    digest = hashlib.sha256(DOCUMENT).hexdigest()
    path = settings.data / "documents" / str(cast.empoli) / digest[:2] / digest
    path.parent.mkdir(parents=True)
    path.write_bytes(DOCUMENT)
    (settings.data / "master.key").write_text("never in a backup")
    return make(settings, made_at=NIGHT)


@pytest.fixture
def elsewhere(postgres: PostgresServer, database_urls: DatabaseUrls) -> Iterator[str]:
    """The name of a database that is not there, and is gone in the end."""
    name = f"{database_urls.name}_back"
    yield name
    with postgres.connect() as connection:
        for one in (name, f"{name}_restoring"):
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(one)))


def bring_back(made: Made, postgres: PostgresServer, name: str, data: Path, key: str) -> None:
    restore(
        made.path, key, superuser_dsn=postgres.dsn, database=name, passwords=PASSWORDS, data=data, programs_in=None,
        tell=lambda what, seconds: None,
    )  # fmt: skip


def rows(postgres: PostgresServer, name: str, statement: str) -> list[Any]:
    with psycopg.connect(postgres.dsn, dbname=name) as connection:
        return connection.execute(statement).fetchall()  # type: ignore[call-overload]


def test_a_backup_has_every_row_and_file_and_no_key(made: Made, settings: Settings, cast: Cast) -> None:
    assert shelf.there_are(shelf.folder_of(settings))[0].path == made.path
    assert made.manifest.counts["ente"] == 3
    assert made.manifest.counts["contact"] >= 3  # whatever ente they are of: it reads past row-level security
    assert len(made.manifest.heads) == 1
    assert [Path(one).parts[0] for one in made.manifest.files] == ["documents"]
    assert made.copied is None


def test_the_role_of_backups_reads_and_cannot_write(environ: dict[str, str], cast: Cast) -> None:
    url = environ["FILODIRETTO_DATABASE_BACKUP_URL"].replace("postgresql+psycopg:", "postgresql:")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET default_transaction_read_only = off")
        for statement in ("DELETE FROM contact", "UPDATE ente SET name = ''", "CREATE TABLE x (y int)"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)  # type: ignore[call-overload]


def test_the_drill_proves_it_and_leaves_nothing(
    made: Made, settings: Settings, postgres: PostgresServer, capsys: pytest.CaptureFixture[str], loopback: None
) -> None:
    done, manifest = drill(settings, made.path, key_of(settings), superuser_dsn=postgres.dsn, say=print)
    assert done.proved["rows"] == sum(manifest.counts.values())
    assert (done.proved["files"], done.proved["chains"], done.proved["pages"]) == (1, 1, 3)
    assert "sound" in capsys.readouterr().out
    assert done.detail(manifest)["seconds"] == done.whole > 0
    assert not list(settings.data.glob("drill-*"))
    assert rows(postgres, "postgres", "SELECT FROM pg_database WHERE datname = 'filodiretto_drill'") == []


def test_brought_back_it_is_what_it_was_and_is_not_written_over(
    made: Made, settings: Settings, postgres: PostgresServer, elsewhere: str, tmp_path: Path
) -> None:
    data, key = tmp_path / "new", key_of(settings)
    bring_back(made, postgres, elsewhere, data, key)
    assert rows(postgres, elsewhere, "SELECT count(*) FROM ente") == [(3,)]
    [document] = [path for path in (data / "documents").rglob("*") if path.is_file()]
    assert document.read_bytes() == DOCUMENT
    assert not (data / ".restoring").exists()
    with pytest.raises(RestoreError, match="has tables"):
        bring_back(made, postgres, elsewhere, tmp_path / "newer", key)
    with pytest.raises(RestoreError, match="not empty"):
        bring_back(made, postgres, f"{elsewhere}_x", data, key)


def test_stopped_half_way_nothing_is_in_use_and_it_begins_anew(
    made: Made, settings: Settings, postgres: PostgresServer, elsewhere: str, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    data, key = tmp_path / "new", key_of(settings)

    def dies(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("web.backup.restoring.counted", dies)
        with pytest.raises(KeyboardInterrupt):
            bring_back(made, postgres, elsewhere, data, key)
    assert not (data / "documents").exists()
    assert rows(postgres, "postgres", f"SELECT FROM pg_database WHERE datname = '{elsewhere}'") == []
    bring_back(made, postgres, elsewhere, data, key)
    assert rows(postgres, elsewhere, "SELECT count(*) FROM ente") == [(3,)]


def test_a_damaged_archive_and_a_wrong_key_touch_nothing(
    made: Made, settings: Settings, postgres: PostgresServer, elsewhere: str, tmp_path: Path
) -> None:
    with pytest.raises(ArchiveError):
        bring_back(made, postgres, elsewhere, tmp_path / "new", new_key())
    made.path.write_bytes(made.path.read_bytes()[:-1])
    with pytest.raises(ArchiveError):
        bring_back(made, postgres, elsewhere, tmp_path / "new", key_of(settings))
    assert rows(postgres, "postgres", f"SELECT FROM pg_database WHERE datname ^@ '{elsewhere}'") == []


def test_a_document_damaged_before_it_was_copied_is_told(made: Made, settings: Settings, tmp_path: Path) -> None:
    from web.backup.restoring import unpack  # noqa: PLC0415

    [document] = [path for path in (settings.data / "documents").rglob("*") if path.is_file()]
    document.write_bytes(b"something else")
    again = make(settings, made_at=NIGHT.replace(hour=3))
    with pytest.raises(RestoreError, match="already damaged"):
        unpack(again.path, key_of(settings), tmp_path / "unpacked")


def test_killed_while_it_is_made_no_half_of_it_is_taken_for_whole(
    environ: dict[str, str], settings: Settings, cast: Cast, database: Database, tmp_path: Path
) -> None:
    """With a `pg_dump` that never ends: at the kill, three megabytes of it are on the disk or on their way."""
    programs, begun = tmp_path / "programs", tmp_path / "begun"
    programs.mkdir()
    os.mkfifo(begun)
    (programs / "pg_dump").write_text(f"#!/bin/sh\nhead -c 9000000 /dev/zero; echo > {begun}; exec cat /dev/zero\n")
    (programs / "pg_dump").chmod(0o755)
    endless = {**os.environ, **environ, "FILODIRETTO_POSTGRES_PROGRAMS": str(programs)}
    child = subprocess.Popen([sys.executable, "-m", "web.cli", "backup"], env=endless, stderr=subprocess.DEVNULL)
    begun.read_text()
    child.send_signal(signal.SIGKILL)
    child.wait()
    folder = shelf.folder_of(settings)
    assert shelf.there_are(folder) == []
    assert [path.name[:5] for path in folder.iterdir()] == [".new-"]
    with database.begin(Scope.nothing()) as session:
        assert session.execute(text("SELECT state FROM continuity_run")).scalar_one() == "running"  # until it is silent
    made = make(settings, made_at=NIGHT)
    assert [path.name for path in folder.iterdir()] == [made.path.name]


def test_old_ones_go_and_a_copy_is_taken_elsewhere(environ: dict[str, str], cast: Cast, tmp_path: Path) -> None:
    hook = tmp_path / "hook"
    hook.write_text(f'#!/bin/sh\ncp "$1" {tmp_path}/copied.age\n')
    hook.chmod(0o755)
    settings = load_settings({**environ, "FILODIRETTO_BACKUP_HOOK": str(hook)})
    folder = shelf.folder_of(settings)
    folder.mkdir(parents=True)
    for day in range(1, 21):
        (folder / shelf.name_of(NIGHT.replace(day=day))).write_bytes(b"x")
    (folder / "notes.txt").write_text("somebody's")
    made = make(settings, made_at=NIGHT)
    assert made.copied is True
    assert (tmp_path / "copied.age").read_bytes() == made.path.read_bytes()
    assert len(made.let_go) == 21 - len(shelf.there_are(folder)) == 12
    assert (folder / "notes.txt").exists()


def test_without_its_role_it_says_so(settings: Settings) -> None:
    with pytest.raises(BackupError, match="FILODIRETTO_DATABASE_BACKUP_URL"):
        make(settings.model_copy(update={"database_backup_url": None}), made_at=NIGHT)

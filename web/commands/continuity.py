"""Backups, and bringing one back: for good, or to see how long it takes."""

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from crm.continuity.models import RunKind
from crm.core.db import Database, Scope
from crm.core.settings import Settings
from web.commands.common import app, begin, saying, settings_or_exit

ALIVE_EVERY_S = 60


@app.command()
def backup(
    scheduled: Annotated[bool, typer.Option(help="Only when the day's backup is due", hidden=True)] = False,
) -> None:
    """Make a backup now: database, documents and recordings in one encrypted archive; old ones are let go."""
    from crm.continuity import runs  # noqa: PLC0415
    from crm.core import clock  # noqa: PLC0415
    from crm.core.errors import ConflictError  # noqa: PLC0415
    from web.backup.archive import ArchiveError  # noqa: PLC0415
    from web.backup.making import BackupError, make  # noqa: PLC0415
    from web.backup.programs import ProgramError  # noqa: PLC0415

    settings = begin("backup")
    errors = (ConflictError, BackupError, ArchiveError, ProgramError, OSError)
    with _database(settings) as database, saying(*errors, code=1):
        with database.begin(Scope.nothing()) as session:
            if scheduled and not runs.backup_due(session):
                return
            made_at = clock.now(session)
        with _run(database, RunKind.BACKUP) as end:
            made = make(settings, made_at=made_at)
            rows = sum(made.manifest.counts.values())
            detail = {
                "bytes": made.size, "seconds": made.seconds["whole"], "steps": made.seconds, "rows": rows,
                "contacts": made.manifest.counts.get("contact", 0), "files": len(made.manifest.files),
                "copied": made.copied, "let_go": len(made.let_go),
            }  # fmt: skip
            end(detail, archive=made.path.name)
    print(f"{made.path}")
    print(f"{made.size / 1e6:.1f} MB, {rows} rows, {len(made.manifest.files)} files, in {made.seconds['whole']:.1f} s.")
    if made.copied is False:
        print("FILODIRETTO_BACKUP_HOOK failed: it is nowhere else yet.", file=sys.stderr)
        raise typer.Exit(1)


@app.command()
def backups() -> None:
    """List the backups there are; exit code 1 when the newest is more than 26 hours old."""
    from datetime import UTC, datetime  # noqa: PLC0415

    from crm.continuity.queries import BACKUP_EACH  # noqa: PLC0415
    from web.backup import shelf  # noqa: PLC0415

    found = shelf.there_are(shelf.folder_of(settings_or_exit()))
    for one in found:
        print(f"{one.made_at:%Y-%m-%d %H:%M} UTC  {one.size / 1e6:10.1f} MB  {one.path}")
    fresh = bool(found) and datetime.now(UTC) - found[0].made_at <= BACKUP_EACH
    print("ok" if fresh else "There is no backup of the last 26 hours.")
    raise typer.Exit(0 if fresh else 1)


@app.command()
def drill(
    archive: Annotated[Path | None, typer.Argument(help="A backup; else the newest")] = None,
    here: Annotated[
        bool, typer.Option("--here", help="On the server of FILODIRETTO_DATABASE_SUPERUSER_URL, in a database apart")
    ] = False,
    scheduled: Annotated[bool, typer.Option(help="Only when a drill is due", hidden=True)] = False,
) -> None:
    """Restore a backup where nobody else is, prove counts and seals, open pages, and say how long each step took."""
    from crm.continuity import runs  # noqa: PLC0415
    from crm.core.errors import ConflictError  # noqa: PLC0415
    from web.backup import shelf  # noqa: PLC0415
    from web.backup.archive import ArchiveError  # noqa: PLC0415
    from web.backup.drill import drill as carry_out  # noqa: PLC0415
    from web.backup.making import key_of  # noqa: PLC0415
    from web.backup.programs import ProgramError  # noqa: PLC0415
    from web.backup.restoring import RestoreError  # noqa: PLC0415
    from web.run.processes import RunError  # noqa: PLC0415

    settings = begin("drill")
    errors = (ConflictError, ArchiveError, ProgramError, RestoreError, RunError, OSError)
    with _database(settings) as database, saying(*errors, code=1):
        with database.begin(Scope.nothing()) as session:
            if scheduled and not runs.drill_due(session):
                return
        chosen = archive or next((one.path for one in shelf.there_are(shelf.folder_of(settings))), None)
        if chosen is None:
            raise RestoreError("There is no backup yet: `filodiretto backup` makes one.")
        print(chosen)
        with _run(database, RunKind.DRILL, archive=chosen.name) as end:
            superuser = _superuser() if here else None
            done, manifest = carry_out(settings, chosen, key_of(settings), superuser_dsn=superuser, say=print)
            end(done.detail(manifest), archive=chosen.name)
    print(f"  {done.whole:8.2f} s  in all: {done.proved['rows']} rows in {done.proved['tables']} tables as they were, ")
    print(f"              {done.proved['files']} files, {done.proved['chains']} chains of the audit, "
          f"{done.proved['periods']} closed periods, {done.proved['pages']} pages.")  # fmt: skip


@app.command()
def restore(
    archive: Path,
    key_file: Annotated[Path, typer.Option(help="The file that holds the backup's key, AGE-SECRET-KEY-1…")],
    data: Annotated[Path | None, typer.Option(help="Where the files go; else FILODIRETTO_DATA")] = None,
) -> None:
    """Bring a backup back onto an empty server. Stop every process first; then start them as usual."""
    import psycopg  # noqa: PLC0415

    from web.backup.archive import ArchiveError  # noqa: PLC0415
    from web.backup.programs import ProgramError  # noqa: PLC0415
    from web.backup.restoring import RestoreError  # noqa: PLC0415
    from web.backup.restoring import restore as bring_back  # noqa: PLC0415
    from web.run.prepare import passwords_of  # noqa: PLC0415

    settings = begin("restore")
    if settings.database_owner_url is None:
        print("FILODIRETTO_DATABASE_OWNER_URL: needed to restore.", file=sys.stderr)
        raise typer.Exit(2)
    database = settings.database_owner_url.rpartition("/")[2]
    with saying(ArchiveError, ProgramError, RestoreError, OSError, psycopg.Error, code=1):
        manifest = bring_back(
            archive, key_file.read_text(encoding="ascii"), superuser_dsn=_superuser(), database=database,
            passwords=passwords_of(os.environ), data=data or settings.data, programs_in=settings.postgres_programs,
            tell=lambda what, seconds: print(f"  {seconds:8.2f} s  {what}"),
        )  # fmt: skip
    print(f"Restored what was there at {manifest.made_at}. Put the master key back, then start the processes;")
    print("`filodiretto verify-audit` with the heads of the logs says what was lost since.")
    for name in manifest.elsewhere:
        print(f"Not in this backup, kept elsewhere: {name}.")


def _superuser() -> str:
    from web.run.prepare import SUPERUSER, value_of  # noqa: PLC0415

    return value_of(os.environ, SUPERUSER).replace("postgresql+psycopg:", "postgresql:")


@contextmanager
def _database(settings: Settings) -> Iterator[Database]:
    database = Database(settings.database_url, settings.database_routing_url, pool_size=2)
    try:
        yield database
    finally:
        database.dispose()


@contextmanager
def _run(database: Database, kind: RunKind, *, archive: str = "") -> Iterator[Callable[..., None]]:
    """A run that is written down: that it goes on, and how it ended. What ends it untold is a failure."""
    from crm.continuity import runs  # noqa: PLC0415

    run_id = database.transact(Scope.nothing(), partial(runs.begin, kind=kind, archive=archive))
    over = threading.Event()

    def at_work() -> None:
        while not over.wait(ALIVE_EVERY_S):
            try:
                database.transact(Scope.nothing(), partial(runs.alive, run_id=run_id))
            except Exception as error:  # noqa: BLE001  # the work goes on
                print(f"cannot say that it goes on: {type(error).__name__}", file=sys.stderr)

    def end(detail: dict[str, Any], *, archive: str = "", good: bool = True) -> None:
        finished = partial(runs.end, run_id=run_id, detail=detail, archive=archive, good=good)
        database.transact(Scope.nothing(), finished)

    thread = threading.Thread(target=at_work, name="alive", daemon=True)
    thread.start()
    try:
        yield end
    except BaseException as error:
        end({"error": str(error)[:300] or type(error).__name__}, good=False)
        raise
    finally:
        over.set()
        thread.join()

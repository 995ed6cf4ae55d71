"""The drill of a restore: the newest backup into a place of its own, timed, and everything proved that can be.

Nothing of the installation is touched, and nothing is migrated: what is proved is the backup as it is.
"""

import asyncio
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psycopg
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import select

from crm.core import secrecy
from crm.core.db import Database, Scope
from crm.core.settings import Settings
from crm.enti.queries import coverage
from crm.levels.frozen import restored, seal
from crm.levels.models import ClosedPeriod
from web.audit.terminal import verify_chains
from web.backup.archive import Manifest
from web.backup.programs import libpq
from web.backup.restoring import RestoreError, restore_database, unpack
from web.run import claims, embedded
from web.run.prepare import APP, ROUTING, Passwords

DATABASE = "filodiretto_drill"
PAGES = ("/health/ready", "/sign-in", "/status")
Say = Callable[[str], None]


@dataclass(slots=True)
class Drilled:
    """What came of it: how long each step took, and what was proved."""

    archive: str
    seconds: dict[str, float] = field(default_factory=dict)
    proved: dict[str, int] = field(default_factory=dict)

    @property
    def whole(self) -> float:
        """From the encrypted archive to a page, in seconds."""
        return round(sum(self.seconds.values()), 2)

    def detail(self, manifest: Manifest) -> dict[str, Any]:
        """As it is kept."""
        return {
            "seconds": self.whole, "steps": self.seconds, "proved": self.proved, "made_at": manifest.made_at,
            "rows": sum(manifest.counts.values()), "contacts": manifest.counts.get("contact", 0),
        }  # fmt: skip


def drill(
    settings: Settings, archive: Path, key: str, *, superuser_dsn: str | None, say: Say
) -> tuple[Drilled, Manifest]:
    """Restore an archive where nobody else is, and prove it. Without a server to do it on, it starts one of its own.

    Raises `ArchiveError`, `RestoreError`, `ProgramError` or `RunError`; nothing of it is left either way.
    """
    done = Drilled(archive.name)
    with _place(settings) as place:
        with _timed(done, "read and decrypted", say):
            unpacked = unpack(archive, key, place / "unpacked")
        done.proved["files"] = len(unpacked.manifest.files)
        with _server(place, superuser_dsn) as dsn:
            passwords = Passwords(owner=secrets.token_hex(16), app=secrets.token_hex(16), routing=secrets.token_hex(16))
            if superuser_dsn is not None:
                passwords = _own_roles_passwords(settings)
            with _timed(done, "database restored and counted", say):
                restore_database(unpacked, dsn, DATABASE, passwords, programs_in=settings.postgres_programs)
            done.proved |= {
                "tables": len(unpacked.manifest.counts), "rows": sum(unpacked.manifest.counts.values())
            }  # fmt: skip
            try:
                there = _settings(settings, dsn, passwords, unpacked.files)
                _prove(there, unpacked.manifest, done, say)
            finally:
                _drop(dsn, superuser_dsn)
    return done, unpacked.manifest


def _prove(settings: Settings, manifest: Manifest, done: Drilled, say: Say) -> None:
    database = Database(
        settings.database_url, settings.database_routing_url, pool_size=2, secrecy=secrecy.from_settings(settings)
    )
    try:
        with _timed(done, "seals of the audit", say):
            if not verify_chains(database, ente_code=None, since=None, heads=manifest.heads):
                raise RestoreError("a chain of the audit is broken")
            done.proved["chains"] = len(manifest.heads)
        with _timed(done, "seals of closed periods", say):
            done.proved["periods"] = _closed_periods(database)
    finally:
        database.dispose()
    with _timed(done, "pages opened", say):
        asyncio.run(_open(settings))
        done.proved["pages"] = len(PAGES)


def _closed_periods(database: Database) -> int:
    with database.begin(Scope.nothing()) as session:
        contracts = sorted(coverage(session))
    count = 0
    for contract_id in contracts:
        with database.begin(Scope.of_contract(contract_id)) as session:
            for row in session.scalars(select(ClosedPeriod).where(ClosedPeriod.contract_id == contract_id)):
                if seal(restored(row.kept)) != row.seal:
                    raise RestoreError(f"closed period {row.id} is not what was sealed")
                count += 1
    return count


async def _open(settings: Settings) -> None:
    """Ask the application for pages, over the restored database."""
    from web.app import create_app  # noqa: PLC0415  # a process imports what it runs
    from web.wiring import build  # noqa: PLC0415

    runtime = build(settings)
    try:
        transport = httpx.ASGITransport(app=create_app(runtime))
        async with httpx.AsyncClient(transport=transport, base_url=settings.public_url) as client:
            for path in PAGES:
                answer = await client.get(path)
                if answer.status_code != httpx.codes.OK:
                    raise RestoreError(f"{path} answers {answer.status_code}")
    finally:
        runtime.close()


def _settings(settings: Settings, dsn: str, passwords: Passwords, files: Path) -> Settings:
    """The same installation, on the restored database and files. The master key is the installation's own."""

    def url(role: str, password: str) -> str:
        place = conninfo_to_dict(dsn)
        return f"postgresql+psycopg://{role}:{password}@{place['host']}:{place.get('port', 5432)}/{DATABASE}"

    key = secrecy.master_key_of(settings)
    return settings.model_copy(
        update={
            "database_url": url(APP, passwords.app), "database_routing_url": url(ROUTING, passwords.routing),
            "data": files, "master_key": key, "database_pool_size": 8, "database_backup_url": None,
        }
    )  # fmt: skip


def _own_roles_passwords(settings: Settings) -> Passwords:
    """On the installation's own server the roles are there already, and keep their passwords."""
    urls = (settings.database_url, settings.database_routing_url, settings.database_owner_url)
    app, routing, owner = (conninfo_to_dict(libpq(one)).get("password") if one else "" for one in urls)
    if not owner:
        raise RestoreError("FILODIRETTO_DATABASE_OWNER_URL is needed to drill on this server.")
    return Passwords(owner=str(owner), app=str(app), routing=str(routing))


@contextmanager
def _place(settings: Settings) -> Iterator[Path]:
    """A folder of its own, on the disk of the data: closed to everybody but us and the server that reads in it."""
    settings.data.mkdir(parents=True, exist_ok=True)
    place = Path(tempfile.mkdtemp(prefix="drill-", dir=settings.data))
    place.chmod(0o711)
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


@contextmanager
def _server(place: Path, superuser_dsn: str | None) -> Iterator[str]:
    if superuser_dsn is not None:
        yield superuser_dsn
        return
    server = embedded.Postgres(place, claims.free_port(), secrets.token_hex(16), {"max_wal_size": "4GB"})
    child = embedded.start(server, place / "postgres.log", 60)
    try:
        yield server.dsn()
    finally:
        child.terminate()
        child.kill()


def _drop(dsn: str, superuser_dsn: str | None) -> None:
    if superuser_dsn is not None:
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")


@contextmanager
def _timed(done: Drilled, what: str, say: Say) -> Iterator[None]:
    began = time.monotonic()
    yield
    done.seconds[what] = round(time.monotonic() - began, 2)
    say(f"  {done.seconds[what]:8.2f} s  {what}")

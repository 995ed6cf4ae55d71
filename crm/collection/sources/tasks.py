"""Reading a source in the background: fetch into a spooled file, hand it to the importer, remember up to where.

Killed anywhere and taken over, it goes on: what was fetched is not fetched again, what was stored not stored again.
A crash between the end of the run and the saving of the cursor leaves the reading open: whoever takes the job over
finds the run ended, and saves the cursor that lies beside the spooled file.
"""

import json
import shutil
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.collection.importer import import_feed
from crm.collection.models import CollectionSource, ImportRun, ImportState, ReadingOutcome, SourceKind, SourceReading
from crm.collection.sources import endpoints, service
from crm.collection.sources.folder import INBOX, Folder
from crm.collection.sources.http import Gestionale
from crm.collection.sources.port import Known, Source, SourceError
from crm.core.db import Database, Scope
from crm.core.jobs import Runner, Taken
from crm.enti.models import Ente

log = structlog.get_logger(__name__)

FEED, KNOWN = "feed.jsonl", "known.json"


def run_fetch(database: Database, job: Taken) -> None:
    """Read a source once. What is wrong with it ends the reading; other trouble is the job's, which is tried again."""
    reading_id, data = job.argument["reading"], Path(job.argument["data"])
    scope = Scope.of_enti([job.ente_id])
    spool = spool_of(job.argument)
    with database.begin(scope) as session:
        reading = session.get_one(SourceReading, reading_id)
        row = session.get_one(CollectionSource, reading.source_id)
        code = session.execute(select(Ente.cadastral_code).where(Ente.id == job.ente_id)).scalar_one()
    if reading.ended_at is None:
        try:
            source = source_of(row, code, data)
            known = _fetched(source, Known(row.cursor, row.etag), spool, job)
        except SourceError as error:
            log.warning("source_failed", source=row.id, permanent=error.permanent)
            database.transact(scope, partial(service.failed, reading_id=reading_id, error=error))
        else:
            _read(database, job, reading_id, spool, code, known)
            source.done(known)
            _end(database, job, reading_id, known)
    shutil.rmtree(spool, ignore_errors=True)


def spool_of(argument: Mapping[str, Any]) -> Path:
    """Where a job that reads a source keeps what it has fetched."""
    return Path(argument["data"]) / "spool" / str(argument["reading"])


def source_of(row: CollectionSource, ente_code: str, data: Path) -> Source:
    """The source that a row describes."""
    if row.kind is SourceKind.HTTP:
        return Gestionale(endpoints.endpoint(row.endpoint), ente_code)
    return Folder(data / INBOX / ente_code)


def gave_up(session: Session, job: Taken) -> None:
    """The last attempt failed, through no fault of the source."""
    error = SourceError(service.GIVEN_UP, permanent=False)
    reading = session.get_one(SourceReading, job.argument["reading"])
    if reading.run_id is not None:
        run = session.get_one(ImportRun, reading.run_id)
        if run.state is ImportState.RUNNING:
            run.state, run.failure = ImportState.FAILED, service.GIVEN_UP
    service.failed(session, reading_id=reading.id, error=error)
    shutil.rmtree(spool_of(job.argument), ignore_errors=True)


def _fetched(source: Source, known: Known, spool: Path, job: Taken) -> Known:
    """Up to where the source is known now, with the feed in the spool if there is one. Fetched once."""
    told = spool / KNOWN
    if not told.exists():
        shutil.rmtree(spool, ignore_errors=True)
        spool.mkdir(parents=True)
        fetched = source.fetch(spool / FEED, known, job.renew)
        if not fetched.is_feed:
            (spool / FEED).unlink(missing_ok=True)
        partly = told.with_suffix(".part")
        partly.write_text(json.dumps([fetched.known.cursor, fetched.known.etag]), encoding="utf-8")
        partly.replace(told)
    return Known(*json.loads(told.read_text(encoding="utf-8")))


def _read(database: Database, job: Taken, reading_id: int, spool: Path, code: str, known: Known) -> None:
    path = spool / FEED
    if not path.exists():
        return
    scope = Scope.of_enti([job.ente_id])
    with database.begin(scope) as session:
        source_kind, source_name = session.execute(
            select(CollectionSource.kind, CollectionSource.name)
            .join(SourceReading, SourceReading.source_id == CollectionSource.id)
            .where(SourceReading.id == reading_id)
        ).one()
    name = (known.cursor or FEED) if source_kind is SourceKind.FOLDER else source_name
    run_id = database.transact(
        scope,
        lambda session: service.bind(
            session, ente_id=job.ente_id, reading_id=reading_id, job_id=job.id, file_name=name,
            size=path.stat().st_size,
        ),
    )  # fmt: skip
    with database.begin(scope) as session:
        over = session.get_one(ImportRun, run_id).state is not ImportState.RUNNING
    if not over:
        import_feed(
            database, path, ente_code_expected=code, run_id=run_id, on_progress=lambda _: job.renew(), alive=job.renew
        )


def _end(database: Database, job: Taken, reading_id: int, known: Known) -> None:
    def work(session: Session) -> None:
        reading = session.get_one(SourceReading, reading_id)
        run = None if reading.run_id is None else session.get_one(ImportRun, reading.run_id)
        if run is None:
            service.ended(session, reading_id=reading_id, outcome=ReadingOutcome.NOTHING_NEW, known=known)
        elif run.state is ImportState.FAILED:
            service.ended(
                session, reading_id=reading_id, outcome=ReadingOutcome.REFUSED, known=None, failure=run.failure
            )
        else:
            service.ended(session, reading_id=reading_id, outcome=ReadingOutcome.READ, known=known)

    database.transact(Scope.of_enti([job.ente_id]), work)


RUNNER = Runner(run_fetch, gave_up)

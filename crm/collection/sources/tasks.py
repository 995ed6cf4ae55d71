"""Reading a source in the background: fetch into a spooled file, hand it to the importer, remember up to where.

Killed anywhere and taken over, it goes on: what was fetched is not fetched again, what was stored not stored again.
A crash between the end of the run and the saving of the cursor leaves the reading open: whoever takes the job over
finds the run ended, and saves the cursor that lies beside the spooled file.
"""

import contextlib
import json
import shutil
import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.collection.importer import import_feed
from crm.collection.models import CollectionSource, ImportRun, ImportState, ReadingOutcome, SourceKind, SourceReading
from crm.collection.service import close_run
from crm.collection.sources import endpoints, service
from crm.collection.sources.folder import INBOX, Folder
from crm.collection.sources.http import Gestionale
from crm.collection.sources.port import Known, Source, SourceError
from crm.core.db import Database, Scope
from crm.core.jobs import Runner, Taken
from crm.enti.models import Ente

log = structlog.get_logger(__name__)

SPOOL = "spool"  # within FILODIRETTO_DATA: a folder a reading
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
            _read(database, job, row, spool, code, known)
            source.done(known)
        except SourceError as error:
            log.warning("source_failed", source=row.id, permanent=error.permanent)
            database.transact(scope, partial(service.failed, reading_id=reading_id, error=error))
        else:
            database.transact(scope, partial(_end, kind=row.kind, reading_id=reading_id, known=known))
    remove_spool(job.argument)


def remove_spool(argument: Mapping[str, Any]) -> None:
    """Remove what a job that reads a source has fetched, in each of its attempts."""
    spool = spool_of(argument)
    for each in (spool, *spool.parent.glob(f"{spool.name}-*")):
        shutil.rmtree(each, ignore_errors=True)


def spool_of(argument: Mapping[str, Any]) -> Path:
    """Where a job that reads a source keeps what it has fetched, once that is whole."""
    return Path(argument["data"]) / SPOOL / str(argument["reading"])


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
        close_run(
            session, ente_id=job.ente_id, run_id=reading.run_id, state=ImportState.FAILED, failure=service.GIVEN_UP
        )
    service.failed(session, reading_id=reading.id, error=error)


def sweep(session: Session, *, data: Path) -> int:
    """Remove what readings that are over left in the spool; how many. `session` sees every ente."""
    found = {path: path.name.partition("-")[0] for path in (data / SPOOL).glob("[0-9]*")}
    ids = {int(number) for number in found.values() if number.isdecimal()}
    open_ones = select(SourceReading.id).where(SourceReading.id.in_(ids), SourceReading.ended_at.is_(None))
    wanted = {str(one) for one in session.scalars(open_ones)}
    over = [path for path, number in found.items() if number not in wanted]
    for path in over:
        shutil.rmtree(path, ignore_errors=True)
    return len(over)


def _fetched(source: Source, known: Known, spool: Path, job: Taken) -> Known:
    """Up to where the source is known now, with the feed in the spool if there is one. Fetched once.

    Each attempt fetches into a folder of its own, so that one whose lease is over writes into no other's.
    """
    told = spool / KNOWN
    if not told.exists():
        spool.parent.mkdir(parents=True, exist_ok=True)
        own = Path(tempfile.mkdtemp(prefix=f"{spool.name}-", dir=spool.parent))
        fetched = source.fetch(own / FEED, known, job.renew)
        if not fetched.is_feed:
            (own / FEED).unlink(missing_ok=True)
        (own / KNOWN).write_text(json.dumps([fetched.known.cursor, fetched.known.etag]), encoding="utf-8")
        with contextlib.suppress(OSError):  # another attempt was faster: what it fetched stands
            own.rename(spool)
    return Known(*json.loads(told.read_text(encoding="utf-8")))


def _read(database: Database, job: Taken, row: CollectionSource, spool: Path, code: str, known: Known) -> None:
    path = spool / FEED
    if not path.exists():
        return
    scope = Scope.of_enti([job.ente_id])
    name = (known.cursor or FEED) if row.kind is SourceKind.FOLDER else row.name
    run_id = database.transact(
        scope,
        lambda session: service.bind(
            session, ente_id=job.ente_id, reading_id=job.argument["reading"], job_id=job.id, file_name=name,
            size=path.stat().st_size,
        ),
    )  # fmt: skip
    with database.begin(scope) as session:
        over = session.get_one(ImportRun, run_id).state is not ImportState.RUNNING
    if not over:
        import_feed(
            database, path, ente_code_expected=code, run_id=run_id, on_progress=lambda _: job.renew(), alive=job.renew
        )


def _end(session: Session, *, kind: SourceKind, reading_id: int, known: Known) -> None:
    reading = session.get_one(SourceReading, reading_id)
    run = None if reading.run_id is None else session.get_one(ImportRun, reading.run_id)
    if run is None:
        service.ended(session, reading_id=reading_id, outcome=ReadingOutcome.NOTHING_NEW, known=known)
    elif run.state is ImportState.FAILED:
        service.ended(session, reading_id=reading_id, outcome=ReadingOutcome.REFUSED, known=None, failure=run.failure)
    elif run.state is ImportState.TRUNCATED and kind is SourceKind.HTTP:  # something is missing: it is asked for again
        error = SourceError(run.failure or "", permanent=False)
        service.failed(session, reading_id=reading_id, error=error)
    else:
        service.ended(session, reading_id=reading_id, outcome=ReadingOutcome.READ, known=known)


RUNNER = Runner(run_fetch, gave_up)

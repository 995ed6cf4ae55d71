"""The importer: streams a feed into contacts and positions, in batches that commit together with their progress.

Killed anywhere and started again with the same file, it goes on after the last committed batch.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import structlog
from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.orm import Session

from crm.collection import apart, ending, reasons, reconciliation, service
from crm.collection.apart import Task
from crm.collection.errors import (
    BREAKS_OFF,
    MISCOUNTED,
    NO_END,
    NO_HEADER,
    NO_SUCH_ENTE,
    OTHER_ENTE,
    CollectionError,
)
from crm.collection.feed import Header, parse_header
from crm.collection.items import Item, Reader
from crm.collection.lines import FeedFile, WholeFileRefused, examine, read_lines
from crm.collection.models import FeedMode, ImportState
from crm.collection.service import Counts, counts_of
from crm.collection.store import Batch, store
from crm.collection.values import CLOCK_TOLERANCE
from crm.core.clock import now
from crm.core.db import Database, Scope
from crm.enti.models import Ente

log = structlog.get_logger(__name__)

BATCH_LINES = 2_000
ALIVE_EVERY_S = 5.0  # while a batch is being read: the way to it may be long in an archive


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an import has come; sizes in bytes of unpacked text."""

    line: int
    read_bytes: int
    file_bytes: int
    counts: Counts


@dataclass(frozen=True, slots=True)
class ImportSummary:
    """How an import ended. `failure` is a sentence when `state` is not DONE; `resumed_from` a line, or 0."""

    run_id: int
    ente_id: int
    state: ImportState
    failure: str | None
    resumed_from: int
    lines: int
    counts: Counts


@dataclass(slots=True)
class _Run:
    """Where one run stands while this process leads it."""

    id: int
    ente_id: int
    line: int
    offset: int
    counts: Counts
    full_as_of: datetime | None = None  # of a full feed
    complete: bool = False
    state: ImportState = ImportState.RUNNING
    failure: str | None = None


def import_feed(
    db: Database,
    path: Path,
    *,
    ente_code_expected: str | None = None,
    started_by: int | None = None,
    run_id: int | None = None,
    on_progress: Callable[[Progress], None] = lambda _: None,
    alive: Callable[[], None] = lambda: None,
) -> ImportSummary:
    """Import a feed file, plain or gzip. `ente_code_expected` is the codice catastale the sender may speak for.

    `run_id` is the run of a file sent; without it, the unfinished run of the same file goes on, or a new one begins.
    `on_progress` is called after each batch, `alive` every now and then while there is none.

    A file refused as a whole ends as a FAILED run of that ente; where no ente is known to hold the run,
    `CollectionError` is raised. `ImportBusyError` when another process is importing the same file.
    """
    expected = _ente(db, ente_code_expected) if ente_code_expected is not None else None
    if ente_code_expected is not None and expected is None:
        raise CollectionError(f"Nessun ente ha il codice catastale {ente_code_expected}: crearlo, o correggerlo.")
    try:
        file = examine(path, alive)
        header, header_end, latest = _read_header(db, file)
        ente_id = _entitled(db, file, header, ente_code_expected)
    except WholeFileRefused as refusal:
        if expected is None:
            raise CollectionError(f"{path.name}: {refusal}") from None
        return _fail(db, expected, path, refusal, started_by, run_id)
    with db.begin(Scope.of_enti([ente_id])) as session:
        row = service.open_run(
            session, ente_id=ente_id, run_id=run_id, file_name=path.name, sha256=file.sha256, size=file.size,
            started_by=started_by, header=header, header_end=header_end,
        )  # fmt: skip
        full_as_of = header.as_of if header.mode is FeedMode.FULL else None
        run = _Run(row.id, ente_id, row.line, row.read_bytes, counts_of(row), full_as_of, row.complete)
    resumed_from = run.line if run.line > 1 else 0
    _import_lines(db, file, run, Reader(header.as_of, latest, file.size), on_progress, alive)
    if run.state is ImportState.RUNNING:
        _finish(db, run, alive)
    if run.counts.created or run.counts.changed or run.counts.withdrawn:
        _analyze(db)
    return _summary(run, resumed_from)


def _read_header(db: Database, file: FeedFile) -> tuple[Header, int, datetime]:
    """The header, the offset after it, and the latest instant a statement may claim."""
    line = next(read_lines(file))
    try:
        header = parse_header(line.content or b"")
    except ValidationError as error:
        reason = NO_HEADER.format(reason=reasons.explain(error))
        raise WholeFileRefused(reason[: reasons.LONGEST], file.sha256, file.size) from None
    with db.begin(Scope.nothing()) as session:
        latest = now(session) + CLOCK_TOLERANCE
    if header.as_of > latest:
        reason = reasons.AS_OF_IN_FUTURE.format(as_of=header.as_of.isoformat())
        raise WholeFileRefused(reason, file.sha256, file.size)
    return header, line.end, latest


def _entitled(db: Database, file: FeedFile, header: Header, expected: str | None) -> int:
    """The id of the ente the feed is about."""
    if expected is not None and header.ente != expected:
        reason = OTHER_ENTE.format(ente=header.ente, expected=expected)
        raise WholeFileRefused(reason, file.sha256, file.size)
    ente_id = _ente(db, header.ente)
    if ente_id is None:
        reason = NO_SUCH_ENTE.format(ente=header.ente)
        raise WholeFileRefused(reason, file.sha256, file.size)
    return ente_id


def _ente(db: Database, cadastral_code: str) -> int | None:
    with db.begin(Scope.nothing()) as session:
        return session.scalar(select(Ente.id).where(Ente.cadastral_code == cadastral_code))


def _import_lines(
    db: Database,
    file: FeedFile,
    run: _Run,
    reader: Reader,
    on_progress: Callable[[Progress], None],
    alive: Callable[[], None],
) -> None:
    task = Task(file, reader, run.offset, run.line, BATCH_LINES)
    # While the database stores a batch, the next one is read: two processors instead of one.
    with apart.batches(task) as batches, ThreadPoolExecutor(1, "feed-reader") as pool:
        ahead = pool.submit(_take, batches)
        while batch := _awaited(ahead, alive):
            ahead = pool.submit(_take, batches)
            _commit(db, file, run, batch)
            on_progress(Progress(run.line, run.offset, file.size, run.counts))


def _awaited(ahead: Future[list[Item]], alive: Callable[[], None]) -> list[Item]:
    while not wait([ahead], ALIVE_EVERY_S).done:
        alive()
    return ahead.result()


def _take(batches: Iterator[list[Item]]) -> list[Item]:
    return next(batches)


def _commit(db: Database, file: FeedFile, run: _Run, batch: list[Item]) -> None:
    """One transaction for a batch; the last one closes the run.

    If the database objects to a row, which validation should have prevented, the batch is tried in halves until
    that line alone is refused.
    """

    def work(session: Session) -> Counts:
        place = Batch(run.ente_id, run.id, run.line, run.full_as_of, run.counts.waiting)
        counts = store(session, place, batch)
        if batch[-1].end == file.size:
            _end(session, run, batch[-1], run.counts + counts)
        return counts

    try:
        run.counts += db.transact(Scope.of_enti([run.ente_id]), work)
        run.line, run.offset = batch[-1].number, batch[-1].end
    except (DataError, IntegrityError) as error:
        for part in _halves(batch, error):
            _commit(db, file, run, part)


def _halves(batch: list[Item], error: DBAPIError) -> list[list[Item]]:
    if len(batch) > 1:
        middle = len(batch) // 2
        return [batch[:middle], batch[middle:]]
    if batch[0].refusal is not None:
        raise error
    return [[batch[0].refused(reasons.DATABASE_REFUSED.format(error=type(error.orig).__name__))]]


def _end(session: Session, run: _Run, last: Item, counts: Counts) -> None:
    """The last line is stored: the run is over, unless a full feed has things left to withdraw."""
    failure = None
    if last.broken:
        failure = BREAKS_OFF.format(line=last.number)
    elif last.declared is not None and last.declared != counts.records:
        failure = MISCOUNTED.format(declared=last.declared, records=counts.records)
    if failure:
        _close(session, run, ImportState.TRUNCATED, failure)
    elif run.full_as_of is not None and last.declared is not None:
        run.complete = True
        service.complete(session, ente_id=run.ente_id, run_id=run.id)
    else:
        reconciliation.record(session, ente_id=run.ente_id, run_id=run.id)
        _close(session, run, ImportState.DONE, NO_END if run.full_as_of is not None else None)


def _close(session: Session, run: _Run, state: ImportState, failure: str | None) -> None:
    run.state, run.failure = state, failure
    service.close_run(session, ente_id=run.ente_id, run_id=run.id, state=state, failure=failure)


def _finish(db: Database, run: _Run, alive: Callable[[], None]) -> None:
    """What is left to do once every line is stored; also in a process that only came for that."""
    if run.complete:
        run.state, run.failure = ending.finish(db, ente_id=run.ente_id, run_id=run.id, alive=alive)
        with db.begin(Scope.of_enti([run.ente_id])) as session:
            run.counts = service.counts(session, run_id=run.id)
        return
    with db.begin(Scope.of_enti([run.ente_id])) as session:  # the file holds nothing after the header
        _close(session, run, ImportState.DONE, NO_END if run.full_as_of is not None else None)


def _analyze(db: Database) -> None:
    """The import stands without it, so nothing of it may make the import fail."""
    try:
        db.transact(Scope.nothing(), service.analyze)
    except SQLAlchemyError as error:
        log.warning("import_not_analyzed", error=type(error).__name__)


def _fail(
    db: Database, ente_id: int, path: Path, refusal: WholeFileRefused, started_by: int | None, run_id: int | None
) -> ImportSummary:
    with db.begin(Scope.of_enti([ente_id])) as session:
        row = service.open_run(
            session, ente_id=ente_id, run_id=run_id, file_name=path.name, sha256=refusal.sha256, size=refusal.size,
            started_by=started_by, header=None,
        )  # fmt: skip
        run = _Run(row.id, ente_id, row.line, row.read_bytes, counts_of(row))
        run.state, run.failure = ImportState.FAILED, str(refusal)
        service.close_run(session, ente_id=ente_id, run_id=run.id, state=run.state, failure=run.failure)
    return _summary(run, 0)


def _summary(run: _Run, resumed_from: int) -> ImportSummary:
    return ImportSummary(run.id, run.ente_id, run.state, run.failure, resumed_from, run.line, run.counts)

"""Import runs: sent or opened, taken up, moved on with each batch, closed; given up, and gone on with."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Update, cast, exists, func, insert, select, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.access.service import require_on
from crm.audit import service as audit
from crm.collection import presence
from crm.collection.errors import DISCARDED, KEPT, ImportBusyError
from crm.collection.feed import Header, Subject
from crm.collection.lines import shown
from crm.collection.models import MAX_REMARKS, ImportRefusal, ImportRun, ImportState, SourceReading
from crm.core import jobs, topics
from crm.core.clock import now
from crm.core.db import touch
from crm.core.errors import NotFoundError
from crm.core.jobs import Job

UPLOADS = "uploads"  # within FILODIRETTO_DATA: files that were sent, each in a folder of its own
IMPORT = "collection.import"  # the kind of the jobs that read a file sent
FINISH = "collection.finish"  # of those that withdraw what a person said may be withdrawn
BUSY = "Lo stesso file è in corso di importazione da un altro processo: attendere che finisca."


@dataclass(frozen=True, slots=True)
class Counts:
    """Records by what became of them. `refused` are lines; `waiting` are records set aside for their taxpayer.

    `warned` are also counted among the others. So are those of `withdrawn` that a record names; the rest of them are
    what a full feed no longer names. `besides` are those of `refused` that are no records.
    """

    created: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: int = 0
    warned: int = 0
    waiting: int = 0
    withdrawn: int = 0
    besides: int = 0

    @property
    def records(self) -> int:
        """Lines that held, or should have held, a record."""
        return self.created + self.changed + self.unchanged + self.refused_records + self.waiting

    @property
    def refused_records(self) -> int:
        """Those of `refused` that are records: they add up with the others."""
        return self.refused - self.besides

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(**{name: getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__})


@dataclass(frozen=True, slots=True)
class Remark:
    """A line refused, or (`taken`) imported without a part of it."""

    line: int
    reason: str
    taken: bool
    subject: Subject


def counts_of(run: ImportRun) -> Counts:
    """What a run has counted so far."""
    return Counts(**{name: getattr(run, name) for name in Counts.__dataclass_fields__})


def send(session: Session, by: Principal, *, ente_id: int, path: Path, size: int) -> int:
    """A file was sent: owe its reading. Returns the run, which waits for a worker.

    Raises `ForbiddenError`, as all that people may ask for here, unless `by` may import for the ente, through a grant
    on it or on a contract that covers it.
    """
    entitled(session, by, ente_id)
    run = _new(session, ente_id, path.name, size, by.user_id, ImportState.WAITING)
    argument = {"run": run.id, "path": str(path)}
    run.job_id = jobs.enqueue(session, ente_id=ente_id, kind=IMPORT, argument=argument)
    session.flush()
    audit.note(
        session, by, kind="feed.sent", ente_id=ente_id, subject=run.file_name, after={"run": run.id, "bytes": size}
    )
    touch(session, topics.imports(ente_id))
    return run.id


def take_up(session: Session, *, ente_id: int, run_id: int, job_id: int) -> bool:
    """The job begins, or goes on. False: the run is over, or another job's."""
    mine = _update(ente_id, run_id, ImportState.WAITING, ImportState.RUNNING).where(ImportRun.job_id == job_id)
    taken = session.execute(
        mine.values(state=ImportState.RUNNING, moved_at=now(session)).returning(ImportRun.id)
    ).one_or_none()
    touch(session, topics.imports(ente_id))
    return taken is not None


def give_up(session: Session, *, ente_id: int, run_id: int, job_id: int) -> None:
    """The job failed for good, through no fault of the file: the run stops where it is, until somebody tries again."""
    mine = _update(ente_id, run_id, ImportState.WAITING, ImportState.RUNNING).where(ImportRun.job_id == job_id)
    session.execute(mine.values(state=ImportState.STOPPED, ended_at=now(session)))
    touch(session, topics.imports(ente_id))


def try_again(session: Session, by: Principal, *, run_id: int) -> None:
    """Go on with a run that was given up, from where it stopped. Asked for twice, it happens once."""
    run = _locked(session, run_id)
    entitled(session, by, run.ente_id)
    if run.state is not ImportState.STOPPED:
        return
    old = session.get_one(Job, run.job_id)
    run.job_id = jobs.enqueue(session, ente_id=run.ente_id, kind=old.kind, argument=old.argument)
    # What is withdrawn with a person's word has been read: there is no reading to wait for.
    run.state = ImportState.RUNNING if old.kind == FINISH else ImportState.WAITING
    run.ended_at, run.moved_at = None, now(session)
    session.flush()
    audit.note(session, by, kind="feed.retried", ente_id=run.ente_id, subject=run.file_name, after={"run": run.id})
    touch(session, topics.imports(run.ente_id))


def discard(session: Session, by: Principal, *, run_id: int) -> Path | None:
    """Let go of a run that was given up. Returns the file that nobody needs any more, to be removed after this."""
    run = _locked(session, run_id)
    entitled(session, by, run.ente_id)
    if run.state is not ImportState.STOPPED:
        return None
    run.state, run.failure = ImportState.FAILED, DISCARDED
    presence.unname(session, ente_id=run.ente_id, run_id=run.id)
    session.flush()
    audit.note(session, by, kind="feed.discarded", ente_id=run.ente_id, subject=run.file_name, after={"run": run.id})
    touch(session, topics.imports(run.ente_id))
    path = session.get_one(Job, run.job_id).argument.get("path")
    return None if path is None else Path(path)


def decide(session: Session, by: Principal, *, run_id: int, withdraw: bool) -> None:
    """Say of a full feed that is held whether what it does not name is withdrawn. Said twice, the first word stands."""
    run = _locked(session, run_id)
    entitled(session, by, run.ente_id)
    if run.state is not ImportState.HELD:
        return
    run.decided_by, run.moved_at = by.user_id, now(session)
    if withdraw:
        run.state = ImportState.RUNNING
        run.job_id = jobs.enqueue(session, ente_id=run.ente_id, kind=FINISH, argument={"run": run.id})
    else:
        run.state, run.failure, run.ended_at = ImportState.DONE, KEPT, now(session)
        presence.unname(session, ente_id=run.ente_id, run_id=run.id)
    session.flush()
    audit.note(
        session, by, kind="feed.withdrawal_decided", ente_id=run.ente_id, subject=f"import_run {run.id}",
        after={"withdraw": withdraw, **(run.held or {})},
    )  # fmt: skip
    touch(session, topics.imports(run.ente_id))


def entitled(session: Session, by: Principal, ente_id: int) -> None:
    """Raise `ForbiddenError` unless `by` may import for the ente."""
    require_on(session, by, Permission.COLLECTION_IMPORT, ente_id=ente_id)


def is_reading(session: Session, ente_id: int) -> bool:
    """Whether a feed of the ente is being read, or fetched, or about to be."""
    run = exists().where(
        ImportRun.ente_id == ente_id, ImportRun.state.in_([ImportState.WAITING, ImportState.RUNNING])
    )  # fmt: skip
    reading = exists().where(SourceReading.ente_id == ente_id, SourceReading.ended_at.is_(None))
    return session.execute(select(run | reading)).scalar_one()


def is_over(session: Session, *, run_id: int) -> bool:
    """Whether nothing of the run's file will be read any more."""
    over = (ImportState.DONE, ImportState.TRUNCATED, ImportState.FAILED, ImportState.HELD)
    found = select(ImportRun.id).where(ImportRun.id == run_id, ImportRun.state.in_(over))
    return session.execute(found).one_or_none() is not None


def open_run(
    session: Session, *, ente_id: int, run_id: int | None, file_name: str, sha256: str, size: int,
    started_by: int | None, header: Header | None, header_end: int = 0,
) -> ImportRun:  # fmt: skip
    """The run of a file that has been looked over: it goes on from its line, or begins after the header, its line 1.

    `run_id` is that of a file sent. Without it, it is the unfinished run of the same file, or a new one. Raises
    `ImportBusyError` if the run is over meanwhile.
    """
    run = _unfinished(session, ente_id, sha256) if run_id is None else _locked(session, run_id)
    if run is None:
        run = _new(session, ente_id, file_name, size, started_by, ImportState.RUNNING)
    if run.state is not ImportState.RUNNING:
        raise ImportBusyError(BUSY)
    if run.line == 0:
        run.file_sha256, run.file_bytes, run.moved_at = sha256, size, now(session)
        if header is not None:
            run.line, run.read_bytes = 1, header_end
            run.mode, run.source, run.as_of = header.mode, header.source, header.as_of
        session.flush()
    touch(session, topics.imports(ente_id))
    return run


def move(
    session: Session, *, ente_id: int, run_id: int, from_line: int, line: int, read_bytes: int, counts: Counts,
    remarks: Iterable[Remark], unreadable: int, totals: list[dict[str, Any]],
) -> None:  # fmt: skip
    """Record a batch in the transaction that stores it. Raises `ImportBusyError` if another process did it first."""
    counted = {name: getattr(ImportRun, name) + getattr(counts, name) for name in Counts.__dataclass_fields__}
    more = {"totals": ImportRun.totals + cast(totals, JSONB)} if totals else {}
    moved = session.execute(
        update(ImportRun)
        .where(
            ImportRun.ente_id == ente_id,
            ImportRun.id == run_id,
            ImportRun.line == from_line,
            ImportRun.state == ImportState.RUNNING,
        )
        .values(
            line=line, read_bytes=read_bytes, moved_at=now(session), unreadable=ImportRun.unreadable + unreadable,
            **counted, **more,
        )
        .returning(ImportRun.refused, ImportRun.warned, ImportRun.waiting)
    ).first()  # fmt: skip
    if moved is None:
        raise ImportBusyError(BUSY)
    rows = [
        {
            "ente_id": ente_id, "run_id": run_id, "line": one.line, "reason": one.reason, "taken": one.taken,
            "of": one.subject.of, "key": one.subject.key, "codice_fiscale": one.subject.codice_fiscale,
        }
        for one in remarks
    ]  # fmt: skip
    room = max(0, MAX_REMARKS - (sum(moved) - len(rows)))  # how many there are is known beyond that, too
    if rows[:room]:
        session.execute(insert(ImportRefusal), rows[:room])
    touch(session, topics.imports(ente_id))


def complete(session: Session, *, ente_id: int, run_id: int) -> None:
    """Every line of a full feed is stored, and its end says that they are all there."""
    session.execute(_update(ente_id, run_id, ImportState.RUNNING).values(complete=True))


def counts(session: Session, *, run_id: int) -> Counts:
    """What a run has counted, read anew."""
    return counts_of(session.get_one(ImportRun, run_id, populate_existing=True))


def close_run(session: Session, *, ente_id: int, run_id: int, state: ImportState, failure: str | None) -> None:
    """End a run; ending it twice changes nothing."""
    at = now(session)
    running = _update(ente_id, run_id, ImportState.RUNNING)
    ended = session.execute(
        running.values(state=state, failure=failure, ended_at=at, moved_at=at).returning(
            ImportRun.file_name, ImportRun.created, ImportRun.changed, ImportRun.refused
        )
    ).one_or_none()
    if ended is not None:
        after = {
            "run": run_id, "state": state.value, "created": ended.created, "changed": ended.changed,
            "refused": ended.refused,
        }  # fmt: skip
        audit.note(session, None, kind="feed.read", ente_id=ente_id, subject=ended.file_name, after=after)
    presence.unname(session, ente_id=ente_id, run_id=run_id)
    touch(session, topics.imports(ente_id))


def analyze(session: Session) -> None:
    """Tell the planner what an import has changed: it would plan blindly until PostgreSQL gets round to it."""
    session.execute(select(func.analyze_collection()))


def _new(
    session: Session, ente_id: int, file_name: str, size: int, started_by: int | None, state: ImportState
) -> ImportRun:
    run = ImportRun(
        ente_id=ente_id, file_name=shown(file_name), file_bytes=size, read_bytes=0, line=0, created=0, changed=0,
        unchanged=0, refused=0, warned=0, waiting=0, withdrawn=0, unreadable=0, besides=0, complete=False, totals=[],
        state=state, started_by=started_by, started_at=now(session), moved_at=now(session),
    )  # fmt: skip
    session.add(run)
    session.flush()
    return run


def _unfinished(session: Session, ente_id: int, sha256: str) -> ImportRun | None:
    return session.scalars(
        select(ImportRun)
        .where(
            ImportRun.ente_id == ente_id, ImportRun.file_sha256 == sha256, ImportRun.state == ImportState.RUNNING,
            ImportRun.job_id.is_(None),
        )
        .order_by(ImportRun.id.desc())
        .limit(1)
    ).first()  # fmt: skip


def _locked(session: Session, run_id: int) -> ImportRun:
    run = session.get(ImportRun, run_id, with_for_update=True, populate_existing=True)
    if run is None:
        raise NotFoundError("Questo flusso non esiste più: ricarica la pagina.")
    return run


def _update(ente_id: int, run_id: int, *states: ImportState) -> Update:
    return update(ImportRun).where(ImportRun.ente_id == ente_id, ImportRun.id == run_id, ImportRun.state.in_(states))

"""Import runs: opened or found again, moved on with each batch, closed."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from crm.collection.errors import ImportBusyError
from crm.collection.feed import Header
from crm.collection.models import ImportRefusal, ImportRun, ImportState
from crm.core import topics
from crm.core.clock import now
from crm.core.db import touch

BUSY = "Lo stesso file è in corso di importazione da un altro processo: attendere che finisca."


@dataclass(frozen=True, slots=True)
class Counts:
    """Records by what became of them. `refused` are lines; `warned` are also counted among the others."""

    created: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: int = 0
    warned: int = 0

    @property
    def records(self) -> int:
        """Lines that held, or should have held, a record."""
        return self.created + self.changed + self.unchanged + self.refused

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.created + other.created,
            self.changed + other.changed,
            self.unchanged + other.unchanged,
            self.refused + other.refused,
            self.warned + other.warned,
        )


@dataclass(frozen=True, slots=True)
class Remark:
    """A line refused, or (`taken`) imported without a part of it."""

    line: int
    reason: str
    taken: bool


def counts_of(run: ImportRun) -> Counts:
    """What a run has counted so far."""
    return Counts(run.created, run.changed, run.unchanged, run.refused, run.warned)


def open_run(
    session: Session, *, ente_id: int, file_name: str, sha256: str, size: int, started_by: int | None,
    header: Header | None, header_end: int = 0,
) -> ImportRun:  # fmt: skip
    """The unfinished run of the same file, to go on from its line, or a new one after the header, its line 1."""
    run = session.scalars(
        select(ImportRun)
        .where(
            ImportRun.ente_id == ente_id,
            ImportRun.file_sha256 == sha256,
            ImportRun.state == ImportState.RUNNING,
        )
        .order_by(ImportRun.id.desc())
        .limit(1)
    ).first()
    if run is None:
        run = ImportRun(
            ente_id=ente_id, file_name=file_name[:200], file_sha256=sha256, file_bytes=size, read_bytes=header_end,
            line=1 if header else 0,
            created=0, changed=0, unchanged=0, refused=0, warned=0, state=ImportState.RUNNING, failure=None,
            started_by=started_by, started_at=now(session), moved_at=now(session), ended_at=None,
            mode=header and header.mode, source=header and header.source, as_of=header and header.as_of,
        )  # fmt: skip
        session.add(run)
        session.flush()
    touch(session, topics.imports(ente_id))
    return run


def begin_batch(session: Session, *, ente_id: int) -> None:
    """One batch at a time for an ente, whatever the number of importing processes.

    Plans are made, and kept by the connection, while tables may still be empty: one that reads a whole table would
    make a first import quadratic (each foreign key is checked by such a kept plan). So indexes alone are used.
    """
    session.execute(
        select(
            func.set_config("enable_seqscan", "off", True),
            func.pg_advisory_xact_lock(func.hashtextextended("collection.import", ente_id)),
        )
    )


def move(
    session: Session, *, ente_id: int, run_id: int, from_line: int, line: int, read_bytes: int, counts: Counts,
    remarks: Iterable[Remark],
) -> None:  # fmt: skip
    """Record a batch in the transaction that stores it. Raises `ImportBusyError` if another process did it first."""
    moved = session.execute(
        update(ImportRun)
        .where(
            ImportRun.ente_id == ente_id,
            ImportRun.id == run_id,
            ImportRun.line == from_line,
            ImportRun.state == ImportState.RUNNING,
        )
        .values(
            line=line, read_bytes=read_bytes, moved_at=now(session), created=ImportRun.created + counts.created,
            changed=ImportRun.changed + counts.changed, unchanged=ImportRun.unchanged + counts.unchanged,
            refused=ImportRun.refused + counts.refused, warned=ImportRun.warned + counts.warned,
        )
        .returning(ImportRun.id)
    ).first()  # fmt: skip
    if moved is None:
        raise ImportBusyError(BUSY)
    rows = [
        {"ente_id": ente_id, "run_id": run_id, "line": remark.line, "reason": remark.reason, "taken": remark.taken}
        for remark in remarks
    ]
    if rows:
        session.execute(insert(ImportRefusal), rows)
    touch(session, topics.imports(ente_id))


def close_run(session: Session, *, ente_id: int, run_id: int, state: ImportState, failure: str | None) -> None:
    """End a run; ending it twice changes nothing."""
    session.execute(
        update(ImportRun)
        .where(ImportRun.ente_id == ente_id, ImportRun.id == run_id, ImportRun.state == ImportState.RUNNING)
        .values(state=state, failure=failure, ended_at=now(session), moved_at=now(session))
    )
    touch(session, topics.imports(ente_id))

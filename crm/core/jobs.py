"""Background jobs: a job is a leased row, written with its cause; Celery only wakes whoever runs it."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import structlog
from sqlalchemy import (
    ColumnElement,
    ForeignKey,
    Identity,
    Index,
    SmallInteger,
    String,
    delete,
    exists,
    func,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from crm.core import clock, topics
from crm.core.db import Base, Database, Scope, choice, signal, table_of, touch

log = structlog.get_logger(__name__)

# A worker renews it as it goes; past it, another takes the job over. Longer than any call outside may be silent.
LEASE = timedelta(seconds=90)
RENEWED_AFTER_S = 5.0  # asked to renew sooner, it is let be
SILENT = timedelta(seconds=12)  # since the last renewal: whoever does the job may have died
MAX_ATTEMPTS = 5
DONE_KEPT = timedelta(days=7)


class JobState(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class Job(Base):
    """Work to be done outside a request. `argument` holds ids, never personal data."""

    __tablename__ = "job"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    ente_id: Mapped[int] = mapped_column(ForeignKey("ente.id"))
    kind: Mapped[str] = mapped_column(String(60))
    argument: Mapped[dict[str, Any]]
    state: Mapped[JobState] = mapped_column(choice(JobState))
    attempts: Mapped[int] = mapped_column(SmallInteger, default=0)
    due_at: Mapped[datetime]  # when it may next be taken: now, the end of a lease, or of a back-off
    error: Mapped[str | None] = mapped_column(String(400))

    __table_args__ = (Index("ix_job_due", "due_at", postgresql_where=text("state IN ('waiting', 'running')")),)


class LeaseLostError(Exception):
    """Another worker has taken the job over: whoever did it stops, and leaves everything to that one."""


@dataclass(frozen=True, slots=True)
class JobWritten:
    """A job was committed: wake a worker."""

    job_id: int
    ente_id: int


@dataclass(frozen=True, slots=True)
class Taken:
    """A job under lease, for the function that does it; it opens the scope of its ente itself.

    `renew` raises `LeaseLostError`, which the function lets through.
    """

    id: int
    ente_id: int
    argument: dict[str, Any]
    renew: Callable[[], None]
    attempt: int = 1


def _nothing(_session: Session, _job: Taken) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Runner:
    """How jobs of a kind are done. `gave_up` writes down what follows when the last attempt has failed.

    That is in the transaction in which the job itself fails: neither is ever seen without the other.
    """

    do: Callable[[Database, Taken], None]
    gave_up: Callable[[Session, Taken], None] = _nothing


def enqueue(
    session: Session, *, ente_id: int, kind: str, argument: dict[str, Any], due_at: datetime | None = None
) -> int:  # fmt: skip
    """Owe a job, in the transaction of its cause; to be done now, or not before an instant."""
    at = clock.now(session)
    job = Job(
        ente_id=ente_id,
        kind=kind,
        argument=argument,
        state=JobState.WAITING,
        due_at=due_at or at,
        attempts=0,
    )
    session.add(job)
    session.flush()
    if job.due_at <= at:  # the sweep finds the others in their time
        signal(session, JobWritten(job.id, ente_id))
    return job.id


def enqueue_once(session: Session, *, ente_id: int, kind: str, argument: dict[str, Any]) -> bool:
    """Owe a job unless the same is owed, or being done, already."""
    live = select(Job.id).where(
        Job.ente_id == ente_id, Job.kind == kind, Job.argument == argument,
        Job.state.in_([JobState.WAITING, JobState.RUNNING]),
    )  # fmt: skip
    if session.scalar(live.limit(1)) is not None:
        return False
    enqueue(session, ente_id=ente_id, kind=kind, argument=argument)
    return True


def run(database: Database, runners: dict[str, Runner], *, job_id: int, ente_id: int) -> bool:
    """Take a job if it is due and do it. False: somebody else has it, or it is over."""
    scope = Scope.of_enti([ente_id])
    taken = database.transact(scope, lambda session: _take(session, job_id))
    if taken is None:
        return False
    kind, argument, attempt = taken
    renewed = float("-inf")

    def renew() -> None:
        nonlocal renewed
        if time.monotonic() >= renewed + RENEWED_AFTER_S:
            database.transact(scope, lambda session: _extend(session, job_id, attempt))
            renewed = time.monotonic()

    job = Taken(job_id, ente_id, argument, renew, attempt)

    def fails(session: Session, reason: str, *, over: bool) -> None:
        if _put_back(session, job, reason, over=over, attempt=attempt) and over and kind in runners:
            runners[kind].gave_up(session, job)

    if attempt > MAX_ATTEMPTS:  # it never lived to say that it failed
        database.transact(scope, lambda session: fails(session, "killed", over=True))
        return True
    with structlog.contextvars.bound_contextvars(job=job_id):
        try:
            runners[kind].do(database, job)
        except LeaseLostError:
            log.warning("job_lease_lost", kind=kind, attempt=attempt)
        except Exception as error:
            log.exception("job_failed", kind=kind, attempt=attempt)
            reason = type(error).__name__  # its message may name somebody
            database.transact(scope, lambda session: fails(session, reason, over=attempt >= MAX_ATTEMPTS))
        else:
            database.transact(scope, lambda session: _finish(session, job, attempt))
    return True


def live(session: Session, *, ente_id: int, kind: str) -> int:
    """How many jobs of a kind an ente has waiting, or being done, that could be done now."""
    these = (Job.ente_id == ente_id, Job.kind == kind, Job.state.in_([JobState.WAITING, JobState.RUNNING]))
    return session.execute(select(func.count()).select_from(Job).where(*these)).scalar_one()


def due(session: Session) -> list[tuple[int, int]]:
    """The jobs of this scope that may be taken now, as (job, ente)."""
    rows = session.execute(
        select(Job.id, Job.ente_id)
        .where(Job.state.in_([JobState.WAITING, JobState.RUNNING]), Job.due_at <= clock.now(session))
        .order_by(Job.id)
    )
    return [(job_id, ente_id) for job_id, ente_id in rows]


def forget_done(session: Session) -> int:
    """Delete the jobs of this scope that were done a while ago, but for those that a row still names; how many."""
    job = table_of(Job)
    naming = [column for table in Base.metadata.sorted_tables for column in table.c if column.references(job.c.id)]
    gone = session.execute(
        delete(job)
        .where(job.c.state == JobState.DONE, job.c.due_at < clock.now(session) - DONE_KEPT)
        .where(*(~exists().where(column == job.c.id) for column in naming))
        .returning(job.c.id)
    )
    return len(gone.all())


def announce_silent(session: Session) -> None:
    """Tell who watches that a job's worker has been silent for a while: nobody else would before its lease ends."""
    at = clock.now(session)
    silent = select(Job.ente_id).distinct().where(Job.state == JobState.RUNNING, Job.due_at < at + LEASE - SILENT)
    touch(session, *(topics.jobs(ente_id) for ente_id in session.execute(silent).scalars()))


def _take(session: Session, job_id: int) -> tuple[str, dict[str, Any], int] | None:
    at = clock.now(session)
    row = session.execute(
        update(Job)
        .where(
            Job.id == job_id,
            or_(Job.state == JobState.WAITING, Job.state == JobState.RUNNING),
            Job.due_at <= at,
        )
        .values(state=JobState.RUNNING, attempts=Job.attempts + 1, due_at=at + LEASE)
        .returning(Job.kind, Job.argument, Job.attempts, Job.ente_id)
    ).one_or_none()
    if row is None:
        return None
    touch(session, topics.jobs(row.ente_id))
    return row.kind, row.argument, row.attempts


def _mine(job_id: int, attempt: int) -> tuple[ColumnElement[bool], ...]:
    """A worker that lost its lease writes nothing under whoever took the job over."""
    return (Job.id == job_id, Job.attempts == attempt)


def _extend(session: Session, job_id: int, attempt: int) -> None:
    running = update(Job).where(*_mine(job_id, attempt), Job.state == JobState.RUNNING)
    if session.execute(running.values(due_at=clock.now(session) + LEASE).returning(Job.id)).one_or_none() is None:
        raise LeaseLostError


def _finish(session: Session, job: Taken, attempt: int) -> None:
    session.execute(update(Job).where(*_mine(job.id, attempt)).values(state=JobState.DONE, error=None))
    touch(session, topics.jobs(job.ente_id))


def _put_back(session: Session, job: Taken, reason: str, *, over: bool, attempt: int) -> bool:
    """False: it was not ours any more."""
    state = JobState.FAILED if over else JobState.WAITING
    due_at = clock.now(session) + timedelta(seconds=2**attempt)
    mine = session.execute(
        update(Job).where(*_mine(job.id, attempt)).values(state=state, error=reason, due_at=due_at).returning(Job.id)
    ).one_or_none()
    touch(session, topics.jobs(job.ente_id))
    return mine is not None

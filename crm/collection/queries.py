"""Reading the imports of the enti in scope: how each stands, as a person would say it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ARRAY, BigInteger, DateTime, bindparam, func, select, text
from sqlalchemy.orm import Session

from crm.collection.ending import Missing
from crm.collection.models import (
    MAX_REMARKS,
    UNLISTED,
    ImportRefusal,
    ImportRun,
    ImportState,
    Of,
    Reconciliation,
)
from crm.collection.reconciliation import Report, lines_of
from crm.collection.service import Counts, counts_of
from crm.core import clock, jobs
from crm.core.errors import NotFoundError
from crm.core.jobs import Job, JobState

UNATTENDED = timedelta(minutes=1)  # since the last batch of a run that no job goes on with
# An inbox without a file tells nothing of the collection system; a gestionale without changes does. Feeds are read
# about in the order of their instants: the newest is among the latest few. One with lines that could not be read at
# all says nothing of what it does not name; nor does any after one with more refused lines than are listed, until a
# full one.
_HEARD = text(
    f"""
    SELECT ente_id, max(told_at) AS told_at FROM (
        SELECT ente.id AS ente_id, run.as_of AS told_at
        FROM unnest(CAST(:enti AS bigint[])) AS ente (id) CROSS JOIN LATERAL (
            SELECT as_of FROM import_run
            WHERE ente_id = ente.id AND state = 'done' AND failure IS NULL AND unreadable = 0
            ORDER BY id DESC LIMIT 20
        ) run
        UNION ALL
        SELECT source.ente_id, reading.started_at
        FROM collection_source source CROSS JOIN LATERAL (
            SELECT started_at FROM source_reading
            WHERE ente_id = source.ente_id AND source_id = source.id AND outcome = 'nothing_new'
            ORDER BY id DESC LIMIT 1
        ) reading
        WHERE source.ente_id = ANY (CAST(:enti AS bigint[])) AND source.kind = 'http'
    ) told
    WHERE NOT EXISTS (
        SELECT FROM import_run unlisted
        WHERE unlisted.ente_id = told.ente_id AND {UNLISTED} AND NOT EXISTS (
            SELECT FROM import_run whole
            WHERE whole.ente_id = told.ente_id AND whole.as_of > unlisted.as_of AND whole.mode = 'full'
              AND whole.state = 'done' AND whole.failure IS NULL AND whole.unreadable = 0
              AND NOT (whole.refused + whole.warned + whole.waiting > {MAX_REMARKS})
        )
    )
    GROUP BY ente_id
    """  # noqa: S608  # put together from constants
).columns(ente_id=BigInteger(), told_at=DateTime(timezone=True))
HEARD = select(_HEARD.subquery("heard"))  # of `:enti`
# Whose record, of himself or of a position, was refused by a feed newer than what is stored of it.
_UNANSWERED = (
    text(
        """
        SELECT c.id AS contact_id, c.ente_id, run.as_of
        FROM contact c
        JOIN import_refusal r ON r.ente_id = c.ente_id AND r.codice_fiscale = c.codice_fiscale
        JOIN import_run run ON run.ente_id = r.ente_id AND run.id = r.run_id
        LEFT JOIN position p ON r.of = 'position' AND p.ente_id = r.ente_id AND p.reference = r.key
        WHERE c.id = ANY (:contacts) AND NOT r.taken AND run.as_of > CASE r.of
            WHEN 'taxpayer' THEN greatest(c.as_of, c.withdrawn_as_of)
            WHEN 'position' THEN coalesce(greatest(p.as_of, p.withdrawn_as_of), '-infinity')
        END
        UNION ALL
        SELECT p.contact_id, p.ente_id, run.as_of
        FROM position p
        JOIN import_refusal r ON r.ente_id = p.ente_id AND r.key = p.reference
        JOIN import_run run ON run.ente_id = r.ente_id AND run.id = r.run_id
        WHERE p.contact_id = ANY (:contacts) AND NOT r.taken AND r.codice_fiscale IS NULL
          AND r.of = 'position' AND run.as_of > greatest(p.as_of, p.withdrawn_as_of)
        """
    )
    .bindparams(bindparam("contacts", type_=ARRAY(BigInteger)))
    .columns(contact_id=BigInteger(), ente_id=BigInteger(), as_of=DateTime(timezone=True))
    .subquery("unanswered")
)
# Selects those of the contacts of the parameter `contacts` of whom something was refused, and by the feed of which
# instant at the latest: of them nothing is known up to a later one, unless somebody was asked since.
UNANSWERED = select(_UNANSWERED.c.contact_id, func.max(_UNANSWERED.c.as_of)).group_by(_UNANSWERED.c.contact_id)


class Stage(StrEnum):
    """Where a feed is on its way from the sender's hands."""

    WAITING = "waiting"  # no worker has taken it yet
    EXAMINED = "examined"  # being looked over as a whole
    READING = "reading"
    INTERRUPTED = "interrupted"  # it goes on by itself
    LEFT = "left"  # interrupted on the command line, where the same command goes on
    HELD = "held"  # a person has to say whether what it no longer names is withdrawn
    DONE = "done"
    INCOMPLETE = "incomplete"
    REFUSED = "refused"
    STOPPED = "stopped"  # given up; somebody may try again


_ENDED = {
    ImportState.HELD: Stage.HELD,
    ImportState.DONE: Stage.DONE,
    ImportState.TRUNCATED: Stage.INCOMPLETE,
    ImportState.FAILED: Stage.REFUSED,
    ImportState.STOPPED: Stage.STOPPED,
}


@dataclass(frozen=True, slots=True)
class Attempt:
    """What the job that reads a file says of itself."""

    job_id: int
    state: JobState
    number: int
    due_at: datetime
    error: str | None


@dataclass(frozen=True, slots=True)
class RunView:
    """One import. `read_share` is 0 to 1; sentences in `failure` are the importer's."""

    id: int
    ente_id: int
    file_name: str
    stage: Stage
    counts: Counts
    read_share: float
    attempt: Attempt | None
    failure: str | None
    started_at: datetime
    moved_at: datetime
    ended_at: datetime | None
    held: Missing | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """A line refused, or (`taken`) imported without a part of it."""

    line: int
    reason: str
    taken: bool
    of: Of | None
    key: str | None
    codice_fiscale: str | None


def latest(session: Session, *, limit: int) -> list[RunView]:
    """The newest imports first."""
    at = clock.now(session)
    rows = session.execute(
        select(ImportRun, Job)
        .outerjoin(Job, Job.id == ImportRun.job_id)
        .order_by(ImportRun.id.desc())
        .limit(limit)
        .execution_options(populate_existing=True)
    )
    return [_view(run, job, at) for run, job in rows]


def heard(session: Session, ente_ids: Collection[int]) -> dict[int, datetime]:
    """Up to when each of these enti's collection systems has told what there is, or that nothing had changed.

    What a feed of changes does not name is as it was told before: it is no older than that.
    """
    return dict(session.execute(HEARD, {"enti": sorted(ente_ids)}).all())


def unanswered(session: Session, contact_ids: Collection[int]) -> frozenset[int]:
    """The enti in which something that their collection system told of these contacts was refused, and not told again:
    what is stored of them is no newer than it says itself.
    """
    found = select(_UNANSWERED.c.ente_id).distinct()
    return frozenset(session.scalars(found, {"contacts": list(contact_ids)}))


def run_of(session: Session, run_id: int) -> RunView:
    """One import of this scope. Raises `NotFoundError`."""
    row = session.execute(
        select(ImportRun, Job).outerjoin(Job, Job.id == ImportRun.job_id).where(ImportRun.id == run_id)
    ).one_or_none()
    if row is None:
        raise NotFoundError("Questo flusso non esiste più: ricarica la pagina.")
    return _view(row.ImportRun, row.Job, clock.now(session))


def reports(session: Session, *, limit: int) -> list[Report]:
    """The newest reconciliations first."""
    rows = session.scalars(select(Reconciliation).order_by(Reconciliation.id.desc()).limit(limit))
    return [_report(row) for row in rows]


def report(session: Session, report_id: int) -> Report:
    """One reconciliation of this scope. Raises `NotFoundError`."""
    row = session.get(Reconciliation, report_id)
    if row is None:
        raise NotFoundError("Questa quadratura non esiste.")
    return _report(row)


def mismatches(session: Session) -> list[Report]:
    """The last reconciliation of each ente in scope that does not match."""
    last = select(func.max(Reconciliation.id)).group_by(Reconciliation.ente_id)
    rows = session.scalars(
        select(Reconciliation).where(Reconciliation.id.in_(last), ~Reconciliation.matches).order_by(Reconciliation.id)
    )
    return [_report(row) for row in rows]


def _report(row: Reconciliation) -> Report:
    return Report(
        row.id, row.ente_id, row.run_id, row.as_of, row.made_at, row.matches, row.newer, tuple(lines_of(row.lines))
    )


def refusals(session: Session, *, ente_id: int, run_id: int, limit: int) -> list[Refusal]:
    """The first lines of an import that were refused, or taken with a warning."""
    rows = session.execute(
        select(
            ImportRefusal.line, ImportRefusal.reason, ImportRefusal.taken, ImportRefusal.of, ImportRefusal.key,
            ImportRefusal.codice_fiscale,
        )
        .where(ImportRefusal.ente_id == ente_id, ImportRefusal.run_id == run_id)
        .order_by(ImportRefusal.line)
        .limit(limit)
    )  # fmt: skip
    return [Refusal(*row) for row in rows]


def stage_of(state: ImportState, *, line: int, moved_at: datetime, attempt: Attempt | None, now: datetime) -> Stage:
    """Where an import stands. `line` is how far it has come, 0 before its file has been looked over."""
    if state in _ENDED:
        return _ENDED[state]
    if attempt is None:
        return Stage.LEFT if moved_at < now - UNATTENDED else Stage.READING
    if attempt.number > 0 and _is_interrupted(attempt, now):
        return Stage.INTERRUPTED
    if state is ImportState.WAITING:
        return Stage.WAITING
    return Stage.READING if line else Stage.EXAMINED


def _is_interrupted(attempt: Attempt, now: datetime) -> bool:
    """The last attempt failed and the next one is due, or whoever makes it has fallen silent."""
    return attempt.state is JobState.WAITING or attempt.due_at < now + jobs.LEASE - jobs.SILENT


def _view(run: ImportRun, job: Job | None, now: datetime) -> RunView:
    attempt = None if job is None else Attempt(job.id, job.state, job.attempts, job.due_at, job.error)
    stage = stage_of(run.state, line=run.line, moved_at=run.moved_at, attempt=attempt, now=now)
    share = min(1.0, run.read_bytes / run.file_bytes) if run.file_bytes else 0.0
    return RunView(
        run.id, run.ente_id, run.file_name, stage, counts_of(run), share, attempt, run.failure, run.started_at,
        run.moved_at, run.ended_at, Missing(**run.held) if run.held else None,
    )  # fmt: skip

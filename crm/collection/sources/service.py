"""Sources: set up by people, read by the timetable or by hand, and what each reading came to."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from crm.access.permissions import Principal
from crm.audit import service as audit
from crm.collection.lines import shown
from crm.collection.models import CollectionSource, ImportRun, ImportState, ReadingOutcome, SourceKind, SourceReading
from crm.collection.service import entitled
from crm.collection.sources import endpoints
from crm.collection.sources.breaker import FIRST_PAUSE, Breaker
from crm.collection.sources.port import Known, SourceError
from crm.collection.sources.timetable import DAY_MIN, MAX_EVERY, MIN_EVERY, next_due
from crm.core import clock, jobs, topics
from crm.core.db import touch
from crm.core.errors import ConflictError, InvalidError, NotFoundError
from crm.documents import queries as documents

FETCH = "collection.fetch"  # the kind of the jobs that read a source
CONTENTS = "collection.documents"  # the kind of those that fetch the contents of documents
MAX_NAME = 40
ANSWER_MINUTES, MOST_ANSWER_MINUTES = 5, 10  # for how long an answer about one taxpayer will do
ANSWERS_EVERY = timedelta(minutes=15)
EMPTY_KEPT = timedelta(days=7)  # readings that brought nothing
GIVEN_UP = "La lettura si è interrotta più volte per un guasto del sistema: si riprova alla prossima scadenza."


@dataclass(frozen=True, slots=True)
class Timetable:
    """Every so many minutes; or once a day, so many minutes after midnight in Rome; or, with neither, by hand."""

    every_min: int | None = None
    at_minute: int | None = None


def save(
    session: Session, by: Principal, *, ente_id: int, source_id: int | None, kind: SourceKind, name: str,
    endpoint: str | None, timetable: Timetable, active: bool, takes_proposals: bool = False,
    answers_one: bool = False, answer_minutes: int = ANSWER_MINUTES,
) -> int:  # fmt: skip
    """Set up a source, or change it. Returns its id. Raises `InvalidError` with a part for each field."""
    entitled(session, by, ente_id)
    name = name.strip()
    endpoint = endpoint if kind is SourceKind.HTTP else None
    takes_proposals, answers_one = (one and kind is SourceKind.HTTP for one in (takes_proposals, answers_one))
    _valid(
        session, ente_id, source_id, name, endpoint, kind, timetable, takes_proposals=takes_proposals,
        answers_one=answers_one, answer_minutes=answer_minutes,
    )  # fmt: skip
    if source_id is None:
        source = CollectionSource(ente_id=ente_id, kind=kind, failures=0)
        session.add(source)
        before = {}
    else:
        source = locked(session, source_id)
        before = _told(source)
        if (source.kind, source.endpoint) != (kind, endpoint):  # another source altogether: nothing is known of it
            if _under_way(session, source) is not None:
                raise InvalidError("Questa fonte è in lettura: attendi che finisca, poi cambiala.", field="endpoint")
            source.cursor = source.etag = source.answers_cursor = None
        source.kind = kind
    source.name, source.endpoint, source.active = name, endpoint, active
    source.takes_proposals, source.answers_due_at = takes_proposals, None
    source.answers_one, source.answer_minutes = answers_one, answer_minutes
    source.one_failures, source.one_open_until = 0, None
    source.every_min, source.at_minute = timetable.every_min, timetable.at_minute
    source.failures, source.open_until = 0, None
    source.due_at = _next(source, session) if active else None
    session.flush()
    audit.note(
        session, by, kind="source.changed", ente_id=ente_id, subject=f"collection_source {source.id}", before=before,
        after=_told(source),
    )  # fmt: skip
    touch(session, topics.imports(ente_id))
    return source.id


def read_now(session: Session, by: Principal, *, source_id: int, data: Path) -> int:
    """Read a source at once, whatever its timetable and its circuit say. Returns the reading."""
    source = locked(session, source_id)
    entitled(session, by, source.ente_id)
    if _under_way(session, source) is not None:
        raise ConflictError("Questa fonte è già in lettura: attendi che finisca.")
    _noted(session, by, source, whole=False)
    return _start(session, source, data)


def read_whole(session: Session, by: Principal, *, source_id: int, data: Path) -> int:
    """Forget up to where a source was read, and read its whole state."""
    source = locked(session, source_id)
    entitled(session, by, source.ente_id)
    if _under_way(session, source) is not None:
        raise ConflictError("Questa fonte è già in lettura: attendi che finisca.")
    source.cursor = source.etag = None
    _noted(session, by, source, whole=True)
    return _start(session, source, data)


def start_due(session: Session, *, data: Path) -> int:
    """Start the readings of this scope that are due and whose circuit is not open; how many."""
    at = clock.now(session)
    due = session.scalars(
        select(CollectionSource)
        .where(
            CollectionSource.active, CollectionSource.due_at <= at,
            or_(CollectionSource.open_until.is_(None), CollectionSource.open_until <= at),
        )
        .order_by(CollectionSource.id)
        .with_for_update(skip_locked=True)
    ).all()  # fmt: skip
    idle = [source for source in due if _under_way(session, source) is None]
    for source in idle:
        _start(session, source, data)
    return len(idle)


def locked(session: Session, source_id: int) -> CollectionSource:
    """A source of this scope, for a change. Raises `NotFoundError`."""
    source = session.get(CollectionSource, source_id, with_for_update=True, populate_existing=True)
    if source is None:
        raise NotFoundError("Questa fonte non esiste più: ricarica la pagina.")
    return source


def bind(session: Session, *, ente_id: int, reading_id: int, job_id: int, file_name: str, size: int) -> int:
    """The run that reads what a reading fetched: made once, however often the job is taken over."""
    reading = session.get_one(SourceReading, reading_id, with_for_update=True)
    if reading.run_id is None:
        at = clock.now(session)
        run = ImportRun(
            ente_id=ente_id, file_name=shown(file_name), file_bytes=size, state=ImportState.RUNNING, job_id=job_id,
            started_at=at, moved_at=at, totals=[],
        )  # fmt: skip
        session.add(run)
        session.flush()
        reading.run_id = run.id
        session.flush()
        touch(session, topics.imports(ente_id))
    return reading.run_id


def ended(
    session: Session, *, reading_id: int, outcome: ReadingOutcome, known: Known | None, failure: str | None = None
) -> None:
    """A reading came to something: the source is known up to there, and its circuit is closed."""
    reading, source = _of(session, reading_id)
    if reading.ended_at is not None:
        return
    reading.ended_at, reading.outcome, reading.failure = clock.now(session), outcome, failure
    if outcome is ReadingOutcome.NOTHING_NEW:
        _forget_empty(session, source)
    if known is not None:
        source.cursor, source.etag = known.cursor, known.etag
    source.failures, source.open_until = 0, None
    source.due_at = _next(source, session)
    if source.kind is SourceKind.FOLDER and outcome is not ReadingOutcome.NOTHING_NEW and source.due_at is not None:
        source.due_at = clock.now(session)  # there may be another file
    if source.kind is SourceKind.HTTP and documents.wanted(session, ente_id=source.ente_id, limit=1):
        jobs.enqueue_once(session, ente_id=source.ente_id, kind=CONTENTS, argument={"source": source.id})
    session.flush()
    touch(session, topics.imports(reading.ente_id))


def failed(session: Session, *, reading_id: int, error: SourceError) -> None:
    """A reading failed: its circuit may open. After trouble that may pass it is not put off until its next time."""
    reading, source = _of(session, reading_id)
    if reading.ended_at is not None:
        return
    at = clock.now(session)
    reading.ended_at, reading.outcome, reading.failure = at, ReadingOutcome.FAILED, str(error)[:400]
    _tripped(session, source, error)
    source.due_at = due = _next(source, session)
    if due is not None:
        due = due if error.permanent else min(due, at + FIRST_PAUSE)
        source.due_at = max(due, source.open_until or due)
    session.flush()
    touch(session, topics.imports(reading.ente_id))


def answered(session: Session, *, source_id: int, endpoint: str | None, cursor: str | None) -> None:
    """A gestionale answered about proposals, up to this cursor where it gave one: its circuit is closed."""
    source = locked(session, source_id)
    if source.endpoint != endpoint:  # the source has become another one meanwhile
        return
    source.failures, source.open_until = 0, None
    if cursor is not None:
        source.answers_cursor, source.answers_due_at = cursor or None, clock.now(session) + ANSWERS_EVERY
    session.flush()
    touch(session, topics.imports(source.ente_id))


def was_silent(session: Session, *, source_id: int, error: SourceError) -> None:
    """A gestionale gave no answer to something that is no reading: its circuit may open."""
    source = locked(session, source_id)
    _tripped(session, source, error)
    session.flush()
    touch(session, topics.imports(source.ente_id))


def _tripped(session: Session, source: CollectionSource, error: SourceError) -> None:
    breaker = Breaker(source.failures, source.open_until).failed(
        clock.now(session), permanent=error.permanent, retry_after=error.retry_after
    )
    source.failures, source.open_until = min(breaker.failures, 1000), breaker.open_until


def _of(session: Session, reading_id: int) -> tuple[SourceReading, CollectionSource]:
    reading = session.get_one(SourceReading, reading_id, populate_existing=True)
    return reading, locked(session, reading.source_id)


def _start(session: Session, source: CollectionSource, data: Path) -> int:
    reading = SourceReading(ente_id=source.ente_id, source_id=source.id, started_at=clock.now(session))
    session.add(reading)
    session.flush()
    source.job_id = jobs.enqueue(
        session, ente_id=source.ente_id, kind=FETCH, argument={"reading": reading.id, "data": str(data.resolve())}
    )
    source.due_at = _next(source, session)
    session.flush()
    touch(session, topics.imports(source.ente_id))
    return reading.id


def _forget_empty(session: Session, source: CollectionSource) -> None:
    """Readings that brought nothing say nothing after a while; there may be one a minute."""
    session.execute(
        delete(SourceReading).where(
            SourceReading.ente_id == source.ente_id, SourceReading.source_id == source.id,
            SourceReading.outcome == ReadingOutcome.NOTHING_NEW,
            SourceReading.ended_at < clock.now(session) - EMPTY_KEPT,
        )
    )  # fmt: skip


def _under_way(session: Session, source: CollectionSource) -> int | None:
    return session.scalar(
        select(SourceReading.id)
        .where(
            SourceReading.ente_id == source.ente_id, SourceReading.source_id == source.id,
            SourceReading.ended_at.is_(None),
        )
        .limit(1)
    )  # fmt: skip


def _next(source: CollectionSource, session: Session) -> datetime | None:
    return next_due(every_min=source.every_min, at_minute=source.at_minute, after=clock.now(session))


def _noted(session: Session, by: Principal, source: CollectionSource, *, whole: bool) -> None:
    audit.note(
        session, by, kind="source.read", ente_id=source.ente_id, subject=f"collection_source {source.id}",
        after={"whole": whole},
    )  # fmt: skip


def _told(source: CollectionSource) -> dict[str, object]:
    names = ("name", "endpoint", "active", "every_min", "at_minute", "takes_proposals", "answers_one", "answer_minutes")
    return {"kind": source.kind.value, **{name: getattr(source, name) for name in names}}


def _valid(
    session: Session, ente_id: int, source_id: int | None, name: str, endpoint: str | None, kind: SourceKind,
    timetable: Timetable, *, takes_proposals: bool, answers_one: bool, answer_minutes: int,
) -> None:  # fmt: skip
    wrong = []
    if not 1 <= len(name) <= MAX_NAME or not name.isprintable():
        wrong.append(InvalidError("Scrivi un nome, al massimo 40 caratteri.", field="name"))
    taken = select(CollectionSource.id).where(
        CollectionSource.ente_id == ente_id, CollectionSource.name == name, CollectionSource.id != (source_id or 0)
    )
    if session.scalar(taken) is not None:
        wrong.append(InvalidError("Un'altra fonte di questo ente ha già questo nome.", field="name"))
    if kind is SourceKind.HTTP and endpoint not in endpoints.names():
        wrong.append(InvalidError("Scegli uno dei gestionali configurati.", field="endpoint"))
    another = select(CollectionSource.id).where(
        CollectionSource.ente_id == ente_id, CollectionSource.id != (source_id or 0)
    )
    if takes_proposals and session.scalar(another.where(CollectionSource.takes_proposals)) is not None:
        wrong.append(InvalidError("Un'altra fonte di questo ente riceve già le proposte.", field="takes_proposals"))
    if answers_one and session.scalar(another.where(CollectionSource.answers_one)) is not None:
        wrong.append(InvalidError("Un'altra fonte di questo ente risponde già per i singoli.", field="answers_one"))
    if not 1 <= answer_minutes <= MOST_ANSWER_MINUTES:
        wrong.append(InvalidError("I minuti vanno da 1 a 10.", field="answer_minutes"))
    if timetable.every_min is not None and not MIN_EVERY <= timetable.every_min <= MAX_EVERY:
        wrong.append(InvalidError("I minuti vanno da 1 a 10080 (una settimana).", field="every_min"))
    if timetable.at_minute is not None and not 0 <= timetable.at_minute < DAY_MIN:
        wrong.append(InvalidError("Scrivi un'ora fra 00:00 e 23:59.", field="at"))
    if wrong:
        raise InvalidError("Ricontrolla i campi indicati.", parts=wrong)

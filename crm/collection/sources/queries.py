"""Reading the sources of the enti in scope: how each stands, and what its readings came to."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm.collection.models import CollectionSource, ReadingOutcome, SourceKind, SourceReading
from crm.collection.sources.breaker import Breaker, Circuit
from crm.collection.sources.timetable import longest_silence
from crm.core import clock
from crm.core.errors import NotFoundError
from crm.enti.models import Ente

WELL = (ReadingOutcome.READ, ReadingOutcome.NOTHING_NEW)


@dataclass(frozen=True, slots=True)
class ReadingView:
    """One attempt to read a source; without an outcome it is under way."""

    started_at: datetime
    ended_at: datetime | None
    outcome: ReadingOutcome | None
    failure: str | None
    run_id: int | None


@dataclass(frozen=True, slots=True)
class SourceView:
    """A source. `is_late`: its timetable was not kept, whatever the reason."""

    id: int
    ente_id: int
    kind: SourceKind
    name: str
    endpoint: str | None
    active: bool
    takes_proposals: bool
    answers_one: bool
    answer_minutes: int
    one_circuit: Circuit  # of questions about one taxpayer
    one_open_until: datetime | None
    every_min: int | None
    at_minute: int | None
    due_at: datetime | None
    circuit: Circuit
    open_until: datetime | None
    readings: tuple[ReadingView, ...]  # the newest first
    read_well_at: datetime | None
    is_late: bool

    @property
    def is_under_way(self) -> bool:
        """Whether it is being read."""
        return bool(self.readings) and self.readings[0].outcome is None

    @property
    def at(self) -> str | None:
        """The time of day in Rome at which it is read."""
        return None if self.at_minute is None else f"{self.at_minute // 60:02d}:{self.at_minute % 60:02d}"


@dataclass(frozen=True, slots=True)
class Receiver:
    """The source that takes an ente's proposals. `is_let_alone`: its circuit is open."""

    source_id: int
    ente_id: int
    ente_code: str
    endpoint: str | None
    answers_cursor: str | None
    answers_due_at: datetime | None
    is_let_alone: bool


def receivers(session: Session, *, ente_id: int | None = None) -> list[Receiver]:
    """Who takes proposals, of the enti in scope, or of this one."""
    at = clock.now(session)
    rows = session.execute(
        select(CollectionSource, Ente.cadastral_code)
        .join(Ente, Ente.id == CollectionSource.ente_id)
        .where(CollectionSource.takes_proposals, CollectionSource.active)
        .where(*([] if ente_id is None else [CollectionSource.ente_id == ente_id]))
        .order_by(CollectionSource.ente_id)
        .execution_options(populate_existing=True)
    )
    return [
        Receiver(
            row.id, row.ente_id, code, row.endpoint, row.answers_cursor, row.answers_due_at,
            Breaker(row.failures, row.open_until).circuit(at) is Circuit.OPEN,
        )
        for row, code in rows
    ]  # fmt: skip


def sources(session: Session, *, history: int = 5) -> list[SourceView]:
    """The sources in scope, by ente and name, each with its latest readings."""
    rows = session.scalars(
        select(CollectionSource)
        .order_by(CollectionSource.ente_id, CollectionSource.name)
        .execution_options(populate_existing=True)
    ).all()
    return [_view(session, row, history) for row in rows]


def source(session: Session, source_id: int, *, history: int = 50) -> SourceView:
    """One source of this scope. Raises `NotFoundError`."""
    row = session.get(CollectionSource, source_id, populate_existing=True)
    if row is None:
        raise NotFoundError("Questa fonte non esiste più: ricarica la pagina.")
    return _view(session, row, history)


def _view(session: Session, row: CollectionSource, history: int) -> SourceView:
    at = clock.now(session)
    mine = (SourceReading.ente_id == row.ente_id, SourceReading.source_id == row.id)
    readings = session.scalars(
        select(SourceReading).where(*mine).order_by(SourceReading.id.desc()).limit(history)
    ).all()
    well = session.scalar(select(func.max(SourceReading.ended_at)).where(*mine, SourceReading.outcome.in_(WELL)))
    silence = longest_silence(every_min=row.every_min, at_minute=row.at_minute)
    since = well or (readings[-1].started_at if readings else row.due_at)
    return SourceView(
        row.id, row.ente_id, row.kind, row.name, row.endpoint, row.active, row.takes_proposals, row.answers_one,
        row.answer_minutes, Breaker(row.one_failures, row.one_open_until).circuit(at), row.one_open_until,
        row.every_min, row.at_minute, row.due_at, Breaker(row.failures, row.open_until).circuit(at), row.open_until,
        tuple(ReadingView(one.started_at, one.ended_at, one.outcome, one.failure, one.run_id) for one in readings),
        well, row.active and silence is not None and since is not None and at - since > silence,
    )  # fmt: skip

"""The end of a full feed: what it does not name is withdrawn, in pieces; killed between them, it goes on."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import partial
from itertools import islice

import structlog
from sqlalchemy import update
from sqlalchemy.orm import Session

from crm.collection import presence, reconciliation, service, waiting
from crm.collection.errors import SUPERSEDED
from crm.collection.models import ImportRun, ImportState, Of
from crm.contacts import service as contacts
from crm.core import clock, topics
from crm.core.db import Database, Scope, touch
from crm.core.jobs import Taken
from crm.core.stated import Silence
from crm.documents import service as documents
from crm.positions import service as positions

log = structlog.get_logger(__name__)

PIECE = 2_000  # rows withdrawn in one transaction
MAX_TOPICS = 200
_Withdraw = Callable[..., tuple[str | None, set[int], int]]


@dataclass(frozen=True, slots=True)
class Missing:
    """What a full feed does not name, of what there is; `taxes` are positions by tax. `unreadable` lines may have."""

    positions: int
    of_positions: int
    taxpayers: int
    of_taxpayers: int
    unreadable: int = 0
    documents: int = 0
    of_documents: int = 0
    taxes: dict[str, int] = field(default_factory=dict)

    def needs_a_person(self, *, percent: int, rows: int) -> bool:
        """More than this share, and more than so many: it may be the sender's mistake. Nothing is asked for nothing."""
        if self.unreadable and self.positions + self.taxpayers + self.documents:
            return True
        counted = (
            (self.positions, self.of_positions), (self.taxpayers, self.of_taxpayers),
            (self.documents, self.of_documents),
        )  # fmt: skip
        return any(missing > rows and missing * 100 > percent * all_ for missing, all_ in counted)


@dataclass(frozen=True, slots=True)
class _Full:
    ente_id: int
    run_id: int
    as_of: datetime

    def silence(self, of: Of) -> Silence:
        return presence.silence(ente_id=self.ente_id, run_id=self.run_id, as_of=self.as_of, of=of)


def finish(
    db: Database, *, ente_id: int, run_id: int, alive: Callable[[], None] = lambda: None
) -> tuple[ImportState, str | None]:
    """End a full feed that was read to its end: how it ended, and what there is to say about that."""
    scope = Scope.of_enti([ente_id])
    begun = db.transact(scope, partial(_begin, ente_id=ente_id, run_id=run_id))
    if not isinstance(begun, _Full):
        return begun
    pieces: tuple[tuple[Of, _Withdraw], ...] = (
        (Of.DOCUMENT, documents.withdraw_unnamed), (Of.POSITION, positions.withdraw_unnamed),
        (Of.TAXPAYER, contacts.withdraw_unnamed),
    )  # fmt: skip
    for of, withdraw in pieces:
        after: str | None = ""
        while after is not None:
            after = db.transact(scope, partial(_piece, full=begun, of=of, withdraw=withdraw, after=after))
            alive()
    db.transact(scope, partial(_end, full=begun))
    return ImportState.DONE, None


def run_finish(database: Database, job: Taken) -> None:
    """A person has said that what the feed does not name may be withdrawn."""
    state, _ = finish(database, ente_id=job.ente_id, run_id=job.argument["run"], alive=job.renew)
    log.info("import_finished", run=job.argument["run"], state=state.value)


def _begin(session: Session, *, ente_id: int, run_id: int) -> "_Full | tuple[ImportState, str | None]":
    """Whether to withdraw at all, and whether a person must say so. From here on the feed is the ente's last full."""
    presence.begin(session, ente_id=ente_id)
    run = session.get_one(ImportRun, run_id, with_for_update=True, populate_existing=True)
    if run.state is not ImportState.RUNNING or run.as_of is None:
        return run.state, run.failure
    state = presence.policy(session, ente_id=ente_id)
    if state.full_as_of is not None and state.full_as_of > run.as_of:
        service.close_run(session, ente_id=ente_id, run_id=run_id, state=ImportState.DONE, failure=SUPERSEDED)
        return ImportState.DONE, SUPERSEDED
    full = _Full(ente_id, run_id, run.as_of)
    if run.decided_by is None and state.full_run_id != run_id:
        missing = _missing(session, full, run.unreadable)
        if missing.needs_a_person(percent=state.held_percent, rows=state.held_rows):
            run.state, run.held, run.moved_at = ImportState.HELD, asdict(missing), clock.now(session)
            session.flush()
            touch(session, topics.imports(ente_id))
            return ImportState.HELD, None
    state.full_as_of, state.full_run_id = run.as_of, run_id
    session.flush()
    return full


def _missing(session: Session, full: _Full, unreadable: int) -> Missing:
    taxes = positions.unnamed(session, full.silence(Of.POSITION))
    people, missing = contacts.unnamed(session, full.silence(Of.TAXPAYER))
    papers, lost = documents.unnamed(session, full.silence(Of.DOCUMENT))
    return Missing(
        sum(gone for _, gone in taxes.values()), sum(rows for rows, _ in taxes.values()), missing, people, unreadable,
        lost, papers,
        {tax: gone for tax, (_, gone) in sorted(taxes.items()) if gone},
    )  # fmt: skip


def _piece(session: Session, *, full: _Full, of: Of, withdraw: _Withdraw, after: str) -> str | None:
    """Withdraw some. Returns where to go on, or None: there is no more, or a later full feed has spoken meanwhile."""
    standing = presence.begin(session, ente_id=full.ente_id)
    if standing.full_as_of != full.as_of:
        return None
    last, touched, count = withdraw(session, full.silence(of), after=after, limit=PIECE)
    if count:
        session.execute(
            update(ImportRun)
            .where(ImportRun.ente_id == full.ente_id, ImportRun.id == full.run_id)
            .values(withdrawn=ImportRun.withdrawn + count, moved_at=clock.now(session))
        )
        touch(session, topics.imports(full.ente_id), *map(topics.contact, islice(sorted(touched), MAX_TOPICS)))
    return last


def _end(session: Session, *, full: _Full) -> None:
    standing = presence.begin(session, ente_id=full.ente_id)
    if standing.full_as_of == full.as_of:
        documents.revive_named(session, full.silence(Of.DOCUMENT))
        positions.revive_named(session, full.silence(Of.POSITION))
        contacts.revive_named(session, full.silence(Of.TAXPAYER))
        presence.forget(session, ente_id=full.ente_id, as_of=full.as_of)
        waiting.forget(session, ente_id=full.ente_id, before=full.as_of)
    reconciliation.record(session, ente_id=full.ente_id, run_id=full.run_id)
    service.close_run(session, ente_id=full.ente_id, run_id=full.run_id, state=ImportState.DONE, failure=None)

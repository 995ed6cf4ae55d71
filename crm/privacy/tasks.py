"""Copies and erasures in the background. Killed anywhere, the job is taken over and ends in the same state."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from sqlalchemy.orm import Session

from crm.core import clock
from crm.core.db import Database, Scope
from crm.core.jobs import Runner, Taken
from crm.documents.store import DocumentStore
from crm.enti import queries as enti
from crm.privacy import copies, ending, service
from crm.privacy.archive import Copy, Readable, write
from crm.privacy.holders import Holder, Section
from crm.privacy.models import ExportState, PersonExport

MOST_OF_A_DOCUMENT = 64 * 1024**2  # bytes


def exporter(holders: Sequence[Holder], readable: Readable, store: DocumentStore) -> Runner:
    """Makes copies."""
    return Runner(partial(_export, holders, readable, store), partial(_gave_up, service.EXPORT, "export"))


def eraser(holders: Sequence[Holder]) -> Runner:
    """Erases."""

    def erase(database: Database, job: Taken) -> None:
        scope = _whole(database, job.ente_id)
        database.transact(scope, partial(service.erase, erasure_id=job.argument["erasure"], holders=holders))
        _remove_expired(database, scope)

    return Runner(erase, partial(_gave_up, service.ERASE, "erasure"))


def _whole(database: Database, ente_id: int) -> Scope:
    """All that is held of an ente's people: what its contracts hold of callers who named no ente, too."""
    with database.begin(Scope.nothing()) as session:
        return Scope.of_enti([ente_id], enti.contracts_of(session, ente_id))


def expire(database: Database) -> int:
    """Remove the copies that nobody came for, and the access logs handed over for good; how many."""
    with database.begin(Scope.nothing()) as session:
        everybody = Scope.of_enti(enti.badges(session))
    logs = database.transact(Scope.nothing(), ending.expire_logs)
    return _remove_expired(database, everybody) + logs


def _remove_expired(database: Database, scope: Scope) -> int:
    """A row names its file until that is removed: killed in between, it is removed the next time."""
    expired = database.transact(scope, service.expire_exports)
    for path in expired.values():
        path.unlink(missing_ok=True)
    if expired:
        database.transact(scope, partial(service.exports_gone, export_ids=list(expired)))
    return len(expired)


def _export(
    holders: Sequence[Holder], readable: Readable, store: DocumentStore, database: Database, job: Taken
) -> None:  # fmt: skip
    export_id, scope = job.argument["export"], _whole(database, job.ente_id)
    folder, name = Path(job.argument["folder"]), service.copy_name(export_id)
    sections: list[Section] = []
    with database.begin(scope) as session:
        export = session.get_one(PersonExport, export_id)
        if export.state is not ExportState.WAITING:  # whole, or recalled: what an attempt that died left is nobody's
            copies.remove(folder, name, besides=Path(export.path) if export.path else None)
            return
        person = service.person_of(session, export.contact_id)
        for holder in holders:
            sections += holder.export(session, person)
            job.renew()
        copy = Copy(enti.badges(session)[job.ente_id].name, clock.now(session), sections)
    database.transact(scope, partial(_moved, job=job, export_id=export_id, parts=len(sections)))
    path = copies.place(folder, name, attempt=job.attempt, suffix=".zip")
    write(path, copy, readable, lambda sha256: store.read(job.ente_id, sha256, most=MOST_OF_A_DOCUMENT), job.renew)
    made = partial(service.export_made, ente_id=job.ente_id, export_id=export_id, path=path)
    if database.transact(scope, made):
        copies.remove(folder, name, besides=path)
    else:
        path.unlink(missing_ok=True)


def _moved(session: Session, *, job: Taken, export_id: int, parts: int) -> None:
    service.export_moved(session, ente_id=job.ente_id, export_id=export_id, parts=parts, made=parts)


def _gave_up(kind: str, name: str, session: Session, job: Taken) -> None:
    if kind == service.EXPORT:
        copies.remove(Path(job.argument["folder"]), service.copy_name(job.argument[name]))
    service.give_up(session, kind=kind, row_id=job.argument[name], ente_id=job.ente_id)

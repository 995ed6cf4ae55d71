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
from crm.privacy import service
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
        scope = Scope.of_enti([job.ente_id])
        database.transact(scope, partial(service.erase, erasure_id=job.argument["erasure"], holders=holders))

    return Runner(erase, partial(_gave_up, service.ERASE, "erasure"))


def expire(database: Database) -> int:
    """Remove the copies that nobody came for; how many."""
    with database.begin(Scope.nothing()) as session:
        everybody = Scope.of_enti(enti.badges(session))
    paths = database.transact(everybody, service.expire_exports)
    for path in paths:
        path.unlink(missing_ok=True)
    return len(paths)


def _export(
    holders: Sequence[Holder], readable: Readable, store: DocumentStore, database: Database, job: Taken
) -> None:  # fmt: skip
    export_id, scope = job.argument["export"], Scope.of_enti([job.ente_id])
    folder = Path(job.argument["folder"])
    sections: list[Section] = []
    with database.begin(scope) as session:
        export = session.get_one(PersonExport, export_id)
        if export.state is not ExportState.WAITING:
            return
        person = service.person_of(session, export.contact_id)
        for holder in holders:
            sections += holder.export(session, person)
        copy = Copy(enti.badges(session)[job.ente_id].name, clock.now(session), sections)
    database.transact(scope, partial(_moved, job=job, export_id=export_id, parts=len(sections)))
    path = folder / f"{export_id}.zip"
    write(path, copy, readable, lambda sha256: store.read(job.ente_id, sha256, most=MOST_OF_A_DOCUMENT))
    database.transact(scope, partial(service.export_made, ente_id=job.ente_id, export_id=export_id, path=path))


def _moved(session: Session, *, job: Taken, export_id: int, parts: int) -> None:
    service.export_moved(session, ente_id=job.ente_id, export_id=export_id, parts=parts, made=parts)


def _gave_up(kind: str, name: str, session: Session, job: Taken) -> None:
    service.give_up(session, kind=kind, row_id=job.argument[name], ente_id=job.ente_id)

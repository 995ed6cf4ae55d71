"""Importing a feed in the background. The job's row is leased; a killed import is taken over and goes on."""

import contextlib
from pathlib import Path

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.access.service import scope_for
from crm.collection import service
from crm.collection.errors import CollectionError
from crm.collection.importer import import_feed
from crm.core import jobs
from crm.core.db import Database, Scope, touch
from crm.core.errors import ForbiddenError
from crm.core.jobs import Taken
from crm.enti.models import Ente

log = structlog.get_logger(__name__)
IMPORT = "collection.import"


def schedule_import(session: Session, by: Principal, *, ente_id: int, path: Path) -> int:
    """Owe the import of a feed of this ente, which a worker will read from `path`; the job's id.

    Raises `ForbiddenError` unless `by` may import for the ente, itself or through a contract.
    """
    if ente_id not in (scope_for(session, by, Permission.COLLECTION_IMPORT).enti or ()):
        raise ForbiddenError("Non puoi caricare flussi per questo ente.")
    touch(session, service.topic(ente_id))
    argument = {"path": str(path), "started_by": by.user_id}
    return jobs.enqueue(session, ente_id=ente_id, kind=IMPORT, argument=argument)


def run_import(database: Database, job: Taken) -> None:
    """Import the file named by the job (`path`, `started_by`) for the job's ente, and remove it when read."""
    path = Path(job.argument["path"])
    if not path.exists():  # an earlier attempt finished and was killed before it could say so
        log.info("import_file_gone", job=job.id)
        return
    with database.begin(Scope.nothing()) as session:
        code = session.execute(select(Ente.cadastral_code).where(Ente.id == job.ente_id)).scalar_one()
    try:
        summary = import_feed(
            database, path, ente_code_expected=code, started_by=job.argument["started_by"],
            on_progress=lambda _: job.renew(),
        )  # fmt: skip
    except CollectionError as error:
        log.warning("import_refused", job=job.id, reason=str(error))
    else:
        log.info("import_done", job=job.id, run=summary.run_id, state=summary.state.value)
    path.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        path.parent.rmdir()  # the folder that kept its name apart

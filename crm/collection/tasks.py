"""Importing a feed in the background. The job's row is leased; a killed import is taken over and goes on."""

import contextlib
from pathlib import Path

import structlog
from sqlalchemy import select

from crm.collection.errors import CollectionError
from crm.collection.importer import import_feed
from crm.core.db import Database, Scope
from crm.core.jobs import Taken
from crm.enti.models import Ente

log = structlog.get_logger(__name__)
IMPORT = "collection.import"


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

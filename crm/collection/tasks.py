"""Importing a feed in the background. The job's row is leased; a killed import is taken over and goes on."""

import contextlib
from datetime import timedelta
from pathlib import Path

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.collection import service
from crm.collection.ending import run_finish
from crm.collection.errors import GONE
from crm.collection.importer import import_feed
from crm.collection.models import ImportRun, ImportState
from crm.core import clock
from crm.core.db import Database, Scope
from crm.core.jobs import Job, Runner, Taken
from crm.enti.models import Ente

ON_ITS_WAY = timedelta(days=1)  # a file that was kept so lately may still be sent

log = structlog.get_logger(__name__)


def run_import(database: Database, job: Taken) -> None:
    """Read the file of a run (`path`, `run`) for the job's ente, and remove it when that is over.

    What is wrong with the file ends the run; any other trouble is the job's, which is tried again.
    """
    run_id, path, scope = job.argument["run"], Path(job.argument["path"]), Scope.of_enti([job.ente_id])

    def begin(session: Session) -> bool:
        return service.take_up(session, ente_id=job.ente_id, run_id=run_id, job_id=job.id)

    if database.transact(scope, begin):
        if path.exists():
            _read(database, job, run_id, path)
        else:
            log.error("import_file_gone", run=run_id)
            database.transact(scope, lambda session: _lost(session, job.ente_id, run_id))
    if database.transact(scope, lambda session: service.is_over(session, run_id=run_id)):
        remove(path)  # now, or because an earlier attempt was killed before it could


def gave_up(session: Session, job: Taken) -> None:
    """The last attempt failed: the run is stopped, with its file, until somebody tries again or lets it go."""
    service.give_up(session, ente_id=job.ente_id, run_id=job.argument["run"], job_id=job.id)


def sweep(session: Session, *, uploads: Path) -> int:
    """Remove files that were sent and that nobody will read; how many. `session` sees every ente.

    Whoever was killed between keeping a file and the commit left one.
    """
    wanted = set(
        session.scalars(
            select(Job.argument["path"].astext)
            .join(ImportRun, ImportRun.job_id == Job.id)
            .where(ImportRun.state.in_([ImportState.WAITING, ImportState.RUNNING, ImportState.STOPPED]))
        )
    )
    before = (clock.now(session) - ON_ITS_WAY).timestamp()
    lost = [one for one in uploads.glob("*/*") if one.stat().st_mtime < before and str(one.resolve()) not in wanted]
    for one in lost:
        remove(one)
    return len(lost)


def remove(path: Path) -> None:
    """Remove a file that was sent, and the folder that kept its name apart. Doing it twice changes nothing."""
    path.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        path.parent.rmdir()


def _read(database: Database, job: Taken, run_id: int, path: Path) -> None:
    with database.begin(Scope.nothing()) as session:
        code = session.execute(select(Ente.cadastral_code).where(Ente.id == job.ente_id)).scalar_one()
    summary = import_feed(
        database, path, ente_code_expected=code, run_id=run_id, on_progress=lambda _: job.renew(), alive=job.renew
    )
    log.info("import_done", run=run_id, state=summary.state.value)


def _lost(session: Session, ente_id: int, run_id: int) -> None:
    service.close_run(session, ente_id=ente_id, run_id=run_id, state=ImportState.FAILED, failure=GONE)


RUNNER = Runner(run_import, gave_up)
FINISHER = Runner(run_finish, gave_up)

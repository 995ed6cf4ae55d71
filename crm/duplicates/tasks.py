"""The search in the background: a step a transaction. Killed, it goes on with the step it was at."""

import structlog
from sqlalchemy.orm import Session

from crm.core.db import Database, Scope
from crm.core.jobs import Runner, Taken
from crm.duplicates import search, service
from crm.duplicates.models import DuplicateSearch

log = structlog.get_logger(__name__)


def run_search(database: Database, job: Taken) -> None:
    """Look for the duplicates of the job's ente."""
    scope = Scope.of_enti([job.ente_id])
    while database.transact(scope, lambda session: _step(session, job)):
        job.renew()
    log.info("duplicates_searched", ente=job.ente_id)


def _step(session: Session, job: Taken) -> bool:
    """Do what is next. False: nothing is, or the search is another job's."""
    row = session.get(DuplicateSearch, job.ente_id, with_for_update=True, populate_existing=True)
    if row is None or row.job_id != job.id or row.ended_at is not None:
        return False
    search.look(session, ente_id=job.ente_id, step=row.step, at=row.asked_at, alive=job.renew)
    service.moved(session, ente_id=job.ente_id, step=row.step + 1)
    return True


def gave_up(session: Session, job: Taken) -> None:
    """The last attempt failed."""
    service.give_up(session, ente_id=job.ente_id, job_id=job.id)


RUNNER = Runner(run_search, gave_up)

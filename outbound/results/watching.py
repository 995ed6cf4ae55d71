"""Results for whoever watches a campaign: what takes long to find out of a large one is counted in the background, once
for everybody, and shown with the instant of which it is. Nobody waits for it.
"""

import time
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from crm.core import jobs
from crm.core.db import Database, Scope
from crm.core.jobs import Runner, Taken
from outbound.campaigns import counted
from outbound.lists.tasks import renewed
from outbound.results import reading
from outbound.results.reading import WITHIN
from outbound.results.results import THOROUGH, Results

COUNT, KIND = "results.count", "thorough"  # the job, and the figure that it keeps


@dataclass(frozen=True, slots=True)
class Watched:
    """What is known now. `counting`: what takes long is not known yet, and somebody is at it; `counted_at`: of when it
    is, if not of now.
    """

    results: Results
    counting: bool = False
    counted_at: datetime | None = None


def watched(session: Session, *, campaign_id: int, days: int) -> Watched:
    """All of a campaign's results, of one of `WITHIN` days. Raises `NotFoundError`."""
    found = reading.live(session, campaign_id=campaign_id)
    if found.reached.contacts + found.reached.attempts < counted.LARGE:
        more = reading.thorough(session, campaign_id=campaign_id, choices=[days])
        return Watched(reading.whole(session, found, more, days=days))
    last = counted.last(session, campaign_id, KIND, THOROUGH)
    if last is None or not last.fresh:
        jobs.enqueue_once(session, ente_id=found.ente_id, kind=COUNT, argument={"campaign": campaign_id})
    if last is None:
        return Watched(found, counting=True)
    return Watched(reading.whole(session, found, last.value, days=days), counted_at=last.at)


def run_count(database: Database, job: Taken) -> None:
    """Count what takes long of a campaign (`campaign`), and keep it."""
    with renewed(job):
        database.transact(Scope.of_enti([job.ente_id]), lambda session: count(session, job.argument["campaign"]))


def count(session: Session, campaign_id: int) -> None:
    """The same, unless it was just done."""
    last = counted.last(session, campaign_id, KIND, THOROUGH)
    if last is not None and last.fresh:
        return
    began = time.perf_counter()
    found = reading.thorough(session, campaign_id=campaign_id, choices=WITHIN)
    counted.keep(session, campaign_id, KIND, THOROUGH, found, took_ms=(time.perf_counter() - began) * 1000)


COUNTER = Runner(run_count)

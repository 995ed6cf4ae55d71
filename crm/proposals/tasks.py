"""Exporting by the schedule: once a day, each ente with something approved."""

from datetime import time

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.core import clock, jobs
from crm.core.clock import start_of_day
from crm.core.db import Database, Scope
from crm.core.jobs import Job, JobState, Runner, Taken
from crm.proposals import exports
from crm.proposals.lifecycle import State
from crm.proposals.models import Proposal, ProposalExport

EXPORT = "proposals.export"
AT = time(6)  # in Rome: before the offices open, after what was decided the day before


def owe_exports(session: Session) -> list[int]:
    """Owe an export to each ente of the scope that has approved proposals and none made or owed today after `AT`."""
    now = clock.in_rome(clock.now(session))
    if now.time() < AT:
        return []
    today = start_of_day(now.date())
    made = select(ProposalExport.ente_id).where(ProposalExport.made_at >= today, ProposalExport.made_by.is_(None))
    owed = select(Job.ente_id).where(Job.kind == EXPORT, Job.state.in_([JobState.WAITING, JobState.RUNNING]))
    enti = session.scalars(
        select(Proposal.ente_id)
        .where(Proposal.state == State.APPROVED, Proposal.ente_id.not_in(made), Proposal.ente_id.not_in(owed))
        .where(Proposal.decided_at < today)
        .distinct()
        .order_by(Proposal.ente_id)
    ).all()
    for ente_id in enti:
        jobs.enqueue(session, ente_id=ente_id, kind=EXPORT, argument={})
    return list(enti)


def run_export(database: Database, job: Taken) -> None:
    """Export what is approved; nothing when somebody did it by hand meanwhile."""
    scope = Scope.of_enti([job.ente_id])
    database.transact(scope, lambda session: exports.export(session, None, ente_id=job.ente_id))


RUNNER = Runner(run_export)

"""Background jobs: done once, again after a failure, by somebody else after a crash, and not for ever."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from crm.collection.models import CollectionSource, SourceKind
from crm.core import jobs
from crm.core.db import Database, Scope
from crm.core.jobs import LEASE, MAX_ATTEMPTS, Job, JobState, JobWritten, Runner, Taken
from tests.cast import Cast

pytestmark = pytest.mark.integration


def owed(database: Database, cast: Cast) -> int:
    """A job of Empoli's."""
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        return jobs.enqueue(session, ente_id=cast.empoli, kind="import", argument={"run": 7})


def job(database: Database, cast: Cast, job_id: int) -> Job:
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        return session.get_one(Job, job_id)


def passes(database: Database, cast: Cast, seconds: float) -> None:
    """Leases and back-offs run down."""
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        session.execute(update(Job).values(due_at=Job.due_at - timedelta(seconds=seconds)))


def fails(_: Database, taken: Taken) -> None:
    raise OSError(f"job {taken.id}: personal data in a message")


def test_a_job_is_announced_after_its_commit_and_done_once(database: Database, cast: Cast) -> None:
    woken: list[Any] = []
    done: list[Taken] = []
    database.on(JobWritten, woken.extend)
    job_id = owed(database, cast)
    assert woken == [JobWritten(job_id, cast.empoli)]
    runners = {"import": Runner(lambda _, taken: done.append(taken))}
    assert jobs.run(database, runners, job_id=job_id, ente_id=cast.empoli)
    assert not jobs.run(database, runners, job_id=job_id, ente_id=cast.empoli)
    assert [(one.id, one.ente_id, one.argument) for one in done] == [(job_id, cast.empoli, {"run": 7})]
    assert job(database, cast, job_id).state is JobState.DONE


def test_a_job_that_fails_is_tried_again_later_each_time_and_then_given_up(database: Database, cast: Cast) -> None:
    job_id = owed(database, cast)
    for attempt in range(1, MAX_ATTEMPTS + 1):
        assert jobs.run(database, {"import": Runner(fails)}, job_id=job_id, ente_id=cast.empoli)
        assert job(database, cast, job_id).attempts == attempt
        assert not jobs.run(database, {"import": Runner(fails)}, job_id=job_id, ente_id=cast.empoli)  # not yet
        passes(database, cast, 2**attempt)
    given_up = job(database, cast, job_id)
    assert (given_up.state, given_up.error) == (JobState.FAILED, "OSError")  # the message may name somebody
    assert not jobs.run(database, {"import": Runner(fails)}, job_id=job_id, ente_id=cast.empoli)


def test_a_job_whose_worker_died_is_taken_over_after_its_lease(database: Database, cast: Cast) -> None:
    job_id = owed(database, cast)

    def dies(_: Database, taken: Taken) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        jobs.run(database, {"import": Runner(dies)}, job_id=job_id, ente_id=cast.empoli)
    assert job(database, cast, job_id).state is JobState.RUNNING
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        assert jobs.due(session) == []
    passes(database, cast, LEASE.total_seconds() + 1)
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        assert jobs.due(session) == [(job_id, cast.empoli)]
    assert jobs.run(database, {"import": Runner(lambda *_: None)}, job_id=job_id, ente_id=cast.empoli)
    assert job(database, cast, job_id).state is JobState.DONE


def test_a_long_job_renews_its_lease(database: Database, cast: Cast) -> None:
    job_id = owed(database, cast)
    leases: list[Any] = []

    def long(_: Database, taken: Taken) -> None:
        passes(database, cast, LEASE.total_seconds() - 1)
        before = job(database, cast, job_id).due_at
        taken.renew()
        leases.append(job(database, cast, job_id).due_at - before)

    assert jobs.run(database, {"import": Runner(long)}, job_id=job_id, ente_id=cast.empoli)
    assert leases[0] >= LEASE - timedelta(seconds=1)


def test_whoever_lost_his_lease_stops_and_leaves_the_job_to_the_other(database: Database, cast: Cast) -> None:
    job_id = owed(database, cast)
    went_on: list[str] = []

    def other(*_: Any) -> None:
        went_on.append("other")

    def hangs(_: Database, taken: Taken) -> None:
        passes(database, cast, LEASE.total_seconds() + 1)
        assert jobs.run(database, {"import": Runner(other)}, job_id=job_id, ente_id=cast.empoli)
        taken.renew()
        went_on.append("the first")

    assert jobs.run(database, {"import": Runner(hangs)}, job_id=job_id, ente_id=cast.empoli)
    assert went_on == ["other"]
    done = job(database, cast, job_id)
    assert (done.state, done.attempts, done.error) == (JobState.DONE, 2, None)


def test_the_same_job_is_owed_once_until_it_is_done(database: Database, cast: Cast) -> None:
    def owe(run: int) -> bool:
        with database.begin(Scope.of_enti([cast.empoli])) as session:
            return jobs.enqueue_once(session, ente_id=cast.empoli, kind="import", argument={"run": run})

    job_id = owed(database, cast)
    assert (owe(7), owe(8)) == (False, True)
    assert jobs.run(database, {"import": Runner(lambda *_: None)}, job_id=job_id, ente_id=cast.empoli)
    assert owe(7)


def test_jobs_done_a_while_ago_are_deleted_unless_a_row_names_them(database: Database, cast: Cast) -> None:
    old, named, late, failed = (owed(database, cast) for _ in range(4))
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        session.execute(update(Job).values(state=JobState.DONE, due_at=Job.due_at - timedelta(days=8)))
        session.execute(update(Job).where(Job.id == late).values(due_at=Job.due_at + timedelta(days=2)))
        session.execute(update(Job).where(Job.id == failed).values(state=JobState.FAILED))
        session.add(
            CollectionSource(
                ente_id=cast.empoli, kind=SourceKind.FOLDER, name="inbox", failures=0, job_id=named
            )
        )  # fmt: skip
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        assert jobs.forget_done(session) == 1
        assert session.get(Job, old) is None


def test_a_job_is_seen_in_its_ente_s_scope_alone(database: Database, cast: Cast) -> None:
    job_id = owed(database, cast)
    with database.begin(Scope.of_enti([cast.vinci, cast.siena])) as session:
        assert jobs.due(session) == []
    assert not jobs.run(database, {"import": Runner(fails)}, job_id=job_id, ente_id=cast.siena)
    assert job(database, cast, job_id).attempts == 0

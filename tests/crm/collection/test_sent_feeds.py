"""A feed that was sent: waiting, looked over, read, interrupted, given up, gone on with, let go of."""

import gzip
import os
import shutil
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from crm.access.models import Role, User
from crm.access.permissions import Held, Principal
from crm.collection import importer, lines, queries, service, tasks
from crm.collection.errors import DISCARDED, GONE
from crm.collection.importer import import_feed
from crm.collection.models import ImportRun, ImportState
from crm.collection.queries import Attempt, RunView, Stage, stage_of
from crm.collection.service import IMPORT, Counts
from crm.collection.store import store
from crm.core import jobs, topics
from crm.core.db import Database, LiveTopic, Scope
from crm.core.errors import NotFoundError
from crm.core.jobs import LEASE, MAX_ATTEMPTS, Job, JobState, Runner, Taken
from crm.enti.models import Ente
from tests.crm.collection.test_importer import taxpayers
from tests.crm.conftest import WriteFeed
from tests.databases import DatabaseUrls, PostgresServer

pytestmark = pytest.mark.integration
RUNNERS = {IMPORT: tasks.RUNNER}
Records = dict[str, dict[str, Any]]


class Sender:
    """Sends feeds to Empoli, and plays the workers that read them."""

    def __init__(self, db: Database, folder: Path) -> None:
        self.db, self.folder = db, folder
        with db.begin(Scope.nothing()) as session:
            self.ente = session.execute(select(Ente.id).where(Ente.cadastral_code == "D403")).scalar_one()
            carlo = User(username="carlo", name="Carlo", password_hash="-", active=True, language="it")
            session.add(carlo)
            session.flush()
        grants = (Held(Role.ADMINISTRATOR, ente, None) for ente in (self.ente, self.ente + 1))
        self.by = Principal(carlo.id, "Carlo", "it", frozenset(grants))
        self.scope = Scope.of_enti([self.ente])

    def work(self, do: Callable[[Session], Any]) -> Any:
        return self.db.transact(self.scope, do)

    def sends(self, feed: Path) -> Path:
        """Keep a copy as the page does, and owe its reading."""
        kept = self.folder / f"upload-{len(list(self.folder.glob('upload-*')))}" / feed.name
        kept.parent.mkdir()
        shutil.copy(feed, kept)
        size = kept.stat().st_size
        self.work(lambda session: service.send(session, self.by, ente_id=self.ente, path=kept, size=size))
        return kept

    def seen(self) -> RunView:
        """The newest import as the page shows it."""
        with self.db.begin(self.scope) as session:
            return queries.latest(session, limit=1)[0]

    def job(self) -> Job:
        """The newest job."""
        with self.db.begin(self.scope) as session:
            return session.scalars(select(Job).order_by(Job.id.desc()).limit(1)).one()

    def works(self) -> bool:
        """A worker takes the newest job, if it is due."""
        return jobs.run(self.db, RUNNERS, job_id=self.job().id, ente_id=self.ente)

    def passes(self, seconds: float) -> None:
        self.work(lambda session: session.execute(update(Job).values(due_at=Job.due_at - timedelta(seconds=seconds))))

    def works_until_given_up(self) -> None:
        for attempt in range(1, MAX_ATTEMPTS + 1):
            assert self.works()
            self.passes(2**attempt)


@pytest.fixture
def sender(db: Database, tmp_path: Path) -> Sender:
    return Sender(db, tmp_path)


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importer, "BATCH_LINES", 2)


class Trouble:
    """Something of ours that breaks after so many batches, until it is mended."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, after: int) -> None:
        self.left, self.mended, self._store = after, False, store
        monkeypatch.setattr(importer, "store", self)

    def __call__(self, session: Session, *what: Any) -> Counts:
        if self.left == 0 and not self.mended:
            raise OSError("Bianchi Mario, in a message")
        self.left -= 1
        return self._store(session, *what)


# -- what goes well -------------------------------------------------------------------------------------------------


def test_a_feed_waits_is_read_and_its_file_is_removed(sender: Sender, write_feed: WriteFeed, records: Records) -> None:
    kept = sender.sends(write_feed(records["rossi"], records["tari"]))
    waiting = sender.seen()
    assert (waiting.stage, waiting.file_name, waiting.read_share) == (Stage.WAITING, "feed.jsonl", 0)
    assert sender.works()
    done = sender.seen()
    assert (done.id, done.stage, done.counts) == (waiting.id, Stage.DONE, Counts(created=2))
    assert done.read_share == 1
    assert not kept.parent.exists()
    assert sender.job().state is JobState.DONE


def test_the_lease_is_renewed_while_the_file_is_looked_over(
    sender: Sender, write_feed: WriteFeed, records: Records, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(lines, "CHUNK_BYTES", 64)
    packed = tmp_path / "feed.jsonl.gz"
    packed.write_bytes(gzip.compress(write_feed(*taxpayers(records, 3)).read_bytes()))
    path = sender.sends(packed)
    stages: list[Stage] = []
    run_id = sender.seen().id
    job = Taken(
        sender.job().id, sender.ente, {"run": run_id, "path": str(path)}, lambda: stages.append(sender.seen().stage)
    )
    sender.work(lambda session: session.execute(update(Job).values(state=JobState.RUNNING, attempts=1)))
    sender.passes(-LEASE.total_seconds())
    tasks.run_import(sender.db, job)
    assert stages.count(Stage.EXAMINED) > 20
    assert stages[-1] in {Stage.READING, Stage.DONE}


def test_a_long_way_to_the_next_batch_renews_the_lease(
    db: Database, write_feed: WriteFeed, records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importer, "ALIVE_EVERY_S", 0.01)
    signs: list[int] = []
    read = importer._take

    def slowly(items: Iterator[Any]) -> list[Any]:
        while len(signs) < examined + 3:
            time.sleep(0.001)
        return read(items)

    feed = write_feed(records["rossi"])
    examined = 0
    lines.examine(feed, lambda: signs.append(1))
    examined, signs = len(signs), []
    monkeypatch.setattr(importer, "_take", slowly)
    import_feed(db, feed, alive=lambda: signs.append(1))
    assert len(signs) >= examined + 3


def test_a_worker_renews_no_oftener_than_it_must(
    sender: Sender, write_feed: WriteFeed, records: Records, small_batches: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    renewals: list[int] = []
    extend = jobs._extend

    def counted(session: Session, job_id: int, attempt: int) -> None:
        renewals.append(job_id)
        extend(session, job_id, attempt)

    monkeypatch.setattr(jobs, "_extend", counted)
    sender.sends(write_feed(*taxpayers(records, 20)))
    assert sender.works()
    assert sender.seen().counts == Counts(created=40)
    assert len(renewals) < 5  # of twenty batches


def test_two_readings_of_one_file_do_not_hinder_each_other(
    sender: Sender, write_feed: WriteFeed, records: Records, small_batches: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sent twice, and imported from the command line: each is a run of its own."""
    feed = write_feed(*taxpayers(records, 3))
    sender.sends(feed)
    Trouble(monkeypatch, after=1).mended = True
    assert sender.works()
    first = sender.seen()
    sender.sends(feed)
    assert import_feed(sender.db, feed).counts == Counts(unchanged=6)
    assert sender.works()
    with sender.db.begin(sender.scope) as session:
        assert [run.counts for run in queries.latest(session, limit=9)] == [
            Counts(unchanged=6), Counts(unchanged=6), first.counts,
        ]  # fmt: skip


# -- what goes wrong with the file ----------------------------------------------------------------------------------


def test_a_file_that_is_no_feed_is_refused_with_its_reason_and_removed(sender: Sender, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.jsonl"
    wrong.write_bytes(b"hello\n")
    kept = sender.sends(wrong)
    assert sender.works()
    refused = sender.seen()
    assert refused.stage is Stage.REFUSED
    assert refused.failure is not None
    assert refused.failure.startswith("La prima riga non è l'intestazione di un feed")
    assert not kept.parent.exists()
    assert sender.job().state is JobState.DONE


def test_a_file_that_no_worker_can_see_is_said_to_be_gone(sender: Sender, write_feed: WriteFeed) -> None:
    kept = sender.sends(write_feed())
    tasks.remove(kept)
    assert sender.works()
    assert (sender.seen().stage, sender.seen().failure) == (Stage.REFUSED, GONE)


def test_a_worker_killed_before_it_removed_the_file_has_it_removed_by_the_next(
    sender: Sender, write_feed: WriteFeed, records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = sender.sends(write_feed(records["rossi"]))

    def killed(_: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(tasks, "remove", killed)
        with pytest.raises(KeyboardInterrupt):
            sender.works()
    assert sender.seen().stage is Stage.DONE
    sender.passes(LEASE.total_seconds() + 1)
    assert sender.works()
    assert not kept.parent.exists()
    assert (sender.seen().stage, sender.seen().counts) == (Stage.DONE, Counts(created=1))


def test_a_file_that_was_kept_and_never_sent_is_swept(sender: Sender, write_feed: WriteFeed, tmp_path: Path) -> None:
    feed = write_feed()
    wanted, lost, lately = sender.sends(feed), tmp_path / "upload-a" / "f", tmp_path / "upload-b" / "f"
    for path in (lost, lately):
        path.parent.mkdir()
        shutil.copy(feed, path)
    for path in (wanted, lost):
        os.utime(path, (0, 0))
    assert sender.work(lambda session: tasks.sweep(session, uploads=tmp_path)) == 1
    assert [path.exists() for path in (wanted, lost.parent, lately)] == [True, False, True]


# -- what goes wrong with us ----------------------------------------------------------------------------------------


def test_an_interrupted_reading_says_so_and_goes_on_by_itself(
    sender: Sender, write_feed: WriteFeed, records: Records, small_batches: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    trouble = Trouble(monkeypatch, after=2)
    kept = sender.sends(write_feed(*taxpayers(records, 4)))
    assert sender.works()
    interrupted = sender.seen()
    assert (interrupted.stage, interrupted.counts) == (Stage.INTERRUPTED, Counts(created=4))
    assert interrupted.attempt is not None
    assert interrupted.attempt.number == 1
    assert kept.exists()
    trouble.mended = True
    sender.passes(3)
    assert sender.works()
    assert (sender.seen().stage, sender.seen().counts) == (Stage.DONE, Counts(created=8))


def test_a_feed_is_given_up_with_its_run_and_kept_for_whoever_tries_again(
    sender: Sender, write_feed: WriteFeed, records: Records, small_batches: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    trouble = Trouble(monkeypatch, after=1)
    kept = sender.sends(write_feed(*taxpayers(records, 3)))
    sender.works_until_given_up()
    stopped = sender.seen()
    assert (stopped.stage, stopped.counts) == (Stage.STOPPED, Counts(created=2))
    assert stopped.attempt is not None
    assert (stopped.attempt.state, stopped.attempt.error) == (JobState.FAILED, "OSError")
    assert stopped.ended_at is not None
    assert kept.exists()

    trouble.mended = True
    for _ in range(2):  # a second click on the button
        sender.work(lambda session: service.try_again(session, sender.by, run_id=stopped.id))
    with sender.db.begin(sender.scope) as session:
        assert len(session.scalars(select(Job)).all()) == 2
    again = sender.seen()
    assert (again.id, again.stage, again.ended_at) == (stopped.id, Stage.WAITING, None)
    assert sender.works()
    assert (sender.seen().id, sender.seen().stage) == (stopped.id, Stage.DONE)
    assert sender.seen().counts == Counts(created=6)  # none was counted twice
    assert not kept.parent.exists()
    sender.work(lambda session: service.try_again(session, sender.by, run_id=stopped.id))
    assert sender.seen().stage is Stage.DONE


def test_a_job_and_its_run_fail_together_or_not_at_all(
    sender: Sender, write_feed: WriteFeed, records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    Trouble(monkeypatch, after=0)
    sender.sends(write_feed(records["rossi"]))
    sender.work(lambda session: session.execute(update(Job).values(attempts=MAX_ATTEMPTS - 1)))
    job_id = sender.job().id

    def breaks(session: Session, job: Taken) -> None:
        tasks.gave_up(session, job)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        jobs.run(sender.db, {IMPORT: Runner(tasks.run_import, breaks)}, job_id=job_id, ente_id=sender.ente)
    assert sender.job().state is JobState.RUNNING
    assert sender.seen().stage is Stage.READING
    sender.passes(LEASE.total_seconds() + 1)
    assert sender.works()  # it had no attempts left, and says so now
    assert sender.job().state is JobState.FAILED
    assert sender.seen().stage is Stage.STOPPED


def test_a_feed_whose_workers_all_died_is_given_up(
    sender: Sender, write_feed: WriteFeed, records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(importer, "store", killed)
    sender.sends(write_feed(records["rossi"]))
    for _ in range(MAX_ATTEMPTS):
        with pytest.raises(KeyboardInterrupt):
            sender.works()
        assert sender.seen().stage is Stage.READING  # for all that anybody can know
        sender.passes(20)
        assert sender.seen().stage is Stage.INTERRUPTED  # silent for too long
        sender.passes(LEASE.total_seconds())
    assert sender.works()
    assert sender.seen().stage is Stage.STOPPED


def test_whoever_watches_is_told_of_every_change(
    sender: Sender, write_feed: WriteFeed, records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []

    def heard() -> set[str]:
        names = {*told}
        told.clear()
        return names

    sender.db.on(LiveTopic, lambda topics: told.extend(topic.name for topic in topics))
    imports, job = topics.imports(sender.ente), topics.jobs(sender.ente)
    trouble = Trouble(monkeypatch, after=0)
    sender.sends(write_feed(records["rossi"]))
    assert heard() == {imports}
    sender.works()
    assert heard() == {imports, job}
    sender.work(jobs.announce_silent)
    assert heard() == set()
    sender.work(lambda session: session.execute(update(Job).values(state=JobState.RUNNING)))
    sender.work(jobs.announce_silent)  # due in two seconds: nothing was heard of it for longer than it may be
    assert heard() == {job}
    sender.work(lambda session: session.execute(update(Job).values(attempts=MAX_ATTEMPTS - 1)))
    sender.passes(30)
    sender.works()
    assert heard() == {imports, job}
    trouble.mended = True
    sender.work(lambda session: service.try_again(session, sender.by, run_id=sender.seen().id))
    assert heard() == {imports}


def test_a_feed_that_was_given_up_can_be_let_go_of(
    sender: Sender, write_feed: WriteFeed, records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    Trouble(monkeypatch, after=0)
    kept = sender.sends(write_feed(records["rossi"]))
    run_id = sender.seen().id
    assert (
        sender.work(lambda session: service.discard(session, sender.by, run_id=run_id)) is None
    )  # it is still to be read
    sender.works_until_given_up()
    assert sender.work(lambda session: service.discard(session, sender.by, run_id=run_id)) == kept
    assert (sender.seen().stage, sender.seen().failure) == (Stage.REFUSED, DISCARDED)
    assert sender.work(lambda session: service.discard(session, sender.by, run_id=run_id)) is None
    sender.work(lambda session: service.try_again(session, sender.by, run_id=run_id))
    assert sender.seen().stage is Stage.REFUSED


def test_another_entes_feed_is_nobodys_to_try_again(
    sender: Sender, write_feed: WriteFeed, records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    Trouble(monkeypatch, after=0)
    sender.sends(write_feed(records["rossi"]))
    sender.works_until_given_up()
    run_id = sender.seen().id
    with sender.db.begin(Scope.of_enti([sender.ente + 1])) as session:
        with pytest.raises(NotFoundError):
            service.try_again(session, sender.by, run_id=run_id)
        with pytest.raises(NotFoundError):
            service.discard(session, sender.by, run_id=run_id)
    assert sender.seen().stage is Stage.STOPPED


# -- where it stands, decided -----------------------------------------------------------------------------------------

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


def attempt(state: JobState, *, number: int = 1, due_in: float = LEASE.total_seconds() - 5) -> Attempt:
    return Attempt(1, state, number, NOW + timedelta(seconds=due_in), None)


@pytest.mark.parametrize(
    ("state", "line", "tried", "stage"),
    [
        (ImportState.WAITING, 0, attempt(JobState.WAITING, number=0, due_in=-9), Stage.WAITING),
        (ImportState.WAITING, 0, attempt(JobState.RUNNING), Stage.WAITING),
        (ImportState.WAITING, 0, attempt(JobState.WAITING), Stage.INTERRUPTED),
        (ImportState.RUNNING, 0, attempt(JobState.RUNNING), Stage.EXAMINED),
        (ImportState.RUNNING, 1, attempt(JobState.RUNNING), Stage.READING),
        (ImportState.RUNNING, 9, attempt(JobState.RUNNING, number=3), Stage.READING),
        (ImportState.RUNNING, 9, attempt(JobState.RUNNING, due_in=10), Stage.INTERRUPTED),
        (ImportState.RUNNING, 9, attempt(JobState.RUNNING, due_in=-1), Stage.INTERRUPTED),
        (ImportState.RUNNING, 9, attempt(JobState.WAITING), Stage.INTERRUPTED),
        (ImportState.RUNNING, 9, None, Stage.READING),
        (ImportState.DONE, 9, attempt(JobState.RUNNING), Stage.DONE),
        (ImportState.TRUNCATED, 9, None, Stage.INCOMPLETE),
        (ImportState.FAILED, 0, attempt(JobState.DONE), Stage.REFUSED),
        (ImportState.STOPPED, 9, attempt(JobState.FAILED), Stage.STOPPED),
    ],
)
def test_where_an_import_stands(state: ImportState, line: int, tried: Attempt | None, stage: Stage) -> None:
    assert stage_of(state, line=line, moved_at=NOW, attempt=tried, now=NOW) is stage


def test_an_import_left_on_the_command_line_is_interrupted() -> None:
    a_while_ago = NOW - timedelta(minutes=2)
    assert stage_of(ImportState.RUNNING, line=9, moved_at=a_while_ago, attempt=None, now=NOW) is Stage.LEFT


# -- what the planner knows -------------------------------------------------------------------------------------------


def rows_known(db: Database) -> dict[str, float]:
    """How many rows the planner takes the tables to have; -1 where it has no idea."""
    names = "'contact', 'contact_reach', 'position'"
    with db.begin(Scope.nothing()) as session:
        found = session.execute(text(f"SELECT relname, reltuples FROM pg_class WHERE relname IN ({names})"))
        return {name: rows for name, rows in found}  # noqa: C416 (pairs)


def test_after_an_import_the_planner_knows_the_tables(db: Database, write_feed: WriteFeed, records: Records) -> None:
    assert set(rows_known(db).values()) == {-1}
    import_feed(db, write_feed(*taxpayers(records, 30)))
    assert rows_known(db) == {"contact": 30, "contact_reach": 60, "position": 30}


def test_an_import_that_says_nothing_new_analyzes_nothing(
    db: Database, write_feed: WriteFeed, records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed = write_feed(*taxpayers(records, 2))
    import_feed(db, feed)
    monkeypatch.setattr(importer, "_analyze", lambda _: pytest.fail("analyzed"))
    assert import_feed(db, feed).counts == Counts(unchanged=4)


def test_an_import_waits_for_no_vacuum_and_fails_for_no_lack_of_statistics(
    db: Database, database_urls: DatabaseUrls, postgres: PostgresServer, write_feed: WriteFeed, records: Records
) -> None:
    with psycopg.connect(postgres.dsn, dbname=database_urls.name) as busy:
        busy.execute("LOCK TABLE contact IN SHARE UPDATE EXCLUSIVE MODE")  # as VACUUM does
        assert import_feed(db, write_feed(*taxpayers(records, 3))).state is ImportState.DONE
        known = rows_known(db)
        assert (known["contact"], known["position"]) == (-1, 3)
        busy.execute("DROP FUNCTION analyze_collection()")
        busy.commit()
    assert import_feed(db, write_feed(records["rossi"], name="more")).state is ImportState.DONE


def test_the_run_keeps_what_it_was_told_of_its_file(
    sender: Sender, write_feed: WriteFeed, records: Records, small_batches: None
) -> None:
    kept = sender.sends(write_feed(*taxpayers(records, 2)))
    size = kept.stat().st_size
    with sender.db.begin(sender.scope) as session:
        assert session.scalars(select(ImportRun.file_sha256)).one() is None
    assert sender.works()
    with sender.db.begin(sender.scope) as session:
        run = session.scalars(select(ImportRun)).one()
        assert (run.file_bytes, run.read_bytes, run.source, run.line) == (size, size, "Prova", 5)
        assert run.file_sha256 is not None

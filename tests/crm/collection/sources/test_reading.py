"""Reading sources in the background: from a folder and over HTTP, by the timetable and by hand, after crashes."""

import gzip
import os
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from crm.access.models import Role, User
from crm.access.permissions import Held, Principal
from crm.audit.models import AuditEntry
from crm.collection import ending, importer
from crm.collection.models import (
    CollectionSource,
    ImportRun,
    ImportState,
    ReadingOutcome,
    Reconciliation,
    SourceKind,
    SourceReading,
)
from crm.collection.sources import service, tasks
from crm.collection.sources.folder import Folder
from crm.collection.sources.port import Known
from crm.collection.sources.service import FETCH, Timetable
from crm.core import jobs
from crm.core.clock import ROME
from crm.core.db import Database, Scope
from crm.core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from crm.core.jobs import LEASE, MAX_ATTEMPTS, Job
from crm.positions.models import Position
from tests.crm.collection.sources.conftest import TOKEN, Served
from tests.crm.conftest import Killed, WriteFeed, die

pytestmark = pytest.mark.integration
RUNNERS = {FETCH: tasks.RUNNER}
Records = dict[str, dict[str, Any]]


class Office:
    """Carlo administers Empoli; the workers work when he looks."""

    def __init__(self, db: Database, data: Path) -> None:
        self.db, self.data = db, data
        with db.begin(Scope.nothing()) as session:
            carlo = User(username="carlo", name="Carlo", password_hash="-", active=True, language="it")
            session.add(carlo)
            session.flush()
        self.ente, self.scope = 1, Scope.of_enti([1])
        self.by = Principal(carlo.id, "Carlo", "it", frozenset({Held(Role.ADMINISTRATOR, 1, None)}))
        self.inbox = data / "inbox" / "D403"
        self.inbox.mkdir(parents=True)

    def does(self, work: Callable[[Session], Any]) -> Any:
        return self.db.transact(self.scope, work)

    def sets_up(self, kind: SourceKind, timetable: Timetable | None = None, **changes: Any) -> int:
        what: dict[str, Any] = {
            "ente_id": self.ente, "source_id": None, "kind": kind, "name": kind.value, "active": True,
            "endpoint": "DEMO" if kind is SourceKind.HTTP else None, "timetable": timetable or Timetable(every_min=30),
        }  # fmt: skip
        source: int = self.does(lambda session: service.save(session, self.by, **(what | changes)))
        return source

    def reads(self, source: int) -> SourceReading:
        self.does(lambda session: service.read_now(session, self.by, source_id=source, data=self.data))
        assert self.works()
        return self.last()

    def works(self) -> bool:
        with self.db.begin(self.scope) as session:
            job = session.scalars(select(Job).order_by(Job.id.desc()).limit(1)).one()
        return jobs.run(self.db, RUNNERS, job_id=job.id, ente_id=self.ente)

    def last(self) -> SourceReading:
        with self.db.begin(self.scope) as session:
            return session.scalars(select(SourceReading).order_by(SourceReading.id.desc()).limit(1)).one()

    def run(self) -> ImportRun:
        with self.db.begin(self.scope) as session:
            return session.get_one(ImportRun, self.last().run_id)

    def source(self) -> CollectionSource:
        with self.db.begin(self.scope) as session:
            return session.scalars(select(CollectionSource)).one()

    def states(self) -> dict[str, str]:
        with self.db.begin(self.scope) as session:
            rows = session.execute(select(Position.reference, Position.state).where(Position.withdrawn_as_of.is_(None)))
            return {reference: state.value for reference, state in rows}

    def passes(self, minutes: int) -> None:
        step = timedelta(minutes=minutes)
        self.does(
            lambda session: session.execute(
                update(CollectionSource).values(
                    due_at=CollectionSource.due_at - step, open_until=CollectionSource.open_until - step
                )
            )
        )

    def beat(self) -> int:
        started: int = self.does(lambda session: service.start_due(session, data=self.data))
        return started


@pytest.fixture
def office(db: Database, tmp_path: Path) -> Office:
    return Office(db, tmp_path / "data")


@pytest.fixture
def over_http(served: Served, monkeypatch: pytest.MonkeyPatch) -> Served:
    monkeypatch.setenv("FILODIRETTO_GESTIONALE_DEMO_URL", served.url)
    monkeypatch.setenv("FILODIRETTO_GESTIONALE_DEMO_TOKEN", TOKEN)
    monkeypatch.setattr("crm.collection.sources.http.FIRST_WAIT_S", 0.0)
    return served


def put(office: Office, feed: Path, name: str, *, age_s: float = 60) -> Path:
    path = office.inbox / name
    path.write_bytes(gzip.compress(feed.read_bytes()) if name.endswith(".gz") else feed.read_bytes())
    os.utime(path, (path.stat().st_atime - age_s, path.stat().st_mtime - age_s))
    return path


# -- a folder ---------------------------------------------------------------------------------------------------------


def test_files_in_the_folder_are_read_the_oldest_first_and_removed(
    office: Office, write_feed: WriteFeed, records: Records
) -> None:
    source = office.sets_up(SourceKind.FOLDER)
    younger = put(office, write_feed(records["rossi"], header={"mode": "incremental"}), "b.jsonl", age_s=20)
    older = put(office, write_feed(records["tari"], header={"mode": "incremental"}), "a.jsonl.gz")
    growing = put(office, write_feed(), "c.jsonl", age_s=0)
    put(office, write_feed(), "d.jsonl.part")
    assert office.reads(source).outcome is ReadingOutcome.READ
    assert (office.run().file_name, office.run().state) == ("a.jsonl.gz", ImportState.DONE)
    assert (older.exists(), younger.exists()) == (False, True)
    assert office.beat() == 1  # the next file at once
    assert office.works()
    assert office.states() == {"T-1": "overdue"}
    assert office.reads(source).outcome is ReadingOutcome.NOTHING_NEW
    assert growing.exists()
    assert list((office.data / "spool").iterdir()) == []


def test_a_file_of_another_ente_is_refused_whole(office: Office, write_feed: WriteFeed, records: Records) -> None:
    source = office.sets_up(SourceKind.FOLDER)
    path = put(office, write_feed(records["rossi"], header={"ente": "B962"}), "a.jsonl")
    reading = office.reads(source)
    assert reading.outcome is ReadingOutcome.REFUSED
    assert reading.failure == "Il feed è dell'ente B962, ma qui si attende D403: nessuna riga è stata letta."
    assert (office.run().state, path.exists()) == (ImportState.FAILED, False)


def test_a_link_out_of_the_folder_is_not_followed(office: Office, write_feed: WriteFeed, records: Records) -> None:
    source = office.sets_up(SourceKind.FOLDER)
    (office.inbox / "a.jsonl").symlink_to(write_feed(records["rossi"]))
    assert office.reads(source).outcome is ReadingOutcome.NOTHING_NEW


def test_a_file_whatever_its_name(office: Office, write_feed: WriteFeed, records: Records) -> None:
    """Bytes that are no UTF-8, and a name longer than what is kept of it."""
    source = office.sets_up(SourceKind.FOLDER)
    for name in (os.fsdecode(b"perch\xe9.jsonl"), "x" * 240 + ".jsonl"):
        path = put(office, write_feed(records["rossi"], header={"mode": "incremental"}), name)
        assert office.reads(source).outcome is ReadingOutcome.READ
        assert not path.exists()
    assert office.run().file_name == "x" * 194 + ".jsonl"
    assert list(office.inbox.iterdir()) == []


def test_a_file_written_anew_while_it_is_read_is_read_again(
    office: Office, write_feed: WriteFeed, records: Records, tmp_path: Path
) -> None:
    folder, into, feed = Folder(office.inbox), tmp_path / "copy", write_feed(records["rossi"])
    put(office, feed, "a.jsonl")

    def anew() -> None:
        put(office, write_feed(records["tari"]), "a.jsonl", age_s=30)

    fetched = folder.fetch(into, Known(), anew)
    folder.done(fetched.known)
    assert [one.name for one in office.inbox.iterdir()] == ["a.jsonl"]
    (office.inbox / "a.jsonl").rename(office.inbox / f".read-{fetched.known.etag}")  # renamed just before
    folder.done(fetched.known)
    (again,) = folder.waiting()
    assert again.name.endswith("-a.jsonl")


def test_a_file_that_cannot_be_removed_says_so(
    office: Office, write_feed: WriteFeed, records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = office.sets_up(SourceKind.FOLDER)
    put(office, write_feed(records["rossi"]), "a.jsonl")

    def forbidden(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "rename", forbidden)
    monkeypatch.setattr(tasks, "_fetched", lambda source, known, spool, _job: _spooled(source, known, spool))
    reading = office.reads(source)
    assert reading.outcome is ReadingOutcome.FAILED
    assert reading.failure == "Il file a.jsonl non si può togliere dalla cartella: Permission denied."


def _spooled(source: Any, known: Known, spool: Path) -> Known:
    spool.mkdir(parents=True)
    return source.fetch(spool / tasks.FEED, known, lambda: None).known


# -- HTTP -------------------------------------------------------------------------------------------------------------


def test_over_http_first_everything_then_what_has_changed(office: Office, over_http: Served) -> None:
    source = office.sets_up(SourceKind.HTTP)
    assert office.reads(source).outcome is ReadingOutcome.READ
    assert set(office.states().values()) == {"overdue"}
    assert office.reads(source).outcome is ReadingOutcome.NOTHING_NEW
    over_http.empoli.pay("T-0", over_http.gestionale.now())
    over_http.empoli.withdraw("T-4", over_http.gestionale.now())
    assert office.reads(source).outcome is ReadingOutcome.READ
    assert office.states() == {"T-0": "paid", "T-1": "overdue", "T-2": "overdue", "T-3": "overdue"}
    assert office.source().cursor == over_http.empoli.cursor
    with office.db.begin(office.scope) as session:
        found = session.scalars(select(Reconciliation).order_by(Reconciliation.id)).all()
    assert [one.matches for one in found] == [True, True]
    assert found[1].lines[0]["ours"] == {"positions": 4, "residual": 3 * 81200, "paid": 81200}


def test_whoever_does_not_answer_is_left_alone_for_longer_and_longer(office: Office, over_http: Served) -> None:
    source = office.sets_up(SourceKind.HTTP, Timetable(every_min=1))
    for _ in range(3):
        over_http.gestionale.faults = ["error"] * 4
        assert office.reads(source).outcome is ReadingOutcome.FAILED
    assert office.source().open_until is not None
    office.passes(1)
    assert office.beat() == 1  # the trial
    assert office.works()
    assert office.last().outcome is ReadingOutcome.READ
    assert (office.source().failures, office.source().open_until) == (0, None)


def test_a_credential_that_is_refused_opens_the_circuit_at_once(office: Office, over_http: Served) -> None:
    source = office.sets_up(SourceKind.HTTP, Timetable(every_min=1))
    over_http.gestionale.faults = ["token"]
    reading = office.reads(source)
    assert reading.failure is not None
    assert reading.failure.startswith("Il gestionale rifiuta la nostra credenziale")
    office.passes(30)
    assert office.beat() == 0
    assert office.reads(source).outcome is ReadingOutcome.READ  # by hand, a person may


def test_what_is_cut_short_over_http_is_asked_for_again(
    office: Office, over_http: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = office.sets_up(SourceKind.HTTP)
    with monkeypatch.context() as patched:
        end = {"record": "end", "taxpayers": 99, "positions": 0}
        patched.setattr("crm.collection.sources.http._end", lambda _: end)
        reading = office.reads(source)
    assert (reading.outcome, office.run().state) == (ReadingOutcome.FAILED, ImportState.TRUNCATED)
    assert office.source().cursor is None
    assert office.reads(source).outcome is ReadingOutcome.READ
    assert office.source().cursor == over_http.empoli.cursor


def test_a_reading_whose_lease_ends_while_the_gestionale_is_silent_leaves_everything_to_the_next(
    office: Office, over_http: Served
) -> None:
    source = office.sets_up(SourceKind.HTTP)

    def silence(_seconds: float) -> None:
        office.does(lambda session: session.execute(update(Job).values(due_at=Job.due_at - LEASE)))
        assert office.works()  # another worker takes the job over, and does it

    over_http.gestionale.pause, over_http.gestionale.faults = silence, ["slow"]
    assert office.reads(source).outcome is ReadingOutcome.READ
    assert len(office.states()) == 5
    assert (office.run().state, office.source().cursor) == (ImportState.DONE, over_http.empoli.cursor)
    assert list((office.data / "spool").iterdir()) == []
    with office.db.begin(office.scope) as session:
        assert len(session.scalars(select(ImportRun.id)).all()) == 1


def test_a_reading_that_was_given_up_ends_with_its_run(
    office: Office, over_http: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = office.sets_up(SourceKind.HTTP)

    def broken(*_: object, **__: object) -> None:
        raise OSError

    with monkeypatch.context() as patched:
        patched.setattr("crm.collection.importer._commit", broken)
        office.does(lambda session: service.read_now(session, office.by, source_id=source, data=office.data))
        for _ in range(MAX_ATTEMPTS):
            office.does(lambda session: session.execute(update(Job).values(due_at=Job.due_at - LEASE)))
            assert office.works()
    assert (office.last().outcome, office.last().failure) == (ReadingOutcome.FAILED, service.GIVEN_UP)
    run = office.run()
    assert (run.state, run.failure, run.ended_at is not None) == (ImportState.FAILED, service.GIVEN_UP, True)
    assert office.reads(source).outcome is ReadingOutcome.READ
    office.does(lambda session: tasks.sweep(session, data=office.data))
    assert list((office.data / "spool").iterdir()) == []


def test_what_a_worker_left_in_the_spool_is_swept_once_the_reading_is_over(office: Office, over_http: Served) -> None:
    office.reads(office.sets_up(SourceKind.HTTP))
    source = office.source().id
    open_one = office.does(lambda session: service.read_now(session, office.by, source_id=source, data=office.data))
    left = [office.data / "spool" / name for name in (f"{open_one - 1}-x", "999", str(open_one), f"{open_one}-y")]
    for folder in left:
        folder.mkdir()
    assert office.does(lambda session: tasks.sweep(session, data=office.data)) == 2
    assert [folder.exists() for folder in left] == [False, False, True, True]


def test_a_source_that_is_being_read_does_not_become_another(
    office: Office, over_http: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FILODIRETTO_GESTIONALE_OTHER_URL", over_http.url)
    source = office.sets_up(SourceKind.HTTP)
    office.does(lambda session: service.read_now(session, office.by, source_id=source, data=office.data))
    with pytest.raises(InvalidError) as refusal:
        office.sets_up(SourceKind.HTTP, source_id=source, endpoint="OTHER")
    assert refusal.value.field == "endpoint"
    office.sets_up(SourceKind.HTTP, source_id=source, name="renamed")
    assert office.works()
    office.sets_up(SourceKind.HTTP, source_id=source, endpoint="OTHER")
    assert office.source().cursor is None


def test_trouble_that_passes_does_not_cost_a_daily_source_its_day(office: Office, over_http: Served) -> None:
    here = datetime.now(ROME)
    in_half_a_day = (here.hour * 60 + here.minute + 720) % 1440
    source = office.sets_up(SourceKind.HTTP, Timetable(at_minute=in_half_a_day))
    over_http.gestionale.faults = ["error"] * 4
    assert office.reads(source).outcome is ReadingOutcome.FAILED
    office.passes(1)
    assert office.beat() == 1
    over_http.gestionale.faults = ["token"]
    assert office.works()
    office.passes(60)
    assert office.beat() == 0  # nobody's waiting mends it: tomorrow


def test_an_endpoint_that_is_not_set(office: Office, over_http: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    source = office.sets_up(SourceKind.HTTP)
    monkeypatch.delenv("FILODIRETTO_GESTIONALE_DEMO_TOKEN")
    assert office.reads(source).failure == (
        "Manca la credenziale: impostare FILODIRETTO_GESTIONALE_DEMO_TOKEN o FILODIRETTO_GESTIONALE_DEMO_TOKEN_FILE."
    )


# -- when -------------------------------------------------------------------------------------------------------------


def test_the_timetable_starts_a_reading_once(office: Office) -> None:
    source = office.sets_up(SourceKind.FOLDER, Timetable(every_min=30))
    assert office.beat() == 0
    office.passes(31)
    assert (office.beat(), office.beat()) == (1, 0)
    office.passes(31)
    assert office.beat() == 0  # the first is under way
    with pytest.raises(ConflictError):
        office.does(lambda session: service.read_now(session, office.by, source_id=source, data=office.data))
    assert office.works()
    office.passes(31)
    assert office.beat() == 1


def test_a_source_that_is_off_is_not_read(office: Office) -> None:
    office.sets_up(SourceKind.FOLDER, active=False)
    assert office.source().due_at is None
    assert office.beat() == 0


# -- who --------------------------------------------------------------------------------------------------------------


def test_only_who_may_import_for_the_ente_sets_up_and_reads(office: Office) -> None:
    source = office.sets_up(SourceKind.FOLDER)
    with office.db.begin(office.scope) as session:
        noted = session.scalars(select(AuditEntry.kind)).all()
    assert noted == ["source.changed"]
    office.by = Principal(office.by.user_id, "", "it", frozenset({Held(Role.ADMINISTRATOR, 2, None)}))
    with pytest.raises(ForbiddenError):
        office.sets_up(SourceKind.FOLDER, name="another")
    with pytest.raises(ForbiddenError):
        office.reads(source)
    office.scope = Scope.of_enti([2])
    with pytest.raises(NotFoundError):
        office.reads(source)


def test_each_wrong_field_says_so(office: Office) -> None:
    office.sets_up(SourceKind.FOLDER)
    with pytest.raises(InvalidError) as refusal:
        office.sets_up(SourceKind.HTTP, Timetable(0, 1440), name="folder", endpoint="NOBODY")
    assert [part.field for part in refusal.value.parts] == ["name", "endpoint", "every_min", "at"]


# -- crashes ----------------------------------------------------------------------------------------------------------


PLACES: dict[str, tuple[Any, str, int]] = {  # what is done so often before the worker dies
    "fetched": (tasks, "_fetched", 1),
    "between batches": (importer, "_commit", 2),
    "withdrawing": (ending.positions, "withdraw_unnamed", 2),
    "before the cursor": (tasks, "_end", 0),
}


def dies_after(function: Callable[..., Any], times: int) -> Callable[..., Any]:
    left = [times]

    def wrapped(*args: Any, **options: Any) -> Any:
        result = function(*args, **options) if left[0] else None
        left[0] -= 1
        if left[0] <= 0:
            die()
        return result

    return wrapped


@pytest.mark.parametrize("where", PLACES)
def test_a_reading_killed_anywhere_goes_on(office: Office, over_http: Served, killed: Killed, where: str) -> None:
    source = office.sets_up(SourceKind.HTTP)
    assert office.reads(source).outcome is ReadingOutcome.READ
    for code in ("T-3", "T-4"):
        over_http.empoli.withdraw(code, over_http.gestionale.now())
    over_http.empoli.pay("T-0", over_http.gestionale.now())
    over_http.empoli.epoch = "another-life"  # so that the whole state is read again
    office.does(lambda session: service.read_now(session, office.by, source_id=source, data=office.data))
    with office.db.begin(office.scope) as session:
        job = session.scalars(select(Job.id).order_by(Job.id.desc()).limit(1)).one()

    def work(database: Database) -> None:
        importer.BATCH_LINES, ending.PIECE = 3, 1
        place, name, times = PLACES[where]
        setattr(place, name, dies_after(getattr(place, name), times))
        jobs.run(database, RUNNERS, job_id=job, ente_id=1)

    killed(work)
    office.does(lambda session: session.execute(update(Job).values(due_at=Job.due_at - LEASE)))
    assert office.works()
    assert office.last().outcome is ReadingOutcome.READ
    assert office.run().state is ImportState.DONE
    assert office.states() == {"T-0": "paid", "T-1": "overdue", "T-2": "overdue"}
    assert office.source().cursor == over_http.empoli.cursor
    assert office.run().withdrawn == 2


def test_a_million_errors_are_counted_and_the_first_are_listed(
    office: Office, write_feed: WriteFeed, monkeypatch: pytest.MonkeyPatch
) -> None:
    from crm.collection.models import ImportRefusal  # noqa: PLC0415

    monkeypatch.setattr("crm.collection.service.MAX_REMARKS", 50)
    feed = write_feed(*[b"{}\n"] * 5_000, header={"mode": "incremental"})
    source = office.sets_up(SourceKind.FOLDER)
    put(office, feed, "a.jsonl")
    assert office.reads(source).outcome is ReadingOutcome.READ
    assert office.run().refused == 5_000
    with office.db.begin(office.scope) as session:
        assert len(session.scalars(select(ImportRefusal)).all()) == 50

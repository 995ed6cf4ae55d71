"""The end of a contract: handed over, confirmed by a second person, deleted; the seals are all that stays."""

import gzip
import hashlib
import json
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from crm.access.models import Role
from crm.access.permissions import Held, Principal
from crm.audit import sealing
from crm.audit import service as audit
from crm.audit.verification import verify
from crm.collection import service as collection
from crm.collection.service import IMPORT
from crm.collection.sources.service import FETCH
from crm.core import jobs
from crm.core.db import Base, Database, Scope
from crm.core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from crm.documents.privacy import FORGET
from crm.documents.store import DocumentStore, FolderStore, StoreError
from crm.enti import queries as enti
from crm.privacy import contents, deletion, ending, handover, service
from crm.privacy.models import EndState, EnteEnd
from crm.privacy.tasks import expire
from telephony.lines import queries as lines
from tests.cast import EMPOLI_LINE, Cast
from tests.databases import DatabaseUrls, PostgresServer
from tests.documents import keep
from tests.telephony.stage import Stage, build
from web.worker.main import runners

pytestmark = pytest.mark.integration

Connection = psycopg.Connection[Any]
T = TypeVar("T")
NAME = "Comune di Empoli"
NOWHERE = FolderStore(Path("/nonexistent"))  # these people have no documents


@pytest.fixture
def superuser(postgres: PostgresServer, database_urls: DatabaseUrls) -> Iterator[Connection]:
    """Sees everything, to know what is left."""
    with psycopg.connect(postgres.dsn, dbname=database_urls.lent, autocommit=True) as connection:
        yield connection


@pytest.fixture
def stage(database: Database, cast: Cast) -> Iterator[Stage]:
    """Mario of Empoli and Gina of Vinci have called, and their files were opened."""
    stage = build(database, cast)
    stage.ready(cast.anna)
    call = stage.queues()
    stage.talks(call)
    stage.caller_leaves(call)
    with database.begin(Scope.of_contract(cast.contract)) as session:
        for ente, contact in ((cast.empoli, cast.mario), (cast.vinci, cast.gina)):
            audit.note(session, None, kind="file.opened", ente_id=ente, contact_id=contact, reason="chiamata")
    stage.engine.fold_counters()
    yield stage
    stage.matcher.close()
    stage.dispatcher.close()


def administrator(stage: Stage, user_id: int) -> Principal:
    return Principal(user_id, "", "it", frozenset({Held(Role.ADMINISTRATOR, None, stage.cast.contract)}))


def work(stage: Stage, store: DocumentStore = NOWHERE) -> None:
    scope = Scope.of_enti([stage.cast.empoli, stage.cast.vinci])
    with stage.database.begin(scope) as session:
        owed = jobs.due(session)
    for job_id, ente_id in owed:
        jobs.run(stage.database, runners(store), job_id=job_id, ente_id=ente_id)


def asked(stage: Stage, folder: Path, store: DocumentStore = NOWHERE) -> int:
    sara = administrator(stage, stage.cast.sara)
    ask = lambda s: ending.ask(s, sara, ente_id=stage.cast.empoli, reason="scaduto", folder=folder, calls=0)  # noqa: E731
    end = stage.work(ask)
    work(stage, store)
    return end


def does(stage: Stage, by: Principal, end: int, what: Callable[[Session], T]) -> T:
    """A request of somebody's about an end."""
    with stage.database.begin(Scope.nothing()) as session:
        scope = ending.scope_of(session, by, end)
    return stage.database.transact(scope, what)


def confirmed(stage: Stage, end: int, folder: Path) -> None:
    sara, marta = administrator(stage, stage.cast.sara), administrator(stage, stage.cast.marta)
    does(stage, sara, end, lambda s: ending.take(s, sara, end_id=end))
    sure = partial(ending.confirm, end_id=end, typed=" comune di empoli", name=NAME, folder=folder)
    does(stage, marta, end, lambda s: sure(s, marta))


def state(stage: Stage, end: int) -> EnteEnd:
    with stage.database.begin(Scope.nothing()) as session:
        return session.get_one(EnteEnd, end)


def test_everything_is_handed_over_and_nothing_of_another_ente(stage: Stage, tmp_path: Path) -> None:
    end = state(stage, asked(stage, tmp_path))
    assert end.state is EndState.EXPORTED
    assert end.path is not None
    with zipfile.ZipFile(end.path) as archive:
        told = {name: archive.read(name).decode() for name in archive.namelist()}
    assert "BNCMRA62A01D403X" in told["contact.jsonl"]
    assert json.loads(told["access_log.jsonl"].splitlines()[0])["reason"] == "chiamata"
    assert "person_key.jsonl" not in told
    assert "NREGNI50A41M059X" not in "".join(told.values())
    assert end.report["exported"]["contact"] == 1


def test_nothing_goes_before_a_second_person_confirms_what_was_handed_over(stage: Stage, tmp_path: Path) -> None:
    cast = stage.cast
    sara, marta = administrator(stage, cast.sara), administrator(stage, cast.marta)
    end = asked(stage, tmp_path)

    def confirm(by: Principal, typed: str = NAME) -> None:
        sure = partial(ending.confirm, end_id=end, typed=typed, name=NAME, folder=tmp_path)
        does(stage, by, end, lambda s: sure(s, by))

    with pytest.raises(ConflictError):  # nobody has it yet
        confirm(marta)
    does(stage, sara, end, lambda s: ending.take(s, sara, end_id=end))
    with pytest.raises(ForbiddenError):
        confirm(sara)
    with pytest.raises(InvalidError):
        confirm(marta, "Vinci")
    with pytest.raises(ForbiddenError):
        confirm(stage.principal(cast.anna))
    with pytest.raises(ForbiddenError):  # no contract covers it any more
        asked(stage, tmp_path)
    does(stage, sara, end, lambda s: ending.withdraw(s, sara, end_id=end))
    ending.let_export_go(end, tmp_path)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ConflictError):
        confirm(marta)


def test_only_the_seals_stay(stage: Stage, superuser: Connection, tmp_path: Path) -> None:
    cast = stage.cast
    sealing.seal_pending(stage.database)
    others = rows(superuser, cast.vinci)
    end = asked(stage, tmp_path)
    confirmed(stage, end, tmp_path)
    work(stage)
    done = state(stage, end)
    assert done.state is EndState.DONE
    assert [str(one) for one in tmp_path.iterdir()] == [done.log_path]
    left = rows(superuser, cast.empoli)
    assert set(left) <= {"audit_seal", "audit_expiry", "ente_end", "role_grant", "job"}
    assert left.get("job", 1) == 1  # the job that does it
    assert rows(superuser, cast.vinci) == others
    assert done.log_path is not None
    with gzip.open(done.log_path, "rt", encoding="utf-8") as file:
        handed = [json.loads(line) for line in file]
    assert {"file.opened", "privacy.end_confirmed"} <= {one["kind"] for one in handed}
    assert done.report["deleted"]["contact"] == 1
    with stage.database.begin(Scope.of_enti([cast.empoli])) as session:
        verdict = verify(session, cast.empoli)
    assert (verdict.broken, verdict.entries) == (None, 0)
    assert verdict.head is not None
    assert done.report["head"] == f"{verdict.head.number}:{verdict.head.digest.hex()}"


def test_documents_are_handed_over_and_leave_the_store(stage: Stage, superuser: Connection, tmp_path: Path) -> None:
    """With those that an erasure had left to be removed; another ente's equal contents stay."""
    cast, store = stage.cast, FolderStore(tmp_path / "documents")
    act = keep(stage.database, store, ente_id=cast.empoli, contact_id=cast.mario, contents=b"%PDF-1.4 un atto")
    keep(stage.database, store, ente_id=cast.vinci, contact_id=cast.gina, contents=b"%PDF-1.4 un atto")
    gone = keep(stage.database, store, ente_id=cast.empoli, contact_id=cast.mario, contents=b"persa", reference="D-2")
    store.delete(cast.empoli, gone)
    end = asked(stage, tmp_path, store)
    exported = state(stage, end)
    assert exported.path is not None
    with zipfile.ZipFile(exported.path) as archive:
        assert archive.read(f"documents/{act}") == b"%PDF-1.4 un atto"
        assert act in archive.read("document.jsonl").decode()
    assert (exported.report["exported"]["documents"], exported.report["exported"]["documents_lost"]) == (1, 1)
    owed = hashlib.sha256(b"di un cancellato").hexdigest()
    (tmp_path / "left").write_bytes(b"di un cancellato")
    store.put(cast.empoli, owed, tmp_path / "left")
    with stage.database.begin(Scope.of_enti([cast.empoli])) as session:
        late = jobs.enqueue(session, ente_id=cast.empoli, kind=FORGET, argument={"contents": [owed]})
    superuser.execute("UPDATE job SET due_at = now() + interval '1 day' WHERE id = %s", [late])
    confirmed(stage, end, tmp_path)
    work(stage, store)
    assert state(stage, end).state is EndState.DONE
    for sha256 in (act, owed):
        with pytest.raises(StoreError):
            store.read(cast.empoli, sha256, most=100)
    assert store.read(cast.vinci, act, most=100) == b"%PDF-1.4 un atto"
    assert not {"document", "document_content"} & set(rows(superuser, cast.empoli))


def rows(superuser: Connection, ente: int) -> dict[str, int]:
    """How many rows of an ente each table has, where it has any."""
    found = {}
    for name, table in Base.metadata.tables.items():
        if "ente_id" in table.columns and (
            count := superuser.execute(f"SELECT FROM {name} WHERE ente_id = %s", [ente]).rowcount  # type: ignore[arg-type]
        ):
            found[name] = count
    return found


def test_it_goes_on_where_it_was_killed(
    stage: Stage, superuser: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker dies after some rows, again and again, each time a little later."""
    end = asked(stage, tmp_path)
    confirmed(stage, end, tmp_path)
    monkeypatch.setattr(deletion, "CHUNK", 1)
    whole, left = deletion._chunk, [0]

    class KilledError(BaseException):
        """Nobody catches it."""

    def chunk(*args: Any, **options: Any) -> int:
        gone = whole(*args, **options)
        left[0] -= gone
        if left[0] < 0:
            raise KilledError
        return gone

    monkeypatch.setattr(deletion, "_chunk", chunk)
    for attempt in range(60):
        left[0] = 1 + 2 * attempt
        superuser.execute("UPDATE job SET due_at = now() - interval '1 minute', attempts = 0 WHERE state <> 'done'")
        try:
            work(stage)
        except KilledError:
            continue
        break
    assert attempt >= 3
    assert state(stage, end).state is EndState.DONE
    assert state(stage, end).report["deleted"]["contact"] == 1


def test_nobody_forgets_the_log_of_an_ente_whose_contract_goes_on(
    stage: Stage, database_urls: DatabaseUrls, tmp_path: Path
) -> None:
    cast = stage.cast
    asked(stage, tmp_path)
    for table in ("call_event", "service_fact"):
        with stage.database.begin(Scope.of_enti([cast.empoli])) as session:
            gone = session.execute(text("SELECT forget_ended(:t, :e, 100)"), {"t": table, "e": cast.empoli})
            assert gone.scalar_one() == 0
    url = database_urls.app.replace("postgresql+psycopg:", "postgresql:")
    with psycopg.connect(url) as app:
        for table, ente in (("contact", cast.empoli), ("audit_entry", cast.empoli), ("call_event", cast.siena)):
            app.execute("SELECT set_config('app.enti', %s, false)", [str(cast.empoli)])
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                app.execute("SELECT forget_ended(%s, %s, 100)", [table, ente])
            app.rollback()


def again(superuser: Connection) -> None:
    """The lease of whoever worked is over."""
    superuser.execute("UPDATE job SET due_at = now() - interval '1 minute' WHERE state IN ('waiting', 'running')")


def kinds(superuser: Connection, ente: int | None) -> list[str]:
    """What the log of an ente, or of none, says."""
    of_ente = "SELECT kind FROM audit_entry WHERE ente_id IS NOT DISTINCT FROM %s ORDER BY id"
    return [kind for (kind,) in superuser.execute(of_ente, [ente])]


def test_once_the_end_is_asked_for_the_ente_is_served_no_more(stage: Stage, tmp_path: Path) -> None:
    cast, sara = stage.cast, administrator(stage, stage.cast.sara)
    talking = partial(ending.ask, ente_id=cast.empoli, reason="scaduto", folder=tmp_path, calls=1)
    with pytest.raises(ConflictError, match="telefonate"):
        stage.work(lambda s: talking(s, sara))

    def served() -> tuple[bool, bool]:
        with stage.database.begin(Scope.nothing()) as session:
            return cast.empoli in enti.served(session), lines.in_use(session, EMPOLI_LINE) is not None

    assert served() == (True, True)
    end = asked(stage, tmp_path)
    assert served() == (False, False)
    does(stage, sara, end, lambda s: ending.withdraw(s, sara, end_id=end))
    assert served() == (True, True)
    asked(stage, tmp_path)  # and may be asked for once more


def test_no_end_is_asked_for_while_a_feed_is_read(stage: Stage, tmp_path: Path) -> None:
    sara = administrator(stage, stage.cast.sara)
    send = partial(collection.send, ente_id=stage.cast.empoli, path=tmp_path / "feed.jsonl", size=1)
    stage.work(lambda s: send(s, sara))
    with pytest.raises(ConflictError, match="flusso"):
        asked(stage, tmp_path)


def test_what_came_after_the_export_is_handed_over_before_anything_goes(
    stage: Stage, superuser: Connection, tmp_path: Path
) -> None:
    """An agent finishes writing about a call of the last day."""
    end = asked(stage, tmp_path)
    with stage.database.begin(Scope.of_enti([stage.cast.empoli])) as session:
        session.execute(text("UPDATE call SET note = 'scritta dopo'"))
    confirmed(stage, end, tmp_path)
    work(stage)
    anew = state(stage, end)
    assert [str(one) for one in tmp_path.iterdir()] == [anew.path]
    assert (anew.state, anew.confirmed_by, anew.report["anew"]) == (EndState.EXPORTED, None, True)
    assert rows(superuser, stage.cast.empoli)["contact"] == 1
    assert anew.path is not None
    with zipfile.ZipFile(anew.path) as archive:
        assert "scritta dopo" in archive.read("call.jsonl").decode()
    confirmed(stage, end, tmp_path)
    work(stage)
    assert state(stage, end).state is EndState.DONE


def test_a_deletion_that_stopped_is_resumed_by_whoever_had_the_contract(
    stage: Stage, superuser: Connection, tmp_path: Path
) -> None:
    """The store of documents was away for five attempts."""

    class Away(FolderStore):
        def delete(self, ente_id: int, sha256: str) -> None:
            raise StoreError("away", permanent=False)

    cast, store = stage.cast, FolderStore(tmp_path / "documents")
    keep(stage.database, store, ente_id=cast.empoli, contact_id=cast.mario, contents=b"%PDF-1.4 un atto")
    copies = tmp_path / "copies"
    end = asked(stage, copies, store)
    confirmed(stage, end, copies)
    for _ in range(jobs.MAX_ATTEMPTS):
        work(stage, Away(tmp_path / "documents"))
        again(superuser)
    assert state(stage, end).state is EndState.STOPPED
    nobody = Principal(cast.vera, "", "it", frozenset({Held(Role.ADMINISTRATOR, cast.siena, None)}))
    with pytest.raises(NotFoundError):
        does(stage, nobody, end, lambda s: None)
    with stage.database.begin(Scope.of_enti([cast.empoli])) as session, pytest.raises(ForbiddenError):
        ending.try_again(session, nobody, end_id=end, folder=copies)
    luca = administrator(stage, cast.luca)
    does(stage, luca, end, lambda s: ending.try_again(s, luca, end_id=end, folder=copies))
    assert "privacy.end_retried" in kinds(superuser, cast.empoli)
    work(stage, store)
    assert state(stage, end).state is EndState.DONE


def test_an_export_that_was_withdrawn_while_it_was_made_leaves_nothing(
    stage: Stage, superuser: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sara, whole = administrator(stage, stage.cast.sara), contents.hand_over

    def hand_over(*args: Any) -> dict[str, int]:
        does(stage, sara, 1, lambda s: ending.withdraw(s, sara, end_id=1))
        return whole(*args)

    monkeypatch.setattr(contents, "hand_over", hand_over)
    end = asked(stage, tmp_path)
    assert state(stage, end).state is EndState.WITHDRAWN
    assert list(tmp_path.iterdir()) == []
    assert "privacy.end_exported" not in kinds(superuser, stage.cast.empoli)


def test_what_is_noted_while_the_log_is_written_is_handed_over_too(
    stage: Stage, superuser: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the worker dies halfway; what is noted after the log was closed stays."""
    end, cast = asked(stage, tmp_path), stage.cast
    confirmed(stage, end, tmp_path)
    whole, tries = handover._log, [0]

    class KilledError(BaseException):
        """Nobody catches it."""

    def log(*args: Any, **options: Any) -> Iterator[bytes]:
        for line in whole(*args, **options):
            yield line
            if tries[0] == 0:
                tries[0] += 1
                raise KilledError
        with stage.database.begin(Scope.of_enti([cast.empoli])) as session:
            if tries[0] == 1:
                audit.note(session, None, kind="file.gate", ente_id=cast.empoli, contact_id=cast.mario)
            tries[0] += 1

    monkeypatch.setattr(handover, "_log", log)
    with pytest.raises(KilledError):
        work(stage)
    assert "file.opened" in kinds(superuser, cast.empoli)
    again(superuser)
    forgets = handover.export_log

    def closed(*args: Any) -> int:
        through = forgets(*args)
        with stage.database.begin(Scope.of_enti([cast.empoli])) as session:
            audit.note(session, None, kind="file.searched", ente_id=cast.empoli)
        return through

    monkeypatch.setattr(handover, "export_log", closed)
    work(stage)
    done = state(stage, end)
    assert done.state is EndState.DONE
    assert done.log_path is not None
    with gzip.open(done.log_path, "rt", encoding="utf-8") as file:
        handed = [json.loads(line)["kind"] for line in file]
    assert "file.gate" in handed
    assert kinds(superuser, cast.empoli) == ["file.searched"]
    sealing.seal_pending(stage.database)
    with stage.database.begin(Scope.of_enti([cast.empoli])) as session:
        assert verify(session, cast.empoli).broken is None


def test_the_log_is_handed_over_on_record_and_not_kept_for_ever(
    stage: Stage, superuser: Connection, tmp_path: Path
) -> None:
    cast, sara = stage.cast, administrator(stage, stage.cast.sara)
    end = asked(stage, tmp_path)
    confirmed(stage, end, tmp_path)
    work(stage)
    path = does(stage, sara, end, lambda s: ending.take_log(s, sara, end_id=end))
    assert path.exists()
    assert kinds(superuser, None)[-1] == "privacy.log_taken"
    assert kinds(superuser, cast.empoli) == []
    assert expire(stage.database) == 0
    superuser.execute("UPDATE ente_end SET log_taken_at = log_taken_at - interval '8 days'")
    assert expire(stage.database) == 1
    assert not path.exists()
    with pytest.raises(NotFoundError):
        does(stage, sara, end, lambda s: ending.take_log(s, sara, end_id=end))


def test_feeds_and_copies_on_the_disk_go_with_the_ente(stage: Stage, tmp_path: Path) -> None:
    cast, sara = stage.cast, administrator(stage, stage.cast.sara)
    folder = tmp_path / "copies"
    sent, spool = tmp_path / "uploads" / "a1b2" / "feed.jsonl", tmp_path / "spool" / "7" / "feed.jsonl"
    for path in (sent, spool):
        path.parent.mkdir(parents=True)
        path.write_text("{}")
    with stage.database.begin(Scope.of_enti([cast.empoli])) as session:
        for kind, argument in (
            (IMPORT, {"run": 0, "path": str(sent)}), (FETCH, {"reading": 7, "data": str(tmp_path)}),
        ):  # fmt: skip
            jobs.enqueue(session, ente_id=cast.empoli, kind=kind, argument=argument)
        session.execute(text("UPDATE job SET state = 'failed'"))
        service.ask_export(session, sara, contact_id=cast.mario, folder=folder)
    work(stage)
    assert len(list(folder.iterdir())) == 1
    end = asked(stage, folder)
    confirmed(stage, end, folder)
    work(stage)
    assert [str(one) for one in folder.iterdir()] == [state(stage, end).log_path]
    assert not sent.exists()
    assert not spool.exists()

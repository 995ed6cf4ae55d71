"""The end of a contract: handed over, confirmed by a second person, deleted; the seals are all that stays."""

import gzip
import hashlib
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import text

from crm.access.models import Role
from crm.access.permissions import Held, Principal
from crm.audit import sealing
from crm.audit import service as audit
from crm.audit.verification import verify
from crm.core import jobs
from crm.core.db import Base, Database, Scope
from crm.core.errors import ConflictError, ForbiddenError, InvalidError
from crm.documents.privacy import FORGET
from crm.documents.store import DocumentStore, FolderStore, StoreError
from crm.privacy import ending
from crm.privacy.models import EndState, EnteEnd
from tests.cast import Cast
from tests.documents import keep
from tests.servers import DatabaseUrls, PostgresServer
from tests.telephony.stage import Stage, build
from web.worker.main import runners

pytestmark = pytest.mark.integration

Connection = psycopg.Connection[Any]
NAME = "Comune di Empoli"
NOWHERE = FolderStore(Path("/nonexistent"))  # these people have no documents


@pytest.fixture
def superuser(postgres: PostgresServer, database_urls: DatabaseUrls) -> Iterator[Connection]:
    """Sees everything, to know what is left."""
    with psycopg.connect(postgres.dsn, dbname=database_urls.name, autocommit=True) as connection:
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
    ask = lambda s: ending.ask(s, sara, ente_id=stage.cast.empoli, reason="scaduto", folder=folder)  # noqa: E731
    end = stage.work(ask)
    work(stage, store)
    return end


def confirmed(stage: Stage, end: int, folder: Path) -> None:
    sara, marta = administrator(stage, stage.cast.sara), administrator(stage, stage.cast.marta)
    stage.work(lambda s: ending.take(s, sara, end_id=end))
    stage.work(lambda s: ending.confirm(s, marta, end_id=end, typed=" comune di empoli", name=NAME, folder=folder))


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
    assert json.loads(told["access_log.jsonl"].splitlines()[-1])["reason"] == "chiamata"
    assert "person_key.jsonl" not in told
    assert "NREGNI50A41M059X" not in "".join(told.values())
    assert end.report["exported"]["contact"] == 1


def test_nothing_goes_before_a_second_person_confirms_what_was_handed_over(stage: Stage, tmp_path: Path) -> None:
    cast = stage.cast
    sara, marta = administrator(stage, cast.sara), administrator(stage, cast.marta)
    end = asked(stage, tmp_path)

    def confirm(by: Principal, typed: str = NAME) -> None:
        stage.work(lambda s: ending.confirm(s, by, end_id=end, typed=typed, name=NAME, folder=tmp_path))

    with pytest.raises(ConflictError):  # nobody has it yet
        confirm(marta)
    stage.work(lambda s: ending.take(s, sara, end_id=end))
    with pytest.raises(ForbiddenError):
        confirm(sara)
    with pytest.raises(InvalidError):
        confirm(marta, "Vinci")
    with pytest.raises(ForbiddenError):
        confirm(stage.principal(cast.anna))
    with pytest.raises(ConflictError):  # one at a time
        asked(stage, tmp_path)
    path = stage.work(lambda s: ending.withdraw(s, sara, end_id=end))
    assert path is not None
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
    assert not (tmp_path / f"ente-{end}.zip").exists()
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
    """The worker dies after each few rows, again and again."""
    end = asked(stage, tmp_path)
    confirmed(stage, end, tmp_path)
    monkeypatch.setattr(ending, "CHUNK", 1)
    whole, left = ending._chunk, [0]

    class KilledError(BaseException):
        """Nobody catches it."""

    def chunk(*args: Any, **options: Any) -> int:
        left[0] -= 1
        if left[0] < 0:
            raise KilledError
        return whole(*args, **options)

    monkeypatch.setattr(ending, "_chunk", chunk)
    for attempt in range(60):
        left[0] = 5 + 3 * attempt
        superuser.execute("UPDATE job SET due_at = now() - interval '1 minute', attempts = 0 WHERE state <> 'done'")
        try:
            work(stage)
        except KilledError:
            continue
        break
    assert state(stage, end).state is EndState.DONE
    assert state(stage, end).report["deleted"]["contact"] == 1


def test_nobody_forgets_the_log_of_an_ente_whose_contract_goes_on(
    stage: Stage, database_urls: DatabaseUrls, tmp_path: Path
) -> None:
    cast = stage.cast
    asked(stage, tmp_path)
    for table in ("audit_entry", "call_event", "service_fact"):
        with stage.database.begin(Scope.of_enti([cast.empoli])) as session:
            gone = session.execute(text("SELECT forget_ended(:t, :e, 100)"), {"t": table, "e": cast.empoli})
            assert gone.scalar_one() == 0
    url = database_urls.app.replace("postgresql+psycopg:", "postgresql:")
    with psycopg.connect(url) as app:
        for table, ente in (("contact", cast.empoli), ("audit_entry", cast.siena)):
            app.execute("SELECT set_config('app.enti', %s, false)", [str(cast.empoli)])
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                app.execute("SELECT forget_ended(%s, %s, 100)", [table, ente])
            app.rollback()

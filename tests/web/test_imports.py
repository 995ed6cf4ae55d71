"""The feeds' page: sending one, seeing where it stands, trying again, letting go."""

import json
import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update
from starlette.testclient import TestClient

from crm.access.models import Role
from crm.collection import importer, service
from crm.collection.models import ImportRun
from crm.core import jobs
from crm.core.db import Database, Scope
from crm.core.heartbeats import Pulse
from crm.core.jobs import MAX_ATTEMPTS, Job
from tests import cast as people
from tests.cast import Cast
from tests.crm.conftest import HEADER, ROSSI, TARI
from tests.web.conftest import PUBLIC, csrf_of, let_in
from web.wiring import Runtime
from web.worker.main import RUNNERS

pytestmark = pytest.mark.integration

END = {"record": "end", "taxpayers": 2, "positions": 1}
FEED = "".join(json.dumps(line) + "\n" for line in (HEADER, ROSSI, TARI, ROSSI | {"codice_fiscale": "X"}, END))


@pytest.fixture
def uploads(runtime: Runtime, tmp_path: Path) -> Path:
    """Where this installation keeps what is sent."""
    object.__setattr__(runtime.settings, "data", tmp_path)
    return tmp_path / "uploads"


@pytest.fixture
def page(client: TestClient, database: Database, cast: Cast, uploads: Path) -> TestClient:
    """Sara's browser; today she administrates."""
    with database.begin(Scope.nothing()) as session:
        people._grant(session, cast.sara, Role.ADMINISTRATOR, contract_id=cast.contract)
    let_in(client, "sara")
    client.headers["X-CSRF-Token"] = csrf_of(client)
    return client


def send(page: TestClient, ente: int, feed: str = FEED) -> Any:
    """Send a feed as the form does."""
    return page.post("/imports", data={"ente": ente}, files={"feed": ("marzo.jsonl", feed)})


def works(database: Database, cast: Cast) -> None:
    """A worker takes the newest job."""
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        job_id = session.execute(select(func.max(Job.id))).scalar_one()
    assert jobs.run(database, RUNNERS, job_id=job_id, ente_id=cast.empoli)


def shown(page: TestClient) -> str:
    """What a person reads in the list."""
    html = page.get("/imports").text.split('<div id="runs">')[1].split("</main>")[0]
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())


def stop(database: Database, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest feed meets trouble of ours until it is given up."""
    with monkeypatch.context() as patched:
        patched.setattr(importer, "store", lambda *_, **__: 1 / 0)
        with database.begin(Scope.of_enti([cast.empoli])) as session:
            session.execute(update(Job).values(attempts=MAX_ATTEMPTS - 1))
        works(database, cast)


def run_id(database: Database, cast: Cast) -> int:
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        return session.execute(select(func.max(ImportRun.id))).scalar_one()


def test_before_the_first_feed_the_page_says_what_to_do(page: TestClient) -> None:
    assert shown(page) == "Nessun flusso finora: scegli l'ente e il file qui sopra, e premi Carica."


def test_a_feed_that_was_sent_is_seen_at_once_and_whether_anybody_is_there_to_read_it(
    page: TestClient, database: Database, cast: Cast
) -> None:
    assert send(page, cast.empoli).status_code == 303
    assert "marzo.jsonl In attesa di lettura Comune di Empoli" in shown(page)
    assert "Nessun processo di lettura è attivo" in shown(page)
    Pulse(database, "worker").beat()
    assert "Comincia da solo, appena un processo di lettura è libero." in shown(page)


def test_the_figures_of_a_feed_add_up_to_its_records(page: TestClient, database: Database, cast: Cast) -> None:
    send(page, cast.empoli)
    works(database, cast)
    seen = shown(page)
    assert "Letto, 1 riga rifiutata" in seen
    assert "record 3 nuovi 2 cambiati 0 uguali o più vecchi 0 rifiutati 1" in seen  # of five lines
    assert "codice_fiscale: Codice fiscale «X»" in seen


def test_a_feed_that_stopped_is_tried_again_from_the_page(
    page: TestClient, database: Database, cast: Cast, uploads: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(page, cast.empoli)
    stop(database, cast, monkeypatch)
    seen = shown(page)
    assert "Fermo" in seen
    assert "ZeroDivisionError" in seen
    assert len(list(uploads.glob("*/*"))) == 1
    for _ in range(2):
        assert page.post(f"/imports/{run_id(database, cast)}/retry").status_code == 204
    assert "In attesa di lettura" in shown(page)
    works(database, cast)
    assert "Letto, 1 riga rifiutata" in shown(page)
    assert list(uploads.iterdir()) == []


def test_a_feed_that_stopped_is_let_go_of_from_the_page(
    page: TestClient, database: Database, cast: Cast, uploads: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(page, cast.empoli)
    one = run_id(database, cast)
    assert page.post(f"/imports/{one}/discard").status_code == 204
    assert len(list(uploads.iterdir())) == 1  # it had not stopped
    stop(database, cast, monkeypatch)
    assert page.post(f"/imports/{one}/discard").status_code == 204
    assert "Rifiutato" in shown(page)
    assert "Eliminato prima della fine della lettura." in shown(page)
    assert list(uploads.iterdir()) == []


def test_an_interrupted_feed_says_that_it_goes_on_by_itself(
    page: TestClient, database: Database, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(page, cast.empoli)
    with monkeypatch.context() as patched:
        patched.setattr(importer, "store", lambda *_, **__: 1 / 0)
        works(database, cast)
    assert "Interrotto Comune di Empoli" in shown(page)
    assert "Riprende da solo da dove è arrivato; non serve caricarlo di nuovo. Tentativi finora: 1 di 5." in shown(page)


def test_nobody_tries_again_what_is_not_his(
    page: TestClient, database: Database, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(page, cast.empoli)
    stop(database, cast, monkeypatch)
    one = run_id(database, cast)
    del page.headers["X-CSRF-Token"]
    assert page.post(f"/imports/{one}/retry").status_code == 403
    for name in ("anna", "vera"):
        let_in(page, name)
        headers = {"X-CSRF-Token": csrf_of(page)}
        for what in ("retry", "discard"):
            assert page.post(f"/imports/{one}/{what}", headers=headers).status_code == 403
    with database.begin(Scope.nothing()) as session:
        people._grant(session, cast.luca, Role.ADMINISTRATOR, ente_id=cast.siena)
    let_in(page, "luca")
    headers = {"X-CSRF-Token": csrf_of(page)}
    for what in ("retry", "discard"):
        assert page.post(f"/imports/{one}/{what}", headers=headers).status_code == 404
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        assert session.execute(select(func.count()).select_from(Job)).scalar_one() == 1


def test_a_file_that_could_not_be_owed_is_not_kept(
    page: TestClient, cast: Cast, uploads: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "send", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        send(page, cast.empoli)
    assert list(uploads.iterdir()) == []


def test_the_page_hears_of_the_reading_and_needs_no_inline_code(
    page: TestClient, database: Database, cast: Cast
) -> None:
    send(page, cast.empoli)
    html = page.get("/imports").text
    assert " style=" not in html
    assert " onclick=" not in html
    with page.websocket_connect("/ws/imports", headers={"origin": PUBLIC}) as socket:
        while "In attesa di lettura" not in socket.receive_text():
            pass

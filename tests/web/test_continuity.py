"""How the service stands, for everybody; and for those who answer for it and those it is for."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from xml.etree import ElementTree

import pytest
from sqlalchemy import update
from starlette.testclient import TestClient

from crm.access.models import User
from crm.continuity import notices, service
from crm.continuity.models import Cause, ContinuityRun, Interruption, Part, RunKind, RunState
from crm.core import clock
from crm.core.db import Database, Scope
from crm.enti.service import close_lines
from tests.cast import Cast, principal_of
from tests.web.conftest import csrf_of, let_in, runtime_of
from web.continuity import status
from web.continuity.pulse import Pulse
from web.wiring import Runtime

pytestmark = pytest.mark.integration
ATOM = "{http://www.w3.org/2005/Atom}"


def looks_again(client: TestClient) -> None:
    """What a process told to others, it has forgotten."""
    envelope = client.app
    envelope._app.state.status = status.Board()  # type: ignore[attr-defined]


def stopped(database: Database, *, minutes: float, ago: timedelta = timedelta(hours=3), lasts: bool = False) -> int:
    """Everything stood, or stands; measured since a day."""
    with database.begin(Scope.nothing()) as session:
        at = clock.now(session)
        service.beat(session, Part.PAGES)
        row = Interruption(
            cause=Cause.EVERYTHING if not lasts else Cause.CARRIER, began_at=at - ago, found_at=at, apologies=0,
            ended_at=None if lasts else at - ago + timedelta(minutes=minutes),
        )  # fmt: skip
        session.add(row)
        session.flush()
        return row.id


def test_everybody_reads_that_all_is_well(client: TestClient) -> None:
    page = client.get("/status").text
    assert "Il centro di contatto è in servizio." in page
    assert client.get("/status/badge").text.count("hidden") >= 1
    told = client.get("/status.json").json()
    assert (told["state"], told["database_answers"], told["interruptions"]) == ("good", True, [])
    assert len(told["days"]) == 90
    assert "in service" in client.get("/status?lang=en").text
    assert client.get("/status?ente=X999").status_code == 404


def test_an_interruption_stands_on_the_page_in_the_feed_and_beside_the_name(
    client: TestClient, database: Database, cast: Cast
) -> None:
    stopped(database, minutes=45)
    stopped(database, minutes=0, ago=timedelta(minutes=20), lasts=True)
    looks_again(client)
    page = client.get("/status").text
    assert "non riceviamo telefonate" in page
    assert "tutto il sistema fermo" in page
    assert client.get("/status.json").json()["state"] == "carrier"
    feed = ElementTree.fromstring(client.get("/status.atom").content)
    assert [one.findtext(f"{ATOM}title") for one in feed.findall(f"{ATOM}entry")] == [
        "gestore telefonico muto", "tutto il sistema fermo",
    ]  # fmt: skip
    badge = client.get("/status/badge").text
    assert "telefono fermo" in badge
    assert " hidden" not in badge
    let_in(client, "anna")
    assert 'data-from="/status/badge' in client.get("/console").text


@pytest.fixture
def blind(client: TestClient, runtime: Runtime) -> Iterator[Runtime]:
    """The same process, whose database does not answer any more."""
    looks_again(client)
    assert client.get("/status").status_code == 200
    nowhere = "postgresql+psycopg://nobody:none@127.0.0.1:9/none"
    away = Database(nowhere, nowhere, pool_size=2)
    envelope = client.app
    before = envelope._app.state.runtime  # type: ignore[attr-defined]
    envelope._app.state.runtime = replace(before, database=away)  # type: ignore[attr-defined]
    yield before
    envelope._app.state.runtime = before  # type: ignore[attr-defined]
    away.dispose()


def test_within_the_hour_users_are_told_by_the_system_itself_and_it_says_how_often(
    client: TestClient, database: Database
) -> None:
    """X4: by these pages as soon as it is written down; later than an hour after its beginning is said to be so."""
    for ago in (timedelta(hours=3), timedelta(minutes=20)):
        stopped(database, minutes=10, ago=ago)
        notices.tell(database)
    looks_again(client)
    page = client.get("/status").text
    assert page.count("è stato avvisato dopo") == 2
    let_in(client, "sara")
    assert "entro un'ora sono 1 su 2" in client.get("/continuity").text.replace("&#39;", "'")


def test_without_its_database_a_process_tells_what_it_knew(client: TestClient, blind: Runtime) -> None:
    board: status.Board = client.app._app.state.status  # type: ignore[attr-defined]
    board._until = 0.0  # ten seconds have gone by
    answer = client.get("/status")
    assert answer.status_code == 200
    assert "non funziona" in answer.text
    assert "L'archivio dei dati non risponde" in answer.text.replace("&#39;", "'")
    assert "Ultimi 90 giorni" in answer.text  # as it was last known
    told = client.get("/status.json").json()
    assert (told["state"], told["database_answers"]) == ("down", False)
    looks_again(client)  # a process that was started meanwhile knows nothing
    told = client.get("/status.json").json()
    assert (told["state"], told["as_of"]) == ("down", None)
    for address in ("/status", "/status.atom", "/status/badge", "/status?ente=D403"):
        assert client.get(address).status_code == 200


def test_closures_of_an_ente_are_its_own_and_nobody_is_named(
    client: TestClient, database: Database, cast: Cast
) -> None:
    with database.begin(Scope.of_contract(cast.contract)) as session:
        sara = principal_of(session, cast.sara)
        close_lines(session, sara, contract_id=cast.contract, reason="Siamo chiusi.")
    looks_again(client)
    codes = [code for _, _, code in status.Board().look(runtime_of(client)).names]
    told = [client.get(f"/status?ente={code}").text for code in codes]
    assert sum("Siamo chiusi." in page for page in told) == 2  # Empoli's and Vinci's, not Siena's
    everything = "".join([*told, json.dumps(client.get("/status.json").json())])
    assert "Sara" not in everything
    assert "sara" not in everything


def test_a_supervisor_publishes_updates_and_takes_down(client: TestClient, cast: Cast) -> None:
    let_in(client, "sara")
    headers = {"X-CSRF-Token": csrf_of(client), "HX-Request": "true"}
    refused = client.post("/continuity/notice", data={"text": "Guasto", "until": "2020-01-01T10:00"}, headers=headers)
    assert "until" in refused.json()["fields"]
    refused = client.post("/continuity/notice", data={"text": "Guasto", "until": "domani"}, headers=headers)
    assert "until" in refused.json()["fields"]
    sent = client.post("/continuity/notice", data={"text": "<b>Guasto</b> di rete", "until": "2099-01-01T10:00"},
                       headers=headers)  # fmt: skip
    assert sent.status_code == 204
    looks_again(client)
    page = client.get("/status").text
    assert "&lt;b&gt;Guasto" in page
    assert "con un avviso" in client.get("/status/badge").text
    assert client.post("/continuity/notice/over", headers=headers).status_code == 204
    looks_again(client)
    assert "Guasto" not in client.get("/status").text


def test_who_may_see_and_do_what(client: TestClient, database: Database, cast: Cast) -> None:
    interruption = stopped(database, minutes=45)
    assert client.get("/continuity").status_code == 303
    let_in(client, "anna")  # an agent
    assert client.get("/continuity").status_code == 403
    headers = {"X-CSRF-Token": csrf_of(client), "HX-Request": "true"}
    assert client.post("/continuity/notice", data={"text": "x"}, headers=headers).status_code == 403
    let_in(client, "sara")
    page = client.get("/continuity").text
    assert "oltre mezz'ora" in page
    assert "Copie di sicurezza" not in page  # for administrators
    headers = {"X-CSRF-Token": csrf_of(client), "HX-Request": "true"}
    where = f"/continuity/{interruption}/remarks"
    others = client.post(where, data={"contract": cast.other_contract, "text": "x"}, headers=headers)
    assert others.status_code == 403
    assert client.post(where, data={"contract": cast.contract, "text": ""}, headers=headers).status_code == 422
    assert client.post(where, data={"contract": cast.contract, "text": "Rete."}, headers=headers).status_code == 204
    let_in(client, "vera")  # watches Empoli, and decides nothing
    page = client.get("/continuity").text
    assert "Rete." in page
    assert 'name="agreed"' not in page
    headers = {"X-CSRF-Token": csrf_of(client), "HX-Request": "true"}
    refused = client.post("/continuity/remarks/1/decide", data={"agreed": "true"}, headers=headers)
    assert refused.status_code == 403


def test_whoever_wants_an_email_says_so_on_his_page(client: TestClient, database: Database, cast: Cast) -> None:
    with database.begin(Scope.nothing()) as session:
        session.execute(update(User).where(User.id == cast.anna).values(email="anna@centro.example"))
    let_in(client, "anna")
    headers = {"X-CSRF-Token": csrf_of(client), "HX-Request": "true"}
    assert 'name="wanted" value="true"' in client.get("/me").text
    client.post("/me/service", data={"wanted": "true"}, headers=headers)
    assert 'name="wanted" value="false"' in client.get("/me").text


def test_a_caller_who_heard_the_apology_counts_with_what_was_away(client: TestClient, database: Database) -> None:
    pulse = Pulse(database)  # one that nobody else has beat
    client.app._app.state.pulse = pulse  # type: ignore[attr-defined]
    client.get("/telephony/apology")
    pulse._away = True  # the database was, a moment ago
    with database.begin(Scope.nothing()) as session:
        at = clock.now(session)
        row = Interruption(cause=Cause.DATABASE, began_at=at, ended_at=at, found_at=at, apologies=0)
        session.add(row)
    assert pulse.beat()
    with database.begin(Scope.nothing()) as session:
        assert session.get_one(Interruption, row.id).apologies == 1


def test_administrators_see_backups_and_what_failed(client: TestClient, database: Database, cast: Cast) -> None:
    from crm.access.models import Role, RoleGrant  # noqa: PLC0415

    with database.begin(Scope.nothing()) as session:
        at = clock.now(session)
        session.add(RoleGrant(user_id=cast.luca, role=Role.ADMINISTRATOR, contract_id=cast.contract, valid_from=at))
        session.add(
            ContinuityRun(
                kind=RunKind.BACKUP, state=RunState.FAILED, archive="", began_at=at, alive_at=at, ended_at=at,
                detail={"error": "no room left"},
            )
        )  # fmt: skip
        session.add(
            ContinuityRun(
                kind=RunKind.DRILL, state=RunState.DONE, archive="a.age", began_at=at, alive_at=at, ended_at=at,
                detail={"seconds": 61.0, "rows": 1234},
            )
        )  # fmt: skip
    let_in(client, "luca")
    page = client.get("/continuity").text
    for words in ("no room left", "Non c'è nessuna copia riuscita", "1:01", "1.234"):
        assert words in page

"""The pages of data protection: copies, erasures, ends of contracts and breaches, for whoever looks after them."""

import zipfile
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, update
from starlette.testclient import TestClient

from crm.access.models import Role, RoleGrant, User
from crm.contacts.models import Contact
from crm.core import jobs
from crm.core.db import Database, Scope
from crm.documents.store import FolderStore
from crm.positions.models import Position, PositionState
from tests.cast import Cast
from tests.web.conftest import csrf_of, let_in
from web.worker.main import runners

pytestmark = pytest.mark.integration

NOWHERE = FolderStore(Path("/nonexistent"))  # these people have no documents


@pytest.fixture
def environ(environ: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """Copies wait in a folder of the test's own."""
    return environ | {"FILODIRETTO_DATA": str(tmp_path)}


@pytest.fixture
def admin(client: TestClient, database: Database, cast: Cast) -> TestClient:
    """Sara looks after personal data; Vera does so for Siena alone."""
    since = datetime(2020, 1, 1, tzinfo=UTC)
    with database.begin(Scope.nothing()) as session:
        for user, contract in ((cast.sara, cast.contract), (cast.vera, cast.other_contract)):
            grant = {"user_id": user, "role": Role.ADMINISTRATOR, "contract_id": contract, "valid_from": since}
            session.execute(insert(RoleGrant).values(grant))
    let_in(client, "sara")
    return client


def post(client: TestClient, path: str, **data: str) -> Any:
    return client.post(path, data=data, headers={"x-csrf-token": csrf_of(client), "hx-request": "true"})


def work(database: Database, cast: Cast) -> None:
    with database.begin(Scope.of_enti([cast.empoli, cast.vinci])) as session:
        owed = jobs.due(session)
    for job_id, ente_id in owed:
        jobs.run(database, runners(NOWHERE), job_id=job_id, ente_id=ente_id)


def test_a_copy_is_asked_for_made_and_downloaded_once(admin: TestClient, database: Database, cast: Cast) -> None:
    found = post(admin, "/privacy/search", q="bianchi")
    assert f"/privacy/persons/{cast.mario}" in found.text
    assert post(admin, f"/privacy/persons/{cast.mario}/export").status_code == 204
    assert "In preparazione" in admin.get("/privacy").text
    work(database, cast)
    assert "/privacy/exports/1" in admin.get("/privacy").text
    answer = post(admin, "/privacy/exports/1")
    with zipfile.ZipFile(BytesIO(answer.content)) as archive:
        page = archive.read("index.html").decode()
        stored = archive.read("dati/posizioni.json").decode()
    assert "«documenti»" not in page  # there is none
    for text in ("BIANCHI", '<th scope="col">codice fiscale</th>', "persona fisica", "+39 348 000 0001"):
        assert text in page
    for technical in ("codice_fiscale", "natural", "ente_id", "None", "{&#39;", "+00:00", "T00:00"):
        assert technical not in page
    assert "residual_cents" in stored  # what programs read stays as it is stored
    assert post(admin, "/privacy/exports/1").status_code == 409
    assert "Scaricata" in admin.get("/privacy").text


def test_an_erasure_is_planned_confirmed_and_certified(admin: TestClient, database: Database, cast: Cast) -> None:
    path = f"/privacy/persons/{cast.mario}"
    assert "debito aperto" in admin.get(path).text
    with database.begin(Scope.nothing()) as session:
        session.execute(update(User).values(language="en"))
    english = admin.get(path).text
    assert "collecting it is a task in the public interest" in english
    assert "The empty row holds counts" in english
    with database.begin(Scope.nothing()) as session:
        session.execute(update(User).values(language="it"))
    assert post(admin, f"{path}/erase", protocol="1/2026", sure="yes").status_code == 409
    with database.begin(Scope.of_contract(cast.contract)) as session:
        session.execute(update(Position).values(state=PositionState.PAID, residual_cents=0))
    planned = admin.get(path).text
    assert "Recapiti" in planned
    assert "Registro degli accessi" in planned  # that it was planned is in it already
    unsure = post(admin, f"{path}/erase", protocol="1/2026")
    assert (unsure.status_code, list(unsure.json()["fields"])) == (422, ["sure"])
    assert list(post(admin, f"{path}/erase", protocol=" ", sure="yes").json()["fields"]) == ["protocol"]
    assert post(admin, f"{path}/erase", protocol="1/2026", sure="yes").headers["hx-redirect"] == "/privacy/erasures/1"
    waiting = admin.get("/privacy/erasures/1").text
    assert "Richiesta di cancellazione n. 1" in waiting
    assert 'hx-trigger="every 2s"' in waiting
    work(database, cast)
    certificate = admin.get("/privacy/erasures/1").text
    assert "Attestazione di cancellazione n. 1 · Comune di Empoli" in certificate
    assert "Rilasciata da Sara per Comune di Empoli" in certificate
    assert "every 2s" not in certificate
    assert "rese anonime" in certificate
    assert "BIANCHI" not in certificate
    assert "Persona cancellata" in admin.get(path).text


def test_a_name_with_html_in_it_is_text(admin: TestClient, database: Database, cast: Cast) -> None:
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        session.get_one(Contact, cast.mario).surname = "<script>alert(1)</script>"
    post(admin, f"/privacy/persons/{cast.mario}/export")
    for path in ("/privacy", f"/privacy/persons/{cast.mario}", "/access-log"):
        assert "<script>alert" not in admin.get(path).text


def test_another_entes_administrator_finds_nobody(admin: TestClient, database: Database, cast: Cast) -> None:
    with database.begin(Scope.of_contract(cast.contract)) as session:
        session.execute(update(Position).values(state=PositionState.PAID, residual_cents=0))
    post(admin, f"/privacy/persons/{cast.mario}/export")
    post(admin, f"/privacy/persons/{cast.mario}/erase", protocol="1", sure="yes")
    post(admin, "/privacy/ends", ente=str(cast.empoli), reason="scaduto")
    post(admin, "/privacy/breaches/new", ente=str(cast.empoli), what="x", known_at="2026-01-01T10:00", risk="unknown")
    work(database, cast)
    let_in(admin, "vera")
    assert "bianchi" not in post(admin, "/privacy/search", q="bianchi").text.lower()
    for path in (f"/privacy/persons/{cast.mario}", "/privacy/erasures/1", "/privacy/ends/1", "/privacy/breaches/1"):
        assert admin.get(path).status_code == 404, path
    for path in (
        f"/privacy/persons/{cast.mario}/export", f"/privacy/persons/{cast.mario}/erase", "/privacy/exports/1",
        "/privacy/ends/1/take", "/privacy/ends/1/confirm", "/privacy/ends/1/withdraw", "/privacy/ends/1/log",
    ):  # fmt: skip
        assert post(admin, path, protocol="1", sure="yes").status_code in {403, 404}, path
    forged = post(admin, "/privacy/ends", ente=str(cast.empoli), reason="x")
    assert forged.status_code == 403


@pytest.mark.parametrize("name", ["anna", "vera"])
def test_whoever_does_not_look_after_personal_data_sees_none_of_it(client: TestClient, cast: Cast, name: str) -> None:
    let_in(client, name)
    for path in ("/privacy", f"/privacy/persons/{cast.mario}", "/privacy/erasures/1", "/privacy/breaches/new"):
        assert client.get(path).status_code == 403


def test_a_breach_is_written_down_and_its_errors_stand_at_their_fields(admin: TestClient, cast: Cast) -> None:
    new = "/privacy/breaches/new"
    wrong = post(admin, new, ente=str(cast.empoli), what="", known_at="ieri", risk="?", persons="molte")
    assert set(wrong.json()["fields"]) == {"known_at", "risk", "persons"}
    absurd = {"known_at": "9999-12-31T10:00", "garante_told_at": "9999-12-31T11:00", "persons": "9" * 5000}
    wrong = post(admin, new, ente=str(cast.empoli), what="x", risk="high", **absurd)
    assert (wrong.status_code, set(wrong.json()["fields"])) == (422, set(absurd))
    breach = {"ente": str(cast.empoli), "what": "Un portatile smarrito", "known_at": "2026-01-01T10:00"}
    kept = post(admin, new, **breach, risk="high", persons="120")
    assert kept.headers["hx-redirect"] == "/privacy/breaches/1"
    assert "Oltre le 72 ore" in admin.get("/privacy").text
    late = post(admin, "/privacy/breaches/1", **breach, risk="high", garante_told_at="2026-02-01T10:00")
    assert list(late.json()["fields"]) == ["late_reason"]
    done = {"garante_told_at": "2026-02-01T10:00", "late_reason": "ferie", "persons_told_at": "2026-02-02T10:00"}
    assert post(admin, "/privacy/breaches/1", **breach, **done, risk="high").status_code == 204
    assert "Comunicazioni fatte" in admin.get("/privacy/breaches/1").text


def test_an_end_of_contract_is_handed_over_before_somebody_else_confirms(
    admin: TestClient, database: Database, cast: Cast
) -> None:
    assert post(admin, "/privacy/ends", ente=str(cast.vinci), reason="scaduto").status_code == 204
    work(database, cast)
    assert "Da consegnare" in admin.get("/privacy").text
    assert post(admin, "/privacy/ends/1/take").headers["content-type"] == "application/zip"
    assert post(admin, "/privacy/ends/1/confirm", typed="Comune di Vinci").status_code == 403
    with database.begin(Scope.nothing()) as session:
        since = datetime(2020, 1, 1, tzinfo=UTC)
        session.execute(
            insert(RoleGrant).values(
                user_id=cast.luca, role=Role.ADMINISTRATOR, contract_id=cast.contract, valid_from=since
            )
        )
    let_in(admin, "luca")
    assert list(post(admin, "/privacy/ends/1/confirm", typed="Vinci").json()["fields"]) == ["typed"]
    assert post(admin, "/privacy/ends/1/confirm", typed="Comune di Vinci").status_code == 204
    work(database, cast)
    assert "Conclusa" in admin.get("/privacy").text
    assert "contact" in admin.get("/privacy/ends/1").text
    assert post(admin, "/privacy/ends/1/log").headers["content-type"] == "application/gzip"
    with database.begin(Scope.of_enti([cast.vinci])) as session:
        assert session.get(Contact, cast.gina) is None

"""Agents' pages: the register, an ente's decision, the letter and the badge as files, who is let in; and anybody's."""

from datetime import UTC, datetime
from io import BytesIO

import pypdfium2
import pytest
import zxingcpp
from PIL import Image
from sqlalchemy import update
from starlette.testclient import TestClient

from crm.access.models import Role, RoleGrant
from crm.core.db import Database, Scope
from outbound.field.agents import register, unfit
from outbound.field.agents.models import FieldAgent
from tests.cast import Cast
from tests.outbound.field.people import LINK
from tests.outbound.field.test_agents import FABIO, PDF, Field, badge_of, field
from tests.outbound.field.test_badges import picture
from tests.web.conftest import csrf_of, let_in

__all__ = ("field",)  # the fixture
pytestmark = pytest.mark.integration
PERSON = {name: str(getattr(FABIO, name)) for name in FABIO.__dataclass_fields__}
COMPANY = {
    "name": "Riscossioni Toscane S.r.l.", "codice_fiscale": "12345670017", "address": "Via Po 1, Firenze",
    "pec": "rt@pec.example.it", "phone": "0571 000 000", "holder": "Marco Dini", "licence": "12/2026",
    "licence_issuer": "Questura di Firenze", "licence_on": "2026-01-12", "kept_years": "5",
}  # fmt: skip


@pytest.fixture
def now(field: Field) -> Field:
    """The pages live in the database's own time."""
    field.at = datetime.now(UTC)
    return field


@pytest.fixture
def browser(client: TestClient, now: Field) -> TestClient:
    let_in(client, "sara")
    return client


def post(client: TestClient, path: str, status: int = 204, file: tuple[str, bytes] | None = None, **data: str) -> str:
    files = None if file is None else {file[0]: ("file", file[1])}
    answer = client.post(
        path, data=data, files=files, headers={"x-csrf-token": csrf_of(client), "hx-request": "true"}
    )  # fmt: skip
    assert answer.status_code == status, answer.text
    return answer.text


def approves(database: Database, cast: Cast, ente_id: int) -> None:
    """Vera decides for an ente."""
    with database.begin(Scope.nothing()) as session:
        session.execute(
            update(RoleGrant)
            .where(RoleGrant.user_id == cast.vera)
            .values(role=Role.ENTE_APPROVER, ente_id=ente_id)
        )  # fmt: skip


def test_from_the_register_to_the_ente_and_the_questura(
    browser: TestClient, now: Field, database: Database, cast: Cast
) -> None:
    post(browser, "/field/company", **COMPANY)
    post(browser, "/field/agents/new", user_id=str(now.fabio), **PERSON)
    at = "/field/agents/1"
    assert "manca la foto" in browser.get(at).text
    post(browser, f"{at}/photo", file=("photo", picture(800, 900)))
    assert browser.get(f"{at}/photo").headers["content-type"] == "image/jpeg"
    for paper in ("identity", "licence", "appointment", "record"):
        told = {"paper": paper, "number": "7", "issuer": "Questura di Firenze", "issued_on": "2026-01-12"}
        post(browser, f"{at}/papers", file=("file", PDF), expires_on="2199-01-01", **told)
    post(browser, f"{at}/badge")
    post(browser, f"{at}/propose", ente=str(cast.empoli))
    assert "in attesa dell" in browser.get("/field").text

    let_in(browser, "vera")  # she only looks on
    assert "Fabio Lotti" in browser.get("/field").text
    assert browser.get("/field/accreditations/1").status_code == 404
    post(browser, "/field/accreditations/1/approve", 403)
    approves(database, cast, cast.vinci)
    assert browser.get("/field/accreditations/1").status_code == 404
    post(browser, "/field/accreditations/1/approve", 404)
    approves(database, cast, cast.empoli)
    shown = browser.get("/field/accreditations/1").text
    assert FABIO.codice_fiscale in shown
    assert "da fare per le visite" in browser.get("/field/news").text
    assert "Agenti da approvare" in browser.get("/ente").text
    assert browser.get(f"{at}/papers/1/file").content == PDF
    assert browser.get(at).status_code == 403
    assert "Scrivi" in post(browser, "/field/accreditations/1/refuse", 422, reason=" ")
    post(browser, "/field/accreditations/1/approve")

    let_in(browser, "sara")
    assert "Questura di Firenze" in browser.get(at).text
    post(browser, f"{at}/letter", province="FI", to="Questura di Firenze")
    letter = browser.get("/field/accreditations/1/letter.pdf").content
    text = pypdfium2.PdfDocument(letter)[0].get_textpage().get_text_range()
    for words in ("Questura di Firenze", "Lotti Fabio", FABIO.codice_fiscale, "Comune di Empoli", "12/2026"):
        assert words in text
    assert b"pdfaid" in letter
    today = now.at.date().isoformat()
    assert "ricevuta" in post(browser, "/field/accreditations/1/proof", 422, on=today)
    post(browser, "/field/accreditations/1/proof", file=("file", PDF), on=today, number="PEC 7")
    assert "può agire" in browser.get(at).text

    card = pypdfium2.PdfDocument(browser.get(f"{at}/badge.pdf").content)
    assert [round(side / 72 * 25.4, 1) for side in card[0].get_size()] == [85.6, 54.0]
    assert "Fabio Lotti" in card[0].get_textpage().get_text_range()
    back = card[1].render(scale=4).to_pil()
    code = badge_of(now, 1)
    assert zxingcpp.read_barcode(back).text == f"http://testserver/badge?code={code}"
    assert f"{code[:4]} {code[4:]}" in card[1].get_textpage().get_text_range()


def test_anybody_checks_a_badge_in_three_languages_and_the_answers_are_alike(client: TestClient, now: Field) -> None:
    now.active()
    code = badge_of(now, 1)
    asks = client.get("/badge", headers={"accept-language": "de"})
    assert 'lang="de"' in asks.text
    assert "Ausweis" in asks.text
    good = client.post("/badge", data={"code": f"{code[:4]} {code[4:]}", "lang": "it"})
    assert (good.status_code, "Il tesserino è valido" in good.text) == (200, True)
    for words in ("Fabio Lotti", "Comune di Empoli", "Riscossioni Toscane", "data:image/jpeg;base64,"):
        assert words in good.text
    for hidden in (FABIO.codice_fiscale, FABIO.street, "Comune di Vinci", "333"):
        assert hidden not in good.text
    assert "Il tesserino è valido" in client.get(f"/badge?code={code}").text
    assert good.headers["referrer-policy"] == "no-referrer"

    unknown = client.post("/badge", data={"code": "00000000"}).text
    now.work(lambda s: register.revoke_badge(s, now.sara, agent_id=1))
    revoked = client.post("/badge", data={"code": code}).text
    now.work(lambda s: register.issue_badge(s, now.sara, agent_id=1))
    fresh = badge_of(now, 1)
    now.work(
        lambda s: unfit.find(
            s, now.sara, agent_id=1, ente_id=now.cast.empoli, grounds="Ha minacciato un cittadino.", link_to=LINK
        )
    )
    assert client.post("/badge", data={"code": fresh}).text == revoked == unknown
    assert "non aprire e chiama" in unknown
    assert 'href="tel:+390571000000"' in unknown
    assert "not valid" in client.post("/badge", data={"code": "1", "lang": "en"}).text


def test_codes_tried_one_after_the_other_are_answered_no_more(client: TestClient, now: Field) -> None:
    answers = [client.post("/badge", data={"code": f"{n:08}"}).status_code for n in range(25)]
    assert answers == [200] * 20 + [429] * 5
    assert "troppe richieste" in client.post("/badge", data={"code": "1"}).text


def test_an_operator_verifies_what_a_citizen_reads_to_him(client: TestClient, now: Field) -> None:
    now.active()
    let_in(client, "anna")

    def asks(code: str) -> str:
        return client.post("/badges", data={"code": code, "csrf": csrf_of(client)}).text

    assert "Fabio Lotti" in asks("0001")
    assert "Fabio Lotti" in asks(badge_of(now, 1))
    assert "non è valido" in asks("9")
    let_in(client, "vera")
    assert client.get("/badges").status_code == 403


def test_the_agent_sees_how_he_stands_and_tells_whom_he_knows(client: TestClient, now: Field) -> None:
    let_in(client, "fabio")
    assert "Non sei ancora nel registro" in client.get("/field/me").text
    now.active()
    page = client.get("/field/me").text
    assert "può agire" in page
    told = [
        client.post(
            "/field/me/ties", data={"codice_fiscale": code, "tie": "family"},
            headers={"x-csrf-token": csrf_of(client), "hx-request": "true"},
        )
        for code in ("BNCMRA62A01D403X", "RSSMRA70A01D403R")  # Mario, who owes something, and nobody
    ]  # fmt: skip
    assert [one.status_code for one in told] == [204, 204]
    assert told[0].headers["hx-notice"] == told[1].headers["hx-notice"]
    assert "Mario" not in client.get("/field/me").text
    assert client.get("/field").status_code == 403
    assert client.get("/field/agents").status_code == 403
    assert client.get("/field/agents/1/photo").status_code == 200
    let_in(client, "sara")
    assert "MARIO BIANCHI" in client.get("/field/agents/1").text


def test_finding_removing_and_replacing_by_the_pages(browser: TestClient, now: Field) -> None:
    now.active()
    assert "Scrivi" in post(browser, f"/field/agents/1/unfit/{now.cast.empoli}", 422, grounds="no")
    post(browser, f"/field/agents/1/unfit/{now.cast.empoli}", grounds="Ha preso denaro contante.")
    page = browser.get("/field/agents/1").text
    assert "Ha preso denaro contante." in page
    assert "non può agire" in page
    assert "Nessun altro agente" in page
    post(browser, "/field/unfit/1/replace", 422, substitute="1")
    post(browser, "/field/unfit/1/withdraw", 403, reason="No.")
    post(browser, "/field/unfit/1/remove")
    assert "fatto il" in browser.get("/field").text
    post(browser, "/field/unfit/1/undo-removal")
    post(browser, "/field/unfit/99/remove", 404)


def test_a_photo_of_a_telephone_may_be_large_and_nobody_else_sends_one(browser: TestClient, now: Field) -> None:
    now.ready()
    large = Image.effect_noise((2600, 2600), 90).convert("RGB")
    written = BytesIO()
    large.save(written, "JPEG", quality=90)
    assert 1_000_000 < len(written.getvalue()) < 8_000_000
    post(browser, "/field/agents/1/photo", file=("photo", written.getvalue()))
    let_in(browser, "anna")
    post(browser, "/field/agents/1/photo", 413, file=("photo", written.getvalue()))
    assert now.work(lambda s: s.get_one(FieldAgent, 1).photo) is not None

"""The inbox and the pages of mailboxes: what is shown, to whom, and what their buttons do."""

import re
from pathlib import Path
from urllib.parse import unquote
from uuid import UUID

import pytest
from sqlalchemy import select, update
from starlette.testclient import TestClient

from crm.core.db import Database, Scope
from crm.documents.models import Scan
from telephony.mail import boxes, deeds, intake
from telephony.mail.intake import Came
from telephony.mail.models import Mail, MailAttachment, Mailbox, MailThread, ThreadState
from telephony.mail.reading import read
from tests.cast import AS_OF, Cast, principal_of
from tests.telephony.mail.conftest import told
from tests.telephony.mail.letters import letter, with_file
from tests.web.conftest import csrf_of, let_in, runtime_of

pytestmark = pytest.mark.integration
HTML = (
    b"From: Gino <gino@example.it>\r\nSubject: <script>alert(1)</script>\r\nContent-Type: text/html\r\n\r\n"
    b"<p onclick=x>Ho <b>pagato</b></p><script>alert(2)</script><img src=https://spia.example/1.gif>"
)


def as_(client: TestClient, who: str) -> TestClient:
    client.cookies.clear()
    let_in(client, who)
    client.headers.update({"X-CSRF-Token": csrf_of(client), "HX-Request": "true"})
    return client


@pytest.fixture
def inbox(client: TestClient, database: Database, cast: Cast, tmp_path: Path) -> dict[str, UUID]:
    """Mario wrote, somebody sent a file, somebody a page; to Empoli's mailbox. By their subjects."""
    store = runtime_of(client).documents
    with database.begin(Scope.of_contract(cast.contract)) as session:
        box = boxes.box(session, boxes.add(session, principal_of(session, cast.sara), told(cast)))
        for uid, raw in enumerate((letter(), with_file("ricevuta.pdf", b"%PDF-1.4 prova"), HTML), start=1):
            said = read(raw)
            (tmp_path / said.digest).write_bytes(raw)
            store.put(cast.empoli, said.digest, tmp_path / said.digest)
            intake.take(session, box, Came(said, 1, uid, len(raw), AS_OF, cast.empoli))
        return {one.subject: one.id for one in session.scalars(select(MailThread))}


def test_anna_reads_sorts_answers_and_closes(
    client: TestClient, database: Database, cast: Cast, inbox: dict[str, UUID]
) -> None:
    anna, thread = as_(client, "anna"), inbox["Rateizzazione"]
    listed = anna.get("/mail").text
    assert "mario.bianchi@example.it" in listed
    assert "&lt;script&gt;alert(1)" in listed
    page = anna.get(f"/mail/{thread}").text
    assert "vorrei pagare a rate" in page
    assert "L'indirizzo non è in nessuna scheda." in page.replace("&#39;", "'")
    anna.post(f"/mail/{thread}/topic", data={"topic": "instalments"})
    anna.post(f"/mail/{thread}/assign", data={"to": str(cast.anna)})
    anna.post(f"/mail/{thread}/identify", data={"contact": cast.mario})
    anna.post(f"/files/{cast.mario}/open", data={"purpose": "written_request", "reason": "Chiede a rate per e-mail"})
    awaited = "Rateizzazione · entro il"
    file = anna.get(f"/files/{cast.mario}").text
    assert awaited in file
    assert f'href="/mail/{thread}"' in file
    anna.post(f"/mail/{thread}/answering")
    page = anna.get(f"/mail/{thread}").text
    form = {name: re.search(rf'name="{name}" value="([^"]+)"', page)[1] for name in ("version", "once")}  # type: ignore[index]
    wrong = anna.post(f"/mail/{thread}/answer", data={**form, "text": "Deve 10,00 euro"})
    assert wrong.status_code == 422
    sent = anna.post(f"/mail/{thread}/answer", data={**form, "text": "Certo, passi da noi."})
    assert "annullare" in unquote(sent.headers["HX-Notice"])
    again = anna.post(f"/mail/{thread}/answer", data={**form, "once": str(thread), "text": "Anch'io."})
    assert again.status_code == 409
    page = anna.get(f"/mail/{thread}").text
    out = re.search(r'"mail": "([0-9a-f-]+)"', page)
    assert out is not None
    assert awaited not in anna.get(f"/files/{cast.mario}").text
    anna.post(f"/mail/{thread}/undo", data={"mail": out[1]})
    anna.post(f"/mail/{thread}/close")
    assert f"/mail/{thread}" in anna.get("/mail?folder=closed").text
    anna.post(f"/mail/{thread}/reopen")
    anna.post(f"/mail/{thread}/disown")
    assert f"/mail/{thread}" in anna.post("/mail/search", data={"q": "mario.bianchi@example.it"}).text
    assert "BIANCHI" in anna.post(f"/mail/{thread}/search", data={"q": "Bianchi"}).text
    with database.begin(Scope.of_contract(cast.contract)) as session:
        row = session.get_one(MailThread, thread)
        assert (row.state, row.topic, row.contact_id) == (ThreadState.OPEN, "instalments", None)
    log = as_(client, "sara").get("/access-log?kind=mail.read").text
    assert "Ha letto" in log
    assert "in una chiamata" not in log


def test_what_a_stranger_wrote_runs_nothing_and_fetches_nothing(
    client: TestClient, database: Database, cast: Cast, inbox: dict[str, UUID]
) -> None:
    anna = as_(client, "anna")
    page = anna.get(f"/mail/{inbox['<script>alert(1)</script>']}")
    assert "frame-src 'self'" in page.headers["content-security-policy"]
    frame = re.search(r'<iframe sandbox src="([^"]+)"', page.text)
    assert frame is not None
    shown = anna.get(frame[1])
    assert shown.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert "<b>pagato</b>" in shown.text
    assert not re.search("spia|alert|onclick", shown.text)
    page = anna.get(f"/mail/{inbox['Ricevuta']}")
    file = re.search(r'href="(/mail/messages/[^"]+/files/\d+)"', page.text)
    original = re.search(r'href="(/mail/messages/[^"]+/original)"', page.text)
    assert file is not None
    assert original is not None
    assert anna.get(file[1]).content == b"%PDF-1.4 prova"
    assert b"In allegato" in anna.get(original[1]).content
    with database.begin(Scope.of_contract(cast.contract)) as session:
        session.scalars(select(MailAttachment)).one().scan = Scan.INFECTED
    assert anna.get(file[1]).status_code == 403
    with database.begin(Scope.of_contract(cast.contract)) as session:
        session.execute(update(Mail).where(Mail.subject == "Ricevuta").values(size=180_000_000))
    page = anna.get(f"/mail/{inbox['Ricevuta']}")
    assert "qui c'è solo l'inizio" in page.text.replace("&#39;", "'")
    assert "cartella INBOX" in page.text
    as_(client, "vera")  # of the ente: the mailboxes are the centre's
    assert [client.get(one).status_code for one in ("/mail", frame[1], file[1], original[1])] == [403] * 4


def test_sara_sets_a_mailbox_up_and_tries_it(client: TestClient, database: Database, cast: Cast) -> None:
    sara = as_(client, "sara")
    assert "Nessuna ancora" in sara.get("/mail/boxes").text
    form = {
        "whose": f"{cast.contract}/{cast.empoli}", "kind": "email", "name": "Tributi", "address": "t@x.example",
        "imap_host": "127.0.0.1", "imap_port": "1", "imap_tls": "none", "smtp_host": "127.0.0.1", "smtp_port": "1",
        "smtp_tls": "none", "username": "u", "auth": "password", "password": "segreto",
        "topics": "Rateizzazione: rate, dilazion",
    }  # fmt: skip
    assert sara.post("/mail/boxes", data={**form, "name": ""}).status_code == 422
    made = sara.post("/mail/boxes", data=form).headers["HX-Redirect"]
    page = sara.get(made).text
    assert "Rateizzazione: rate, dilazion" in page
    assert "segreto" not in page
    said = unquote(sara.post(f"{made}/try").headers["HX-Notice"])
    assert said.count("non risponde") == 2
    sara.post(made, data={**form, "name": "Tributi di Empoli", "password": ""})
    sara.post(f"{made}/close")
    with database.begin(Scope.of_contract(cast.contract)) as session:
        row = session.scalars(select(Mailbox)).one()
        assert (row.name, row.closed_at is None) == ("Tributi di Empoli", False)
    as_(client, "anna")
    assert client.get("/mail/boxes").status_code == 403


def test_files_and_a_preview_go_with_what_is_written(client: TestClient, cast: Cast, inbox: dict[str, UUID]) -> None:
    anna, thread = as_(client, "anna"), inbox["Rateizzazione"]
    anna.post(f"/mail/{thread}/identify", data={"contact": cast.mario})
    refused = anna.post(f"/mail/{thread}/files", files={"file": ("x.exe", b"MZ", "application/octet-stream")})
    assert refused.status_code == 422
    large = b"%PDF-1.7 " + bytes(200_000)  # more than a form
    taken = anna.post(f"/mail/{thread}/files", files={"file": ("modulo.pdf", large, "application/pdf")}).text
    file = re.search(r'href="(/mail/files/[^"]+)"', taken)
    assert file is not None
    assert anna.get(file[1]).content == large
    shown = anna.post(f"/mail/{thread}/preview", data={"text": "Ecco il modulo.", "quotes": "true"}).text
    assert "Ufficio tributi" in shown
    assert "&gt; Buongiorno" in shown
    assert "modulo.pdf" in shown
    page = anna.get(f"/mail/{thread}").text
    assert "modulo.pdf" in page  # it stays with the draft
    assert "modulo.pdf" not in as_(client, "luca").get(f"/mail/{thread}").text
    assert client.get(file[1]).status_code == 404
    out = {"enclosure": file[1].rpartition("/")[2]}
    assert "modulo.pdf" not in as_(client, "anna").post(f"/mail/{thread}/files/out", data=out).text


def test_a_case_is_opened_from_a_conversation_with_its_files(
    client: TestClient, database: Database, cast: Cast, inbox: dict[str, UUID]
) -> None:
    anna, thread = as_(client, "anna"), inbox["Ricevuta"]
    anna.post(f"/mail/{thread}/identify", data={"contact": cast.mario})
    assert f"/cases/new?thread={thread}" in anna.get(f"/mail/{thread}").text
    page = anna.get(f"/cases/new?thread={thread}").text
    file = re.search(r'name="files" value="(\d+)" checked', page)
    assert file is not None
    assert "In allegato" in page
    form = {"topic": "relief", "channel": "email", "reasons": "Ha pagato", "contact": cast.mario, "thread": str(thread)}
    made = anna.post("/cases", data={**form, "files": file[1]}).headers["HX-Redirect"]
    page = anna.get(made).text
    assert "ricevuta.pdf" in page
    assert f"/mail/{thread}" in page
    assert f'href="{made}"' in anna.get(f"/mail/{thread}").text
    assert anna.post("/cases", data=form).status_code == 409


def test_a_colleague_s_deeds_appear_while_the_page_is_read(
    client: TestClient, cast: Cast, inbox: dict[str, UUID]
) -> None:
    anna, thread = as_(client, "anna"), inbox["Rateizzazione"]
    name = re.search(r'hx-ws:connect="(/ws/mail-[^"]+)"', anna.get(f"/mail/{thread}").text)
    assert name is not None
    origin = {"origin": "http://testserver"}
    with anna.websocket_connect(name[1], headers=origin) as socket:
        assert "vorrei pagare a rate" in next(said for said in iter(socket.receive_text, None) if "mail-live" in said)
        with runtime_of(client).database.begin(Scope.of_contract(cast.contract)) as session:  # which tells the pages
            deeds.begin(session, principal_of(session, cast.luca), thread_id=thread)
        while "Luca sta scrivendo" not in (said := socket.receive_text()):
            assert '"now"' in said or "mail-" in said
    with anna.websocket_connect("/ws/mail-nessuna-0-0", headers=origin) as socket:
        assert socket.receive()["code"] == 4403

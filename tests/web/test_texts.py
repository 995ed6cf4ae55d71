"""Conversations by SMS at the edge: the carrier's webhook, the console's regions and buttons, the file, attacks."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select, update
from starlette.testclient import TestClient

from crm.audit.models import AuditEntry
from crm.core.db import Scope
from crm.messages import outbox
from crm.messages.models import Message, MessageState, Reason
from telephony.calls.models import Call
from telephony.carriers.twilio.signature import sign
from telephony.texts.models import TextMessage, TextSetting, TextThread
from tests.cast import EMPOLI_LINE, MARIO_MOBILE, STRANGER, lock_again
from tests.telephony.texts.desk import Texts
from tests.web.conftest import PUBLIC, TOKEN, Desk, csrf_of, let_in

pytestmark = pytest.mark.integration
Writes = Callable[..., Any]


@pytest.fixture
def texts(desk: Desk) -> Texts:
    found = Texts(desk.stage)
    found.hold()
    return found


@pytest.fixture
def writes(client: TestClient, texts: Texts) -> Writes:
    """An SMS as the carrier posts it."""

    def post(body: str, *, sid: str = "", citizen: str = MARIO_MOBILE, **more: str) -> Any:
        fields = {"MessageSid": sid or f"SM{uuid4()}", "From": citizen, "To": EMPOLI_LINE, "Body": body, **more}
        url = "/telephony/texts"
        return client.post(url, data=fields, headers={"X-Twilio-Signature": sign(TOKEN, PUBLIC + url, fields)})

    return post


def count(desk: Desk, model: Any) -> int:
    return desk.stage.work(lambda s: s.execute(select(func.count()).select_from(model)).scalar_one())


def taken(desk: Desk, texts: Texts, citizen: str = MARIO_MOBILE) -> UUID:
    """Anna has it in front."""
    desk.stage.matcher.match_now("main", found_by="test")
    thread = texts.last(citizen)
    assert desk.press("texts/front", thread=thread.id).status_code == 204
    return thread.id


def test_whatever_space_parts_two_words_they_stay_apart(texts: Texts, writes: Writes) -> None:
    writes("Codice\u00a0avviso\te\u2028nome\r\nGrazie\x00")
    assert texts.said(texts.last(MARIO_MOBILE).id)[0] == "> Codice avviso e nome\nGrazie"


def test_a_deaf_citizen_is_answered_while_the_agent_is_on_the_telephone(
    desk: Desk, texts: Texts, writes: Writes
) -> None:
    desk.stage.ready(desk.stage.cast.anna)
    call = desk.stage.queues(STRANGER)
    desk.stage.talks(call)
    desk.stage.work(lambda s: s.execute(update(Call).values(answered_at=Call.queued_at)))  # the stage is ahead of time
    answered = writes("Sono sordo, posso scrivere?")
    assert "<Message>" not in answered.text  # what is answered goes by the outbox
    desk.stage.matcher.match_now("main", found_by="test")
    assert "da prendere" in desk.page("texts")
    assert "Siete in linea" in desk.page("phone")
    thread = taken(desk, texts)
    assert "Sono sordo, posso scrivere?" in desk.page("thread")
    assert "Hai anche una chiamata." in desk.page("thread")
    assert "Chi scrive?" in desk.page("file")
    assert "€" not in desk.page("file")
    assert desk.press("texts/reply", thread=thread, body="Certo. Come si chiama?", once="1").status_code == 204
    assert desk.press("texts/reply", thread=thread, body="Certo. Come si chiama?", once="1").status_code == 204
    assert texts.said(thread).count("< Certo. Come si chiama?") == 1
    mario = desk.stage.cast.mario
    assert desk.press("texts/identify", thread=thread, contact=mario).status_code == 204
    assert "€" in desk.page("file")
    assert desk.press("texts/front").status_code == 204  # back to the call
    assert "€" not in desk.page("file")
    assert 'id="notes-' in desk.page("talk")
    assert desk.press("texts/front", thread=thread).status_code == 204
    missing = desk.press("texts/close", thread=thread, topic="", disposition="").json()
    assert set(missing["fields"]) == {"topic", "disposition"}
    closed = desk.press("texts/close", thread=thread, topic="payment", disposition="answered", note="Spiegato")
    assert closed.status_code == 204
    assert "Nessuno ti scrive" in desk.page("texts")
    assert "€" not in desk.page("file")


def test_what_is_told_twice_or_makes_no_sense_is_one_word_or_none(desk: Desk, texts: Texts, writes: Writes) -> None:
    for _ in range(3):
        assert writes("Buongiorno", sid="SM-once").status_code == 200
    for body in ("", "\x00\x01", "   "):
        writes(body)
    writes("x", sid="S" * 65)
    writes("x" * 5_000, NumMedia="9" * 40)
    assert [one for one in texts.said(texts.last().id) if one.startswith(">")] == ["> Buongiorno", f"> {'x' * 1600}"]
    assert count(desk, TextThread) == 1


def test_a_forged_webhook_is_heard_by_nobody(client: TestClient, desk: Desk, texts: Texts) -> None:
    fields = {"MessageSid": "SM1", "From": MARIO_MOBILE, "To": EMPOLI_LINE, "Body": "Buongiorno"}
    for signature in ("", "x", sign("another token", PUBLIC + "/telephony/texts", fields)):
        answer = client.post("/telephony/texts", data=fields, headers={"X-Twilio-Signature": signature})
        assert answer.status_code == 403
    assert count(desk, TextThread) == 0


def test_an_answer_that_did_not_arrive_says_why(desk: Desk, texts: Texts, writes: Writes) -> None:
    desk.stage.ready(desk.stage.cast.anna)
    writes("Buongiorno")
    thread = taken(desk, texts)
    desk.press("texts/reply", thread=thread, body="Mi dica.", once="1")
    message = texts.owed()[-1].id

    def fail(session: Any) -> None:
        outbox.end(session, session.get_one(Message, message), MessageState.FAILED, Reason.NOT_DELIVERED)

    desk.stage.work(fail)
    shown = desk.page("thread")
    assert "Non è arrivato" in shown
    assert "data-tell" in shown


def test_what_tells_of_a_debt_is_refused_at_its_field_and_nothing_is_lost(
    desk: Desk, texts: Texts, writes: Writes
) -> None:
    desk.stage.ready(desk.stage.cast.anna)
    writes("Quanto devo?")
    thread = taken(desk, texts)
    desk.press("texts/draft", thread=thread, body="Deve 812,00 euro", once="1")
    refused = desk.press("texts/reply", thread=thread, body="Deve 812,00 euro", once="1", sure="true")
    assert refused.status_code == 422
    assert "prima identifica la persona" in refused.json()["fields"]["body"]
    assert "Deve 812,00 euro</textarea>" in desk.page("thread")
    desk.press("texts/reply", thread=thread, body="Mi dica chi è.", once="1")
    desk.press("texts/draft", thread=thread, body="Mi dica chi è.", once="1")  # on its way when it was sent
    assert "></textarea>" in desk.page("thread").split('name="body"')[1]


def test_what_is_written_of_it_is_kept_before_it_is_closed_and_by_its_agent_alone(
    desk: Desk, texts: Texts, writes: Writes
) -> None:
    desk.stage.ready(desk.stage.cast.anna)
    writes("Quanto devo?")
    thread = taken(desk, texts)
    written = {"thread": thread, "topic": "payment", "note": "Chiede quanto deve"}
    assert desk.press("texts/account", **written).status_code == 204
    shown = desk.page("thread")  # as another tab shows it
    assert "Chiede quanto deve</textarea>" in shown
    assert '<option value="payment" selected>' in shown
    assert desk.press("texts/account", thread=thread, topic="nonsense").status_code == 422
    desk.sit_down("luca")
    assert desk.press("texts/account", **written).status_code == 409


def test_the_words_are_read_from_the_open_file_alone_and_that_is_noted(
    client: TestClient, desk: Desk, texts: Texts, writes: Writes
) -> None:
    desk.stage.ready(desk.stage.cast.anna)
    writes("Parola segreta")
    thread = taken(desk, texts)
    desk.press("texts/close", thread=thread, topic="payment", disposition="answered")
    path = f"/texts/{thread}/words"
    assert client.get(path).status_code == 403  # Anna's file was never open
    client.cookies.clear()
    let_in(client, "sara")
    headers = {"X-CSRF-Token": csrf_of(client), "HX-Request": "true"}
    mario = desk.stage.cast.mario
    assert client.get(path).status_code == 403
    assert client.post(f"/files/{mario}/open", data={"purpose": "case_check"}, headers=headers).status_code == 204
    assert "Conversazione per SMS" in client.get(f"/files/{mario}").text
    assert "Parola segreta" in client.get(path).text
    assert client.get(f"/texts/{uuid4()}/words").status_code == 404
    client.cookies.clear()
    let_in(client, "vera")  # watches Empoli, and opens no file
    assert client.get(path).status_code in {403, 404}
    noted = select(func.count()).where(AuditEntry.kind == "text.read", AuditEntry.contact_id == mario)
    assert desk.stage.work(lambda s: s.execute(noted).scalar_one()) == 1


def test_another_entes_thread_is_not_there(client: TestClient, desk: Desk, texts: Texts, writes: Writes) -> None:
    """Whoever serves Siena alone finds neither thread nor words."""
    desk.stage.ready(desk.stage.cast.anna)
    writes("Buongiorno")
    thread = taken(desk, texts)
    with desk.stage.database.begin(Scope.of_contract(desk.stage.cast.other_contract)) as session:
        assert session.get(TextThread, thread) is None
        assert session.execute(select(TextMessage)).first() is None


def test_supervisors_switch_it_on_and_see_it(client: TestClient, desk: Desk, texts: Texts, writes: Writes) -> None:
    writes("Buongiorno")
    client.cookies.clear()
    let_in(client, "sara")
    headers = {"X-CSRF-Token": csrf_of(client), "HX-Request": "true"}
    here = f"/centre/{desk.stage.cast.contract}/texts"
    assert "Conversazioni per SMS" in client.get("/wallboard").text
    assert "nessuno ancora" in client.get("/supervision").text
    wrong = client.post(here, data={"held": "1", "queue": "999", "most": "0", "idle_min": "x"}, headers=headers)
    assert wrong.status_code == 422
    good = {"held": "1", "queue": str(desk.stage.cast.notices), "most": "2", "idle_min": "5", "close_h": "4"}
    assert client.post(here, data={**good, "kept_days": "30"}, headers=headers).status_code == 204
    row = desk.stage.work(lambda s: s.get_one(TextSetting, desk.stage.cast.contract))
    assert (row.queue_id, row.most, row.beside_calls, row.most_waiting) == (desk.stage.cast.notices, 2, False, None)
    assert client.post(here, data={}, headers=headers).status_code == 204
    assert count(desk, TextSetting) == 0
    client.cookies.clear()
    let_in(client, "anna")
    mine = {"X-CSRF-Token": csrf_of(client), "HX-Request": "true"}
    assert client.post(here, data=good, headers=mine).status_code in {403, 404}


def test_a_supervisor_finds_what_is_over_and_reads_it_for_a_reason(
    client: TestClient, desk: Desk, texts: Texts, writes: Writes
) -> None:
    desk.stage.ready(desk.stage.cast.anna)
    writes("Parola segreta")
    thread = taken(desk, texts)
    assert client.get("/texts").status_code == client.get(f"/texts/{thread}").status_code == 403
    client.cookies.clear()
    let_in(client, "sara")
    headers = {"X-CSRF-Token": csrf_of(client), "HX-Request": "true"}
    here = f"/texts/{thread}"
    assert f'href="{here}"' in client.get("/supervision").text
    assert here not in client.get("/texts").text  # it goes on
    assert "Parola segreta" not in client.get(here).text
    refused = client.post(here, data={"reason": ""}, headers=headers)
    assert "Scrivi perché leggi" in refused.json()["fields"]["reason"]
    assert client.post(here, data={"reason": "Reclamo 118"}, headers=headers).headers["HX-Redirect"] == here
    assert "Parola segreta" in client.get(here).text
    assert "Reclamo 118" in client.get(here).text
    desk.stage.work(lambda s: lifecycle_over(s, thread))
    ente = desk.stage.cast.empoli
    assert here in client.get("/texts", params={"ente": ente, "closed": "done", "outcome": "answered"}).text
    assert "Nessuna conversazione" in client.get("/texts", params={"closed": "full"}).text
    assert client.get("/texts", params={"since": "x"}).status_code == 422
    table = client.get("/texts.csv", params={"ente": ente})
    assert table.headers["content-type"].startswith("text/csv")
    assert "Comune di Empoli" in table.text
    assert MARIO_MOBILE not in table.text
    assert client.get(f"/texts/{uuid4()}").status_code == 404
    lists = ("/texts", f"/texts.csv?ente={ente}", here)
    assert all("Anna" in client.get(one).text for one in lists)
    lock_again(desk.stage.database)  # no agreement allows to look at a single worker any more
    assert not any("Anna" in client.get(one).text for one in lists)


def lifecycle_over(session: Any, thread: UUID) -> None:
    """It has been closed."""
    over = {"state": "closed", "closed": "done", "closed_at": TextThread.begun_at, "due_at": None}
    done = {"topic": "payment", "disposition": "answered"}
    session.execute(update(TextThread).where(TextThread.id == thread).values(**over, **done))

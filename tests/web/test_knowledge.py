"""The pages of articles, scripts and note templates, and what of them the console shows."""

import re
from typing import Any

import pytest

from crm.core.db import Database, Scope
from crm.knowledge import service
from crm.knowledge.models import PieceKind
from telephony.calls.choices import Disposition, Topic
from tests.cast import principal_of
from tests.web.conftest import Desk, csrf_of, let_in

pytestmark = pytest.mark.integration


class Shelf:
    """Sara's texts."""

    def __init__(self, desk: Desk, database: Database) -> None:
        self.desk, self.cast, self.database = desk, desk.stage.cast, database

    def put(self, kind: PieceKind, title: str, body: str, *, topic: str = "", ente_id: int | None = None) -> int:
        with self.database.begin(Scope.of_contract(self.cast.contract)) as session:
            sara = principal_of(session, self.cast.sara)
            piece_id = service.write(
                session, sara, contract_id=self.cast.contract, ente_id=ente_id, kind=kind, topic=topic, title=title,
                body=body,
            )  # fmt: skip
            service.publish(session, sara, piece_id=piece_id, number=1)
        return piece_id

    def press(self, path: str, who: str = "sara", **fields: Any) -> Any:
        self.desk.client.cookies.clear()
        let_in(self.desk.client, who)
        headers = {"X-CSRF-Token": csrf_of(self.desk.client), "HX-Request": "true"}
        return self.desk.client.post(path, data=fields, headers=headers)

    def get(self, path: str, who: str = "anna") -> Any:
        self.desk.client.cookies.clear()
        let_in(self.desk.client, who)
        return self.desk.client.get(path)


@pytest.fixture
def shelf(desk: Desk, database: Database) -> Shelf:
    return Shelf(desk, database)


def test_a_call_begins_with_its_ente_s_greeting_and_goes_on_with_the_topic_s_script(shelf: Shelf) -> None:
    desk, cast = shelf.desk, shelf.cast
    shelf.put(PieceKind.SCRIPT, "Inizio", "«{ente}, sono {operatore}»\nCon chi parlo?")
    shelf.put(PieceKind.SCRIPT, "Le rate", "<b>Quanto</b> al mese?", topic="instalments")
    shelf.put(PieceKind.NOTE, "Vuole rate", "{chi} chiede le rate a {ente}", topic="instalments")
    shelf.put(PieceKind.NOTE, "Altro", "Nota per tutti", ente_id=cast.vinci)
    call = desk.talks()
    talk = desk.page("talk")
    assert "«Comune di Empoli, sono Anna»" in talk
    assert "Le rate" not in talk
    assert "Nota per tutti" not in talk  # Vinci's
    assert "il cittadino chiede le rate a Comune di Empoli" in talk  # nobody is identified yet
    watched = desk.press("draft", call=call, topic="instalments", disposition="", note="")
    assert watched.status_code == 204
    talk = desk.page("talk")
    assert "&lt;b&gt;Quanto&lt;/b&gt; al mese?" in talk
    assert "sono Anna" not in talk
    desk.identify(call)
    assert "MARIO BIANCHI chiede le rate a Comune di Empoli" in desk.page("talk")


def test_the_panel_follows_the_call_and_looks_for_words(shelf: Shelf) -> None:
    desk = shelf.desk
    rates = shelf.put(PieceKind.ARTICLE, "Rate", "Qui a {ente} c'è un <i>modulo</i>.", topic="instalments")
    shelf.put(PieceKind.ARTICLE, "Fermo", "Il veicolo", topic="precautionary")
    call = desk.talks()
    desk.press("draft", call=call, topic="instalments", disposition="", note="")
    of_call = desk.client.get("/knowledge/found").text
    assert "Rate" in of_call
    assert "Fermo" not in of_call
    found = desk.client.post("/knowledge/found", data={"q": "veicoli", "beside": "true"}, headers=desk.headers).text
    assert "<mark>veicolo</mark>" in found
    text = desk.client.get(f"/knowledge/{rates}/text").text
    assert "Qui a Comune di Empoli c'è un &lt;i&gt;modulo&lt;/i&gt;." in text
    assert "Correggi questo testo" not in text
    assert "{ente}" in desk.client.get(f"/knowledge/{rates}").text  # apart from any call


def test_in_practice_the_panel_follows_too_and_no_real_ente_is_named(shelf: Shelf) -> None:
    client, headers = shelf.desk.client, shelf.desk.headers
    rates = shelf.put(PieceKind.ARTICLE, "Rate", "Qui a {ente} si paga a rate.", topic="instalments")
    shelf.put(PieceKind.ARTICLE, "Fermo", "Il veicolo", topic="precautionary")
    for path, fields in (("begin", {}), ("ring", {"story": "instalments"})):
        assert client.post(f"/practice/{path}", data=fields, headers=headers).status_code == 204
    (call,) = re.findall(r'data-call="([^"]+)"', client.get("/practice").text)
    client.post("/practice/answer", data={"call": call}, headers=headers)
    client.post("/practice/draft", data={"call": call, "topic": "instalments"}, headers=headers)
    of_call = client.get("/knowledge/found").text
    assert "Rate" in of_call
    assert "Fermo" not in of_call
    assert "Qui a Comune di Prova" in client.get(f"/knowledge/{rates}/text").text


def test_anna_says_that_it_was_not_useful_and_sara_reads_why_but_not_who(shelf: Shelf) -> None:
    piece = shelf.put(PieceKind.ARTICLE, "Rate", "Modulo")
    said = shelf.press(f"/knowledge/{piece}/useful", "anna", number=1, useful="false", why="Manca il costo")
    assert "Grazie" in said.text
    page = shelf.get(f"/knowledge-editor/{piece}", "sara").text
    assert "Manca il costo" in page
    assert "Anna" not in page


def test_sara_writes_sees_what_it_looks_like_publishes_and_goes_back(shelf: Shelf) -> None:
    made = shelf.press(
        "/knowledge-editor/new", kind="article", place=f"{shelf.cast.contract}:", topic="payment", title="Pagare"
    )
    at = made.headers["HX-Redirect"]
    assert shelf.press(f"{at}/publish", number=1).json()["fields"] == {"body": "Scrivi il testo."}
    saved = shelf.press(at, based_on=1, topic="payment", title="Pagare", body="**Subito**", keywords="")
    assert "<strong>Subito</strong>" in saved.text
    assert 'name="based_on" value="1"' in saved.text
    assert shelf.press(f"{at}/publish", number=1).headers["HX-Redirect"] == at
    again = shelf.press(at, based_on=1, topic="payment", title="Pagare", body="Domani", keywords="")
    assert 'name="based_on" value="2"' in again.text
    assert shelf.press(at, based_on=1, topic="", title="Pagare", body="Mai", keywords="").status_code == 409
    shelf.press(f"{at}/publish", number=2)
    shelf.press(f"{at}/publish", number=1)
    piece = at.rsplit("/", 1)[1]
    assert "Subito" in shelf.get(f"/knowledge/{piece}").text
    assert "Torna a questa versione" in shelf.get(f"{at}?version=1", "sara").text
    for path in ("confirm", "retire", "restore"):
        assert shelf.press(f"{at}/{path}").status_code == 204
    assert "Pagare" in shelf.get("/knowledge-editor?kind=article&stands=good", "sara").text


def test_whoever_may_not_write_sees_no_editor_and_an_ente_s_viewer_nothing_at_all(shelf: Shelf) -> None:
    piece = shelf.put(PieceKind.ARTICLE, "Rate", "Modulo")
    assert shelf.get("/knowledge-editor").status_code == 403
    assert shelf.get(f"/knowledge-editor/{piece}").status_code == 403
    assert shelf.press(f"/knowledge-editor/{piece}/publish", "anna", number=1).status_code == 403
    assert shelf.get("/knowledge", "vera").status_code == 403
    assert shelf.get(f"/knowledge/{piece}", "vera").status_code == 403


def test_topics_and_outcomes_have_a_letter_each(shelf: Shelf) -> None:
    shelf.desk.talks()
    letters = re.findall(r'data-letter="(\w*)"', shelf.desk.page("talk"))
    topics, outcomes = letters[: len(Topic)], letters[len(Topic) :]
    assert len(set(topics)) == len(Topic)
    assert len(set(outcomes)) == len(outcomes) == len(Disposition)

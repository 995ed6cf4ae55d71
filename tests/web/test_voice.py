"""The page of voice flows: drawing one, trying it, publishing it, and messages for emergencies."""

import json
import re
from typing import Any

import pytest

from tests.cast import EMPOLI_LINE, MARIO_MOBILE, Cast
from tests.web.conftest import csrf_of, let_in

pytestmark = pytest.mark.integration


@pytest.fixture
def sara(client: Any) -> Any:
    """Posts as the supervisor does."""
    let_in(client, "sara")
    headers = {"X-CSRF-Token": csrf_of(client), "HX-Request": "true"}

    def press(path: str, **fields: Any) -> Any:
        return client.post(path, data=fields, headers=headers)

    return press


def drawn(sara: Any, client: Any, name: str = "Prova") -> tuple[str, str]:
    """A flow of that name: its page and its draft's id."""
    page = sara("/voice/flows", contract=1, name=name).headers["HX-Redirect"]
    return page, re.findall(r"/voice/versions/(\d+)", client.get(page).text)[0]


def test_a_flow_is_drawn_published_and_led_to(sara: Any, client: Any) -> None:
    assert "percorso consueto" in client.get("/voice").text
    page, draft = drawn(sara, client)
    shown = client.get(page).text
    assert "Nessun errore." in shown
    assert shown.count('<g class="box') == 8
    flow = page.rsplit("/", 1)[1]
    steps = re.findall(r'<dt id="node-([\w-]+)"', shown)
    assert (steps[:3], len(steps)) == (["saluto", "urgenze", "orari"], 8)
    assert "Nessun numero segue questo percorso." in shown
    assert sara(f"/voice/versions/{draft}/publish", flow=flow).headers["HX-Redirect"].endswith(f"version={draft}")
    assert "Versione 1 · pubblicata" in client.get(page).text
    assert sara(f"/voice/lines/{EMPOLI_LINE}", flow=flow).status_code == 204
    shown = client.get(page).text
    assert "Versione 1 · in uso" in shown
    assert 'Lo seguono i numeri: <span class="num">+39 0571 000001' in shown
    listed = client.get("/voice").text
    assert "versione 1" in listed
    assert "+39 0571 000001" in listed
    again = sara(f"/voice/flows/{flow}/drafts", of=draft).headers["HX-Redirect"]
    assert "Versione 2 · bozza" in client.get(again).text


def test_what_is_wrong_is_listed_beside_the_drawing_and_hinders_publishing(sara: Any, client: Any) -> None:
    page, draft = drawn(sara, client)
    flow = page.rsplit("/", 1)[1]
    text = re.search(r'<textarea id="definition"[^>]*>(.*?)</textarea>', client.get(page).text, re.DOTALL)
    assert text is not None
    definition = json.loads(text.group(1).replace("&#34;", '"').replace("&#39;", "'"))
    definition["nodes"]["menu"]["otherwise"] = "nowhere"
    assert sara(f"/voice/versions/{draft}", flow=flow, definition=json.dumps(definition)).status_code == 204
    shown = client.get(page).text
    assert "porta a un passo che non c" in shown
    assert "<code>nowhere</code>" in shown
    refused = sara(f"/voice/versions/{draft}/publish", flow=flow)
    assert (refused.status_code, "ancora degli errori" in refused.text) == (422, True)


@pytest.mark.parametrize("definition", ["", "{", "[]", '{"start": 1}', '{"start":"a","operator":"a","nodes":{}}'])
def test_what_is_no_flow_is_refused_at_its_field(sara: Any, client: Any, definition: str) -> None:
    page, draft = drawn(sara, client)
    refused = sara(f"/voice/versions/{draft}", flow=page.rsplit("/", 1)[1], definition=definition)
    assert refused.status_code == 422
    said = refused.json()["fields"]["definition"]
    assert said
    assert not re.search(r"Expecting|should|required|valid", said)


def test_a_call_is_tried_in_words(sara: Any, client: Any) -> None:
    _, draft = drawn(sara, client)
    first = sara("/voice/try", version=draft, number=EMPOLI_LINE).text
    assert "Comune di Empoli" in first
    place = re.findall(r'name="place" value="(.*?)"', first)[0].replace("&#34;", '"')
    second = sara("/voice/try", version=draft, number=EMPOLI_LINE, place=place, said="").text
    assert "(silenzio)" in second
    third = sara("/voice/try", version=draft, number=EMPOLI_LINE, place=place, said="0").text
    assert "In coda:" in third
    assert sara("/voice/try", version=draft, number=EMPOLI_LINE, place="{}", said="0").status_code == 422
    assert sara("/voice/try", version=draft, number="+391", said="0").status_code == 422


def test_whoever_plays_chooses_whether_the_queues_are_full_and_the_caller_may_be_called(
    sara: Any, client: Any, cast: Cast
) -> None:  # fmt: skip
    page, draft = drawn(sara, client)
    nodes = {
        "queue": {"kind": "queue", "queue": cast.operator, "full": "machine"},
        "machine": {"kind": "voicemail", "queue": cast.operator, "otherwise": "bye"},
        "bye": {"kind": "goodbye", "text": {"it": "Richiami domani."}},
    }
    written = json.dumps({"start": "queue", "operator": "queue", "nodes": nodes})
    assert sara(f"/voice/versions/{draft}", flow=page.rsplit("/", 1)[1], definition=written).status_code == 204
    assert "le code fossero piene" in client.get(page).text

    def heard(**chosen: str) -> str:
        return str(sara("/voice/try", version=draft, number=EMPOLI_LINE, caller=MARIO_MOBILE, **chosen).text)

    assert "In coda:" in heard()
    assert "La richiamiamo al numero" in heard(full="yes")
    assert "Richiami domani." in heard(full="yes", uncalled="yes")


def test_an_emergency_is_kept_ready_and_switched_on(sara: Any, client: Any) -> None:
    assert sara("/voice/emergencies", contract=1, it="Allerta meteo.", ends="yes").status_code == 204
    shown = client.get("/voice").text
    assert "Accendi adesso" in shown
    (message,) = set(re.findall(r"/voice/emergencies/(\d+)", shown))
    assert sara(f"/voice/emergencies/{message}", on="yes").status_code == 204
    assert "Spegni" in client.get("/voice").text
    shown = client.get("/wallboard").text
    assert ("Messaggio di emergenza acceso" in shown, "Allerta meteo." in shown) == (True, True)
    assert sara("/voice/emergencies", contract=1, it="").json()["fields"]["it"]


def test_an_emergency_is_corrected_while_it_is_heard_and_thrown_away_after(sara: Any, client: Any) -> None:
    sara("/voice/emergencies", contract=1, it="Allerta meteo.", en="Weather alert.", de="Wetterwarnung.")
    assert "Non c'è in:" not in client.get("/voice").text
    (message,) = set(re.findall(r"/voice/emergencies/(\d+)", client.get("/voice").text))
    sara(f"/voice/emergencies/{message}", on="yes")
    assert sara(f"/voice/emergencies/{message}/rewrite", it="Allerta rossa.").status_code == 204
    shown = client.get("/voice").text
    assert "Non c'è in: inglese, tedesco." in re.sub(r"\s+", " ", shown)
    assert "Allerta rossa." in client.get("/wallboard").text
    assert sara(f"/voice/emergencies/{message}/rewrite", it="").json()["fields"]["it"]
    assert sara(f"/voice/emergencies/{message}/remove").status_code == 409
    sara(f"/voice/emergencies/{message}")
    assert sara(f"/voice/emergencies/{message}/remove").status_code == 204
    assert "Allerta rossa." not in client.get("/voice").text
    assert sara(f"/voice/emergencies/{message}/remove").status_code == 404


@pytest.mark.parametrize("username", ["anna", "vera"])
def test_nobody_else_draws(client: Any, username: str) -> None:
    let_in(client, username)
    assert client.get("/voice").status_code == 403
    assert client.get("/voice/flows/1").status_code == 403

"""A draft of a voice flow, changed by forms."""

import json
import re
from html import unescape
from typing import Any

import pytest

from tests.web.conftest import csrf_of, let_in

pytestmark = pytest.mark.integration


class Editor:
    """Sara, at a draft of hers."""

    def __init__(self, client: Any) -> None:
        let_in(client, "sara")
        self.client = client
        self.headers = {"X-CSRF-Token": csrf_of(client), "HX-Request": "true"}
        self.page = self.post("/voice/flows", contract=1, name="Prova").headers["HX-Redirect"]
        self.draft = re.findall(r"/voice/versions/(\d+)", self.shown())[0]

    def post(self, path: str, **fields: Any) -> Any:
        return self.client.post(path, data=fields, headers=self.headers)

    def at(self, what: str, **fields: Any) -> Any:
        """Something of the draft's."""
        return self.post(f"/voice/versions/{self.draft}/{what}", **fields)

    def shown(self, node: str = "") -> str:
        return str(self.client.get(f"{self.page}?node={node}").text)

    def nodes(self) -> dict[str, Any]:
        text = re.search(r'<textarea id="definition"[^>]*>(.*?)</textarea>', self.shown(), re.DOTALL)
        assert text is not None
        nodes: dict[str, Any] = json.loads(unescape(text.group(1)))["nodes"]
        return nodes

    def form(self, node: str) -> dict[str, str]:
        """What a browser would send of a node's form."""
        page = self.shown(node)
        form = page[page.index('class="node-form"') :]
        form = form[: form.index("</form>")]
        sent = {
            unescape(name): unescape(text)
            for name, text in re.findall(r'<textarea[^>]* name="([^"]+)"[^>]*>(.*?)</textarea>', form, re.DOTALL)
        }
        for name, options in re.findall(r'<select[^>]* name="([^"]+)"[^>]*>(.*?)</select>', form, re.DOTALL):
            chosen = re.search(r'value="([^"]*)" selected', options) or re.search(r'value="([^"]*)"', options)
            assert chosen is not None
            sent[name] = chosen.group(1)
        for attributes in re.findall(r"<input([^>]*)>", form):
            name, value = (re.search(rf'{one}="([^"]*)"', attributes) for one in ("name", "value"))
            assert name is not None
            if 'type="checkbox"' not in attributes or " checked" in attributes:
                sent[name.group(1)] = unescape(value.group(1)) if value else ""
        return sent


@pytest.fixture
def editor(client: Any) -> Editor:
    return Editor(client)


def test_each_node_has_a_form_that_changes_nothing_when_it_is_saved_as_it_is(editor: Editor) -> None:
    before = editor.nodes()
    for node in before:
        assert editor.at(f"nodes/{node}", **editor.form(node), do="save").status_code == 204
    assert editor.nodes() == before
    assert re.search(r'data-key="z" disabled', editor.shown())  # nothing to undo


def test_a_message_is_corrected_and_taken_back(editor: Editor) -> None:
    answer = editor.at("nodes/saluto", **{**editor.form("saluto"), "text.it": "Benvenuti."})
    assert answer.headers["HX-Refresh"] == "true"
    assert editor.nodes()["saluto"]["text"] == {"it": "Benvenuti."}
    assert editor.at("undo").status_code == 204
    assert editor.nodes()["saluto"]["text"]["it"].startswith("Buongiorno")
    assert editor.at("undo").status_code == 409


def test_a_menu_gets_a_choice_that_leads_to_a_new_node(editor: Editor) -> None:
    made = editor.at("nodes", kind="message", name="Orario degli uffici")
    assert "node=orario-degli-uffici" in made.headers["HX-Redirect"]
    assert "nessuna strada porta qui" in editor.shown("orario-degli-uffici")
    added = editor.at("nodes/menu", **editor.form("menu"), do="add")
    assert added.headers["HX-Redirect"].endswith("focus=last")
    choices = editor.nodes()["menu"]["choices"]
    n = len(choices) - 1
    assert choices[n]["digit"] == "2"
    problems = editor.shown("menu")
    assert f'id="f-choices-{n}-label-it"' in problems
    assert "manca il testo" in problems
    filled = {**editor.form("menu"), f"choices.{n}.label.it": "gli orari", f"choices.{n}.words.it": "orari, uffici"}
    filled[f"choices.{n}.next"] = "orario-degli-uffici"
    assert editor.at("nodes/menu", **filled, do=f"up:{n}").status_code == 204
    first = editor.nodes()["menu"]["choices"][n - 1]
    assert (first["label"]["it"], first["words"]) == ("gli orari", {"it": ["orari", "uffici"]})
    editor.at("nodes/orario-degli-uffici", **{**editor.form("orario-degli-uffici"), "text.it": "La mattina."})
    assert "Nessun errore." in editor.shown()
    flow = editor.page.rsplit("/", 1)[1]
    assert editor.at("publish", flow=flow).status_code == 204
    assert "Cambia la bozza" not in editor.shown()  # what was published does not change
    assert editor.at("nodes/saluto", **{"text.it": "No."}).status_code == 409


def test_appointments_are_a_node_like_others_and_it_is_told_that_nothing_is_booked_so_yet(editor: Editor) -> None:
    editor.at("nodes", kind="appointment", name="Appuntamenti")
    wanted = {"by_word": "yes", "nothing": "chiuso", "attempts": "2", "text.it": "Appuntamenti allo sportello."}
    assert editor.at("nodes/appuntamenti", **editor.form("appuntamenti") | wanted, do="save").status_code == 204
    node = editor.nodes()["appuntamenti"]
    assert (node["by_word"], node["nothing"], node["attempts"]) == (True, "chiuso", 2)
    assert node["text"] == {"it": "Appuntamenti allo sportello."}
    assert "nessun servizio si prenota dal risponditore" in editor.shown("appuntamenti")


def test_a_third_language_stands_beside_the_others_and_is_wanted_everywhere(editor: Editor) -> None:
    fields = {"start": "saluto", "operator": "operatore", "usual": "it", "speaks-it": "1", "speaks-de": "1"}
    assert editor.at("whole", **fields).status_code == 204
    shown = editor.shown("saluto")
    assert 'name="text.it"' in shown
    assert 'name="text.de"' in shown
    assert "manca il testo" in shown
    assert editor.at("whole", **{**fields, "usual": "en"}).json()["fields"]["usual"]


def test_a_node_is_removed_and_what_led_there_is_to_be_corrected(editor: Editor) -> None:
    assert editor.at("nodes/menu/remove").status_code == 204
    assert "porta a un passo che non c" in editor.shown("orari")
    assert "(non c'è più)" in editor.shown("orari")
    assert editor.at("nodes/saluto/remove").status_code == 409
    assert editor.at("nodes/menu/remove").status_code == 404


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"attempts": "tre"}, "attempts"),
        ({"attempts": "99"}, "attempts"),
        ({"choices.0.digit": "#"}, "choices.0.digit"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_nothing_is_lost(
    editor: Editor, changed: dict[str, str], field: str
) -> None:
    refused = editor.at("nodes/menu", **{**editor.form("menu"), **changed})
    assert (refused.status_code, list(refused.json()["fields"])) == (422, [field])


def test_a_name_that_is_taken_or_no_name_is_refused_at_its_field(editor: Editor) -> None:
    for name in ("", "menu"):
        assert editor.at("nodes", kind="message", name=name).json()["fields"]["name"]
    assert editor.at("nodes", kind="nothing", name="x").status_code == 404


def test_an_agent_changes_nothing(editor: Editor, client: Any) -> None:
    client.cookies.clear()
    let_in(client, "anna")
    editor.headers["X-CSRF-Token"] = csrf_of(client)
    assert editor.at("nodes/saluto", **{"text.it": "No."}).status_code in {403, 404}
    assert editor.at("undo").status_code in {403, 404}

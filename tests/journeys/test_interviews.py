"""Interviews by the keyboard alone, typed as fast as the keys go: nothing waits between them."""

import csv
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, expect

from outbound.cati.templates import template
from tests.journeys.conftest import Centre, Desk, give_credentials
from tests.journeys.test_pages import assert_accessible
from tests.outbound.cati.forms import book

pytestmark = pytest.mark.journey
EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
SitDown = Callable[..., Desk]
MARKS = [{"list_name": "mark", "name": f"m{n}", "label": str(n)} for n in range(1, 6)]
QUESTIONS = [
    {"type": "note", "name": "hello", "label": "Buongiorno."},
    {"type": "select_one mark", "name": "first", "label": "La prima?", "required": "yes"},
    {"type": "integer", "name": "age", "label": "Quanti anni ha?", "constraint": ". < 120", "constraint_message": "No"},
    {"type": "select_multiple mark", "name": "many", "label": "Quali?"},
    {"type": "text", "name": "why", "label": "Perché?"},
    {"type": "rank mark", "name": "order", "label": "In che ordine?"},
    {"type": "text", "name": "more", "label": "Altro?", "appearance": "multiline"},
    {"type": "select_one mark", "name": "last", "label": "L'ultima?"},
]


def types(page: Page, keys: str) -> None:
    """Every key, with nothing waited for; in quotes what is typed letter by letter."""
    for quoted, key in re.findall(r"'([^']*)'|(\S+)", keys):
        page.keyboard.press(key) if key else page.keyboard.type(quoted)


def _published(sara: Page, content: bytes) -> str:
    """A questionnaire in use; its address."""
    sara.goto("/questionnaires")
    sara.set_input_files("input[type=file]", files=[{"name": "prova.xlsx", "mimeType": EXCEL, "buffer": content}])
    sara.locator("form:has(input[type=file]) button").click()
    sara.get_by_role("button", name=re.compile("uso")).first.click()
    expect(sara.get_by_role("heading", name="Interviste")).to_be_visible()
    return sara.url


def _begun(page: Page, where: str) -> None:
    page.goto(where)
    page.get_by_role("button", name=re.compile("omincia")).first.press("Enter")
    expect(page).to_have_url(re.compile("/interviews/"))
    expect(page.locator("#interview [autofocus]")).to_be_focused()


def asked(page: Page, words: str) -> None:
    expect(page.locator(".asked")).to_contain_text(words)
    expect(page.locator("#interview:not([data-fresh], [aria-busy])")).to_be_attached()


def _paused(page: Page) -> None:
    """Whoever is told that keys did not count stops, and looks."""
    expect(page.locator("#interview:not([data-deaf], [data-fresh])")).to_be_attached()


def concluded(page: Page) -> None:
    expect(page.get_by_role("heading", name="Tutte le domande hanno una risposta")).to_be_visible()
    expect(page.locator("#interview:not([data-fresh], [aria-busy])")).to_be_attached()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Intervista conclusa")).to_be_visible()


def _rows(sara: Page, where: str, name: str) -> list[dict[str, str]]:
    """A file of a questionnaire, read."""
    sara.goto(where)
    with sara.expect_download() as taken:
        sara.get_by_role("link", name=name).first.click()
    with taken.value.path().open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file, delimiter=";"))


def test_an_interview_is_led_by_keyboard_left_and_gone_on_with_by_a_colleague(sit_down: SitDown) -> None:
    sara = sit_down("sara").page
    where = _published(sara, template("satisfaction_keys"))
    expect(sara.locator("#keys-head ~ p")).to_contain_text("si può compilare anche con i tasti")

    anna = sit_down("anna").page
    _begun(anna, where)
    assert_accessible(anna)
    types(anna, "Enter 1 Enter 1 Enter 5 Enter Alt+ArrowLeft Alt+ArrowRight")
    asked(anna, "tempo di attesa")
    expect(anna.locator("#told")).to_have_text(re.compile(r"Domande: 4 su \d+"))
    assert_accessible(anna)
    types(anna, "Alt+x")
    expect(anna.locator("#disposition")).to_be_focused()
    anna.get_by_role("button", name="Salva l'esito").press("Enter")
    expect(anna.get_by_role("heading", name="Intervista interrotta")).to_be_visible()

    luca = sit_down("luca").page
    luca.goto(anna.url)
    types(luca, "Enter 4 Enter 5 Enter 5 Enter 1 Enter 2 Enter Enter")
    concluded(luca)
    last = _rows(sara, where, "Risposte (CSV)")[-1]
    assert (last["disposition"], last["mode"]) == ("1.1", "telephone")
    given = ("consent", "channel", "overall", "wait", "courtesy", "clarity", "solved", "times")
    assert [last[name] for name in given] == ["yes", "phone", "5", "4", "5", "5", "yes", "2"]


def test_whatever_is_asked_is_answered_as_fast_as_somebodytypes(sit_down: SitDown) -> None:
    """Over a link of a fifth of a second, the first key before there is an interview; each of its steps is written down
    once, in its order.
    """
    sara, anna = sit_down("sara").page, sit_down("anna").page
    where = _published(sara, book(QUESTIONS, MARKS, [{"form_title": "In fretta"}]))
    anna.goto(where)
    anna.get_by_role("button", name="Comincia un'intervista").focus()
    network = anna.context.new_cdp_session(anna)
    slow = {"offline": False, "latency": 200, "downloadThroughput": -1, "uploadThroughput": -1}
    network.send("Network.enable")
    network.send("Network.emulateNetworkConditions", slow)
    types(anna, "Enter Enter 2 Enter 'q4' Backspace Backspace '41' Enter 1 3 3 4 Enter 'Attesa, 2 volte' Enter")
    types(anna, "2 Tab 1 Tab 3 Tab 5 Tab 4 Enter 'Prima riga' Enter '2' Control+Enter 5 Enter")
    expect(anna).to_have_url(re.compile("/interviews/"))
    concluded(anna)
    (row,) = _rows(sara, where, "Risposte (CSV)")
    names = ("first", "age", "many", "why", "order", "last")
    assert row["more"].splitlines() == ["Prima riga", "2"]
    assert [row[name] for name in names] == ["m2", "41", "m1 m4", "Attesa, 2 volte", "m2 m1 m3 m5 m4", "m5"]
    steps = _rows(sara, where, "Paradati")
    questions = [("answered", str(one["name"])) for one in QUESTIONS]
    assert [(one["deed"], one["path"]) for one in steps] == [("began", ""), *questions, ("finished", "1.1")]
    took = [float(one["seconds"].replace(",", ".")) for one in steps if one["deed"] == "answered"]
    assert all(0 < one < 30 for one in took), "each since the one before was saved"


def test_what_was_typed_for_another_question_counts_for_nothing(sit_down: SitDown) -> None:
    sara, anna = sit_down("sara").page, sit_down("anna").page
    where = _published(sara, book(QUESTIONS, MARKS, [{"form_title": "Con calma"}]))
    _begun(anna, where)
    types(anna, "Enter 2 Enter '200' Enter 1 Enter 'Ecco' Enter 3")
    expect(anna.locator("#wrong")).to_have_text("No")
    expect(anna.locator("#notice")).to_contain_text("gli ultimi tasti non contano")
    expect(anna.locator("#said")).to_have_value("200")
    assert_accessible(anna)
    _paused(anna)
    types(anna, "'41' Enter Enter Enter")  # the second and the third Enter are of the same answer
    asked(anna, "Quali?")
    expect(anna.locator("#notice")).to_contain_text("gli ultimi tasti non contano")
    _paused(anna)
    types(anna, "Enter 'x'")  # nothing is chosen, and that is an answer; whoever was interviewed says a word
    asked(anna, "Perché?")
    expect(anna.locator("#said")).to_have_value("x")


def test_an_answer_that_does_not_arrive_is_still_there(sit_down: SitDown) -> None:
    """The link is gone; another tab went on; she signed out in it: each time she is told, and goes on."""
    sara, anna = sit_down("sara").page, sit_down("anna").page
    where = _published(sara, book(QUESTIONS, MARKS, [{"form_title": "Interrotta"}]))
    _begun(anna, where)
    types(anna, "Enter")
    asked(anna, "La prima?")
    anna.context.set_offline(True)
    types(anna, "2 Enter 4")
    expect(anna.locator(".not-taken")).to_contain_text("Il server non ha risposto")
    expect(anna.locator("[data-digit='2']")).to_be_checked()
    assert_accessible(anna)
    anna.context.set_offline(False)
    _paused(anna)
    types(anna, "Enter")
    asked(anna, "anni")

    other = anna.context.new_page()
    other.goto(anna.url)
    types(other, "'50' Enter")
    asked(other, "Quali?")
    types(anna, "'40' Enter 2")
    expect(anna.locator(".not-taken")).to_contain_text("Questa pagina non era aggiornata")
    expect(anna.locator("#said")).to_have_value("40")
    _paused(anna)
    types(anna, "Enter")  # on what leads there
    asked(anna, "Quali?")

    anna.context.clear_cookies()
    types(anna, "3 Enter")
    expect(anna.get_by_role("dialog")).to_contain_text("La sessione è finita")
    other.goto("/sign-in")
    give_credentials(other, "anna")
    expect(anna.get_by_role("dialog")).not_to_be_visible()
    expect(anna.locator("[data-digit='3']")).to_be_checked()
    types(anna, "Enter 'Cosa' Enter")
    asked(anna, "In che ordine?")

    anna.go_back()
    expect(anna).to_have_url(where)
    expect(anna.get_by_role("button", name="Comincia un'intervista")).to_be_visible()
    anna.wait_for_load_state("load")
    anna.go_forward()
    asked(anna, "In che ordine?")
    types(anna, "Alt+ArrowLeft")
    asked(anna, "Perché?")
    expect(anna.locator("#said")).to_have_value("Cosa")


def test_without_javascript_the_page_is_a_form(sit_down: SitDown, chromium: Browser, centre: Centre) -> None:
    sara = sit_down("sara").page
    where = _published(sara, book(QUESTIONS, MARKS, [{"form_title": "Senza"}]))
    cookies = sit_down("luca").page.context.storage_state()
    context = chromium.new_context(
        base_url=centre.web, locale="it-IT", storage_state={**cookies, "origins": []}, java_script_enabled=False
    )
    luca = context.new_page()
    _begun(luca, where)
    luca.get_by_role("button", name="Avanti").click()
    luca.get_by_label("2", exact=False).first.check()
    luca.get_by_role("button", name="Avanti").click()
    luca.get_by_label("Quanti anni").fill("130")
    luca.get_by_role("button", name="Avanti").click()
    expect(luca.locator("#wrong")).to_have_text("No")
    luca.get_by_label("Quanti anni").fill("30")
    luca.keyboard.press("Enter")
    expect(luca.locator(".asked")).to_contain_text("Quali?")
    context.close()

"""A conversation goes on as a questionnaire: the operator passes whoever is on the line to it, who answers by keys."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from outbound.cati.templates import template
from tests.journeys.conftest import Centre, Desk, eventually, identify, write_up
from tests.journeys.test_interviews import EXCEL
from tests.journeys.test_pages import assert_accessible
from web.demo.accounts import APPROVERS

pytestmark = pytest.mark.journey
SitDown = Callable[..., Desk]
ENTI = {"E625": "Comune di Livorno", "D403": "Comune di Empoli", "B962": "Comune di Scandicci"}


def survey(sit_down: SitDown, ente: str) -> str:
    """The address of one that runs: of everybody of the ente who owes something, with what keys can answer."""
    page = sit_down("sara").page
    page.goto("/questionnaires")
    file = {"name": "tasti.xlsx", "mimeType": EXCEL, "buffer": template("satisfaction_keys")}
    page.set_input_files("input[type=file]", files=[file])
    page.locator("form:has(input[type=file]) button").click()
    page.get_by_role("button", name=re.compile("uso")).first.click()
    expect(page.get_by_role("heading", name="Interviste")).to_be_visible()
    page.goto("/lists/new")
    page.fill("#name", "Da intervistare")
    page.select_option("#ente", label=ENTI[ente])
    expect(page.locator("#answer .list-count")).to_be_visible()
    page.keyboard.press("Alt+s")
    expect(page.locator("#list")).to_contain_text("Pronta")
    page.goto("/campaigns/new")
    page.fill("#name", "Soddisfatti?")
    page.select_option("#list_id", label=f"Da intervistare ({ENTI[ente]})")
    page.keyboard.press("Alt+s")
    expect(page).to_have_url(re.compile(r"/campaigns/\d+/edit$"))
    page.select_option("#purpose", "survey")
    page.select_option("#form_id", index=1)
    page.check("#by_ivr")
    page.select_option("#queue_id", index=1)
    page.select_option("#line", index=1)
    page.fill("#script-personal", "Buongiorno, le faccio qualche domanda sul servizio.")
    page.keyboard.press("Alt+s")
    expect(page).to_have_url(re.compile(r"/campaigns/\d+$"))
    page.get_by_role("button", name="Chiedi l'approvazione").click()
    expect(page.locator("#campaign")).to_contain_text("In attesa dell'ente")
    theirs = sit_down(next(one.username for one in APPROVERS if one.ente == ente)).page
    theirs.goto(page.url)
    theirs.get_by_role("button", name="Approva", exact=True).click()
    expect(theirs.locator("#campaign")).to_contain_text("Approvata")
    page.reload()
    page.get_by_role("button", name="Avvia").click()
    expect(page.locator(".campaign-states .is-ready dd")).not_to_have_text("0")
    return page.url


def answers(centre: Centre, sid: str) -> list[str]:
    """The citizen presses one, and the hash key where a number is asked for, to the end; what he has heard."""
    while True:
        asked = len(centre.heard(sid))
        centre.press(sid, "1#" if "cancelletto" in centre.heard(sid)[-1].split("Se preferisce")[0] else "1")
        eventually(
            lambda asked=asked: len(centre.heard(sid)) > asked or not centre.state(sid)["live"], "he hears what is next"
        )
        eventually(lambda: centre.state(sid)["gathering"] or not centre.state(sid)["live"], "a key is awaited")
        if not centre.state(sid)["live"]:
            return centre.heard(sid)


def test_who_agrees_answers_by_keys_and_the_operator_is_free(
    centre: Centre, sit_down: SitDown, citizen: dict[str, str]
) -> None:
    where = survey(sit_down, citizen["ente"])
    anna = sit_down("anna").ready()
    page = anna.page
    sid = centre.call(citizen["from"], citizen["line"], {"say_digits": "1"})
    page.locator("#answer").click()
    expect(page.locator("#phone")).to_contain_text("Siete in linea")
    expect(page.get_by_role("button", name="Passa al questionario automatico")).not_to_be_visible()
    identify(page)
    hand = page.get_by_role("button", name="Passa al questionario automatico")
    expect(hand).to_be_visible()
    assert_accessible(page)
    anna.shot("may-be-handed-over")
    page.on("dialog", lambda asked: asked.accept())
    hand.press("Enter")
    expect(page.locator("#phone")).to_contain_text("La chiamata è finita")
    anna.shot("handed-over")
    eventually(lambda: centre.state(sid)["gathering"], "he is asked")
    assert centre.heard(sid)[-1].startswith("Risponda con i tasti del telefono.")
    write_up(page)
    heard = answers(centre, sid)
    assert heard[-1].endswith("Grazie: il questionario è finito.")
    sara = sit_down("sara").page
    sara.goto(f"{where}/survey")
    with sara.expect_download() as taken:
        sara.get_by_role("link", name="Risposte (CSV)").click()
    (_, line) = taken.value.path().read_text("utf-8-sig").splitlines()
    assert ";1.1;ivr;" in line
    assert_accessible(sara)

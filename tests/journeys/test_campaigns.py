"""A campaign from the list to its start: the manager writes it, the ente approves it, the operator finds it."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import Desk
from tests.journeys.test_pages import assert_accessible

pytestmark = pytest.mark.journey
SCRIPT = "Buongiorno, chiamo per il Comune di Empoli."


def test_a_campaign_is_written_approved_by_the_ente_and_started(sit_down: Callable[..., Desk]) -> None:
    page = sit_down("sara").page
    page.goto("/lists/new")
    page.fill("#name", "Tutti, per la campagna")
    page.select_option("#ente", label="Comune di Empoli")
    expect(page.locator("#answer .list-count")).to_be_visible()
    page.keyboard.press("Alt+s")
    expect(page.locator("#list")).to_contain_text("Pronta")

    page.goto("/campaigns/new")
    page.fill("#name", "Solleciti TARI")
    page.select_option("#list_id", label="Tutti, per la campagna (Comune di Empoli)")
    page.keyboard.press("Alt+s")
    page.wait_for_url(re.compile(r"/campaigns/\d+/edit$"))
    assert_accessible(page)
    page.fill("#day-0", "mattina")
    page.keyboard.press("Alt+s")
    expect(page.locator("#day-0-error")).to_be_visible()
    page.fill("#day-0", "9:30-12:30")
    page.keyboard.press("Alt+s")
    page.wait_for_url(re.compile(r"/campaigns/\d+$"))
    where, its = page.url, page.locator("#campaign")
    page.get_by_role("button", name="Chiedi l'approvazione").click()
    expect(page.locator("#notice")).to_contain_text("manca")
    page.get_by_role("link", name="Scrivi che cosa fa").click()
    page.select_option("#queue_id", index=1)
    page.select_option("#line", index=1)
    page.fill("#script-personal", SCRIPT)
    page.keyboard.press("Alt+s")
    expect(its).to_contain_text("lunedì 9:30-12:30")
    page.get_by_role("button", name="Chiedi l'approvazione").click()
    expect(its).to_contain_text("In attesa dell'ente")

    theirs = sit_down("dirigente-empoli").page
    theirs.goto("/campaigns")
    theirs.get_by_role("link", name="Solleciti TARI").click()
    expect(theirs.locator("#campaign")).to_contain_text(SCRIPT)
    assert_accessible(theirs)
    theirs.get_by_role("button", name="Approva", exact=True).click()
    expect(theirs.locator("#campaign")).to_contain_text("Approvata")

    page.goto(where)
    page.get_by_role("button", name="Avvia").click()
    expect(its).to_contain_text("In corso")
    expect(its.locator(".campaign-states .is-ready dd")).not_to_have_text("0")
    assert_accessible(page)
    operator = sit_down("anna").page
    operator.goto("/calling")
    operator.get_by_role("row", name="Solleciti TARI").get_by_role("button").click()
    expect(operator.locator("#card")).to_contain_text(re.compile("È tuo fino|non si chiama|non c'è nessuno"))
    assert_accessible(operator)

    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Concludi").click()
    expect(its).to_contain_text("Conclusa")

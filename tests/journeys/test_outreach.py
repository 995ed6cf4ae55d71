"""A campaign's SMS as its manager writes it, and as its ente sees it before approving."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import Desk
from tests.journeys.test_pages import assert_accessible

pytestmark = pytest.mark.journey


def test_an_sms_is_written_counted_and_seen_on_real_contacts(sit_down: Callable[..., Desk]) -> None:
    page = sit_down("sara").page
    page.goto("/lists/new")
    page.fill("#name", "Tutti, per gli SMS")
    page.select_option("#ente", label="Comune di Empoli")
    expect(page.locator("#answer .list-count")).to_be_visible()
    page.keyboard.press("Alt+s")
    expect(page.locator("#list")).to_contain_text("Pronta")
    page.goto("/campaigns/new")
    page.fill("#name", "Promemoria per SMS")
    page.select_option("#list_id", label="Tutti, per gli SMS (Comune di Empoli)")
    page.keyboard.press("Alt+s")
    page.wait_for_url(re.compile(r"/campaigns/\d+/edit$"))
    page.select_option("#channel-0", "sms")
    page.keyboard.press("Alt+s")
    page.wait_for_url(re.compile(r"/campaigns/\d+$"))
    page.get_by_role("link", name="SMS ed e-mail").click()

    text, length = page.locator("#sms-personal-body"), page.locator("#sms-personal-length")
    text.press_sequentially("{ente}: ci chiami al {telefono} ж")
    expect(length).to_contain_text("70 caratteri")
    text.fill("{ente}: {nme}, ci chiami.")
    page.keyboard.press("Alt+s")
    expect(page.locator("#sms-personal-body-error")).to_contain_text("al carattere 9")
    text.fill("{ente}: buongiorno {nome}, ci chiami al {telefono}.")
    page.fill("#price-sms", "0,0365")
    page.get_by_label("Solo a chi ha dato il consenso").uncheck()
    page.keyboard.press("Alt+s")
    seen = page.get_by_role("region", name="Come arriva: SMS")
    expect(seen.locator(".outreach-message")).to_have_count(5)
    expect(seen).to_contain_text("Per non ricevere SMS: STOP")
    expect(seen).to_contain_text("€")
    assert_accessible(page)

    page.goto(page.url.removesuffix("/messages"))
    page.get_by_role("button", name="Chiedi l'approvazione").click()
    expect(page.locator("#campaign")).to_contain_text("In attesa dell'ente")
    theirs = sit_down("dirigente-empoli").page
    theirs.goto(f"{page.url}/messages")
    expect(theirs.locator(".outreach-message")).to_have_count(5)
    expect(theirs.get_by_role("button", name="Salva")).to_have_count(0)
    assert_accessible(theirs)

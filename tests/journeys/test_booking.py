"""A citizen on an ente's pages, with a telephone's browser: he books, with a script and without, sends a request, opens
a document that waits for him; every page of the first two is accessible.
"""

import re
from collections.abc import Callable

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.journeys.conftest import Centre, Desk, eventually
from tests.journeys.test_pages import assert_accessible

pytestmark = pytest.mark.journey


@pytest.mark.parametrize(("script", "width"), [(True, 390), (False, 320)])
def test_a_citizen_books_moves_and_cancels(
    centre: Centre, chromium: Browser, loopback: None, script: bool, width: int
) -> None:
    page = chromium.new_page(
        base_url=centre.web, viewport={"width": width, "height": 800}, locale="it-IT", java_script_enabled=script
    )

    def looked_at() -> None:
        if script:
            assert_accessible(page)
            assert page.evaluate("document.documentElement.scrollWidth") == width

    page.goto("/prenota/livorno")
    looked_at()
    page.locator(".picks a").first.click()
    looked_at()
    page.locator("#step .btn-primary").click()
    looked_at()
    page.locator(".wait a").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Lista d'attesa")
    looked_at()
    page.go_back()
    choose(page, 0)
    looked_at()
    expect(page.locator("#hold")).to_contain_text("ancora 5 minuti")
    page.locator("#hold button").click()
    expect(page.locator("#hold")).to_contain_text("ancora 5 minuti")
    page.locator("#step .onward .btn-primary").click()
    page.fill("#given_name", "Paola")
    page.fill("#email", "sbagliata")
    page.keyboard.press("Enter")  # goes on, and neither back nor to another language
    expect(page.locator("#surname-wrong")).to_be_visible()
    if script:
        expect(page.locator("#wrong")).to_be_focused()
    looked_at()
    page.fill("#surname", "Verdi")
    page.fill("#email", f"paola{width}@example.it")
    page.locator("#step .onward .btn-primary").click()
    looked_at()
    if script:
        expect(page.locator("[name=answer]")).to_have_value(re.compile(r"\d+"))  # the puzzle is solved beside
    page.locator("#step .onward .btn-primary").click()
    expect(page.locator(".ticket")).to_contain_text("Codice")
    expect(page.locator(".qr img")).to_be_visible()
    looked_at()
    booked = page.url
    page.get_by_label("4 stelle").check()
    page.locator(".rate button").click()
    page.get_by_label("Le indicazioni erano chiare").check()
    looked_at()
    page.get_by_role("button", name="Invia").click()
    expect(page.locator("main")).to_contain_text("Grazie")
    page.goto(booked)
    expect(page.locator(".rate")).to_have_count(0)
    page.get_by_role("link", name="Sposta").click()
    looked_at()
    choose(page, -1)
    expect(page.locator(".ticket")).to_contain_text("Codice")
    page.locator("summary").click()
    page.get_by_role("button", name="Sì, disdici").click()
    expect(page.locator("main")).to_contain_text("Disdetto")
    page.get_by_role("link", name="Reclami, segnalazioni e richieste").click()
    complain(page, looked_at)
    page.close()


def test_a_document_is_opened_with_a_code_and_its_case_tells_when(
    centre: Centre, chromium: Browser, loopback: None, sit_down: Callable[..., Desk]
) -> None:
    staff = sit_down("sara", "/cases/list?topic=information").page
    lucas = staff.locator("tbody tr", has_text="Luca Bini").locator("th a").all_inner_texts()
    staff.get_by_role("link", name=max(lucas, key=lambda one: int(one.partition("/")[2])), exact=True).click()
    name = staff.locator("#who-head a").inner_text()
    staff.set_input_files("#file", {"name": "piano.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7 x"})
    staff.get_by_role("button", name="Aggiungi", exact=True).click()
    expect(staff.get_by_text("Documento aggiunto.")).to_be_visible()  # on the page that is shown anew
    staff.locator("summary", has_text="Manda con codice").click()
    staff.get_by_label("piano.pdf").check()
    staff.get_by_role("button", name="Manda con codice").click()
    way = arrived(centre, r"/documenti/\S+")
    assert not re.search(f"piano|{'|'.join(name.split())}", way.string, re.IGNORECASE)

    page = chromium.new_page(base_url=centre.web, viewport={"width": 390, "height": 800}, locale="it-IT")
    page.goto(f"{way[0]}?lang=it")
    page.get_by_role("button", name="Manda il codice").click()
    page.fill("#code", arrived(centre, r"(\d{6})(?=.*minut)")[1])
    page.keyboard.press("Enter")
    expect(page.locator(".sent-files")).to_contain_text("piano.pdf")
    with page.expect_download() as opened:
        page.get_by_role("button", name="Apri").click()
    assert opened.value.suggested_filename == "piano.pdf"
    expect(staff.locator("#case-sheet")).to_contain_text("aperto il")
    page.close()


def arrived(centre: Centre, what: str) -> re.Match[str]:
    """The e-mail, else SMS, to a citizen that says this; the latest."""

    def found() -> re.Match[str] | None:
        mails = httpx.get(f"{centre.simulator}/simulator/mail", timeout=10).json()["mails"]
        texts = httpx.get(f"{centre.simulator}/simulator/texts", timeout=10).json()["phones"]
        words = (f"{one.get('subject', '')}\n{one['body']}" for one in (*mails, *texts))
        return next((match for one in words if (match := re.search(what, one))), None)

    eventually(lambda: found() is not None, f"a message says {what}")
    match = found()
    assert match is not None
    return match


def complain(page: Page, looked_at: Callable[[], None]) -> None:
    """He tells the ente what went wrong, adds a picture, and follows it by its number and code."""
    looked_at()
    page.get_by_label("Un reclamo o una segnalazione").check()
    page.locator("#step .onward .btn-primary").click()
    page.locator("#step .onward .btn-primary").click()
    expect(page.locator("#reasons-wrong")).to_be_visible()
    looked_at()
    page.fill("#reasons", "Il portone era chiuso")
    page.locator("#step .onward .btn-primary").click()
    page.set_input_files("#file", {"name": "portone.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7 x"})
    page.get_by_role("button", name="Aggiungi questo file").click()
    expect(page.locator(".sent-files")).to_contain_text("portone.pdf")
    looked_at()
    page.locator("#step .onward .btn-primary").click()
    looked_at()
    page.locator("#step .onward .btn-primary").click()
    looked_at()
    page.get_by_role("button", name="Manda la richiesta").click()
    number, code = page.locator(".ticket .code").all_inner_texts()
    looked_at()
    page.get_by_role("link", name="Segui una richiesta").click()
    page.fill("#number", number)
    page.fill("#code", code)
    page.keyboard.press("Enter")
    expect(page.locator(".ticket")).to_contain_text("L'abbiamo ricevuta")
    looked_at()


def choose(page: Page, nth: int) -> None:
    page.locator(".time input").nth(nth).check()
    page.locator("form .onward .btn-primary").last.click()

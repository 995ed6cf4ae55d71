"""Whatever is typed during a call is there again: after a process died, the tab was closed, the session ended."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import Centre, Desk, eventually, identify, write_up
from tests.journeys.test_pages import assert_accessible_in_both_looks
from web.demo.accounts import DEMO_PASSWORD

pytestmark = pytest.mark.journey
SitDown = Callable[..., Desk]
TYPED = {"#note": "Chiede delle rate", "#p-note": "Lo prova con la visura", "#a-notes": "Viene con la moglie"}


def goes_on(page: Page) -> None:
    """Where the telephone was away for too long the same call rings anew, and who he is is asked again."""
    page.add_locator_handler(page.locator("#answer"), lambda answer: answer.click())
    page.add_locator_handler(page.locator("#identify"), lambda: identify(page))


def signs_in(beside: Page, back: str = "") -> None:
    """In a tab of its own, which is closed again."""
    if back:
        beside.locator("[name=back]").evaluate("(field, back) => { field.value = back; }", back)
    beside.fill("#username", "anna")
    beside.fill("#password", DEMO_PASSWORD)
    beside.click("main button.primary")
    expect(beside.get_by_role("heading", name="Accesso fatto")).to_be_visible()
    beside.close()


def adds(page: Page, words: str) -> None:
    page.locator("#p-note").press("ControlOrMeta+End")
    page.keyboard.type(words)


def kept(page: Page, form: str) -> None:
    expect(page.locator(f"{form} .saved").first).to_be_visible()


def test_nothing_typed_in_a_call_is_lost_and_an_appointment_takes_three_keys(
    centre: Centre, sit_down: SitDown, citizen: dict[str, str]
) -> None:
    anna = sit_down("anna").ready()
    page = anna.page
    sid = centre.call(citizen["from"], citizen["line"], {"say_digits": "1"})
    page.locator("#answer").click()
    expect(page.locator("#phone")).to_contain_text("Siete in linea")
    page.locator("[name=speaker]").select_option("new")
    page.locator(".gate [name=name]").fill("Ugo D'Amico")
    kept(page, ".gate")
    beside = page.context.new_page()
    beside.goto("/console")
    expect(beside.locator(".gate [name=name]")).to_have_value("Ugo D'Amico")  # shown, as he speaks for somebody
    expect(beside.locator(".gate .resumed")).to_be_visible()
    beside.close()
    page.locator("[name=speaker]").select_option("")
    identify(page)
    expect(page.locator("#retract")).to_be_visible()

    # something in each form; opening another one closes the one before, and keeps what it held
    page.fill("#note", TYPED["#note"])
    kept(page, "form.notes")
    page.keyboard.press("Alt+g")
    page.locator(".follow-up-slot textarea").fill("Richiamare lunedì")
    kept(page, ".follow-up-slot")
    height, seen = page.locator("#talk").evaluate("one => [one.scrollHeight, one.clientHeight]")
    assert height == seen, "1366×768 without scrolling"
    page.keyboard.press("Alt+k")
    page.fill("#p-note", TYPED["#p-note"])
    page.locator(".card-box > summary").click()
    page.locator("summary", has_text="Aggiungi un indirizzo").click()
    page.fill("#address-street", "Via Nuova 1")
    page.keyboard.press("Alt+h")
    page.locator("#knowledge-found li button, #knowledge-found li a").first.click()
    page.locator(".useful summary").click()
    page.locator(".useful input[name=why]").fill("Mancano le date")
    kept(page, ".useful")
    page.keyboard.press("Alt+h")
    page.keyboard.press("Alt+5")
    assert_accessible_in_both_looks(page)
    page.locator(".times-told button").nth(1).click()
    page.fill("#a-notes", TYPED["#a-notes"])
    assert_accessible_in_both_looks(page)

    # a process dies while he types, and the tab is closed: the page that comes back has it all
    old = centre.pid("web")
    centre.kill("web")
    page.locator("#a-notes").press_sequentially(", alle dieci")
    eventually(lambda: centre.pid("web") != old, "web is started again")
    kept(page, ".appointment-form")
    context = page.context
    page.close()
    anna.page = page = context.new_page()
    page.goto("/console")
    goes_on(page)
    expect(page.locator("#phone")).to_contain_text("Siete in linea")
    expect(page.locator("#retract")).to_be_visible()
    expect(page.locator("#note")).to_have_value(TYPED["#note"])
    expect(page.locator("#a-notes")).to_have_value(TYPED["#a-notes"] + ", alle dieci")
    expect(page.locator("[data-opens=follow-up] .unfinished")).to_be_visible()
    if not page.locator(".follow-up-slot textarea").is_visible():
        page.keyboard.press("Alt+g")
    expect(page.locator(".follow-up-slot textarea")).to_have_value("Richiamare lunedì")
    expect(page.locator(".follow-up-slot .resumed")).to_be_visible()
    expect(page.locator("#address-street")).to_have_value("Via Nuova 1")
    expect(page.locator("[data-opens=correction] .unfinished")).to_be_visible()
    page.keyboard.press("Alt+k")
    expect(page.locator("#p-note")).to_have_value(TYPED["#p-note"])

    # the session ends: the page waits, the call goes on, and what is typed meanwhile arrives after the next sign-in
    page.wait_for_load_state("networkidle")  # an answer under way would bring the cookie back
    context.clear_cookies()
    adds(page, " della Camera di commercio")
    expect(page.locator("#signed-out")).to_be_visible()
    assert_accessible_in_both_looks(page)
    with context.expect_page() as opened:
        page.locator("#signed-out a").click()
    signs_in(opened.value)
    expect(page.locator("#signed-out")).to_be_hidden()
    expect(page.locator("#p-note")).to_have_value(TYPED["#p-note"] + " della Camera di commercio")
    kept(page, "#propose")
    expect(page.locator("#phone")).to_contain_text("Siete in linea")

    # in another tab he signs in once more, though he need not: this page goes on all the same
    beside = context.new_page()
    beside.goto("/sign-in")
    signs_in(beside, "/session/begun")
    adds(page, ", se serve")
    kept(page, "#propose")

    # nobody answers: whoever closes the page now is asked first
    page.route("**/drafts", lambda route: route.abort())
    adds(page, " altro")
    expect(page.locator("#propose .unsaved")).to_be_visible()
    with page.expect_event("dialog") as asked:
        page.close(run_before_unload=True)
    assert asked.value.type == "beforeunload"
    asked.value.dismiss()
    page.unroute("**/drafts")
    kept(page, "#propose")

    # given up, it is forgotten; then three keys: the key of appointments, a time's digit, Enter
    assert centre.state(sid)["live"]
    page.locator("#propose [data-draft-drop]").click()
    expect(page.locator("[data-opens=correction] .unfinished")).to_be_hidden()
    page.keyboard.press("Alt+5")
    page.locator(".appointment-form [data-draft-drop]").click()
    expect(page.locator(".appointment-form")).to_have_count(0)
    page.keyboard.press("Alt+5")
    expect(page.locator(".times-told button").first).to_be_focused()
    page.keyboard.press("3")
    expect(page.get_by_role("button", name="Prenota", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".appointment-made")).to_contain_text("Prenotato")
    expect(page.locator(".timeline")).to_contain_text("Appuntamento")
    page.keyboard.press("Alt+z")
    expect(page.locator("#propose")).to_contain_text("Appuntamento annullato")
    page.locator(".follow-up-slot [data-draft-drop]").click()
    page.keyboard.press("Alt+c")
    write_up(page)

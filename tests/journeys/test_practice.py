"""Somebody who has never seen the console takes his first call: from practice's first page to what is said of it."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import Desk
from tests.journeys.test_pages import assert_accessible, assert_accessible_in_both_looks

pytestmark = pytest.mark.journey

SitDown = Callable[..., Desk]
HEARD = "window.heard = []; speechSynthesis.speak = one => window.heard.push(one.text); 0"


@pytest.fixture
def trainee(sit_down: SitDown) -> Iterator[Page]:
    page = sit_down("anna").page
    page.get_by_role("link", name="Oppure mettiti alla prova").click()
    page.locator("#begin-practice").click()
    expect(page.locator(".stories li")).to_have_count(7)
    yield page
    if page.locator("#end-practice").count():
        page.locator("#end-practice").click()
        expect(page.locator("#go-ready")).to_contain_text("Pronto")


def says(page: Page, key: str) -> None:
    page.locator(f'.choices button[value="{key}"]').click()
    expect(page.locator(f'.choices button[value="{key}"]')).to_have_count(0)


def looks_right(page: Page) -> None:
    """In both looks, and marked."""
    assert_accessible_in_both_looks(page)
    panels = page.locator(".panel:visible:not(#knowledge)")
    assert panels.count() >= 3
    for panel in panels.all():
        expect(panel.locator(".practice-mark").first).to_be_visible()
    expect(page).to_have_title(re.compile("PROVA"))


def test_a_first_call_from_the_ring_to_what_is_said_of_it(trainee: Page) -> None:
    page = trainee
    looks_right(page)
    page.locator('.stories button[value="instalments"]').click()
    expect(page.locator("#answer")).to_be_focused()
    expect(page.locator(".advice")).to_contain_text("premi «Rispondi»")
    expect(page).to_have_title(re.compile("PROVA Chiamata in arrivo"))
    page.keyboard.press("Alt+r")
    expect(page.locator("#phone")).to_contain_text("Siete in linea")
    expect(page.locator("#speech-title")).to_be_focused()
    page.evaluate(HEARD)
    page.locator("#speak").check()
    says(page, "hello")
    expect(page.locator("#speech-title")).to_be_focused()  # not the next sentence: a key pressed twice says one
    expect(page.locator("#speech-log")).to_contain_text("Sono Gino Finti")
    assert page.evaluate("window.heard")[-1].startswith("Sono Gino Finti")
    expect(page.locator("#file")).not_to_contain_text("€")
    for question in ("ask:name", "ask:born"):
        says(page, question)
    for answer in page.locator('input[name="right"]').all()[:2]:
        answer.check()
    page.keyboard.press("Alt+i")
    expect(page.locator("#file")).to_contain_text("Resta da pagare")
    looks_right(page)

    page.reload()  # whatever happens to the tab, the call is where it was
    expect(page.locator("#speech-log")).to_contain_text("Sono Gino Finti")
    for sentence in ("late", "lapse", "bye"):
        says(page, sentence)
    page.keyboard.press("Alt+c")
    expect(page.locator("#topic")).to_be_focused()
    page.locator("#topic").select_option("instalments")
    page.locator("#note").fill("Paga oggi la terza rata")
    page.locator("#disposition").select_option("will_pay")
    page.keyboard.press("Alt+s")
    expect(page.locator(".debrief")).to_contain_text("Tutto giusto!")
    expect(page.locator(".debrief .primary")).to_be_focused()
    looks_right(page)
    page.goto("/console")
    expect(page.locator("#band")).to_contain_text("Ti metti alla prova")
    assert_accessible(page)

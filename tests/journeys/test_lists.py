"""What is promised in a call is done later; two contacts that are one person are merged, and separated again."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import Centre, Desk, write_up
from tests.journeys.test_pages import assert_accessible

pytestmark = pytest.mark.journey

SitDown = Callable[..., Desk]


def test_an_agent_promises_in_the_call_and_keeps_it_later(
    centre: Centre, sit_down: SitDown, citizen: dict[str, str]
) -> None:
    page = sit_down("anna").ready().page
    centre.call(citizen["from"], citizen["line"], {"say_digits": "1"})
    expect(page.locator("#answer")).to_be_focused()
    page.keyboard.press("Alt+r")
    expect(page.locator("#phone")).to_contain_text("Siete in linea")
    page.keyboard.press("Alt+g")
    kind = page.locator(".promise select[name=kind]")
    expect(kind).to_be_focused()
    kind.select_option("send")
    page.select_option(".promise select[name=day]", "chosen")
    page.locator(".promise .primary").click()
    chosen = page.locator(".promise input[name=chosen]")
    expect(chosen).to_have_accessible_description("Scegli il giorno.")
    expect(chosen).to_be_focused()
    page.select_option(".promise select[name=day]", "week")
    expect(page.locator(".promise .means")).to_contain_text("Entro:")
    page.fill(".promise textarea", "Copia della relata")
    assert_accessible(page)
    page.locator(".promise .primary").click()
    expect(page.locator(".promise .told")).to_contain_text("Attività annotata")
    expect(page.locator(".promise ul")).to_contain_text("Inviare")
    page.keyboard.press("Alt+c")
    write_up(page)

    later = sit_down("anna", "/follow-ups").page
    row = later.locator(".todo", has_text="Copia della relata").filter(has_text=citizen["name"])
    expect(row).to_be_visible()
    assert_accessible(later)
    later.keyboard.press("ArrowDown")
    expect(later.locator(".todo a.who").first).to_be_focused()
    row.locator("a.who").focus()
    later.keyboard.press("Alt+r")
    expect(row.locator("select[name=day]")).to_be_focused()
    later.keyboard.press("Escape")
    expect(row.locator("a.who")).to_be_focused()
    later.keyboard.press("Alt+s")
    expect(later.locator("#told")).to_contain_text("Fatto")
    expect(row).to_have_count(0)
    later.keyboard.press("Alt+z")
    expect(later.locator("#told")).to_contain_text("Tutto come prima")
    expect(row).to_be_visible()
    row.get_by_role("button", name="Fatto").click()
    expect(row).to_have_count(0)


def test_a_supervisor_merges_two_and_undoes_it(sit_down: SitDown) -> None:
    page = sit_down("sara", "/duplicates").page
    expect(page.locator('[data-search="done"]')).to_have_count(3)  # by the worker, since the start
    assert_accessible(page)
    page.keyboard.press("ArrowDown")
    pair = page.locator("#pairs .pair a").first
    expect(pair).to_be_focused()
    names = pair.inner_text()
    page.keyboard.press("Enter")
    expect(page.locator(".compare")).to_be_visible()
    expect(page.locator("tr.differs").first).to_contain_text("Codice fiscale")
    assert_accessible(page)
    page.fill("#reason", "Stessa persona, confermato al telefono")
    page.keyboard.press("Enter")
    page.wait_for_url("**/duplicates")
    merged = page.locator('[id^="merge-"]', has_text="confermato al telefono")
    expect(merged).to_be_visible()
    expect(page.locator('[id^="pair-"]').filter(has_text=names.split(" · ")[0])).to_have_count(0)
    merged.get_by_role("button", name="Separa di nuovo").click()
    expect(merged).to_have_count(0)
    expect(page.locator('[id^="pair-"] a').first).to_have_text(names)

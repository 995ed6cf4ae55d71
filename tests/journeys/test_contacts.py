"""The contact's card during a call: what the caller tells is written down, and a slip is taken back."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import Centre, Desk, identify, write_up
from tests.journeys.test_pages import assert_accessible

pytestmark = pytest.mark.journey

SitDown = Callable[..., Desk]
NEW = "+39 347 123 4567"


def test_a_new_mobile_is_told_the_old_one_is_wrong_and_calls_are_not_wanted(
    centre: Centre, sit_down: SitDown, citizen: dict[str, str]
) -> None:
    anna = sit_down("anna").ready()
    page = anna.page
    centre.call(citizen["from"], citizen["line"], {"say_digits": "1"})
    page.locator("#answer").click()
    expect(page.locator("#phone")).to_contain_text("Siete in linea")
    identify(page)
    expect(page.locator("#file")).to_contain_text("identificato")

    page.get_by_text("Scheda del contatto").click()
    card = page.locator("[data-card-holder]")
    old = card.locator('[id^="reach-"]', has_text="Telefono").first
    expect(old).to_contain_text("da verificare")
    page.keyboard.press("Alt+t")
    page.locator("#reach-value").fill("347 12")
    page.keyboard.press("Enter")
    expect(page.locator("#reach-value-error")).to_contain_text("Non è un numero di telefono")
    expect(page.locator("#reach-value")).to_have_value("347 12")
    page.locator("#reach-value").fill("347/1234567")
    page.keyboard.press("Enter")
    expect(card).to_contain_text(NEW)
    expect(page.locator('[id^="card-done-"]')).to_contain_text("Aggiunto.")

    old.get_by_role("button", name=re.compile("^errato")).click()
    expect(old.locator(".check-wrong")).to_be_visible()
    card.get_by_text("Non vuole essere chiamato").click()
    page.locator("#no-calls-why").fill("Lavora di notte")
    page.keyboard.press("Enter")
    expect(card.locator("#no-calls")).to_contain_text("Lavora di notte")
    assert_accessible(page)
    anna.shot("contact-card-in-call")
    page.keyboard.press("Alt+z")
    expect(card.locator("#no-calls")).to_have_count(0)
    expect(card).to_contain_text(NEW)
    page.keyboard.press("Alt+c")
    write_up(page)


def test_the_card_is_that_of_who_is_identified_though_somebody_else_was_proposed_first(
    centre: Centre, sit_down: SitDown, citizen: dict[str, str]
) -> None:
    anna = sit_down("anna").ready()
    page = anna.page
    centre.call(citizen["from"], citizen["line"], {"say_digits": "1"})
    page.locator("#answer").click()
    expect(page.locator("#phone")).to_contain_text("Siete in linea")
    first = page.locator(".proposal").get_attribute("data-contact")
    page.locator(".proposal .card-box > summary").click()
    expect(page.locator(".proposal .card-head")).to_be_visible()
    page.locator("#q").fill("rossi")
    page.locator("#results button").first.click()
    expect(page.locator(f'.proposal:not([data-contact="{first}"])')).to_be_visible()
    identify(page)
    expect(page.locator("#file")).to_contain_text("identificato")
    page.get_by_text("Scheda del contatto").click()
    expect(page.locator("[data-card-holder] .card-head")).to_be_visible()
    page.keyboard.press("Alt+c")
    expect(page.locator("[data-more-time]")).to_be_visible()
    before = page.locator("time[data-until]").get_attribute("data-until")
    page.keyboard.press("Alt+m")
    expect(page.locator("time[data-until]")).not_to_have_attribute("data-until", before or "")
    write_up(page)


def test_the_card_is_accessible_and_shows_what_a_colleague_writes(sit_down: SitDown) -> None:
    anna, luca = sit_down("anna"), sit_down("sara", "/wallboard")
    anna.page.goto("/mandates")
    assert_accessible(anna.page)
    anna.page.locator(".mandates td a").first.click()
    expect(anna.page.locator("[data-live]").first).to_have_attribute("data-live", "on")
    assert_accessible(anna.page)
    luca.page.goto(anna.page.url)
    luca.page.get_by_text("Segna che cosa è successo").click()
    luca.page.locator("#condition-kind").select_option("insolvent")
    luca.page.locator("#condition-note").fill("Tribunale di Firenze")
    luca.page.keyboard.press("Enter")
    expect(anna.page.locator(".sign-insolvent")).to_contain_text("Tribunale di Firenze")
    luca.page.keyboard.press("Alt+z")
    expect(anna.page.locator(".sign-insolvent")).to_have_count(0)
    anna.shot("contact-card")

"""The desk and the waiting room, in two browsers: a number is called, seen and spoken; the file opens beside it."""

from collections.abc import Callable
from datetime import datetime

import pytest
from playwright.sync_api import Browser, Page, expect

from crm.core.clock import ROME
from tests.journeys.conftest import Centre, Desk
from tests.journeys.test_pages import assert_accessible

pytestmark = pytest.mark.journey


def test_a_number_is_given_called_and_served(
    centre: Centre, chromium: Browser, sit_down: Callable[..., Desk]
) -> None:  # fmt: skip
    sara = sit_down("sara", "/desk/offices").page
    sara.goto("/screens")
    links = {}
    for kind in ("kiosk", "room"):
        form = sara.locator("form.grid-form").first
        form.locator("input[name=name]").fill(f"Ingresso {kind}")
        form.locator("select[name=kind]").select_option(kind)
        form.get_by_role("button").click()
        link = sara.locator(f'#made a[href*="/{kind}/"]')
        expect(link).to_be_visible()
        links[kind] = (link.get_attribute("href") or "").split("/", 3)[3]
    office = (sara.locator("form.grid-form").first.get_attribute("hx-post") or "").rsplit("/", 1)[1]
    open_today(sara, office)  # a kiosk keeps to the office's hours, a test to none
    room, kiosk = chromium.new_page(), chromium.new_page()
    kiosk.add_init_script("window.print = () => {}")
    room.goto(f"{centre.web}/{links['room']}")
    kiosk.goto(f"{centre.web}/{links['kiosk']}")
    assert_accessible(kiosk)
    kiosk.keyboard.type("ccccdddd")  # a reader types wherever the page was touched, and presses Enter
    kiosk.keyboard.press("Enter")
    expect(kiosk.locator(".kiosk-wrong:visible")).to_contain_text("non c'è tra gli appuntamenti di oggi")
    kiosk.get_by_role("link", name="Deutsch").click()
    expect(kiosk.locator("#booked")).to_have_text("Ich habe einen Termin")
    kiosk.wait_for_load_state()  # with its script
    kiosk.route("**/tickets", lambda route: route.abort())  # the server is being started anew
    kiosk.locator(".kiosk-services button").first.click()
    expect(kiosk.locator("#away")).to_be_visible()
    kiosk.unroute("**/tickets")
    kiosk.get_by_role("link", name="Italiano").click()
    expect(kiosk.locator("#booked")).to_have_text("Ho un appuntamento")
    kiosk.wait_for_load_state()
    kiosk.locator(".kiosk-services button").first.dblclick()  # one press or two, one number
    number = kiosk.locator(".kiosk-number").inner_text()
    assert_accessible(kiosk)
    anna = sit_down("anna", "/desk/offices").page
    anna.goto("/desk")
    anna.locator(".sit-desks button:enabled").first.click()
    expect(anna.locator(".is-next")).to_contain_text(number)
    expect(anna.locator("#queue-title .num")).to_have_text("1")
    for page in (anna, room):
        expect(page.locator("[data-live]").first).to_have_attribute("data-live", "on")
    anna.keyboard.press("Alt+p")
    expect(anna.locator("#desk-now")).to_contain_text(number)
    expect(room.locator("[data-call] strong").first).to_have_text(number)
    expect(room.locator("[data-room]")).to_have_attribute("data-said", f"Numero {number[0]} {number[1:]}, sportello 1")
    assert_accessible(room)
    anna.keyboard.press("Alt+r")
    expect(anna.locator("#done")).to_be_visible()
    assert_accessible(anna)
    anna.keyboard.press("Alt+c")
    expect(room.locator("[data-call]")).to_have_count(0)
    anna.locator("#leave").click()
    expect(anna.locator(".sit-desks").first).to_be_visible()
    room.close()
    kiosk.close()
    days = sara.locator("#days ~ ul li", has_text="Apertura di prova")
    before = days.count()
    days.first.get_by_role("button", name="Togli").click()
    expect(days).to_have_count(before - 1)


def open_today(page: Page, office: str) -> None:
    page.goto(f"/agendas/{office}/prepare")
    page.locator("#days ~ details summary").click()
    form = page.locator("#days ~ details form")
    form.locator("input[value=open]").check()
    form.locator("#first").fill(datetime.now(ROME).date().isoformat())
    form.locator("#opens").fill("00:00")
    form.locator("#closes").fill("00:00")
    form.locator("#words").fill("Apertura di prova")
    form.get_by_role("button").click()
    expect(page.locator("#days ~ ul")).to_contain_text("Apertura di prova")

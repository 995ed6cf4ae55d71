"""The ente's approver at work: a call seen live, a proposal decided, a closure agreed to, the access log."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import Centre, Desk, identify, write_up
from tests.journeys.test_pages import assert_accessible
from web.demo.accounts import APPROVERS, VIEWERS

pytestmark = pytest.mark.journey

SitDown = Callable[..., Desk]
PHONE = "0571 700987"


def test_the_approver_sees_a_call_decides_a_proposal_and_agrees_to_a_closure(
    centre: Centre, sit_down: SitDown, citizen: dict[str, str]
) -> None:
    approver = next(one.username for one in APPROVERS if one.ente == citizen["ente"])
    ada = sit_down(approver)  # he lands in his window
    window = ada.page.locator("#window")
    expect(window).to_contain_text("Nessuna chiamata in corso")
    assert_accessible(ada.page)

    anna = sit_down("anna").ready()
    centre.call(citizen["from"], citizen["line"], {"say_digits": "1"})
    anna.page.locator("#answer").click()
    expect(anna.page.locator("#phone")).to_contain_text("Siete in linea")
    expect(window.locator(".calls")).to_contain_text("In conversazione")
    identify(anna.page)
    expect(anna.page.locator("#file")).to_contain_text("identificato")
    expect(window.locator(".calls")).to_contain_text(citizen["name"])
    ada.shot("ente-window")

    anna.page.keyboard.press("Alt+k")
    expect(anna.page.locator("#p-what")).to_be_focused()
    anna.page.fill("#p-value", "12")
    anna.page.keyboard.press("Enter")
    expect(anna.page.locator("#p-value-error")).to_contain_text("Non è un numero di telefono")
    anna.page.fill("#p-value", PHONE)
    assert_accessible(anna.page)
    anna.page.keyboard.press("Enter")
    expect(anna.page.locator("#propose")).to_contain_text("Inviata all'ente")
    anna.page.keyboard.press("Alt+c")
    write_up(anna.page)

    ada.page.goto("/proposals")
    card = ada.page.locator("article.choice", has_text="0571 700987")
    expect(card).to_contain_text("Anna Rossi")
    assert_accessible(ada.page)
    ada.shot("proposals")
    card.locator("summary").click()
    expect(card).to_contain_text("Codice fiscale")
    card.locator("input[type=checkbox]").focus()
    ada.page.keyboard.press("Space")
    ada.page.keyboard.press("Alt+x")
    expect(ada.page.locator("#reason-error")).to_contain_text("Scrivi perché")
    ada.page.fill("#reason", "È di un altro")
    ada.page.keyboard.press("Alt+a")
    expect(ada.page.locator("#reason")).to_have_value("")  # it is not the next one's
    expect(ada.page.locator("#reason-error")).to_be_hidden()
    expect(ada.page.locator("article.choice", has_text="0571 700987")).to_have_count(0)
    expect(ada.page.locator("article", has_text="0571 700987")).to_contain_text("Accolta")

    viewer = sit_down(next(one.username for one in VIEWERS if one.ente == citizen["ente"]), "/proposals")
    expect(viewer.page.locator("#proposals")).to_contain_text("0571 700987")
    assert viewer.page.locator("input[type=checkbox]").count() == 0


def test_a_closure_is_asked_for_agreed_and_read_by_everybody(
    centre: Centre, sit_down: SitDown, citizen: dict[str, str]
) -> None:
    approver = next(one.username for one in APPROVERS if one.ente == citizen["ente"])
    ada = sit_down(approver, "/closures/plan")
    sara = sit_down("sara", "/closures/plan")
    page = sara.page
    page.locator("details.ask summary").click()
    page.get_by_role("button", name="Chiedi agli enti").click()
    expect(page.locator("[id^=starts-][id$=-error]").first).to_contain_text("Scegli il giorno")
    day = page.evaluate("new Date(Date.now() + 40 * 86400000).toISOString().slice(0, 10)")
    for box in page.locator("details.ask input[type=checkbox]").all():
        box.check()
    page.locator("[name=starts_on]").fill(day)
    page.locator("[name=ends_on]").fill(day)
    page.locator("[name=reason]").fill("Lavori elettrici")
    page.locator("[name=message]").fill("chiusi per lavori elettrici")
    assert_accessible(page)
    page.get_by_role("button", name="Chiedi agli enti").click()
    asked = ada.page.locator("article", has_text="Lavori elettrici")
    expect(asked).to_contain_text("Da approvare")
    assert_accessible(ada.page)
    ada.shot("closures")
    ada.page.on("dialog", lambda dialog: dialog.accept())
    asked.get_by_role("button", name="Approva", exact=True).click()
    expect(ada.page.locator("article", has_text="Lavori elettrici")).to_contain_text("Approvata")
    ada.page.goto("/closures")
    expect(ada.page.locator("main")).to_contain_text("Chiusi per lavori elettrici.")
    assert_accessible(ada.page)


@pytest.mark.parametrize(("username", "path"), [("toscana", "/ente"), ("admin", "/proposals")])
def test_a_page_of_many_enti_is_accessible(sit_down: SitDown, username: str, path: str) -> None:
    desk = sit_down(username, path)
    assert_accessible(desk.page)
    desk.shot(f"many-{username}")

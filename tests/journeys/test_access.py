"""People and access: a newcomer's first day, his last one, the register, and another organisation's sign-in."""

import re
from collections.abc import Callable, Iterator

import pyotp
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.journeys.conftest import Centre, Desk
from tests.journeys.test_pages import assert_accessible
from tests.oidc.server import provider

pytestmark = pytest.mark.journey

SitDown = Callable[..., Desk]
PHRASE = "mare di carta nel vento"


@pytest.fixture
def newcomer(centre: Centre, chromium: Browser, loopback: None) -> Iterator[Page]:
    """A browser in which nobody has signed in."""
    context = chromium.new_context(base_url=centre.web, viewport={"width": 1366, "height": 768}, locale="it-IT")
    page = context.new_page()
    yield page
    context.close()


def administer(sit_down: SitDown) -> Page:
    desk = sit_down("admin", "/imports")  # a page with a live sign, which signing in waits for
    desk.page.goto("/people")
    return desk.page


def create(admin: Page, name: str, username: str) -> str:
    """A user with the role of an agent; the link by which he chooses his password."""
    admin.goto("/people")
    admin.get_by_text("Nuovo utente").click()
    admin.fill("#new-name", name)
    admin.fill("#new-username", username)
    admin.keyboard.press("Enter")
    expect(admin.locator("h1")).to_have_text(name)
    admin.select_option("#grant-role", "agent")
    admin.get_by_role("button", name="Dai il ruolo").click()
    expect(admin.locator("tbody th", has_text="operatore")).to_be_visible()
    admin.get_by_role("button", name="Crea un link di accesso").click()
    return admin.locator("#one-time-link").input_value()


def sign_in(page: Page, username: str, password: str) -> None:
    page.goto("/sign-in")
    page.fill("#username", username)
    page.fill("#password", password)
    page.keyboard.press("Enter")


def test_a_newcomer_chooses_a_password_sets_up_two_steps_works_and_is_shut_out(
    sit_down: SitDown, newcomer: Page
) -> None:
    admin = administer(sit_down)
    assert_accessible(admin)
    link = create(admin, "Bruno Fabbri", "bruno")
    assert_accessible(admin)
    newcomer.goto(link)
    assert_accessible(newcomer)
    newcomer.fill("#password", PHRASE)
    newcomer.fill("#repeated", PHRASE)
    newcomer.keyboard.press("Enter")
    newcomer.click("#onward")
    sign_in(newcomer, "bruno", PHRASE)
    expect(newcomer.locator("#band")).to_be_visible()
    newcomer.goto("/me")
    assert_accessible(newcomer)
    newcomer.fill("#factor-current", PHRASE)
    newcomer.keyboard.press("Enter")
    secret = newcomer.locator("#factor .key").inner_text().replace(" ", "")
    assert_accessible(newcomer)
    newcomer.fill("#confirm-code", pyotp.TOTP(secret).now())
    newcomer.keyboard.press("Enter")
    recovery = newcomer.locator(".recovery code").first.inner_text()
    newcomer.goto("/")
    newcomer.locator(".menu summary").click()
    newcomer.get_by_role("button", name="Esci").click()
    sign_in(newcomer, "bruno", PHRASE)
    expect(newcomer.get_by_role("heading", name="Codice di verifica")).to_be_visible()
    assert_accessible(newcomer)
    newcomer.fill("#code", recovery)
    newcomer.keyboard.press("Enter")
    expect(newcomer.locator("[data-live]").first).to_have_attribute("data-live", "on")
    admin.on("dialog", lambda dialog: dialog.accept())
    admin.reload()
    admin.get_by_role("button", name="Disattiva").click()
    expect(newcomer).to_have_url(re.compile(r"/sign-in\?back="))  # within seconds, without touching it
    expect(admin.get_by_text("Questo utente è disattivato")).to_be_visible()


def test_an_ente_removes_somebody_and_his_page_closes(sit_down: SitDown, newcomer: Page) -> None:
    admin = administer(sit_down)
    newcomer.goto(create(admin, "Carlo Dini", "carlo"))
    newcomer.fill("#password", PHRASE)
    newcomer.fill("#repeated", PHRASE)
    newcomer.keyboard.press("Enter")
    newcomer.click("#onward")
    sign_in(newcomer, "carlo", PHRASE)
    expect(newcomer.locator("[data-live]").first).to_have_attribute("data-live", "on")
    approver = sit_down("dirigente-empoli", "/wallboard").page
    approver.goto("/staff")
    assert_accessible(approver)
    expect(approver.get_by_text("Inizia: Carlo Dini")).to_be_visible()
    approver.on("dialog", lambda dialog: dialog.accept())  # it asks whether Carlo Dini is meant
    row = approver.locator("tr", has_text="Carlo Dini")
    row.get_by_text("Allontana subito").first.click()
    row.locator("textarea:visible").fill("Modi sgarbati")
    with newcomer.expect_navigation():  # his page is closed, and opens again with less, without his doing anything
        row.locator("button:visible", has_text="Allontana subito").click()
    removed = approver.locator("section", has_text="Allontanati dall'ente")
    expect(removed.get_by_text("Carlo Dini").first).to_be_visible()
    expect(newcomer.locator("#band")).to_be_visible()


def test_another_organisation_s_sign_in_is_linked_and_used(centre: Centre, sit_down: SitDown, newcomer: Page) -> None:
    back, bye = f"{centre.web}/sign-in/from/prova", f"{centre.web}/sign-in"
    with provider(centre.issuer_port, back, bye):
        newcomer.goto("/sign-in")
        newcomer.get_by_role("link", name="Comune di prova").click()
        newcomer.fill("[name=login]", "anna.rossi")
        newcomer.fill("[name=password]", "x")
        newcomer.keyboard.press("Enter")
        expect(newcomer.get_by_role("alert")).to_contain_text("identificativo: anna.rossi")
        assert_accessible(newcomer)
        admin = administer(sit_down)
        admin.fill("#text", "anna")
        admin.keyboard.press("Enter")
        admin.get_by_role("link", name="Anna Rossi").click()
        admin.fill("#identity-subject", "anna.rossi")
        admin.keyboard.press("Enter")
        expect(admin.locator("code", has_text="anna.rossi")).to_be_visible()
        newcomer.get_by_role("link", name="Comune di prova").click()  # where he is signed in already
        expect(newcomer.locator("#band")).to_be_visible()
        newcomer.locator(".menu summary").click()
        newcomer.get_by_role("button", name="Esci").click()
        expect(newcomer.get_by_text("Sei uscito da Filodiretto, ma non da Comune di prova.")).to_be_visible()
        newcomer.get_by_role("link", name="Esci anche da lì").click()
        expect(newcomer).to_have_url(re.compile("/session/end"))

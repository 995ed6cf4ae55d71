"""The console with the keyboard alone: the focus is never lost, errors are at their field, Escape closes."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from tests.journeys.conftest import Centre, Desk, write_up
from tests.journeys.test_pages import assert_accessible

pytestmark = pytest.mark.journey

SitDown = Callable[..., Desk]


@pytest.fixture
def anna(sit_down: SitDown) -> Desk:
    return sit_down("anna").ready()


def answers(centre: Centre, page: Page, citizen: dict[str, str]) -> None:
    """A citizen calls, and Anna answers by key."""
    centre.call(citizen["from"], citizen["line"], {"say_digits": "1"})
    expect(page.locator("#answer")).to_be_focused()
    page.keyboard.press("Alt+r")
    expect(page.locator("#phone")).to_contain_text("Siete in linea")


def test_the_focus_goes_where_the_next_thing_is_done(centre: Centre, anna: Desk, citizen: dict[str, str]) -> None:
    page = anna.page
    answers(centre, page, citizen)
    expect(page.locator("#file-title")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator("select[name=speaker]")).to_be_focused()
    for _ in range(2):
        page.keyboard.press("Tab")
        page.keyboard.press("Space")
    page.keyboard.press("Enter")
    expect(page.locator("#file")).to_contain_text("€")
    expect(page.locator("#file-title")).to_be_focused()
    assert_accessible(page)

    page.keyboard.press("Alt+x")
    expect(page.locator("#file")).to_contain_text("non era lui/lei")
    expect(page.locator("#file")).not_to_contain_text("€")
    expect(page.locator("#q")).to_be_focused()
    page.keyboard.type(citizen["name"].split()[-1])
    expect(page.locator("#results button").first).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#results button")).to_have_count(0)
    expect(page.locator("#q")).to_be_focused()
    page.keyboard.type(citizen["name"].split()[-1])
    page.locator("#results button").first.press("Enter")
    expect(page.locator("#file")).to_contain_text("trovato con la ricerca")
    expect(page.locator("#results button")).to_have_count(0)
    expect(page.locator("#file-title")).to_be_focused()

    page.keyboard.press("Alt+c")
    expect(page.locator("#topic")).to_be_focused()
    page.keyboard.press("Alt+s")
    for name, error in (("topic", "Scegli l'argomento."), ("disposition", "Scegli l'esito.")):
        field = page.locator(f"#{name}")
        expect(field).to_have_attribute("aria-invalid", "true")
        expect(field).to_have_accessible_description(error)
    expect(page.locator("#topic")).to_be_focused()
    assert_accessible(page)
    page.select_option("#topic", "payment")
    expect(page.locator("#topic")).not_to_have_attribute("aria-invalid", "true")
    page.keyboard.press("Alt+s")
    expect(page.locator("#disposition")).to_be_focused()
    write_up(page)
    expect(page.locator("#talk-title")).to_be_focused()


def test_saved_again_before_the_refusal_is_here(centre: Centre, anna: Desk, citizen: dict[str, str]) -> None:
    page = anna.page
    answers(centre, page, citizen)
    page.keyboard.press("Alt+c")
    expect(page.locator("#save-ready")).to_be_visible()
    late: list[Route] = []

    def holds_the_first(route: Route) -> None:
        late.append(route)
        if len(late) > 1:
            route.continue_()

    page.route("**/console/wrap-up", holds_the_first)
    page.select_option("#topic", "payment")
    with page.expect_request("**/console/wrap-up"):
        page.keyboard.press("Alt+s")  # without an outcome
    page.select_option("#disposition", "answered")
    page.keyboard.press("Alt+s")
    late[0].continue_()
    expect(page.locator("#band")).to_have_class(re.compile("is-ready"))


def test_a_click_that_nobody_answers_is_told(anna: Desk) -> None:
    page = anna.page
    page.route("**/console/state", lambda route: route.abort("connectionreset"))
    page.get_by_role("button", name="Vai in pausa").click()
    expect(page.locator("#notice")).to_contain_text("Il server non ha risposto")
    page.unroute("**/console/state")
    page.get_by_role("button", name="Vai in pausa").click()
    expect(page.locator("#band")).to_have_class(re.compile("is-paused"))
    expect(page.locator("#notice")).to_be_hidden()
    anna.problems.clear()  # htmx says it in the browser's log too


def test_escape_closes_what_is_open(anna: Desk) -> None:
    page = anna.page
    menu = page.locator("details.menu")
    menu.locator("summary").click()
    expect(page.get_by_role("button", name="Esci")).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Esci")).to_be_hidden()
    expect(menu.locator("summary")).to_be_focused()
    page.keyboard.press("?")
    expect(page.locator("#shortcuts dl")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#shortcuts dl")).to_be_hidden()


def test_a_microphone_that_is_off_cannot_be_overlooked_and_no_news_turns_its_sign_off(
    centre: Centre, anna: Desk, citizen: dict[str, str]
) -> None:
    page = anna.page
    answers(centre, page, citizen)
    page.keyboard.press("Alt+m")
    expect(page.locator("#muted")).to_contain_text("Microfono spento")
    expect(page.locator("#mute")).to_have_attribute("aria-pressed", "true")
    assert_accessible(page)
    page.get_by_role("button", name="Pausa dopo la chiamata").click()  # regions are shown anew
    expect(page.locator("#later")).to_contain_text("pausa")
    page.locator("#cancel-later").click()
    expect(page.locator("#later")).to_have_count(0)
    expect(page.locator("#mute")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Alt+m")
    expect(page.locator("#muted")).to_be_hidden()
    page.keyboard.press("Alt+m")
    page.keyboard.press("Alt+c")
    expect(page.locator("#band")).to_have_class(re.compile("is-wrap_up"))
    expect(page.locator("#muted")).to_be_hidden()  # the next call begins with the microphone on
    write_up(page)


def test_a_key_is_moved_what_is_known_is_looked_up_and_both_are_accessible(
    centre: Centre, anna: Desk, citizen: dict[str, str]
) -> None:
    page = anna.page
    page.goto("/me/keys")
    assert_accessible(page)
    page.fill("#key-r", "i")
    page.get_by_role("button", name="Salva").click()
    expect(page.locator("#key-r-error")).to_have_text("Alt+I è già di «Identificato».")
    page.fill("#key-r", "7")
    page.get_by_role("button", name="Salva").click()
    expect(page.locator(".my-keys")).to_contain_text("era R")
    page.goto("/console")
    page.keyboard.press("?")
    expect(page.locator("#shortcuts")).to_contain_text("Alt+7")
    page.keyboard.press("Escape")
    anna.ready()
    centre.call(citizen["from"], citizen["line"], {"say_digits": "1"})
    expect(page.locator("#answer kbd")).to_have_text("Alt+7")
    page.keyboard.press("Alt+r")  # nobody's now
    page.keyboard.press("Alt+7")
    expect(page.locator("#phone")).to_contain_text("Siete in linea")
    page.keyboard.press("Alt+h")
    expect(page.locator("#knowledge-q")).to_be_focused()
    page.keyboard.type("ganasce")
    expect(page.locator("#knowledge-found button")).to_have_count(1)
    assert_accessible(page)
    page.locator("#knowledge-found button").press("Enter")
    expect(page.locator("#knowledge-read h2")).to_be_focused()
    assert_accessible(page)
    page.locator("#knowledge-read").get_by_role("button", name="Sì").click()
    expect(page.locator("#knowledge-read .useful")).to_contain_text("Grazie")
    page.keyboard.press("Alt+h")
    expect(page.locator("#knowledge")).to_be_hidden()
    page.keyboard.press("Alt+c")
    write_up(page)
    page.locator("#go-offline").click()
    page.goto("/me/keys")
    page.get_by_role("button", name="Rimetti quelli di tutti").click()
    expect(page.locator("#key-r")).to_have_value("R")
    page.goto("/console")

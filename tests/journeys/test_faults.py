"""Processes killed at once, in the middle of a call: neither the call nor its measurement is lost."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import Centre, Desk, eventually, today, write_up
from web.demo.accounts import DEMO_PASSWORD

pytestmark = pytest.mark.journey

SitDown = Callable[..., Desk]


@pytest.mark.parametrize("victim", ["web", "web-2", "engine", "worker", "redis"])
def test_a_process_is_killed_during_a_conversation(
    centre: Centre,
    sit_down: SitDown,
    citizen: dict[str, str],
    victim: str,
) -> None:
    board = sit_down("sara", "/wallboard", 1920, 1080)
    anna = sit_down("anna").ready()
    before = today(board.page)
    sid = centre.call(citizen["from"], citizen["line"], {"say_digits": "1"})
    anna.page.locator("#answer").click()
    expect(anna.page.locator("#phone")).to_contain_text("Siete in linea")
    anna.page.fill("#note", f"prima che {victim} cadesse")
    expect(anna.page.locator("[id^=notes-] .saved")).to_be_visible()
    old, counted = centre.pid(victim), centre.counted("filodiretto_http_requests_total")
    centre.kill(victim)
    eventually(lambda: centre.pid(victim) != old, f"{victim} is started again")
    assert centre.counted("filodiretto_http_requests_total") >= counted, "a counter never falls"
    assert centre.state(sid)["live"]
    expect(anna.page.locator("[data-live]").first).to_have_attribute("data-live", "on", timeout=60_000)
    expect(anna.page.locator("#note")).to_have_value(f"prima che {victim} cadesse")
    centre.hang_up(sid)
    expect(anna.page.locator("#band")).to_contain_text("Lavoro successivo", timeout=30_000)
    write_up(anna.page)
    expected = before | {"received": before["received"] + 1, "answered": before["answered"] + 1}
    eventually(lambda: today(board.page) == expected, "the call was counted, once", 30)


@pytest.mark.parametrize("victim", ["web", "engine", "redis"])
def test_a_process_is_killed_while_a_caller_waits(
    centre: Centre,
    sit_down: SitDown,
    citizen: dict[str, str],
    victim: str,
) -> None:
    board = sit_down("sara", "/wallboard", 1920, 1080)
    before = today(board.page)
    sid = centre.call(citizen["from"], citizen["line"], {"say_digits": "0"})
    expect(board.page.locator(".figure .big").first).to_have_text("1")
    centre.kill(victim)
    anna = sit_down("anna").ready()
    expect(anna.page.locator("#answer")).to_be_visible(timeout=30_000)
    anna.page.keyboard.press("Alt+r")
    expect(anna.page.locator("#phone")).to_contain_text("Siete in linea", timeout=30_000)
    assert centre.state(sid)["live"]
    anna.page.keyboard.press("Alt+c")
    write_up(anna.page)
    expected = before | {"received": before["received"] + 1, "answered": before["answered"] + 1}
    eventually(lambda: today(board.page) == expected, "the call was counted, once", 30)


def test_a_session_ends_during_a_conversation_and_what_was_typed_is_there_after_the_next_sign_in(
    centre: Centre, sit_down: SitDown, citizen: dict[str, str]
) -> None:
    anna = sit_down("anna").ready()
    sid = centre.call(citizen["from"], citizen["line"], {"say_digits": "1"})
    anna.page.locator("#answer").click()
    expect(anna.page.locator("#phone")).to_contain_text("Siete in linea")
    anna.page.fill("#note", "prima della scadenza")
    expect(anna.page.locator("[id^=notes-] .saved")).to_be_visible()
    typed = _until_the_session_is_over(anna.page)
    assert typed != "prima della scadenza"
    with anna.page.context.expect_page() as opened:  # the page waits, with the telephone in it
        anna.page.locator("#signed-out a").click()
    beside = opened.value
    beside.fill("#username", "anna")
    beside.fill("#password", DEMO_PASSWORD)
    beside.click("main button.primary")
    expect(beside.get_by_role("heading", name="Accesso fatto")).to_be_visible()
    beside.close()
    expect(anna.page.locator("#signed-out")).to_be_hidden()
    expect(anna.page.locator("#note")).to_have_value(typed)
    expect(anna.page.locator("[id^=notes-] .saved")).to_be_visible()
    expect(anna.page.locator("#phone")).to_contain_text("Siete in linea")
    assert centre.state(sid)["live"]
    anna.page.reload()
    expect(anna.page.locator("#note")).to_have_value(typed)  # the server has it
    expect(anna.page.locator("#phone")).to_contain_text("Siete in linea")
    anna.page.keyboard.press("Alt+c")
    write_up(anna.page)


def _until_the_session_is_over(page: Page) -> str:
    """Type on while its life ends: whatever is asked is refused, once no answer under way brings the cookie back.

    What stands in the field then."""
    for _ in range(20):
        page.context.clear_cookies()
        page.locator("#note").press("e")
        page.wait_for_timeout(2_000)  # longer than the pause after which what is typed is kept
        if page.locator("#signed-out").is_visible():
            return page.locator("#note").input_value()
    raise AssertionError("never: the page says that the session is over")

"""Journeys of a citizen's call, from the IVR to the agent's notes and the wallboard."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import Centre, Desk, eventually, identify, today, write_up

pytestmark = pytest.mark.journey

SitDown = Callable[..., Desk]
PRESS_ONE = {"say_digits": "1"}
ZERO = {"say_digits": "0"}


def test_a_citizens_call_is_answered_with_the_right_file_open_and_moves_the_wallboard(
    centre: Centre, sit_down: SitDown, citizen: dict[str, str]
) -> None:
    board = sit_down("sara", "/wallboard", 1920, 1080)
    before = today(board.page)
    anna = sit_down("anna").ready()
    page = anna.page
    sid = centre.call(citizen["from"], citizen["line"], PRESS_ONE)

    expect(page.locator("#answer")).to_be_visible()
    expect(page.locator("#file")).to_contain_text("Potrebbe essere")
    expect(page.locator("#file")).not_to_contain_text("€")
    anna.shot("ringing")
    page.locator("#answer").click()
    expect(page.locator("#phone")).to_contain_text("Siete in linea")
    assert "riscossione tributi" in centre.heard(sid)[0]

    identify(page)
    expect(page.locator("#file")).to_contain_text("identificato")
    expect(page.locator("#file")).to_contain_text("€")
    expect(page.locator(".timeline .now")).to_contain_text("in corso")
    page.locator(".position summary").first.click()
    anna.shot("console")
    page.fill("#note", "Chiede la rateizzazione; invierà il modulo.")
    page.select_option("#topic", "instalments")
    expect(page.locator("#talk .saved")).to_be_visible()
    page.keyboard.press("Alt+c")
    expect(page.locator("#band")).to_contain_text("Lavoro successivo")
    page.select_option("#disposition", "request")
    page.keyboard.press("Alt+s")
    expect(page.locator("#band")).to_have_class(re.compile("is-ready"))

    eventually(
        lambda: today(board.page) == before | {"received": before["received"] + 1, "answered": before["answered"] + 1},
        "the wallboard counted it",
    )
    board.shot("wallboard")
    assert centre.state(sid)["live"] is False

    again = centre.call(citizen["from"], citizen["line"], PRESS_ONE)
    page.locator("#answer").click()
    expect(page.locator("#phone")).to_contain_text("Siete in linea")
    expect(page.locator("#phone")).to_contain_text("volta oggi")
    identify(page)
    expect(page.locator(".timeline")).to_contain_text("Chiede la rateizzazione; invierà il modulo.")
    centre.hang_up(again)
    write_up(page)


def test_the_agent_does_not_answer_and_the_next_one_rings(
    centre: Centre, sit_down: SitDown, citizen: dict[str, str]
) -> None:
    anna = sit_down("anna").ready()
    luca = sit_down("luca").ready()
    centre.call(citizen["from"], citizen["line"], ZERO)
    expect(anna.page.locator("#answer")).to_be_visible()
    expect(luca.page.locator("#answer")).to_be_visible(timeout=30_000)
    expect(anna.page.locator("#band")).to_contain_text("Chiamata non risposta")
    luca.page.keyboard.press("Alt+r")
    expect(luca.page.locator("#phone")).to_contain_text("Siete in linea")
    luca.page.keyboard.press("Alt+c")
    write_up(luca.page)


def test_the_caller_gives_up_and_the_abandon_is_counted(
    centre: Centre, sit_down: SitDown, citizen: dict[str, str]
) -> None:
    board = sit_down("sara", "/wallboard", 1920, 1080)
    before = today(board.page)
    sid = centre.call(citizen["from"], citizen["line"], ZERO)
    expect(board.page.locator(".figure .big").first).to_have_text("1")
    centre.hang_up(sid)
    expect(board.page.locator(".figure .big").first).to_have_text("0")
    eventually(lambda: today(board.page)["lost"] == before["lost"] + 1, "the abandon was counted")


def test_the_caller_gives_up_while_it_rings_and_the_agent_is_free_again(
    centre: Centre, sit_down: SitDown, citizen: dict[str, str]
) -> None:
    anna = sit_down("anna").ready()
    sid = centre.call(citizen["from"], citizen["line"], ZERO)
    expect(anna.page.locator("#answer")).to_be_visible()
    centre.hang_up(sid)
    expect(anna.page.locator("#band")).to_have_class(re.compile("is-ready"))


def test_the_browser_is_closed_during_a_call_and_opened_again(
    centre: Centre, sit_down: SitDown, citizen: dict[str, str]
) -> None:
    anna = sit_down("anna").ready()
    sid = centre.call(citizen["from"], citizen["line"], PRESS_ONE)
    anna.page.locator("#answer").click()
    expect(anna.page.locator("#phone")).to_contain_text("Siete in linea")
    anna.page.fill("#note", "Appunto a metà")
    expect(anna.page.locator("#talk .saved")).to_be_visible()
    context = anna.page.context
    anna.page.close()

    anna.page = context.new_page()
    anna.page.goto("/console")
    expect(anna.page.locator("#note")).to_have_value("Appunto a metà")
    expect(anna.page.locator("#phone")).to_contain_text("Siete in linea")
    assert centre.state(sid)["live"]
    anna.page.keyboard.press("Alt+c")
    write_up(anna.page)


def test_a_second_tab_leaves_the_telephone_where_it_is_until_asked(sit_down: SitDown) -> None:
    """Rule: one tab leads."""
    first = sit_down("anna").ready()
    second = first.page.context.new_page()
    second.goto("/console")
    here = second.locator('[data-phone="here"]')
    expect(here).to_be_visible()
    here.click()
    expect(here).to_be_hidden()
    expect(first.page.locator('[data-phone="here"]')).to_be_visible()
    second.close()
    expect(first.page.locator('[data-phone="here"]')).to_be_hidden()


def test_in_a_second_tab_the_telephone_is_answered_and_muted_too_and_stays_where_it_is(
    centre: Centre, sit_down: SitDown, citizen: dict[str, str]
) -> None:
    anna = sit_down("anna").ready()
    second = anna.page.context.new_page()
    second.goto("/console")
    here = second.locator('[data-phone="here"]')
    expect(here).to_be_visible()
    sid = centre.call(citizen["from"], citizen["line"], PRESS_ONE)
    second.locator("#answer").click()
    expect(second.locator("#phone")).to_contain_text("Siete in linea")
    expect(second.locator(".device-there")).to_be_visible()
    expect(here).to_be_hidden()  # to take the telephone over would put the caller back into the queue
    second.keyboard.press("Alt+m")
    for page in (anna.page, second):
        expect(page.locator("#muted")).to_be_visible()
        expect(page.locator("#mute")).to_have_attribute("aria-pressed", "true")
    second.locator("#muted button").press("Enter")
    expect(anna.page.locator("#muted")).to_be_hidden()
    expect(second.locator("#mute")).to_be_focused()
    assert centre.state(sid)["live"]
    second.close()
    anna.page.keyboard.press("Alt+c")
    write_up(anna.page)


def test_a_caller_who_is_not_known_types_his_notice_number(
    centre: Centre, sit_down: SitDown, citizen: dict[str, str]
) -> None:
    anna = sit_down("anna").ready()
    centre.call("+393299999999", citizen["line"], PRESS_ONE, {"say_digits": citizen["notice_number"] + "#"})
    anna.page.locator("#answer").click()
    expect(anna.page.locator("#file")).to_contain_text("codice avviso digitato")
    expect(anna.page.locator("#phone")).to_contain_text("Siete in linea")
    identify(anna.page)
    expect(anna.page.locator("#file")).to_contain_text("identificato")
    anna.page.keyboard.press("Alt+c")
    write_up(anna.page)


def test_a_confirmed_click_closes_the_centre_and_one_opens_it(
    centre: Centre, sit_down: SitDown, citizen: dict[str, str]
) -> None:
    board = sit_down("sara", "/wallboard", 1920, 1080)
    before = today(board.page)
    board.page.locator("summary", has_text="Chiudi il centro").click()
    board.page.get_by_label("Motivo").fill("Guasto alla rete")
    meanwhile = centre.call(citizen["from"], citizen["line"])
    eventually(lambda: today(board.page)["received"] == before["received"] + 1, "the board moves on under her")
    centre.hang_up(meanwhile)
    before = today(board.page)
    board.shot("closing")
    board.page.get_by_role("button", name="Conferma la chiusura").click()
    expect(board.page.locator(".closed")).to_contain_text("Il centro è chiuso. Guasto alla rete.")
    sid = centre.call(citizen["from"], citizen["line"])
    eventually(lambda: not centre.state(sid)["live"], "the caller is told and hung up on")
    assert "chiuso" in " ".join(centre.heard(sid))
    board.shot("closed")
    board.page.get_by_role("button", name="Riapri il centro").click()
    expect(board.page.locator(".closed")).to_be_hidden()
    # no ente agreed to the closure: whoever called meanwhile was received
    assert today(board.page) == before | {"received": before["received"] + 1}

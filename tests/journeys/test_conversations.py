"""Journeys of those in conversation: a caller on hold, passed on, and overheard by a supervisor."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import Centre, Desk, eventually, identify, write_up
from tests.journeys.test_pages import assert_accessible

pytestmark = pytest.mark.journey

SitDown = Callable[..., Desk]
ZERO = {"say_digits": "0"}


def in_talk(centre: Centre, desk: Desk, citizen: dict[str, str]) -> str:
    """The citizen speaks with this agent."""
    sid = centre.call(citizen["from"], citizen["line"], ZERO)
    desk.page.locator("#answer").click()
    expect(desk.page.locator("#phone")).to_contain_text("Siete in linea")
    return sid


def is_at(centre: Centre, sid: str, place: str) -> None:
    eventually(lambda: centre.state(sid)["place"] == place, f"the citizen is in {place}")


def choose(page: Page) -> None:
    """Open the list of whom to ask or pass on to."""
    page.keyboard.press("Alt+l")
    expect(page.locator(".passing .whom")).to_be_visible()


def test_a_citizen_is_put_on_hold_and_taken_up_again_by_keyboard(
    centre: Centre, sit_down: SitDown, citizen: dict[str, str]
) -> None:
    anna = sit_down("anna").ready()
    sid = in_talk(centre, anna, citizen)
    anna.page.keyboard.press("Alt+a")
    expect(anna.page.locator("#band")).to_contain_text("In attesa")
    expect(anna.page.locator("#say")).to_contain_text("In attesa")
    is_at(centre, sid, "hold")
    anna.shot("hold")
    assert_accessible(anna.page)
    anna.page.keyboard.press("Alt+a")
    expect(anna.page.locator("#phone")).to_contain_text("Siete in linea")
    is_at(centre, sid, "conversation")
    anna.page.locator(".keypad summary").click()
    anna.page.locator(".keypad").get_by_role("button", name="5").click()
    eventually(lambda: "tones 5" in [one["text"] for one in centre.state(sid)["transcript"]], "a tone is heard")
    anna.page.keyboard.press("Alt+c")
    write_up(anna.page)


def test_a_colleague_is_asked_and_takes_the_citizen_over_with_the_notes(
    centre: Centre, sit_down: SitDown, citizen: dict[str, str]
) -> None:
    anna, luca = sit_down("anna").ready(), sit_down("luca")
    sid = in_talk(centre, anna, citizen)
    luca.ready()
    identify(anna.page)
    expect(anna.page.locator("#file")).to_contain_text("identificato")
    anna.page.fill("#note", "Chiede del fermo sull'auto.")
    choose(anna.page)
    anna.shot("whom")
    assert_accessible(anna.page)
    anna.page.locator(".whom li", has_text="Luca").get_by_role("button", name=re.compile("Consulta")).click()
    expect(luca.page.locator("#band")).to_contain_text("Un collega ti chiede")
    is_at(centre, sid, "hold")
    luca.page.keyboard.press("Alt+r")
    expect(anna.page.locator("#band")).to_contain_text("In consultazione")
    expect(luca.page.locator("#phone")).to_contain_text("Parli con")
    expect(luca.page.locator("#file")).not_to_contain_text(citizen["name"])
    anna.shot("consult")
    anna.page.keyboard.press("Alt+c")  # while somebody else waits nobody is hung up on, and it is said
    expect(anna.page.locator("#notice")).to_contain_text("Alt+C: adesso")
    assert_accessible(anna.page)

    anna.page.keyboard.press("Alt+e")
    expect(anna.page.locator("#band")).to_contain_text("In tre")
    is_at(centre, sid, "conversation")
    anna.page.keyboard.press("Alt+l")
    expect(anna.page.locator("#band")).to_have_class(re.compile("is-ready"))
    expect(luca.page.locator("#phone")).to_contain_text("Siete in linea")
    expect(luca.page.locator("#note")).to_have_value("Chiede del fermo sull'auto.")
    expect(luca.page.locator("#file")).to_contain_text("ha già accertato chi è")
    luca.page.keyboard.press("Alt+i")
    expect(luca.page.locator("#file")).to_contain_text("identificato")
    luca.shot("taken-over")
    luca.page.keyboard.press("Alt+c")
    write_up(luca.page)
    eventually(lambda: not centre.state(sid)["live"], "the citizen's call is over")


def test_a_citizen_is_passed_on_to_a_colleague_without_consultation(
    centre: Centre, sit_down: SitDown, citizen: dict[str, str]
) -> None:
    anna, luca = sit_down("anna").ready(), sit_down("luca")
    sid = in_talk(centre, anna, citizen)
    luca.ready()
    choose(anna.page)
    anna.page.locator(".whom li", has_text="Luca").get_by_role("button", name=re.compile("Passa")).click()
    expect(luca.page.locator("#answer")).to_be_visible()
    assert "La passo a un collega" in " ".join(centre.heard(sid))
    luca.page.keyboard.press("Alt+r")
    expect(luca.page.locator("#phone")).to_contain_text("Siete in linea")
    luca.page.keyboard.press("Alt+c")
    write_up(luca.page)


def test_an_agent_asks_for_help_and_a_supervisor_whispers(
    centre: Centre, sit_down: SitDown, citizen: dict[str, str]
) -> None:
    anna = sit_down("anna").ready()
    sara = sit_down("sara", "/supervision")
    console = sara.page.context.new_page()
    console.goto("/console")
    expect(console.locator("body")).to_have_attribute("data-telephone", "here")
    sid = in_talk(centre, anna, citizen)
    anna.page.keyboard.press("Alt+u")
    row = sara.page.locator(".conversation[id^=talk-]", has_text="Anna")
    expect(row).to_contain_text("Chiede aiuto da")
    expect(sara.page.locator("#help-wanted")).to_contain_text("1 collega chiede aiuto")
    sara.shot("supervision")
    assert_accessible(sara.page)
    row.get_by_role("button", name=re.compile("Suggerisci")).click()
    expect(sara.page.locator("#ear")).to_contain_text("Sei in linea")
    expect(console.locator("body")).to_have_attribute("data-telephone", "elsewhere")
    expect(anna.page.locator("#phone")).to_contain_text("ti suggerisce: la senti solo tu")
    expect(anna.page.locator("#phone")).not_to_contain_text("Aiuto chiesto")
    is_at(centre, sid, "conversation")
    anna.shot("whisper")
    row.get_by_role("button", name=re.compile("Partecipa")).click()
    expect(anna.page.locator("#phone")).to_contain_text("vi sentite tutti")
    row.get_by_role("button", name=re.compile("Esci")).click()
    expect(anna.page.locator("#phone")).not_to_contain_text("vi sentite tutti")
    expect(console.locator("body")).to_have_attribute("data-telephone", "here")  # nothing rings on the board any more
    console.close()
    anna.page.keyboard.press("Alt+c")
    write_up(anna.page)
    expect(sara.page.locator("#supervision")).to_contain_text("Nessuno è in conversazione")


def test_a_browser_that_comes_back_too_late_for_the_line_finds_the_citizen_again(
    centre: Centre, sit_down: SitDown, citizen: dict[str, str]
) -> None:
    anna = sit_down("anna").ready()
    sid = in_talk(centre, anna, citizen)
    context = anna.page.context
    anna.page.close()
    is_at(centre, sid, "queue")
    assert "si è interrotta" in " ".join(centre.heard(sid))
    anna.page = context.new_page()
    anna.page.goto("/console")
    anna.page.locator("#answer").click()
    expect(anna.page.locator("#phone")).to_contain_text("Siete in linea")
    anna.page.keyboard.press("Alt+c")
    write_up(anna.page)

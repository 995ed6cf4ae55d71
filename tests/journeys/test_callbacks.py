"""Journeys of citizens who would rather be called back, with or without a message, and say how satisfied they are."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import Centre, Desk, eventually, identify, write_up
from web.demo.centre import REGIONAL
from web.demo.flows import MESSAGE_KEY

pytestmark = pytest.mark.journey

SitDown = Callable[..., Desk]
PAYMENTS = {"say_digits": "2"}  # the queue of the demonstration that offers callbacks and asks for satisfaction
ONE = {"say_digits": "1"}


def test_a_citizen_is_called_back_in_his_turn(centre: Centre, sit_down: SitDown, citizen: dict[str, str]) -> None:
    board = sit_down("sara", "/wallboard", 1920, 1080)
    sid = centre.call(citizen["from"], citizen["line"], PAYMENTS, ONE, ONE)
    eventually(lambda: centre.state(sid)["live"] is False, "he has hung up")
    assert any("conserva il suo posto" in one for one in centre.heard(sid))
    assert any("La richiamiamo al numero" in one for one in centre.heard(sid))
    expect(board.page.locator(".figure").first).to_contain_text("da richiamare 1")

    anna = sit_down("anna").ready()
    page = anna.page
    expect(page.locator("#band")).to_contain_text("Richiamata da fare")
    expect(page.locator("#phone")).to_contain_text("Ha chiesto di essere richiamato")
    anna.shot("callback")
    page.keyboard.press("Alt+r")
    expect(page.locator("#phone")).to_contain_text("Siete in linea")
    identify(page)
    expect(page.locator("#file")).to_contain_text("identificato")
    page.keyboard.press("Alt+c")
    expect(page.locator("#band")).to_contain_text("Lavoro successivo")
    write_up(page)
    expect(board.page.locator(".figure").first).not_to_contain_text("da richiamare")


def test_a_message_is_heard_by_who_calls_back(centre: Centre, sit_down: SitDown, citizen: dict[str, str]) -> None:
    sid = centre.call(citizen["from"], REGIONAL, {"say_digits": MESSAGE_KEY}, ONE)
    eventually(lambda: centre.state(sid)["live"] is False, "he has hung up")
    assert any("Dopo il segnale" in one for one in centre.heard(sid))

    anna = sit_down("anna").ready()
    page = anna.page
    expect(page.locator("#band")).to_contain_text("Richiamata da fare")
    page.keyboard.press("Alt+r")
    expect(page.locator("#phone")).to_contain_text("Siete in linea")
    expect(page.locator("#phone")).to_contain_text("Ha lasciato un messaggio")
    address = page.locator("#phone audio").get_attribute("src")
    sound = page.request.get(f"{centre.web}{address}")
    assert (sound.status, sound.headers["content-type"]) == (200, "audio/wav")
    anna.shot("message")
    page.keyboard.press("Alt+c")
    write_up(page)
    assert page.request.get(f"{centre.web}{address}").status == 409  # it is his call no longer


def test_a_citizen_says_how_satisfied_he_is_while_the_operator_writes(
    centre: Centre, sit_down: SitDown, citizen: dict[str, str]
) -> None:
    sara = sit_down("sara")
    before = answers(sara.page, centre)
    anna = sit_down("anna").ready()
    page = anna.page
    sid = centre.call(citizen["from"], citizen["line"], PAYMENTS, {"say_digits": "5"}, {"say_digits": "2"})
    page.locator("#answer").click()
    expect(page.locator("#phone")).to_contain_text("Siete in linea")
    page.keyboard.press("Alt+c")
    expect(page.locator("#band")).to_contain_text("Lavoro successivo")
    eventually(lambda: centre.state(sid)["live"] is False, "the survey is over")
    assert "Grazie, arrivederci." in centre.heard(sid)
    write_up(page)
    assert answers(sara.page, centre) == before + 1
    sara.shot("surveys")


def answers(page: Page, centre: Centre) -> int:
    """How many there are this month about instalments and payments."""
    page.goto(f"{centre.web}/surveys")
    rows = page.locator("tr", has_text="Rate e pagamenti").all()
    return sum(int(row.locator("td.num").first.inner_text()) for row in rows)

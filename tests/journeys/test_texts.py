"""The journey of a deaf citizen, who writes and is answered while the agent speaks with somebody else."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import Centre, Desk, eventually, write_up
from tests.journeys.test_pages import assert_accessible

pytestmark = pytest.mark.journey

SitDown = Callable[..., Desk]
DEAF = "+393480000777"


def writes(centre: Centre, line: str, body: str) -> None:
    """He sends an SMS."""
    fields = {"from": DEAF, "to": line, "body": body}
    answer = httpx.post(f"{centre.simulator}/simulator/texts", json=fields, timeout=10)
    assert answer.status_code == 201, answer.text


def reads(centre: Centre) -> list[str]:
    """What he got, the latest last."""
    shown: dict[str, Any] = httpx.get(f"{centre.simulator}/simulator/texts", params={"number": DEAF}, timeout=10).json()
    return [one["body"] for one in shown["texts"] if not one["inbound"]]


def test_a_deaf_citizen_writes_and_is_answered_beside_a_call(
    centre: Centre, sit_down: SitDown, citizen: dict[str, str]
) -> None:
    anna = sit_down("anna").ready()
    page = anna.page
    expect(page.locator("#texts")).to_be_visible()
    while (offered := page.locator("#texts li")).count():  # those of the demonstration wait for somebody, too
        waiting = offered.first.get_attribute("id")
        offered.first.locator("button.quiet").click()
        expect(page.locator(f"#{waiting}")).to_have_count(0)
    centre.call(citizen["from"], citizen["line"], {"say_digits": "0"})
    page.locator("#answer").click()
    expect(page.locator("#phone")).to_contain_text("Siete in linea")
    page.locator("#note").fill("Chiede della rata")
    writes(centre, citizen["line"], "Buongiorno, sono sordo: posso scrivervi qui?")
    card = page.locator("#texts li", has_text="348 000 0777")
    expect(card).to_contain_text("da prendere")
    card.locator("button").first.click()
    thread = page.locator("#thread")
    expect(thread).to_contain_text("posso scrivervi qui?")
    expect(thread).to_contain_text("Hai anche una chiamata.")
    expect(page.locator("#talk")).not_to_be_visible()
    assert_accessible(page)
    anna.shot("texts")
    body = thread.locator("textarea").first
    body.fill("Deve 812,00 euro")
    page.keyboard.press("Alt+o")
    expect(thread).to_contain_text("prima identifica la persona")
    body.fill("Certo, mi scriva che cosa le serve.")
    expect(thread.locator("output")).to_contain_text("35 caratteri, 1 SMS")
    page.keyboard.press("Alt+o")
    expect(thread.locator(".out")).to_contain_text("mi scriva che cosa le serve")
    expect(thread.locator("textarea").first).to_have_value("")
    expect(thread.locator("textarea").first).to_be_focused()
    eventually(lambda: "Certo, mi scriva che cosa le serve." in reads(centre), "the answer has arrived")
    page.keyboard.press("Alt+y")
    expect(page.locator("#talk")).to_be_visible()
    expect(page.locator("#note")).to_have_value("Chiede della rata")
    writes(centre, citizen["line"], "Gli orari, grazie.")
    expect(card).to_contain_text("nuovo")
    card.locator("button").first.click()
    expect(thread.locator(".in").last).to_contain_text("Gli orari, grazie.")
    thread.get_by_text("Chiudi la conversazione").first.click()
    form = thread.locator("form[hx-post='/console/texts/close']")
    form.locator("select[name=topic]").select_option("other")
    form.locator("select[name=disposition]").select_option("answered")
    form.locator("button").click()
    expect(card).to_have_count(0)
    expect(page.locator("#talk")).to_be_visible()
    page.keyboard.press("Alt+c")
    write_up(page)

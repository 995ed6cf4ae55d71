"""An interview by the keyboard alone: begun by one interviewer, left, and led to its end by another."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from outbound.cati.templates import template
from tests.journeys.conftest import Desk
from tests.journeys.test_pages import assert_accessible

pytestmark = pytest.mark.journey
EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def _answers(page: Page, *keys: str) -> None:
    """Each question by its keys; the page after it is another."""
    for one in keys:
        expect(page.locator("[data-interview][data-listens]")).to_be_attached()
        asked = page.locator("input[name=revision]").first.input_value()
        for key in one.split():
            page.keyboard.press(key)
        expect(page.locator("input[name=revision]").first).not_to_have_value(asked)


def test_an_interview_is_led_by_keyboard_left_and_gone_on_with_by_a_colleague(sit_down: Callable[..., Desk]) -> None:
    sara = sit_down("sara").page
    sara.goto("/questionnaires")
    file = {"name": "breve.xlsx", "mimeType": EXCEL, "buffer": template("satisfaction_keys")}
    sara.set_input_files("input[type=file]", files=[file])
    sara.locator("form:has(input[type=file]) button").click()
    expect(sara.locator("#keys-head ~ p")).to_contain_text("si può compilare anche con i tasti")
    where = sara.url
    sara.get_by_role("button", name=re.compile("uso")).first.click()
    expect(sara.get_by_role("heading", name="Interviste")).to_be_visible()

    anna = sit_down("anna").page
    anna.goto(where)
    anna.get_by_role("button", name=re.compile("omincia")).first.press("Enter")
    expect(anna).to_have_url(re.compile("/interviews/"))
    assert_accessible(anna)
    _answers(anna, "Enter", "1 Enter", "1 Enter")
    expect(anna.locator("legend.asked")).to_contain_text("quanto è soddisfatto")
    _answers(anna, "5 Enter", "Alt+ArrowLeft", "Alt+ArrowRight")
    expect(anna.locator("legend.asked")).to_contain_text("tempo di attesa")
    anna.keyboard.press("Alt+x")
    expect(anna.locator("#disposition")).to_be_focused()
    anna.get_by_role("button", name="Salva l'esito").press("Enter")
    expect(anna.get_by_role("heading", name="Intervista interrotta")).to_be_visible()

    luca = sit_down("luca").page
    luca.goto(anna.url)
    luca.keyboard.press("Enter")
    expect(luca.locator("legend.asked")).to_contain_text("tempo di attesa")
    _answers(luca, "4 Enter", "5 Enter", "5 Enter", "1 Enter", "2 Enter", "Enter")
    expect(luca.get_by_role("heading", name="Tutte le domande hanno una risposta")).to_be_visible()
    luca.keyboard.press("Enter")
    expect(luca.get_by_role("heading", name="Intervista conclusa")).to_be_visible()
    sara.goto(where)
    with sara.expect_download() as taken:
        sara.get_by_role("link", name="Risposte (CSV)").click()
    lines = taken.value.path().read_text("utf-8-sig").splitlines()
    assert ";1.1;telephone;" in lines[-1]

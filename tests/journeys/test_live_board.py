"""The supervisor at the live board, the agent at his console, and the screen on the wall."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, expect

from tests.journeys.conftest import Centre, Desk
from tests.journeys.replay import Replay
from tests.journeys.test_pages import assert_accessible

pytestmark = pytest.mark.journey

SitDown = Callable[..., Desk]
WARM, FRAMES = 60, 240


def test_a_supervisor_moves_an_agent_and_writes_to_him_and_both_see_it_at_once(sit_down: SitDown) -> None:
    anna = sit_down("anna").ready()
    sara = sit_down("sara", "/broadcasts")
    sara.page.locator("textarea").first.fill("Alle 11 torna il sito dei pagamenti.")
    sara.page.get_by_role("button", name="Invia", exact=True).click()
    bar = anna.page.locator("#broadcasts")
    expect(bar).to_contain_text("Alle 11 torna il sito dei pagamenti.")
    expect(sara.page.locator("#sent article").first).to_contain_text("visto, non confermato: Anna")
    assert_accessible(anna.page)
    assert_accessible(sara.page)
    bar.get_by_role("button", name=re.compile("Ho letto")).click()
    expect(bar).to_be_hidden()
    expect(sara.page.locator("#sent article").first).to_contain_text("Letto da 1")

    sara.page.goto("/supervision")
    row = sara.page.locator(".operators tr", has_text="Anna").first
    row.get_by_role("link", name=re.compile("Sposta")).click()
    assert_accessible(sara.page)
    sara.page.select_option("#reason", "meeting")
    sara.page.get_by_role("button", name="Metti in pausa").click()
    expect(anna.page.locator("#released")).to_contain_text("ti ha messo in pausa")
    expect(sara.page.locator("main")).to_contain_text("In pausa")
    anna.ready()


def test_a_figure_of_the_board_leads_to_its_calls(
    centre: Centre, sit_down: SitDown, citizen: dict[str, str]
) -> None:  # fmt: skip
    sara = sit_down("sara", "/supervision")
    sid = centre.call(citizen["from"], citizen["line"])
    received = sara.page.locator('tfoot a[href*="figure=received&span=today"]')
    expect(received).to_be_visible()
    assert_accessible(sara.page)
    sara.shot("live-board")
    count = re.findall(r"\d+", received.inner_text())[0]
    received.click()
    expect(sara.page.locator("main strong.num").first).to_have_text(count)
    expect(sara.page.locator("tbody tr")).to_have_count(int(count))
    assert_accessible(sara.page)
    centre.hang_up(sid)


def test_a_screen_on_a_wall_turns_its_pages_lives_and_goes_dark_when_revoked(
    centre: Centre, sit_down: SitDown, chromium: Browser, citizen: dict[str, str]
) -> None:
    sara = sit_down("sara", "/supervision")
    sara.page.goto("/walls")
    sara.page.locator("input[name=name]").first.fill("Sala")
    sara.page.locator("input[name=seconds]").first.fill("5")
    sara.page.get_by_role("button", name="Crea il collegamento").click()
    link = sara.page.locator("#link").input_value()
    assert_accessible(sara.page)
    wall = chromium.new_page(viewport={"width": 1920, "height": 1080}, locale="it-IT")
    wall.goto(link)
    expect(wall.locator("[data-live]").first).to_have_attribute("data-live", "on")
    assert_accessible(wall)
    assert wall.evaluate("document.documentElement.scrollHeight") == 1080
    wall.get_by_role("button", name="Adesso").click()
    today = wall.locator(".tile.wide strong").first
    before = int(today.inner_text())
    sid = centre.call(citizen["from"], citizen["line"])
    expect(today).to_have_text(str(before + 1))
    wall.get_by_role("button", name="Ferma la rotazione").click()
    expect(wall.locator("main")).to_have_attribute("data-shown", "levels", timeout=25_000)
    centre.hang_up(sid)
    sara.page.reload()
    sara.page.get_by_role("button", name=re.compile("Revoca")).first.click()
    expect(wall.locator("#revoked")).to_be_visible(timeout=15_000)
    wall.close()


def test_a_board_that_stays_open_does_not_grow(sit_down: SitDown) -> None:
    """The long form is `python -m bench week`."""
    sara = sit_down("sara", "/supervision")
    replay = Replay(sara.page, "/supervision", "levels", "queues", "supervision", "operators", "lines", "alerts")
    replay.play(WARM)
    before = replay.size()
    replay.play(FRAMES)
    after = replay.size()
    assert after.nodes <= before.nodes * 1.1
    assert after.listeners <= before.listeners * 1.1
    assert after.heap <= before.heap * 1.25

"""The live board: a screen on the wall, and a page that stays open for long."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, expect

from tests.journeys.conftest import Centre, Desk, write_up
from tests.journeys.replay import Replay
from tests.journeys.test_pages import assert_accessible

pytestmark = pytest.mark.journey

SitDown = Callable[..., Desk]
WARM, FRAMES = 60, 240


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
    sara.page.once("dialog", lambda asked: asked.accept())
    sara.page.get_by_role("button", name=re.compile("Revoca")).first.click()
    expect(wall.locator("#revoked")).to_be_visible(timeout=15_000)
    wall.close()


def test_the_focus_stays_on_the_board_while_its_figures_come_and_go(
    centre: Centre, sit_down: SitDown, citizen: dict[str, str]
) -> None:
    """Also where what had it goes away; and nothing is wider than the screen."""
    anna, board = sit_down("anna").ready(), sit_down("sara", "/supervision").page
    for width, height in ((1366, 768), (1920, 1080)):
        board.set_viewport_size({"width": width, "height": height})
        assert board.evaluate("document.documentElement.scrollWidth") == width
    figure = board.locator("[id$='-all-received-today']")
    before = int(re.findall(r"\d+", figure.inner_text())[0])
    figure.focus()
    centre.call(citizen["from"], citizen["line"], {"say_digits": "0"})
    expect(figure).to_contain_text(str(before + 1))
    expect(figure).to_be_focused()
    anna.page.locator("#answer").click()
    listen = board.locator(".conversation [data-watch]").first
    listen.focus()
    expect(listen).to_be_focused()
    expect(figure).to_contain_text(str(before + 1))
    anna.page.locator("#hang-up").click()
    expect(board.locator(".conversation [data-watch]")).to_have_count(0)
    expect(board.locator("#supervision:focus, #supervision :focus")).to_have_count(1)
    write_up(anna.page)


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

"""A slow link: the console and the board open, work, and say when what they show is not live."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import CDPSession, expect

from tests.journeys.conftest import Desk

pytestmark = pytest.mark.journey

SitDown = Callable[..., Desk]
SLOW = {"offline": False, "latency": 400, "downloadThroughput": 50 * 1024, "uploadThroughput": 50 * 1024}
SLOWEST_MS = 90_000  # nine seconds on a machine that does nothing else
CUT = {**SLOW, "offline": True}


def network_of(desk: Desk, conditions: dict[str, object]) -> CDPSession:
    """Everything is fetched anew, over such a link."""
    network = desk.page.context.new_cdp_session(desk.page)
    network.send("Network.enable")
    network.send("Network.setCacheDisabled", {"cacheDisabled": True})
    network.send("Network.emulateNetworkConditions", conditions)
    return network


def test_console_and_board_open_work_and_say_that_they_are_not_live_over_a_slow_link(sit_down: SitDown) -> None:
    """400 ms there and back, 50 kB a second, nothing in the browser's memory yet."""
    anna, sara = sit_down("anna"), sit_down("sara", "/supervision")
    links = [network_of(desk, SLOW) for desk in (anna, sara)]
    for desk in (anna, sara):
        desk.page.reload(wait_until="commit")
    for desk in (anna, sara):
        expect(desk.page.locator("[data-live]").first).to_have_attribute("data-live", "on", timeout=SLOWEST_MS)
    anna.ready()
    mine = sara.page.locator("#operators tr", has_text="Anna Rossi")
    expect(mine).to_contain_text("Pronto")
    for link in links:
        link.send("Network.emulateNetworkConditions", CUT)
    for desk in (anna, sara):
        expect(desk.page.locator("[data-live]").first).to_have_attribute("data-live", "off")
        expect(desk.page.locator(".live-off").first).to_have_text(re.compile(r"non in diretta dalle \d\d:\d\d:\d\d"))
    for link in links:
        link.send("Network.emulateNetworkConditions", SLOW)
    for desk in (anna, sara):
        expect(desk.page.locator("[data-live]").first).to_have_attribute("data-live", "on")
    anna.page.locator("#go-offline").click()
    expect(mine).to_contain_text("Fuori servizio")

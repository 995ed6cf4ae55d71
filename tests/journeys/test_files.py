"""The taxpayer's file in a browser: asked before, by keyboard, live, and on a page of its own."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect

from crm.core.clock import business_day
from tests.journeys.conftest import Centre, Desk, identify, taxpayer, write_up
from tests.journeys.test_console import answers
from tests.journeys.test_pages import assert_accessible

pytestmark = pytest.mark.journey

SitDown = Callable[..., Desk]
ANSWERS_ABOUT_ONE = "E625"  # the ente whose gestionale does


def debt_of(centre: Centre, notice: str) -> tuple[str, dict[str, Any]]:
    """The debt of a notice as the collection system states it, and the header of the feed in which it does."""
    for path in centre.data.glob("feed-*.jsonl"):
        header, *lines = path.read_text(encoding="utf-8").splitlines()
        found = [json.loads(line) for line in lines if notice in line]
        if found:
            break
    return header, next(one for one in found if one["record"] == "position")


def payment(centre: Centre, notice: str, folder: Path, euro: str = "1.23") -> Path:
    """A feed in which the collection system tells of a payment of this notice, made today."""
    header, debt = debt_of(centre, notice)
    at = datetime.now(UTC)
    paid = {"paid_on": business_day(at).isoformat(), "amount": euro, "channel": "pagoPA"}
    told = [
        json.loads(header) | {"mode": "incremental", "as_of": (at - timedelta(seconds=1)).isoformat()},
        debt | {"payments": [*debt.get("payments", []), paid]},
        {"record": "end", "taxpayers": 0, "positions": 1},
    ]
    feed = folder / "payment.jsonl"
    feed.write_text("".join(json.dumps(line) + "\n" for line in told), encoding="utf-8")
    return feed


def is_read(admin: Desk, feed: Path) -> None:
    """Somebody sends a feed through the page."""
    ente = json.loads(feed.read_text(encoding="utf-8").splitlines()[0])["ente"]
    name = {"E625": "Livorno", "D403": "Empoli", "B962": "Scandicci"}[ente]
    admin.page.locator("#ente").select_option(label=f"Comune di {name}")
    admin.page.locator("#feed").set_input_files(feed)
    admin.page.get_by_role("button", name="Carica").click()


def test_a_file_is_read_by_keyboard_and_a_payment_arrives_in_it(
    centre: Centre, sit_down: SitDown, citizen: dict[str, str], tmp_path: Path
) -> None:
    anna = sit_down("anna").ready()
    page = anna.page
    answers(centre, page, citizen)
    expect(page.locator("#file")).not_to_contain_text("€")
    page.keyboard.press("Alt+i")  # nothing was asked yet
    expect(page.locator(".questions .field-error")).to_contain_text("risposte esatte")
    expect(page.locator("input[name=right]").first).to_be_focused()
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    assert_accessible(page)
    page.keyboard.press("Alt+i")
    expect(page.locator("#file")).to_contain_text("€")
    anna.shot("file")

    page.keyboard.press("Alt+f")
    first = page.locator("details.position > summary").first
    expect(first).to_be_focused()
    if page.locator("details.position").count() > 1:
        page.keyboard.press("ArrowDown")
        expect(page.locator("details.position > summary").nth(1)).to_be_focused()
        page.keyboard.press("Home")
    if page.locator("details.position[open]").count() == 0:
        page.keyboard.press("Enter")
    expect(page.locator("details.position[open] .history").first).to_contain_text("emess")
    assert_accessible(page)

    page.locator("#note").focus()
    page.keyboard.type("Mentre scrivo")
    is_read(sit_down("admin", "/imports"), payment(centre, citizen["notice_number"], tmp_path))
    news = page.locator("#file-news")
    expect(news).to_contain_text(re.compile(r"È arrivato un pagamento di\s+1,23\s€"))
    expect(page.locator("details.position.has-news")).to_have_count(1)
    expect(page.locator("#note")).to_be_focused()
    expect(page.locator("#note")).to_have_value("Mentre scrivo")
    opened = page.locator("details.position.has-news")
    if opened.get_attribute("open") is None:
        opened.locator("summary").click()
    expect(opened.locator(".history").first).to_contain_text("Pagati 1,23 euro con pagoPA")
    anna.shot("file-payment")
    page.keyboard.press("Alt+c")
    write_up(page)


def test_a_supervisor_opens_a_file_without_a_call_and_says_why(
    sit_down: SitDown, centre: Centre, citizen: dict[str, str]
) -> None:
    sara = sit_down("sara", "/wallboard")
    page = sara.page
    page.goto("/files")
    page.locator("#q").fill(citizen["notice_number"])
    page.locator("#results a").first.click()
    expect(page.locator("#open-title")).to_contain_text(citizen["name"])
    assert_accessible(page)
    page.get_by_label("Altro: scrivi perché").check()
    page.get_by_role("button", name="Apri il fascicolo").click()
    expect(page.locator("#reason")).to_have_attribute("aria-invalid", "true")
    page.locator("#reason").fill("prova")
    page.get_by_role("button", name="Apri il fascicolo").click()
    expect(page.locator("#file")).to_contain_text("€")
    expect(page.locator("[data-live]").first).to_have_attribute("data-live", "on")
    if page.locator("details.position[open]").count() == 0:
        page.locator("details.position > summary").first.click()
    expect(page.locator("details.position[open] .history").first).to_be_visible()
    assert_accessible(page)
    sara.shot("file-page")
    page.emulate_media(media="print")
    sara.shot("file-print")
    page.emulate_media(media="screen")
    page.get_by_role("button", name="Chiudi il fascicolo").click()
    expect(page.locator("#q")).to_be_visible()


def test_the_present_state_is_asked_for_beside_the_open_file(centre: Centre, sit_down: SitDown) -> None:
    """He says that he has just paid; the gestionale, asked then, knows it."""
    citizen = taxpayer(centre, only=ANSWERS_ABOUT_ONE)
    anna = sit_down("anna").ready()
    page = anna.page
    answers(centre, page, citizen)
    identify(page)
    expect(page.locator("#file")).to_contain_text("identificato")
    _, debt = debt_of(centre, citizen["notice_number"])
    paid = {"what": "pay", "ente": ANSWERS_ABOUT_ONE, "reference": debt["reference"]}
    (gestionale,) = re.findall(r"Gestionale\s+(http://\S+)/", (centre.data.parent / "run.out").read_text())
    httpx.post(f"{gestionale}/happens", data=paid, timeout=10)
    page.get_by_role("button", name="Aggiorna ora").press("Enter")
    expect(page.locator(".refreshed")).to_contain_text("Letto ora dal gestionale")
    expect(page.locator("#file-news")).to_contain_text("È arrivato un pagamento")
    assert_accessible(page)
    anna.shot("refreshed")
    page.keyboard.press("Alt+c")
    write_up(page)

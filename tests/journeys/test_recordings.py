"""A conversation is recorded, something is left out of it, and a supervisor listens."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import Centre, Desk, eventually, identify, write_up
from tests.journeys.test_pages import assert_accessible

pytestmark = pytest.mark.journey

SitDown = Callable[..., Desk]
ZERO, AGREES = {"say_digits": "0"}, {"say_digits": "1"}


def test_a_conversation_is_recorded_paused_resumed_and_listened_to(
    centre: Centre, sit_down: SitDown, recorded_citizen: dict[str, str]
) -> None:
    anna, sara = sit_down("anna").ready(), sit_down("sara", "/supervision")
    sid = centre.call(recorded_citizen["from"], recorded_citizen["line"], ZERO, AGREES)
    anna.page.locator("#answer").click()
    phone = anna.page.locator("#phone")
    expect(phone).to_contain_text("Si sta registrando.")
    expect(sara.page.locator("#supervision")).to_contain_text("Si sta registrando.")
    assert any("vorremmo registrare" in said for said in centre.heard(sid))
    identify(anna.page)
    expect(anna.page.locator("#file")).to_contain_text("identificato")

    anna.page.keyboard.press("Alt+d")
    expect(phone).to_contain_text("la registrazione è ferma")
    expect(sara.page.locator("#supervision")).to_contain_text("la registrazione è ferma")
    anna.shot("recording-paused")
    assert_accessible(anna.page)
    eventually(
        lambda: any(one["text"] == "recording paused" for one in centre.state(sid)["transcript"]), "it is paused there"
    )
    anna.page.keyboard.press("Alt+d")
    expect(phone).to_contain_text("Si sta registrando.")
    anna.page.wait_for_timeout(2500)  # something is said
    anna.page.keyboard.press("Alt+c")
    write_up(anna.page)

    page = sara.page
    page.goto("/recordings")
    eventually(lambda: bool(page.reload() and page.locator(".recorded a").count()), "the recording is here")
    page.locator(".recorded a").first.click()
    expect(page.locator(".left-out").first).to_contain_text("dato riservato")
    assert_accessible(page)
    page.get_by_label("per un reclamo o una contestazione").check()
    page.fill("#reason", "Reclamo 2026/118")
    page.keyboard.press("Enter")
    expect(page.locator("audio")).to_be_visible()
    eventually(lambda: page.evaluate("document.querySelector('audio').duration > 1"), "the sound is here")
    page.keyboard.press("Alt+k")
    eventually(lambda: page.evaluate("document.querySelector('audio').currentTime > 0.2"), "it is heard")
    page.get_by_label("solo il cittadino").check()
    page.keyboard.press("Alt+k")
    assert page.evaluate("document.querySelector('audio').paused")
    sara.shot("recording-player")
    assert_accessible(page)
    expect(page.locator("#main")).to_contain_text("Reclamo 2026/118")
    assert page.locator("a[download]").count() == 0


def test_where_it_is_set_is_accessible_and_says_what_is_missing(sit_down: SitDown) -> None:
    page = sit_down("admin", "/imports").page
    page.goto("/enti")
    page.get_by_role("link", name="Scandicci").first.click()
    page.get_by_role("link", name="Se e come si registrano").click()
    expect(page.get_by_label("Chiedi di registrare le conversazioni")).to_be_checked()
    assert_accessible(page)
    page.fill("#workers", "")
    page.get_by_role("button", name="Salva").click()
    expect(page.locator("#workers-error")).to_contain_text("estremi")
    expect(page.locator("#keep_days")).to_have_value("60")

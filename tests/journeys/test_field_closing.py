"""Conditions of commission: the company proposes them, the ente accepts them; the register is there to be printed."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import Desk
from tests.journeys.test_pages import assert_accessible

pytestmark = pytest.mark.journey


def test_conditions_are_proposed_and_accepted_and_the_register_is_printed(sit_down: Callable[..., Desk]) -> None:
    page = sit_down("sara").page
    page.goto("/field/commissions")
    page.get_by_role("link", name="Empoli", exact=True).click()
    page.get_by_text("Proponi nuove condizioni").click()
    form = page.locator("form.field-propose")
    form.get_by_label("Per mille").first.fill("novanta")
    form.get_by_role("button", name="Proponi all'ente").click()
    expect(form.get_by_text("Scrivi un numero, come 90 o 92,5.")).to_be_visible()
    form.get_by_label("Per mille").first.fill("92,5")
    form.get_by_label("Valgono dal").fill("2031-01-01")
    assert_accessible(page)
    form.get_by_role("button", name="Proponi all'ente").click()
    expect(page.locator(".field-terms").first).to_contain_text("aspetta l'ente")
    expect(page.get_by_text("Proponi nuove condizioni")).to_have_count(0)

    theirs = sit_down("dirigente-empoli").page
    theirs.goto("/field/commissions")
    theirs.get_by_role("button", name="Rifiuta").click()
    expect(theirs.locator(".field-error:visible")).to_contain_text("Scrivi perché")
    theirs.get_by_role("button", name="Accetta per l'ente").click()
    expect(theirs.locator(".field-terms").first).to_contain_text("accettate")
    expect(theirs.locator(".field-terms").first).to_contain_text("92,5 ‰")
    assert_accessible(theirs)

    theirs.goto("/field/register")
    assert_accessible(theirs)
    with theirs.expect_download() as printed:
        theirs.get_by_role("link", name="Stampa").click()
    assert printed.value.suggested_filename.endswith(".pdf")

"""A list by conditions, with the keyboard alone; and a file of which some rows are wrong."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import Desk
from tests.journeys.test_pages import assert_accessible

pytestmark = pytest.mark.journey
BAD = "codice fiscale;note\nXXXXXX00X00X000X;uno\n=1+1;due\n"


def test_a_list_is_made_by_conditions_with_the_keyboard_and_another_from_a_bad_file(
    sit_down: Callable[..., Desk],
) -> None:
    page = sit_down("sara").page
    page.goto("/lists/new")
    page.locator("#name").focus()
    page.keyboard.type("Sollecito TARI")
    page.keyboard.press("Tab")
    page.keyboard.type("Comune di E")
    answer = page.locator("#answer")
    expect(answer).to_contain_text("Comune di Empoli: tutti i contribuenti")
    page.locator("#add-condition").press("Enter")
    expect(page.locator("#field-0")).to_be_focused()
    page.keyboard.type("Tributo")
    first = page.locator("#value-0 input").first
    expect(first).to_be_visible()
    first.press("Space")
    expect(answer).to_contain_text("contribuenti con posizioni per «TARI»")
    page.locator("#add-condition").press("Enter")
    expect(page.locator("#field-1")).to_be_focused()
    page.keyboard.type("Importo in")
    page.locator("#value-1").press_sequentially("200")
    expect(answer).to_contain_text("che devono in tutto almeno 200,00 €")
    count = answer.locator(".list-count strong").inner_text()
    assert int(count.replace(".", "")) > 0
    assert_accessible(page)
    page.reload()
    expect(page.locator("#value-1")).to_have_value("200")
    page.keyboard.press("Alt+s")
    expect(page.locator("#list")).to_contain_text("Pronta")
    expect(page.locator(".list-count strong")).to_have_text(count)
    assert_accessible(page)

    page.goto("/lists/file")
    page.fill("#name", "Dal Comune")
    page.select_option("#ente", label="Comune di Empoli")
    page.locator("#file").set_input_files({"name": "elenco.csv", "mimeType": "text/csv", "buffer": BAD.encode()})
    page.keyboard.press("Alt+s")
    expect(page.locator("#list")).to_contain_text("Da confermare")
    expect(page.locator("#list")).to_contain_text("Nel file non c'è nessun contribuente di questo ente")
    expect(page.locator("#list tbody tr")).to_have_count(2)
    assert_accessible(page)
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Scarta").click()
    expect(page).to_have_url(re.compile("/lists$"))
    expect(page.locator("#lists")).to_contain_text("Sollecito TARI")
    expect(page.locator("#lists")).not_to_contain_text("Dal Comune")
    assert_accessible(page)

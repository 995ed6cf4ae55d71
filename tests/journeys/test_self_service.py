"""A citizen who serves himself, and whoever draws the menu that he hears."""

import re
from collections.abc import Callable

import httpx
import pytest
from playwright.sync_api import expect

from crm.agendas.codes import on_keys
from tests.journeys.conftest import Centre, Desk, eventually, identify, write_up
from web.demo.centre import REGIONAL
from web.demo.flows import APPOINTMENT_KEY
from web.demo.served import DEMO_PIN

pytestmark = pytest.mark.journey

SitDown = Callable[..., Desk]


def test_a_citizen_hears_what_is_due_by_his_pin_and_it_is_on_his_timeline(
    centre: Centre, sit_down: SitDown, citizen: dict[str, str]
) -> None:
    listening = centre.call(citizen["from"], citizen["line"])
    eventually(lambda: "sapere subito" in " ".join(centre.heard(listening)), "the menu offers it")
    key = re.search(r"sapere subito [^.]*, prema (\d)", " ".join(centre.heard(listening)))
    assert key is not None
    centre.hang_up(listening)

    steps = (key.group(1), f"{citizen['notice_number']}#", f"{DEMO_PIN}#", "1")
    sid = centre.call(citizen["from"], citizen["line"], *({"say_digits": one} for one in steps))
    eventually(lambda: "I dati sono aggiornati" in " ".join(centre.heard(sid)), "the sum is said")
    httpx.post(f"{centre.simulator}/simulator/calls/{sid}/digits", json={"digits": "5"}, timeout=10)
    link = ("SMS con il collegamento", "Non conosciamo un cellulare")  # not every citizen of the demonstration has one
    eventually(lambda: any(one in " ".join(centre.heard(sid)) for one in link), "the link is sent, or cannot be")
    said = " ".join(centre.heard(sid))
    assert "euro" in said or "nulla da pagare" in said
    assert not re.search(r"\d,\d\d", said)  # sums are said in words
    centre.hang_up(sid)

    wrong = centre.call(citizen["from"], citizen["line"], *({"say_digits": one} for one in (*steps[:2], "777555#")))
    eventually(lambda: "non possiamo dirle nulla" in " ".join(centre.heard(wrong)), "a wrong PIN is refused")
    centre.hang_up(wrong)

    anna = sit_down("anna").ready()
    centre.call(citizen["from"], citizen["line"], {"say_digits": "0"})
    anna.page.locator("#answer").click()
    expect(anna.page.locator("#phone")).to_contain_text("Siete in linea")
    identify(anna.page)
    expect(anna.page.locator(".timeline")).to_contain_text("Servita dal risponditore")
    expect(anna.page.locator(".timeline")).to_contain_text("dal risponditore: quanto c'è da pagare")
    anna.page.keyboard.press("Alt+c")
    write_up(anna.page)


def test_a_citizen_books_by_telephone_gets_an_sms_and_the_office_expects_him(centre: Centre, sit_down: SitDown) -> None:
    caller = "+393480000321"
    chosen = (APPOINTMENT_KEY, "1", "1", "1", "5", "1", "1")  # of the first ente the first service, on another day
    sid = centre.call(caller, REGIONAL, *({"say_digits": one} for one in chosen))
    eventually(lambda: "Il suo codice" in " ".join(centre.heard(sid)), "the code is said")
    centre.hang_up(sid)

    def written() -> list[str]:
        phones = httpx.get(f"{centre.simulator}/simulator/texts", timeout=10).json()["phones"]
        return [one["body"] for one in phones if one["number"] == caller]

    eventually(lambda: bool(written()), "the confirmation is sent")
    code = re.search(r"Codice (\w{8})\.", written()[0])
    assert code is not None
    page = sit_down("sara").page
    page.goto("/agendas")
    page.get_by_label(re.compile("codice o cognome")).fill(code.group(1))
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_contain_text("+39 348 000 0321")

    keyed = on_keys(code.group(1))
    sid = centre.call(caller, REGIONAL, *({"say_digits": one} for one in (APPOINTMENT_KEY, "2", f"{keyed}#", "1", "1")))
    eventually(lambda: "L'appuntamento è disdetto" in " ".join(centre.heard(sid)), "he cancels it himself")
    centre.hang_up(sid)


def test_a_menu_is_changed_by_forms_tried_published_and_heard(
    centre: Centre, sit_down: SitDown, citizen: dict[str, str]
) -> None:
    sara = sit_down("sara", "", 1600, 900)
    page = sara.page
    page.goto("/voice")
    page.get_by_label("Nome del nuovo percorso").first.fill("Con gli orari")
    page.get_by_role("button", name="Disegna un percorso").first.click()
    expect(page.locator("#editor")).to_be_visible()

    page.get_by_text("Aggiungi un passo").click()
    page.select_option("#new-kind", "goodbye")
    page.fill("#new-name", "Orari degli uffici")
    page.get_by_role("button", name="Aggiungi", exact=True).click()
    expect(page.locator("#editor h3")).to_contain_text("orari-degli-uffici")
    expect(page.locator("#editor")).to_contain_text("manca il testo")
    page.fill("#f-text-it", "Gli uffici sono aperti la mattina.")
    page.keyboard.press("Alt+s")
    expect(page.locator("#editor")).not_to_contain_text("manca il testo")

    page.locator(".drawing a", has_text="menu").first.click()
    expect(page.locator("#editor h3")).to_contain_text("menu")
    page.get_by_role("button", name="Aggiungi una scelta").click()
    last = page.locator(".choice-rows li").last
    expect(last.locator("select").first).to_be_focused()
    digit = last.locator("select").first.input_value()
    last.locator("textarea").fill("gli orari degli uffici")
    last.get_by_label("Poi va a").select_option("orari-degli-uffici")
    page.keyboard.press("Alt+s")
    expect(page.locator("main")).to_contain_text("Nessun errore.")
    sara.shot("voice-editor")

    page.keyboard.press("Alt+z")
    expect(page.locator("main")).not_to_contain_text("Nessun errore.")
    page.reload()
    last = page.locator(".choice-rows li").last
    last.locator("textarea").fill("gli orari degli uffici")
    last.get_by_label("Poi va a").select_option("orari-degli-uffici")
    page.keyboard.press("Alt+s")
    expect(page.locator("main")).to_contain_text("Nessun errore.")

    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Pubblica").click()
    expect(page.locator("#version-title")).to_contain_text("pubblicata")
    page.goto("/voice")
    of_line = page.locator(f'form[hx-post$="{citizen["line"].removeprefix("+")}"]')
    row = page.locator("tr", has=of_line)
    row.locator("select").select_option(label="Con gli orari")
    with page.expect_navigation():
        row.get_by_role("button", name="Cambia").click()
    expect(page.locator("tr", has=of_line).locator("option:checked")).to_have_text("Con gli orari")

    sid = centre.call(citizen["from"], citizen["line"], {"say_digits": digit})
    eventually(lambda: "aperti la mattina" in " ".join(centre.heard(sid)), "the new step is heard")
    eventually(lambda: centre.state(sid)["live"] is False, "the call is over")

    page.goto("/voice")
    row = page.locator("tr", has=of_line)
    row.locator("select").select_option(value="")
    with page.expect_navigation():
        row.get_by_role("button", name="Cambia").click()
    expect(page.locator("tr", has=of_line).locator("option:checked")).to_have_text("quello consueto")

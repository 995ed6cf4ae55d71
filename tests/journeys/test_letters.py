"""Letters in a browser: their text, a batch for the printing house, what the post says, an answer to a request; each
page accessible.
"""

import io
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import Desk
from tests.journeys.test_pages import assert_accessible

pytestmark = pytest.mark.journey
SLOWLY = 120_000


def test_letters_are_written_made_handed_over_and_read_back(sit_down: Callable[..., Desk], tmp_path: Path) -> None:
    page = sit_down("sara").page
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto("/lists/new")
    page.fill("#name", "Tutti, per lettera")
    page.select_option("#ente", label="Comune di Empoli")
    page.keyboard.press("Alt+s")
    expect(page.locator("#list")).to_contain_text("Pronta")
    page.goto("/campaigns/new")
    page.fill("#name", "Solleciti per lettera")
    page.select_option("#list_id", label="Tutti, per lettera (Comune di Empoli)")
    page.keyboard.press("Alt+s")
    page.wait_for_url(re.compile(r"/campaigns/\d+/edit$"))
    page.select_option("#channel-0", "letter")
    page.select_option("#line", index=1)
    page.keyboard.press("Alt+s")
    page.wait_for_url(re.compile(r"/campaigns/\d+$"))
    where = page.url
    page.get_by_role("link", name="Lettere: testo").click()
    assert_accessible(page)
    page.fill("#body-personal", "Gentile {nome}, {importi}")
    page.get_by_role("button", name="Salva il testo").click()
    expect(page.locator("#body-personal-error")).to_contain_text("{importo}")
    page.fill("#body-personal", "Gentile {nome}, ci deve {importo}.")
    page.get_by_role("button", name="Salva il testo").click()
    expect(page.locator("#notice")).to_contain_text("Salvata")
    page.goto(where)
    page.get_by_role("button", name="Chiedi l'approvazione").click()
    expect(page.locator("#campaign")).to_contain_text("In attesa dell'ente")

    theirs = sit_down("dirigente-empoli").page
    theirs.goto(f"{where}/letters")
    expect(theirs.locator("main")).to_contain_text("ci deve {importo}")
    assert_accessible(theirs)
    theirs.goto(where)
    theirs.get_by_role("button", name="Approva", exact=True).click()
    expect(theirs.locator("#campaign")).to_contain_text("Approvata")

    page.goto(where)
    page.get_by_role("button", name="Avvia").click()
    expect(page.locator(".campaign-states .is-ready dd")).not_to_have_text("0")
    page.goto(f"{where}/letters")
    page.fill("#postage-20", "0,95")
    page.fill("#most", "5")
    page.keyboard.press("Alt+s")
    page.wait_for_url(re.compile(r"/letters/batches/\d+$"))
    batch, its = page.locator("#batch"), page.url
    expect(batch).to_contain_text("pronto per la stampa", timeout=SLOWLY)
    assert_accessible(page)
    with page.expect_download() as download:
        page.get_by_role("link", name="Scarica tutto").click()
    with zipfile.ZipFile(io.BytesIO(download.value.path().read_bytes())) as archive:
        first, *_ = [Path(name).stem for name in archive.namelist() if name.endswith(".pdf")]
    page.fill("#to", "Tipografia Arno")
    page.get_by_role("button", name="È stato consegnato").click()
    expect(batch).to_contain_text("Consegnato a Tipografia Arno")
    expect(batch.locator("tbody td", has_text="spedita").first).to_be_visible(timeout=SLOWLY)

    file = tmp_path / "esiti.csv"
    today = page.evaluate("new Date().toLocaleDateString('it-IT', {timeZone: 'Europe/Rome'})")
    file.write_text(f"Numero;Esito;Data\n{first};Sconosciuto;{today}\nL1;Consegnata;{today}\n")
    page.goto(f"{where}/letters")
    page.set_input_files("#file", file)
    page.get_by_role("button", name="Carica e controlla").click()
    page.wait_for_url(re.compile(r"/letters/returns/\d+$"))
    assert_accessible(page)
    page.get_by_role("button", name="Conferma gli esiti").click()
    expect(page.locator("#reading")).to_contain_text("confermato", timeout=SLOWLY)
    page.goto(its)
    expect(batch).to_contain_text("destinatario sconosciuto")


def test_an_answer_to_a_request_goes_by_letter(sit_down: Callable[..., Desk]) -> None:
    page = sit_down("sara").page
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto("/cases/new?contact=1")
    page.select_option("#topic", "complaint")
    page.fill("#reasons", "Non ho mai ricevuto la cartella.")
    page.keyboard.press("Alt+s")
    page.wait_for_url(re.compile(r"/cases/\d+$"))
    case = page.url
    page.keyboard.press("Alt+s")
    page.get_by_role("link", name="Rispondi per lettera").click()
    page.wait_for_url(re.compile(r"/letter$"))
    page.fill("#street", "Via Nuova")
    page.fill("#body", "La sua segnalazione è fondata.")
    expect(page.locator("#answer .saved")).to_be_visible()
    page.reload()
    expect(page.locator("#body")).to_have_value("La sua segnalazione è fondata.")
    assert_accessible(page)
    page.keyboard.press("Alt+s")
    expect(page.locator("#street-error")).to_contain_text("SNC")
    page.fill("#street", "Via Nuova 2")
    page.keyboard.press("Alt+s")
    page.wait_for_url(case)
    expect(page.locator("#case-letters")).to_contain_text("aspetta il prossimo lotto")
    assert_accessible(page)

    page.goto("/letters/answers")
    page.fill("#postage-20", "0,95")
    assert_accessible(page)
    page.get_by_role("button", name="Prepara le lettere").click()
    page.wait_for_url(re.compile(r"/letters/batches/\d+$"))
    expect(page.locator("#batch")).to_contain_text("pronto per la stampa", timeout=SLOWLY)
    page.fill("#to", "Tipografia Arno")
    page.get_by_role("button", name="È stato consegnato").click()
    expect(page.locator("#batch tbody td", has_text="spedita").first).to_be_visible(timeout=SLOWLY)
    page.goto(case)
    expect(page.locator("#case-who")).to_contain_text("Chiusa")
    expect(page.locator("#case-letters")).to_contain_text("spedita")

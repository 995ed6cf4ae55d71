"""A survey by telephone: a refusal that a supervisor releases and another interviewer takes up, and what is taken away.

The centre lives at ten in the morning (`centre_at_ten`).
"""

import csv
import io
import json
import re
from collections.abc import Callable
from xml.etree import ElementTree

import psycopg
import pyreadstat
import pytest
from openpyxl import load_workbook
from playwright.sync_api import Page, StorageState, expect

from tests.journeys.conftest import Centre, Desk
from tests.journeys.test_dialing import saved
from tests.journeys.test_interviews import asked, concluded, types
from tests.journeys.test_pages import assert_accessible
from web.run import embedded
from web.run.supervisor import DATABASE

pytestmark = pytest.mark.journey
SitDown = Callable[..., Desk]
DDI = {"d": "ddi:codebook:2_5"}


@pytest.fixture(scope="module")
def centre(centre_at_ten: Centre) -> Centre:
    """One at ten o'clock."""
    return centre_at_ten


@pytest.fixture(scope="module")
def signed_in() -> dict[str, StorageState]:
    """Sessions of this centre alone."""
    return {}


def somebody(centre: Centre) -> str:
    """The codice fiscale of a citizen of Livorno who has a telephone, and was called by no campaign: they begin with
    the first."""
    with (centre.data / "feed-livorno.jsonl").open(encoding="utf-8") as file:
        people = (one for one in map(json.loads, file) if one["record"] == "taxpayer")
        return str([one["codice_fiscale"] for one in people if one.get("given_name") and one.get("phones")][-1])


def begun(centre: Centre, sit_down: SitDown) -> tuple[str, str]:
    """The ready-made survey of one person, from his list to its start; its address, and its name."""
    page = sit_down("sara").page
    page.goto("/lists/file")
    page.fill("#name", "Servito")
    page.select_option("#ente", label="Comune di Livorno")
    content = f"codice fiscale;note\n{somebody(centre)};allo sportello\n".encode()
    page.locator("#file").set_input_files({"name": "serviti.csv", "mimeType": "text/csv", "buffer": content})
    page.keyboard.press("Alt+s")
    page.get_by_role("button", name="Crea la lista").click()
    expect(page.locator("#list")).to_contain_text("Pronta")
    page.goto("/questionnaires")
    page.select_option("#list_id", label="Servito (Comune di Livorno)")
    page.get_by_role("button", name="Prepara l'indagine").click()
    page.wait_for_url(re.compile(r"/campaigns/\d+/edit$"))
    page.select_option("#queue_id", index=1)
    page.select_option("#line", index=1)
    page.keyboard.press("Alt+s")
    page.wait_for_url(re.compile(r"/campaigns/\d+$"))
    name = page.locator("h1").inner_text()
    page.get_by_role("button", name="Chiedi l'approvazione").click()
    expect(page.locator("#campaign")).to_contain_text("In attesa dell'ente")
    theirs = sit_down("dirigente-livorno").page
    theirs.goto(page.url)
    theirs.get_by_role("button", name="Approva", exact=True).click()
    expect(theirs.locator("#campaign")).to_contain_text("Approvata")
    page.reload()
    page.get_by_role("button", name="Avvia").click()
    expect(page.locator(".campaign-states .is-ready dd")).not_to_have_text("0")
    return page.url, name


def reached(desk: Desk, survey: str) -> Page:
    """The next one is called and answers; his interview, in a tab of its own, is begun or goes on."""
    page = desk.ready().page
    page.goto("/calling")
    page.get_by_role("row", name=survey).get_by_role("button").click()
    expect(page.locator("#card h2")).to_be_visible()
    page.locator("#call-him").click()
    page.wait_for_url(re.compile(r"/console$"))
    expect(page.locator("#device")).to_have_attribute("data-device", "ready")
    expect(page.locator("#phone")).to_contain_text("rispondi dalla barra in alto", ignore_case=True)
    page.locator("#answer").click()
    expect(page.locator("#phone")).to_contain_text("Siete in linea")
    with page.expect_popup() as opened:
        page.get_by_role("link", name="Apri l'intervista").click()
    return opened.value


def hangs_up(page: Page) -> None:
    """The call is over: what came of it the interview has said."""
    page.bring_to_front()
    page.keyboard.press("Alt+c")
    saved(page)


def days_pass(centre: Centre) -> None:
    """The refusal was eight days ago."""
    port = int((centre.data / "postgres" / "postmaster.pid").read_text().splitlines()[3])
    server = embedded.Postgres(centre.data, port, embedded.credentials(centre.data).postgres)
    with psycopg.connect(server.dsn(DATABASE), autocommit=True) as connection:
        connection.execute("UPDATE survey_case SET refused_at = refused_at - interval '8 days'")
        connection.execute("UPDATE attempt SET at = at - interval '8 days', ended_at = ended_at - interval '8 days'")


def taken(page: Page, name: str) -> bytes:
    with page.expect_download() as found:
        page.get_by_role("link", name=name).click()
    return found.value.path().read_bytes()


def rows(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig")), delimiter=";"))


def test_who_refused_is_released_interviewed_by_another_and_taken_away(centre: Centre, sit_down: SitDown) -> None:
    where, survey = begun(centre, sit_down)
    anna = sit_down("anna")
    case = reached(anna, survey)
    assert_accessible(case)
    types(case, "Enter Enter")  # it begins, and the greeting has been said
    asked(case, "Posso farle")
    expect(case).to_have_url(re.compile("/interviews/"))
    types(case, "Alt+x")
    expect(case.locator("#disposition")).to_be_focused()
    case.select_option("#disposition", "2.112")
    case.get_by_role("button", name="Salva l'esito").press("Enter")
    expect(case.get_by_role("heading", name="Intervista interrotta")).to_be_visible()
    hangs_up(anna.page)
    anna.page.goto("/calling")
    anna.page.get_by_role("row", name=survey).get_by_role("button").click()
    expect(anna.page.locator("#card")).to_contain_text("non c'è nessuno")

    sara = sit_down("sara").page
    days_pass(centre)
    sara.goto(f"{where}/survey")
    assert_accessible(sara)
    sara.get_by_role("button", name=re.compile("Si può richiamare")).click()
    expect(sara.locator("#refused-head ~ .empty")).to_be_visible()
    anna.page.reload()
    anna.page.get_by_role("row", name=survey).get_by_role("button").click()
    expect(anna.page.locator("#card")).to_contain_text("non c'è nessuno")

    luca = sit_down("luca")
    case = reached(luca, survey)
    expect(case.locator("main")).to_contain_text("La prima volta ha rifiutato con un collega")
    assert_accessible(case)
    case.keyboard.press("Enter")
    asked(case, "Posso farle")
    types(case, "1 Enter 1 Enter 3 Enter 4 Enter 5 Enter 4 Enter 1 Enter '2' Enter")
    asked(case, "Che cosa non è andato bene")
    case.get_by_label("L'attesa").check()
    types(case, "Enter 'Rispondere prima' Control+Enter Enter")
    concluded(case)
    hangs_up(luca.page)

    sara.reload()
    row = rows(taken(sara, "Risposte (CSV)"))[0]
    expected = {"survey": survey, "disposition": "1.1", "mode": "telephone", "consent": "yes", "overall": "3"}
    assert {name: row[name] for name in expected} == expected
    assert (row["trouble__wait"], row["trouble__words"], row["advice"]) == ("1", "0", "Rispondere prima")
    book = load_workbook(io.BytesIO(taken(sara, "Risposte (Excel)")))
    head, only = book["Risposte"].iter_rows(values_only=True)
    sheet = dict(zip(head, only, strict=True))
    assert (sheet["overall"], sheet["times"], sheet["channel"]) == ("3", 2, "phone")
    assert ("overall", "Da 1 a 5, quanto è soddisfatto del servizio in tutto?") in {
        one[:2] for one in book["Variabili"].iter_rows(values_only=True)
    }
    with sara.expect_download() as spss:
        sara.get_by_role("link", name="Risposte (SPSS, con etichette)").click()
    table, meta = pyreadstat.read_sav(str(spss.value.path()), apply_value_formats=False)
    assert (table.overall[0], table.channel[0], table.times[0], len(table)) == (3, 1, 2, 1)
    assert meta.column_names_to_labels["overall"].startswith("Da 1 a 5")
    assert meta.variable_value_labels["channel"][1] == "Per telefono"
    study = ElementTree.fromstring(taken(sara, "Codebook (DDI 2.5)"))
    (rates,) = (one.text or "" for one in study.iterfind(".//d:respRate", DDI))
    assert "RR1 1.0000" in rates
    (marks,) = study.iterfind(".//d:var[@name='overall']", DDI)
    counts = {
        one.findtext("d:catValu", "", DDI): one.findtext("d:catStat", "", DDI)
        for one in marks.iterfind("d:catgry", DDI)
    }
    assert counts == {"1": "0", "2": "0", "3": "1", "4": "0", "5": "0"}
    steps = rows(taken(sara, "Paradati"))
    assert [one["deed"] for one in steps][:4] == ["began", "answered", "broke_off", "resumed"]
    assert {one["interviewer"] for one in steps} == {"1", "2"}
    (its,) = rows(taken(sara, "Casi, con pesi"))
    assert (its["disposition"], its["attempts"]) == ("1.1", "2")
    assert "rate;RR1;1.000000" in taken(sara, "Esiti e tassi").decode("utf-8-sig").splitlines()

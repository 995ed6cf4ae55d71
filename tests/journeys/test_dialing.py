"""People are telephoned: a campaign that the ente approved is dialed at an hour at which that is allowed.

The centre lives at ten in the morning of a working day (`centre_at_ten`).
"""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Page, StorageState, expect

from crm.core.clock import in_rome
from tests.journeys.conftest import Centre, Desk, identify, ten_o_clock, write_up
from tests.journeys.test_pages import assert_accessible

pytestmark = pytest.mark.journey
SitDown = Callable[..., Desk]
NAME, SCRIPT = "Solleciti TARI", "Buongiorno, chiamo per il Comune di Livorno."


@pytest.fixture(scope="module")
def centre(centre_at_ten: Centre) -> Centre:
    """One at ten o'clock, with a campaign to come."""
    return centre_at_ten


@pytest.fixture(scope="module")
def signed_in() -> dict[str, StorageState]:
    """Sessions of this centre alone."""
    return {}


@pytest.fixture(scope="module")
def campaign() -> dict[str, str]:
    """What the campaign of these journeys is called; where it is, once it was started."""
    return {"name": NAME}


def begun(sit_down: SitDown, campaign: dict[str, str], mode: str = "progressive") -> str:
    """From the list to the start: written by the manager, approved by the ente, for one line an operator or more."""
    if "at" in campaign:
        return campaign["at"]
    page = sit_down("sara").page
    page.goto("/lists/new")
    page.fill("#name", f"Per {campaign['name']}")
    page.select_option("#ente", label="Comune di Livorno")
    expect(page.locator("#answer .list-count")).to_be_visible()
    page.keyboard.press("Alt+s")
    expect(page.locator("#list")).to_contain_text("Pronta")
    page.goto("/campaigns/new")
    page.fill("#name", campaign["name"])
    page.select_option("#list_id", label=f"Per {campaign['name']} (Comune di Livorno)")
    page.keyboard.press("Alt+s")
    expect(page).to_have_url(re.compile(r"/campaigns/\d+/edit$"))
    page.select_option("#queue_id", index=1)
    page.select_option("#line", index=1)
    campaign["line"] = page.locator("#line").input_value()
    page.select_option("#mode", mode)
    page.fill("#fresh_hours", "720")
    page.fill("#script-personal", SCRIPT)
    page.keyboard.press("Alt+s")
    expect(page).to_have_url(re.compile(r"/campaigns/\d+$"))
    page.get_by_role("button", name="Chiedi l'approvazione").click()
    expect(page.locator("#campaign")).to_contain_text("In attesa dell'ente")
    theirs = sit_down("dirigente-livorno").page
    theirs.goto(page.url)
    theirs.get_by_role("button", name="Approva", exact=True).click()
    expect(theirs.locator("#campaign")).to_contain_text("Approvata")
    page.reload()
    page.get_by_role("button", name="Avvia").click()
    expect(page.locator(".campaign-states .is-ready dd")).not_to_have_text("0")
    campaign["at"] = page.url
    return page.url


def takes_part(desk: Desk, name: str = NAME) -> Page:
    """She joins the campaign, is ready, and picks up once: from then on she is in her seat."""
    desk.page.goto("/calling")
    desk.page.get_by_role("row", name=name).get_by_role("button", name="Partecipa").click()
    expect(desk.page).to_have_url(re.compile("/console"))
    desk.ready()
    desk.page.locator("#answer").click()
    return desk.page


def saved(page: Page) -> None:
    """The notes of a campaign's call, whose outcome is said, are saved: she is ready again."""
    expect(page.locator("#save-ready")).to_be_visible()
    page.keyboard.press("Alt+s")
    expect(page.locator("#band")).to_have_class(re.compile("is-ready"))


def test_from_the_list_to_a_promise_to_pay(sit_down: SitDown, campaign: dict[str, str]) -> None:
    where = begun(sit_down, campaign)
    board = sit_down("sara").page
    board.goto(f"{where}/board")
    anna = sit_down("anna")
    page = takes_part(anna)
    expect(page.locator("#phone")).to_contain_text("Siete in linea")
    expect(page.locator("#campaign .script")).to_contain_text(SCRIPT)
    anna.shot("dialed")
    expect(board.locator("#dialer")).to_contain_text("1 su 1 telefonate di oggi")
    assert_accessible(board)
    assert_accessible(page)
    identify(page)
    expect(page.locator("#file")).to_contain_text("identificato")
    page.locator("#said-promise").click()
    day = (in_rome(ten_o_clock()) + timedelta(days=7)).date()
    page.fill("#told-day", day.isoformat())
    page.get_by_role("button", name="Conferma l'esito").click()
    expect(page.locator(".outcome .told")).to_contain_text("Promette di pagare")
    anna.shot("promised")
    page.locator("#campaign").get_by_role("button", name="Esci dalla campagna").click()
    page.keyboard.press("Alt+c")
    saved(page)
    expect(board.locator("#dialer")).to_contain_text("Ferma: nessun operatore partecipa")


def test_who_is_looked_at_is_called_and_phones_back(
    centre: Centre, sit_down: SitDown, campaign: dict[str, str]
) -> None:  # fmt: skip
    """The supervisor has operators look first. The console is open in no other tab while she looks."""
    where = begun(sit_down, campaign)
    board = sit_down("sara").page
    board.goto(f"{where}/board")
    board.select_option("#mode", "preview")
    board.get_by_role("button", name="Salva").click()
    expect(board.locator("#dialer")).to_contain_text("Chiamano gli operatori, uno per volta")
    anna = sit_down("anna").ready()
    page = anna.page
    page.goto("/calling")
    page.get_by_role("row", name=NAME).get_by_role("button").click()
    expect(page.locator("#card")).to_contain_text("Letto ora dal gestionale")
    assert_accessible(page)
    anna.shot("looked-at")
    name = page.locator("#card h2").inner_text()
    page.locator("#call-him").click()
    expect(page).to_have_url(re.compile(r"/console$"))
    expect(page.locator("#band")).to_contain_text("Telefonata da fare")
    expect(page.locator("#phone")).to_contain_text("Rispondi dalla barra in alto, e gli telefoniamo.")
    expect(page.locator("#talk")).not_to_contain_text("Manca l'esito")
    anna.shot("rings-her")
    number = page.locator("#phone dd").first.inner_text()
    page.locator("#answer").click()
    expect(page.locator("#phone")).to_contain_text("Siete in linea")
    expect(page.locator("#file")).to_contain_text(name)
    identify(page)
    expect(page.locator("#file")).to_contain_text("identificato")
    anna.shot("called")
    page.keyboard.press("Alt+c")
    page.locator("#said-refuses").click()
    expect(page.locator(".outcome .told")).to_contain_text("Non vuole pagare")
    saved(page)
    caller = "+39" + re.sub(r"\D", "", number.removeprefix("+39"))
    centre.call(caller, campaign["line"], {"say_digits": "1"})
    expect(page.locator("#band")).to_have_class(re.compile("is-ringing"))
    page.locator("#answer").click()
    expect(page.locator("#campaign")).to_contain_text("Forse richiama: l'ha cercato questa campagna.")
    expect(page.locator("#campaign")).to_contain_text(NAME)
    expect(page.locator("#phone")).to_contain_text("Siete in linea")
    identify(page)
    expect(page.locator("#file")).to_contain_text("identificato")
    assert_accessible(page)
    anna.shot("phones-back")
    page.keyboard.press("Alt+c")
    write_up(page)

"""Lines ring ahead of the operators: put through, one who finds nobody, an operator who leaves, the engine killed."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, StorageState, expect

from tests.journeys.conftest import Centre, Desk, eventually
from tests.journeys.test_dialing import SCRIPT, begun, saved, takes_part
from tests.journeys.test_pages import assert_accessible
from tests.servers import open_loopback

pytestmark = pytest.mark.journey
SitDown = Callable[..., Desk]
NAME = "Chiamate in anticipo"
OPERATORS = ("anna", "luca", "marta")
LATELY, ANSWERED = 4_000, 20  # calls of the days before, of which one in so many was answered by a person
HAVE_RUNG = """
    INSERT INTO dialer_line (id, ente_id, contract_id, campaign_id, state, at, lease_until, dropped, machine,
                             answered_at, call_id, ended_at)
    SELECT gen_random_uuid(), one.ente_id, one.contract_id, one.id, 'over', at, at, false, false,
           CASE WHEN mod(n, %(answered)s) = 0 THEN at + interval '9 seconds' END,
           CASE WHEN mod(n, %(answered)s) = 0 THEN gen_random_uuid() END, at + interval '25 seconds'
    FROM campaign one, generate_series(1, %(lately)s) n,
         LATERAL (SELECT clock_timestamp() - interval '3 days' + n * interval '20 seconds' AS at) its
    WHERE one.id = %(campaign)s
"""


@pytest.fixture(scope="module")
def centre(centre_at_ten: Centre) -> Iterator[Centre]:
    """One at ten o'clock, in which people let their telephones ring."""
    open_loopback()
    centre_at_ten.nobody_answers()
    yield centre_at_ten
    open_loopback()
    centre_at_ten.everybody_answers()


@pytest.fixture(scope="module")
def signed_in() -> dict[str, StorageState]:
    """Sessions of this centre alone."""
    return {}


def known(centre: Centre, campaign: int) -> None:
    """What a campaign has learned of three days, so that a call too many may be risked."""
    with centre.database() as connection:
        connection.execute(HAVE_RUNG, {"answered": ANSWERED, "lately": LATELY, "campaign": campaign})


def pick_up(centre: Centre, several: int) -> list[str]:
    """So many of those whose telephones ring at one moment answer; their calls."""
    found: list[str] = []

    def at_once() -> bool:
        rings = centre.rings()
        found[:] = [sid for sid in rings[:several] if centre.pick_up(sid)] if len(rings) >= several else []
        return len(found) == several

    eventually(at_once, f"{several} telephones ring at one moment")
    centre.placed += found
    return found


def gone(centre: Centre, calls: list[str]) -> list[str]:
    """Those of these calls that are over."""
    return [sid for sid in calls if not centre.state(sid)["live"]]


def ends(page: Page) -> None:
    """She hangs up on somebody else's number, and says so."""
    page.keyboard.press("Alt+c")
    page.locator("#said-wrong_number").click()
    page.get_by_role("button", name="Conferma l'esito").click()
    expect(page.locator(".outcome .told")).to_be_visible()
    saved(page)


def test_lines_ring_ahead_of_three_operators(centre: Centre, sit_down: SitDown) -> None:
    campaign = {"name": NAME}
    where = begun(sit_down, campaign, "predictive")
    known(centre, int(where.rsplit("/", 1)[1]))
    sara = sit_down("sara")
    board = sara.page
    board.goto(f"{where}/board")
    board.fill("#least", "3")
    board.get_by_role("button", name="Salva").click()
    pace, figures = board.locator(".dialer-pace"), board.locator(".dialer-figures")
    expect(figures).to_contain_text("limite 3 %, su 200 risposte in 30 giorni")
    pages = [takes_part(sit_down(name), NAME) for name in OPERATORS]
    expect(pace).to_contain_text(re.compile(r"3 operatori liberi, ([4-9]|\d\d) telefoni squillano"))
    expect(figures).to_contain_text("3 in linea, in attesa")
    sara.shot("ahead")

    answered = pick_up(centre, 4)
    for page in pages:
        expect(page.locator("#phone")).to_contain_text("Siete in linea")
    expect(figures).to_contain_text("3 in conversazione")
    eventually(lambda: len(gone(centre, answered)) == 1, "who finds nobody is told who called, and that is all")
    (alone,) = gone(centre, answered)
    (said,) = centre.heard(alone)
    assert said.startswith("Buongiorno. È una chiamata di servizio per conto di: Comune di Livorno.")
    assert SCRIPT not in said
    expect(figures).to_contain_text("su 204 risposte in 30 giorni")
    expect(figures).to_contain_text("0,5 %")
    sara.shot("found-nobody")
    assert_accessible(board)

    before = centre.pid("engine")
    centre.kill("engine")
    assert gone(centre, answered) == [alone]
    ends(pages[0])
    eventually(lambda: centre.pid("engine") != before, "the engine is started again")
    pages[0].locator("#answer").click()
    expect(pages[0].locator("#phone")).to_contain_text("Sei in linea da solo")
    eventually(lambda: bool(centre.rings()), "telephones ring again")
    expect(pages[1].locator("#phone")).to_contain_text("Siete in linea")

    board.select_option("#mode", "progressive")
    board.get_by_role("button", name="Salva").click()
    expect(pace).to_contain_text("Una chiamata per ogni operatore libero")
    eventually(lambda: len(centre.rings()) == 1, "one line for the one who waits")
    for page in pages:
        page.evaluate("window.stays = true")
        page.locator("#campaign").get_by_role("button", name="Esci dalla campagna").click()
        expect(page.locator("#notice")).to_contain_text("Non partecipi più alla campagna.")
        assert page.evaluate("window.stays"), "a page that is loaded anew ends the conversation"
    eventually(lambda: not centre.rings(), "for nobody it rings")
    sara.shot("all-left")
    for page in pages[1:]:
        ends(page)
    expect(pace).to_contain_text("Ferma: nessun operatore partecipa")

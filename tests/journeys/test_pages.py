"""Pages: accessible, and the two that no agent uses: the feeds' and the citizen's."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.journeys.conftest import Centre, Desk, identify, write_up

pytestmark = pytest.mark.journey

SitDown = Callable[..., Desk]
# Pages that no menu leads to, looked at by whom they are for.
BEHIND = {
    "admin": (
        "/enti/1?hours=sercom", "/enti/contracts/1/levels?preset=intercent_er",
        "/enti/contracts/1/conditions?preset=anci_toscana", "/enti/contracts/1/levels", "/enti/1/tokens",
    ),
    "sara": ("/levels/1/calls?metric=share_of_received_calls_waiting_over",),
}  # fmt: skip
WCAG = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}}


def assert_accessible(page: Page) -> None:
    """No violation of WCAG 2.1 AA that a machine can find, and each key means one thing."""
    found = Axe().run(page, options=WCAG).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"][:200]) for one in found] == []
    keys = page.locator("[data-key]:not(:disabled):visible").evaluate_all("all => all.map(one => one.dataset.key)")
    assert len(keys) == len(set(keys)), f"a key means two things: {sorted(keys)}"


@pytest.fixture(scope="module")
def looked_at() -> set[str]:
    """The pages that somebody else's menu had already."""
    return set()


@pytest.mark.parametrize("username", ["admin", "sara", "anna", "dirigente-livorno"])
def test_each_page_of_the_menu_is_accessible_in_light_and_in_dark(
    sit_down: SitDown, looked_at: set[str], username: str
) -> None:
    """Whatever page comes to a menu is looked at."""
    page = sit_down(username).page
    paths = page.locator(".menu-body a").evaluate_all("all => all.map(one => one.getAttribute('href'))")
    assert "/me" in paths
    for path in dict.fromkeys([*paths, "/design", *BEHIND.get(username, ())]):
        if path not in looked_at:
            looked_at.add(path)
            page.emulate_media(color_scheme="light", reduced_motion="reduce")
            answer = page.goto(path)
            assert answer is not None
            assert answer.ok, path
            assert_accessible(page)
            page.emulate_media(color_scheme="dark", reduced_motion="reduce")
            contrast = Axe().run(page, options={"runOnly": ["color-contrast"]}).response["violations"]
            assert [(path, one["nodes"][0]["html"][:200]) for one in contrast] == []


DEEPER = {  # a page, and what leads on from it; nothing: itself
    "admin": [
        ("/monitoring", "main a[href^='/monitoring/']"), ("/quality", "main a[href^='/quality/setup/']"),
        ("/voice", "main a[href^='/voice/flows/']"), ("/knowledge-editor", "main a[href^='/knowledge-editor/new']"),
        ("/knowledge-editor", "main a[href$='/1']"),
    ],
    "sara": [
        ("/charts", "main a[href^='/charts/year']"), ("/staffing/shifts", ""), ("/status", ""),
        ("/supervision/agents", ""), ("/supervision", "a[id$='-expected']"),
        ("/supervision", "a[id$='-all-received-today']"),
    ],
}  # fmt: skip


@pytest.mark.parametrize("username", DEEPER)
def test_the_pages_behind_those_of_the_menu_are_accessible_too(sit_down: SitDown, username: str) -> None:
    page = sit_down(username).page
    for path, onwards in DEEPER[username]:
        page.emulate_media(color_scheme="light", reduced_motion="reduce")
        page.goto(path)
        if onwards:
            page.goto(page.locator(onwards).first.get_attribute("href") or "")
        assert_accessible(page)
        page.emulate_media(color_scheme="dark", reduced_motion="reduce")
        contrast = Axe().run(page, options={"runOnly": ["color-contrast"]}).response["violations"]
        assert [(path, onwards, one["nodes"][0]["html"][:200]) for one in contrast] == []


def test_the_sign_in_page_is_accessible(centre: Centre, chromium: Browser, loopback: None) -> None:
    page = chromium.new_page()
    page.goto(f"{centre.web}/sign-in")
    assert_accessible(page)
    page.close()


def test_the_console_is_accessible_in_conversation_and_fits_its_screen(
    centre: Centre, sit_down: SitDown, citizen: dict[str, str]
) -> None:
    anna = sit_down("anna").ready()
    centre.call(citizen["from"], citizen["line"], {"say_digits": "1"})
    expect(anna.page.locator("#answer")).to_be_visible()
    assert_accessible(anna.page)
    anna.page.locator("#answer").click()
    expect(anna.page.locator("#phone")).to_contain_text("Siete in linea")
    identify(anna.page)
    expect(anna.page.locator("#file")).to_contain_text("identificato")
    assert_accessible(anna.page)
    height, width = anna.page.evaluate("[document.documentElement.scrollHeight, document.documentElement.scrollWidth]")
    assert (height, width) == (768, 1366)
    anna.page.keyboard.press("Alt+c")
    write_up(anna.page)


def test_a_feed_is_sent_and_read_with_its_refused_line_explained(
    centre: Centre, sit_down: SitDown, tmp_path: Path
) -> None:
    lines = (centre.data / "feed-empoli.jsonl").read_text().splitlines()
    header = json.loads(lines[0])
    taxpayer = json.loads(lines[1]) | {"codice_fiscale": "SBAGLIATO"}
    feed = tmp_path / "correzioni.jsonl"
    feed.write_text("\n".join([json.dumps(header), json.dumps(taxpayer), lines[2]]) + "\n", encoding="utf-8")

    admin = sit_down("admin", "/imports")
    admin.page.select_option("#ente", label="Comune di Empoli")
    admin.page.set_input_files("#feed", feed)
    admin.page.get_by_role("button", name="Carica").click()
    run = admin.page.locator(".run", has_text="correzioni.jsonl")
    expect(run).to_contain_text("Letto, 1 riga rifiutata")
    run.locator("summary").click()
    expect(run).to_contain_text("SBAGLIATO")
    admin.shot("imports")


def test_the_simulators_page_knows_whom_a_person_calls_and_who_will_answer(
    centre: Centre, chromium: Browser, sit_down: SitDown, loopback: None
) -> None:
    page = chromium.new_page(viewport={"width": 420, "height": 740}, locale="it-IT")
    page.goto(centre.simulator)
    expect(page.locator("#who")).to_have_text("Adesso non risponde nessuno.")
    expect(page.get_by_role("link", name="Apri la console")).to_be_visible()
    callers = {one["from"]: one["to"] for one in json.loads((centre.data / "callers.json").read_text())}
    for number in page.locator("#suggestions button").evaluate_all("all => all.map((one) => one.dataset.number)"):
        page.locator(f'#suggestions [data-number="{number}"]').click()
        expect(page.locator("#own")).to_have_value(number)
        expect(page.locator("#to")).to_have_value(callers[number])
    sit_down("anna").ready()
    expect(page.locator("#who")).to_have_text("Ti risponde una persona.")
    assert_accessible(page)
    assert page.evaluate("document.documentElement.scrollWidth") == 420
    page.close()


def test_a_citizen_calls_from_the_simulators_page_with_its_keypad(
    centre: Centre, chromium: Browser, sit_down: SitDown, citizen: dict[str, str]
) -> None:
    anna = sit_down("anna").ready()
    page = chromium.new_page(viewport={"width": 420, "height": 900}, locale="it-IT")
    page.goto(centre.simulator)
    assert_accessible(page)
    page.get_by_role("button", name="Chiama", exact=True).click()
    expect(page.locator("[aria-live]").first).to_be_attached()
    expect(page.get_by_text("riscossione tributi").first).to_be_visible()
    page.get_by_role("button", name="0", exact=False).first.click()
    expect(anna.page.locator("#answer")).to_be_visible()
    anna.page.locator("#answer").click()
    expect(anna.page.locator("#phone")).to_contain_text("Siete in linea")
    expect(page.locator("#line-who")).to_have_text("Ti ha risposto una persona.")
    page.screenshot(path=Path(__file__).parents[2] / ".artifacts" / "caller.png")
    anna.page.keyboard.press("Alt+c")
    write_up(anna.page)
    page.close()


def test_the_network_breaks_down_on_its_page_and_the_wallboard_says_since_when(
    centre: Centre, sit_down: SitDown, chromium: Browser
) -> None:
    board = sit_down("sara", "/wallboard", 1920, 1080)
    page = chromium.new_page()
    page.goto(f"{centre.simulator}/calls")
    expect(page.locator("#fault option")).not_to_have_count(0)
    page.select_option("#fault", "lose_reply")
    page.select_option("#kind", "create")
    page.locator("#inject button").click()
    expect(page.locator("#active li")).to_contain_text("Risposta persa")
    assert_accessible(page)
    page.select_option("#fault", "down")
    page.select_option("#kind", "")
    page.select_option("#times", "")
    page.locator("#inject button").press("Enter")
    expect(page.locator("#down")).to_be_visible()
    expect(board.page.locator("#board")).to_contain_text("Il gestore telefonico non risponde dalle")
    page.locator("#recover").press("Enter")
    expect(page.locator("#no-faults")).to_be_visible()
    expect(board.page.locator("#board")).not_to_contain_text("Il gestore telefonico non risponde")
    page.close()


def test_a_supervisor_puts_somebody_out_of_service_and_he_reads_it(sit_down: SitDown) -> None:
    anna = sit_down("anna").ready()
    sara = sit_down("sara", "/operators")
    assert_accessible(sara.page)
    row = sara.page.locator(".operators tr", has_text="Anna").first
    row.get_by_role("button", name="Metti fuori servizio").click()
    expect(anna.page.locator("#released")).to_contain_text("ti ha messo fuori servizio")
    expect(row).to_contain_text("Fuori servizio")
    anna.ready()


def test_the_pages_of_an_office_are_accessible_in_light_and_in_dark(sit_down: SitDown) -> None:
    page = sit_down("sara").page
    page.goto("/agendas")
    office = page.get_by_role("link", name="Ufficio Tributi").first.get_attribute("href")
    services = page.locator("main a[href^='/agendas/services/']").first.get_attribute("href")
    assert office
    assert services
    below = [f"{office}/{one}" for one in ("week", "book", "prepare")]
    for path in (office, *below, services, "/agendas/calendars", "/screens"):
        page.emulate_media(color_scheme="light", reduced_motion="reduce")
        page.goto(path)
        if path == office:
            expect(page.locator("[data-live]")).to_have_attribute("data-live", "on")
        page.locator("main details").evaluate_all("all => all.forEach(one => { one.open = true; })")
        assert_accessible(page)
        page.emulate_media(color_scheme="dark", reduced_motion="reduce")
        contrast = Axe().run(page, options={"runOnly": ["color-contrast"]}).response["violations"]
        assert [(path, one["nodes"][0]["html"][:200]) for one in contrast] == []

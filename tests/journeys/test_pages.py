"""Pages: accessible, and the two that no agent uses: the feeds' and the citizen's."""

import json
import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from html import unescape
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from fastapi.routing import APIRoute
from playwright.sync_api import Browser, Page, expect

import web.app
from tests.journeys.conftest import Centre, Desk, identify, write_up

pytestmark = pytest.mark.journey

SitDown = Callable[..., Desk]
ALONE = {"resultTypes": ["violations"]}  # what is right is not described: that takes as long again
WCAG = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}, **ALONE}
CONTRAST = {"runOnly": ["color-contrast"], **ALONE}
BUT_CONTRAST = {**WCAG, "rules": {"color-contrast": {"enabled": False}}}
# Of what stands in the same boxes, with the same classes and states, the contrast is looked at once, in both looks.
LEGIBLE = """async ([options, known]) => {
  const ours = new Set(known), fresh = new Map();
  const says = one => [...one.childNodes].some(node => node.nodeType === Node.TEXT_NODE && node.data.trim());
  const as = one => [one.localName, /\\d/.test(one.id) ? "" : one.id, one.getAttribute("class"),
    ...["aria-current", "aria-pressed", "aria-selected", "data-state", "disabled"].map(name => one.getAttribute(name))];
  for (const one of document.body.querySelectorAll("*")) {
    if (!(says(one) || one.matches("input, select, textarea")) || !one.checkVisibility()) continue;
    let like = "";
    for (let box = one; box; box = box.parentElement) like += as(box).join() + "/";
    if (!ours.has(like) && !fresh.has(like)) fresh.set(like, one);
  }
  const found = fresh.size ? (await axe.run({include: [...fresh.values()]}, options)).violations : [];
  return [[...fresh.keys()], found.flatMap(one => one.nodes.map(node => node.html.slice(0, 200)))];
}"""


def assert_accessible(page: Page) -> None:
    """No violation of WCAG 2.1 AA that a machine can find once all has loaded, and each key means one thing."""
    _assert_accessible(page, WCAG)


def _assert_accessible(page: Page, options: dict[str, Any]) -> None:
    page.wait_for_load_state("load")
    found = Axe().run(page, options=options).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"][:200]) for one in found] == []
    keys = page.locator("[data-key]:not(:disabled):visible").evaluate_all("all => all.map(one => one.dataset.key)")
    assert len(keys) == len(set(keys)), f"a key means two things: {sorted(keys)}"


_legible: set[str] = set()  # what has been looked at in both looks


def assert_accessible_in_both_looks(page: Page) -> None:
    """In the light, and legible in the dark."""
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    _assert_accessible(page, BUT_CONTRAST)
    fresh: set[str] = set()
    looks: tuple[Literal["light", "dark"], ...] = ("light", "dark")
    for look in looks:
        page.emulate_media(color_scheme=look, reduced_motion="reduce")
        new, illegible = page.evaluate(LEGIBLE, [CONTRAST, list(_legible)])
        assert illegible == []
        fresh.update(new)
    _legible.update(fresh)
    page.emulate_media(color_scheme="light", reduced_motion="reduce")


def look_at(page: Page, path: str) -> None:
    """A page, with whatever can be unfolded on it unfolded; of what is long its beginning, which the rest is like."""
    page.emulate_media(reduced_motion="reduce")
    page.goto(path)
    page.locator("main details").evaluate_all("all => all.forEach(one => { one.open = true; })")
    page.locator(LIKE_OTHERS).evaluate_all("all => all.forEach(one => one.remove())")
    assert page.locator("table").evaluate_all(BESIDE) == [], "a table's head stands above its rows"
    assert_accessible_in_both_looks(page)


BESIDE = """all => all.filter(one => one.checkVisibility() && one.tHead?.rows.length && one.tBodies[0]?.rows.length)
  .filter(one => one.tHead.getBoundingClientRect().bottom > one.tBodies[0].getBoundingClientRect().top + 1)
  .map(one => one.outerHTML.slice(0, 200))"""
LIKE_OTHERS = "main tbody tr:nth-child(n+11), main li:nth-child(n+16), main option:nth-child(n+31)"
# Of these a page's first showing is not all there is of it.
SHOWINGS = {
    "admin": (
        "/enti/1?hours=sercom", "/enti/contracts/1/levels?preset=intercent_er",
        "/enti/contracts/1/conditions?preset=anci_toscana",
    ),
    "sara": (
        "/levels/1/calls?metric=share_of_received_calls_waiting_over", "/follow-ups/new?contact=1",
        f"/agendas/1?day={date.today() + timedelta(days=7 - date.today().weekday())}",
    ),
    "anna": ("/nowhere", "/wall/revoked"),
}  # fmt: skip
LOOKERS = ("admin", "admin", "admin", "sara", "sara", "sara", "anna", "dirigente-livorno", "dino")
BEGINS = {"dino": "/desk/offices"}  # who would not come to a live page by himself
MOST = 34  # pages in one journey
NO_PAGES = re.compile(  # files, data, and pieces of pages
    r"\.(csv|json|ics|atom|js|xlsx|sav|xml|zip|pdf|\{kind\})$|^/$|^/(metrics|session)$|^/(health|drafts|beside)/"
    r"|^/(console|practice)/|^/files/(positions|documents)/\{|^/files/\{contact_id\}/timeline$|^/follow-ups/(form$|\{)"
    r"|^/knowledge/(found|\{piece_id\}/text)$|^/levels/\{contract_id\}/\{name\}$|^/messages/(closed|form/)"
    r"|^/proposals/(closed$|form/|exports/|\{proposal_id\}/file)|^/staffing/(need|parts)$|^/status/badge$|^/field/alarms/badge$|^/field/commissions/open/\{ente_id\}/counting$"
    r"|^/letters/(\{letter_id\}/file|.*/now)$|^/cases/(documents/|news$)|^/outcomes/\{call\}/form$"
    r"|^/lists/(rows|\{list_id\}/state)$|^/campaigns/\{campaign_id\}/(now$|messages/(now|preview))|^/questionnaires/\{form_id\}/versions/\{number\}/file$"
    r"|^/field/(news$|agents/\{agent_id\}/(photo$|papers/)|accreditations/\{accreditation_id\}/proof$)"
    r"|^/field/files/\{|^/mail/(messages|files)/\{"
    r"|^/field/rounds/\{plan_id\}/now$|^/texts/\{thread\}/words$|/(logo|card|sound|document|tickets/\{turn_id\}|progress)(/|$)"
)
ELSEWHERE = {  # no link of the menu leads to them, or not without what the demonstration has none of
    "/lists/{list_id}": "test_contact_lists", "/campaigns/{campaign_id}": "test_campaigns",
    "/field/rounds/": "test_rounds_seen", "/field/visits/{visit_id}": "test_pages_seen", "/letters/": "test_letters",
    "/cases/{case_id}/letter": "test_letters",
    "/survey-cases/": "test_pages_seen", "/indagine/": "test_pages_seen",
    "/documenti": "test_pages_seen", "/segnala": "test_booking",
    "/prenota": "test_booking", "/kiosk/": "test_desk", "/room/": "test_desk", "/wall/": "test_live_board",
    "/welcome/": "test_access", "/sign-in/": "test_access", "/recordings/": "test_recordings",
    "/privacy/erasures/": "test_privacy", "/quality/": "test_pages_seen", "/me/quality/": "test_pages_seen",
    "/agendas/appointments/": "test_pages_seen", "/agendas/bulk/": "test_pages_seen",
    "/agendas/{office_id}/book/": "test_pages_seen", "/messages/{ente_id}/": "test_pages_seen",
    "/field/mandates": "test_field_practices", "/field/assignments/": "test_field_practices",
    "/privacy/ends/": "test_pages_seen", "/interviews/": "test_pages_seen",
    "/door": "test_door_offline",
    "/field/me": "test_pages_seen", "/field/commissions/mine": "test_field_closing",
}  # fmt: skip
NOT_OURS = ("/telephony/", "/api/", "/sign-out/", "/sign-in/with/", "/static/")
LINK = re.compile(r'(?:href|hx-get|data-from)="(/[^"#]*)')


@dataclass
class Looked:
    """The addresses of ours by which something was shown: whole pages, and what is none; and where each goes on."""

    pages: set[str] = field(default_factory=set)
    others: set[str] = field(default_factory=set)
    ways: dict[str, deque[str]] = field(default_factory=dict)


@pytest.fixture(scope="module")
def looked_at() -> Looked:
    return Looked()


@pytest.fixture(scope="module")
def addresses() -> list[APIRoute]:
    """All that a browser may ask for, those that take least from the address first."""
    routers = [one.router for one in vars(web.app).values() if hasattr(one, "router")]
    routes = [one for router in routers for one in router.routes if isinstance(one, APIRoute)]
    shown = [one for one in routes if "GET" in one.methods and not one.path.startswith(NOT_OURS)]
    return sorted(shown, key=lambda one: len(one.param_convertors))


def kind_of(path: str, addresses: list[APIRoute]) -> str:
    """The address as its route has it; empty for what is not ours."""
    return next((one.path for one in addresses if one.path_regex.match(urlsplit(path).path)), "")


def links_of(html: str) -> list[str]:
    return [unescape(one) for one in LINK.findall(html)]


@pytest.mark.parametrize("username", LOOKERS)
def test_each_page_that_somebody_comes_to_is_accessible_in_light_and_in_dark(
    sit_down: SitDown, looked_at: Looked, addresses: list[APIRoute], username: str
) -> None:
    """From the menu on, along every link: one page of each kind, by whoever comes to it first."""
    page = sit_down(username, BEGINS.get(username, "")).page
    if username not in looked_at.ways:
        menu = page.locator(".menu-body a").evaluate_all("all => all.map(one => one.getAttribute('href'))")
        assert "/me" in menu
        looked_at.ways[username] = deque([*menu, *(re.sub(r"{[^}]*}", "1", one.path) for one in addresses)])
        for path in SHOWINGS.get(username, ()):
            looked_at.pages.add(kind_of(path, addresses))
            looked_at.ways[username] += links_of(page.request.get(path).text())
            look_at(page, path)
    found, most = looked_at.ways[username], len(looked_at.pages) + MOST
    while found and len(looked_at.pages) < most:
        path = found.popleft()
        kind = kind_of(path, addresses)
        if not kind or kind in looked_at.pages | looked_at.others:
            continue
        answer = page.request.get(path, headers={"accept": "text/html"}, max_redirects=0)
        if not answer.ok or "html" not in answer.headers.get("content-type", ""):
            looked_at.others.update([kind] if answer.ok else [])
            continue
        html = answer.text()
        found += links_of(html)
        if "</html>" not in html:
            looked_at.others.add(kind)
            continue
        looked_at.pages.add(kind)
        look_at(page, path)


def test_no_page_is_left_that_nobody_looked_at(looked_at: Looked, addresses: list[APIRoute]) -> None:
    """What no link leads to, or not without more than this file has, another journey looks at."""
    if set(looked_at.ways) != set(LOOKERS):
        pytest.skip("the journeys before were not asked for")
    assert [username for username, found in looked_at.ways.items() if found] == []
    kinds = {one.path for one in addresses}
    left = sorted(kinds - looked_at.pages - looked_at.others)
    assert [one for one in left if not NO_PAGES.search(one) and not one.startswith(tuple(ELSEWHERE))] == []


def test_the_sign_in_page_is_accessible(centre: Centre, chromium: Browser, loopback: None) -> None:
    page = chromium.new_page()
    page.goto(f"{centre.web}/sign-in")
    assert_accessible(page)
    page.close()


TOO_LONG = """['phone', 'talk'].map(id => document.getElementById(id)).filter(one => one.scrollHeight > one.clientHeight
  || one.getBoundingClientRect().bottom > document.querySelector('.strip').getBoundingClientRect().top)
  .map(one => [one.id, one.scrollHeight, one.clientHeight])"""


def test_the_console_is_accessible_in_conversation_and_fits_its_screen(
    centre: Centre, sit_down: SitDown, citizen: dict[str, str]
) -> None:
    """Also below a broadcast as long as can be, the microphone off and help asked for, or a follow-up begun."""
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
    sara = sit_down("sara", "/broadcasts")
    for words in ("Il sito dei pagamenti è fermo.", "Chi ha una scadenza oggi non paga sanzioni: ditelo. " * 5):
        sara.page.locator("textarea").first.fill(words)
        sara.page.get_by_role("button", name="Invia", exact=True).click()
        expect(sara.page.locator("#sent article h2").first).to_have_text(words.strip())
    bar = anna.page.locator("#broadcasts")
    expect(bar).to_contain_text("Chi ha una scadenza oggi")  # the latest
    expect(bar).to_contain_text("e un altro avviso")
    anna.page.keyboard.press("Alt+m")
    anna.page.keyboard.press("Alt+u")
    expect(anna.page.locator("#muted")).to_be_visible()
    expect(anna.page.locator("#phone")).to_contain_text("Aiuto chiesto")
    assert anna.page.evaluate(TOO_LONG) == []
    assert_accessible(anna.page)
    anna.page.keyboard.press("Alt+m")
    anna.page.keyboard.press("Alt+g")
    expect(anna.page.locator(".follow-up-form")).to_be_visible()
    assert anna.page.evaluate(TOO_LONG) == []
    for left in ("e un altro avviso", "Il sito dei pagamenti è fermo."):
        expect(bar).to_contain_text(left)
        bar.get_by_role("button", name=re.compile("Ho letto")).click()
    expect(bar).to_be_hidden()
    anna.page.get_by_role("button", name="Lascia stare").click()
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

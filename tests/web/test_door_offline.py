"""Fabio's telephone in a real Chromium, with the network cut: a day of visits, what is kept of it, a new release."""

import threading
from base64 import b64encode
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from typing import Any

import pytest
import uvicorn
from PIL import Image
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import BrowserContext, expect
from sqlalchemy import func, insert, select, update

from crm.access import service as access
from crm.access.models import Role, RoleGrant, User
from crm.core import clock
from crm.core.db import Database, Scope
from crm.positions.models import Position
from outbound.field.agents import files, photos
from outbound.field.visits import devices
from outbound.field.visits.models import FieldAlarm, FieldDevice, FieldFile, Visit
from outbound.promises.models import PaymentPromise
from tests.cast import NOTICE, Cast
from tests.journeys.test_pages import assert_accessible_in_both_looks
from tests.outbound.field.people import a_mandate, a_practice, an_agent, approved
from web.app import create_app
from web.edge.visits import COOKIE
from web.field import shell
from web.run.claims import free_port
from web.wiring import Runtime

pytestmark = [pytest.mark.integration, pytest.mark.journey]
PHONE = {"width": 390, "height": 780}
CODE = "284619"
_DRAWN = BytesIO()
Image.new("RGB", (600, 800), "#dfe7ee").save(_DRAWN, "JPEG")
PHOTO = photos.made(_DRAWN.getvalue())
PATIENCE_MS = 60_000
KEPT = """async () => {
  const text = [location.href, document.cookie, JSON.stringify([{ ...localStorage }, { ...sessionStorage }])];
  for (const name of await caches.keys()) {
    for (const request of await (await caches.open(name)).keys()) {
      text.push(request.url, await (await (await caches.open(name)).match(request)).text());
    }
  }
  const database = await new Promise((done) => { indexedDB.open("door", 1).onsuccess = (e) => done(e.target.result); });
  for (const store of database.objectStoreNames) {
    const all = (asked) => new Promise((done) => { asked.onsuccess = () => done(asked.result); });
    const open = database.transaction(store).objectStore(store);
    text.push(...(await all(open.getAllKeys())));
    for (const one of await all(open.getAll())) {
      text.push(one?.data ? new TextDecoder("latin1").decode(one.data) : JSON.stringify(one));
    }
  }
  database.close();
  return text.join("\\n");
}"""


OPENED = """(mode) => new Promise((done) => {
  indexedDB.open("door", 1).onsuccess = (e) => done(e.target.result.transaction("plain", mode).objectStore("plain"));
})"""
TRIES = f"""async () => new Promise(async (done) => {{
  const store = await ({OPENED})("readonly");
  store.get("tries").onsuccess = (got) => done(got.target.result);
}})"""
TRY_LATER = f"""async (wait) => new Promise(async (done) => {{
  const store = await ({OPENED})("readwrite");
  store.get("tries").onsuccess = (got) => {{
    const until = wait && Date.now() + wait;
    store.put({{ ...got.target.result, until }}, "tries").onsuccess = () => done(true);
  }};
}})"""


@pytest.fixture
def address(runtime: Runtime, loopback: None) -> Iterator[str]:
    """The application, as a browser reaches it."""
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(create_app(runtime), port=port, log_config=None, ws="none"))
    thread = threading.Thread(target=server.run)
    thread.start()
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(30)


class Phone:
    """The telephone, and what the server has."""

    def __init__(self, context: BrowserContext, database: Database, cast: Cast, address: str) -> None:
        self.context, self.database, self.cast, self.address = context, database, cast, address
        self.page = context.new_page()
        self.sign_in()

    def sign_in(self) -> None:
        with self.database.begin(Scope.nothing()) as session:
            token = access.open_session(session, session.scalars(select(User.id).where(User.username == "fabio")).one())
        self.context.add_cookies([{"name": COOKIE, "value": token, "url": self.address}])

    def register(self) -> None:
        self.page.goto(f"{self.address}/door")
        self.page.get_by_label("Come chiami questo telefono").fill("Il mio")
        self.page.get_by_label("Codice, almeno 6 cifre").fill(CODE)
        self.page.get_by_label("Di nuovo il codice").fill(CODE)
        self.page.get_by_role("button", name="Registra").click()
        expect(self.page.get_by_role("button", name="MARIO BIANCHI")).to_be_visible()
        self.page.wait_for_function("navigator.serviceWorker.controller !== null || navigator.serviceWorker.ready")

    def unlock(self, code: str = CODE) -> None:
        self.page.get_by_label("Il tuo codice").fill(code)
        self.page.get_by_role("button", name="Apri", exact=True).click()

    def cut(self) -> None:
        """No network, and the page is opened anew: all that is there comes from the telephone."""
        self.page.evaluate("navigator.serviceWorker.ready")
        self.context.set_offline(True)
        self.page.reload()

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    def count(self, model: Any) -> int:
        with self.database.begin(Scope.of_contract(self.cast.contract)) as session:
            return session.scalar(select(func.count()).select_from(model)) or 0

    def waits(self, count: int) -> None:
        expect(self.page.locator("#waits")).to_have_text(str(count))


@pytest.fixture
def phone(chromium: Chromium, address: str, database: Database, cast: Cast) -> Iterator[Phone]:
    with database.begin(Scope.of_contract(cast.contract)) as session:
        fabio = User(username="fabio", name="Fabio Lotti")
        session.add(fabio)
        session.flush()
        session.execute(
            insert(RoleGrant).values(
                user_id=fabio.id, role=Role.FIELD_AGENT, contract_id=cast.contract, valid_from=clock.now(session)
            )
        )
        agent = an_agent(session, fabio.id, cast.sara)
        agent.photo = files.keep(session, PHOTO)
        approved(session, cast.empoli, agent, cast.sara)
        practice = a_practice(session, cast.empoli, cast.mario, cast.sara)
        values = {"reference": "T-1", "notice_number": NOTICE}
        session.execute(update(Position).where(Position.contact_id == cast.mario).values(values))
        mandate = a_mandate(session, practice, agent, cast.sara)
        today = clock.business_day(clock.now(session))
        mandate.valid_from, mandate.valid_to = today, today + timedelta(days=9)
    expect.set_options(timeout=PATIENCE_MS)
    with chromium.new_context(
        viewport=PHONE, locale="it-IT", has_touch=True, is_mobile=True, permissions=["geolocation"],
        geolocation={"latitude": 43.7189, "longitude": 10.9455, "accuracy": 12},
    ) as context:  # fmt: skip
        context.set_default_timeout(PATIENCE_MS)
        yield Phone(context, database, cast, address)


def test_a_visit_without_a_network_is_led_kept_sealed_and_sent_once(phone: Phone) -> None:
    page = phone.page
    phone.register()
    phone.cut()
    assert_accessible_in_both_looks(page)
    phone.unlock()
    page.get_by_role("button", name="MARIO BIANCHI").click()
    phone.press("Sono arrivato")
    expect(page.get_by_text("812,00")).to_have_count(0)
    phone.press("Mi sono presentato")
    page.get_by_label("Chi è").select_option("third_party")
    phone.press("Conferma chi è")
    expect(page.locator(".door-neutral")).to_be_visible()
    expect(page.get_by_text("812,00")).to_have_count(0)  # a neighbour looks at the screen
    page.get_by_label("Chi è").select_option("himself")
    page.get_by_label("Come lo hai visto").select_option("identity_card")
    phone.press("Conferma chi è")
    expect(page.get_by_text("812,00").first).to_be_visible()
    expect(page.get_by_role("img", name=NOTICE)).to_be_visible()
    assert page.locator("#outcome-is option[value=promise]").is_disabled()  # nothing was told yet
    phone.press("L'ho detto")
    assert_accessible_in_both_looks(page)
    page.reload()  # the telephone was switched off and on
    phone.unlock()
    page.get_by_label("Esito").select_option("promise")
    day = page.evaluate("new Date(Date.now() + 5 * 864e5).toISOString().slice(0, 10)")
    page.get_by_label("Paga entro il giorno").fill(day)
    page.get_by_label("Quanto, in euro").fill("200,50")
    phone.press("Conferma l'esito")
    page.get_by_label("Nota: fatti, non giudizi").fill("Paga quando arriva lo stipendio")
    page.get_by_text("Firma, solo per ricevuta").click()
    canvas = page.locator("#signature")
    box = canvas.bounding_box()
    assert box
    page.mouse.move(box["x"] + 20, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + 90, box["y"] + 60)
    page.mouse.up()
    phone.press("Chiudi la visita")
    phone.waits(1)
    kept = page.evaluate(KEPT).upper()
    for secret in ("BIANCHI", "VIA ROMA", "812,00", "STIPENDIO", NOTICE, "BNCMRA", CODE):
        assert secret not in kept, secret
    assert phone.count(Visit) == 0
    phone.context.set_offline(False)
    phone.press("Aggiorna e manda")
    phone.waits(0)
    phone.press("Aggiorna e manda")
    assert (phone.count(Visit), phone.count(PaymentPromise), phone.count(FieldFile)) == (1, 1, 1)
    with phone.database.begin(Scope.of_contract(phone.cast.contract)) as session:
        visit = session.scalars(select(Visit)).one()
        assert (visit.faults, visit.signs, visit.distance_m) == ([], [], 0)
        assert session.scalars(select(PaymentPromise)).one().cents == 20_050


def test_the_badge_shows_its_photo_without_a_network_and_no_cache_has_it(phone: Phone) -> None:
    page = phone.page
    phone.register()
    phone.cut()
    phone.unlock()
    phone.press("Il tuo tesserino")
    photo = page.get_by_role("img", name="La fotografia del tesserino")
    expect(photo).to_be_visible()
    assert page.evaluate("document.getElementById('badge-photo').naturalWidth") == photos.WIDTH
    assert_accessible_in_both_looks(page)
    kept = page.evaluate(KEPT)
    assert PHOTO.decode("latin1")[-200:] not in kept
    assert b64encode(PHOTO).decode()[:200] not in kept


def test_ten_wrong_codes_empty_it(phone: Phone) -> None:
    phone.register()
    phone.cut()
    for tried in range(10):
        phone.page.evaluate(TRY_LATER, 0)  # the wait between two tries is over
        phone.unlock("000000")
        expect(phone.page.locator("#say")).to_contain_text(f": {9 - tried}" if tried < 9 else "svuotato")
    expect(phone.page.get_by_text("Accedi, in linea")).to_be_visible()


def test_after_some_wrong_codes_even_the_right_one_waits(phone: Phone) -> None:
    phone.register()
    phone.page.reload()
    for left in (9, 8, 7):
        phone.unlock("111111")
        expect(phone.page.locator("#say")).to_contain_text(f": {left}")
    assert phone.page.evaluate(TRIES)["until"] > 0
    phone.page.evaluate(TRY_LATER, 60_000)
    phone.unlock()
    expect(phone.page.locator("#say")).to_contain_text("Aspetta")


def test_a_telephone_that_was_taken_away_forgets_when_it_is_in_touch(phone: Phone) -> None:
    phone.register()
    with phone.database.begin(Scope.nothing()) as session:
        device = session.scalars(select(FieldDevice)).one()
        devices.revoke_of(session, agent_id=device.agent_id, at=clock.now(session))
    phone.page.reload()
    expect(phone.page.locator("#say")).to_contain_text("svuotato")
    expect(phone.page.get_by_role("button", name="Registra")).to_be_visible()


def test_days_without_contact_and_a_session_that_ended_leave_nobody_on_it(phone: Phone) -> None:
    phone.register()
    phone.context.clear_cookies()
    phone.page.reload()
    expect(phone.page.locator("#say")).to_contain_text("Accedi di nuovo")
    phone.unlock()
    expect(phone.page.get_by_text("Qui non ci sono visite")).to_be_visible()
    phone.sign_in()
    phone.page.reload()
    phone.unlock()
    expect(phone.page.get_by_role("button", name="MARIO BIANCHI")).to_be_visible()
    phone.page.evaluate("""() => new Promise((done) => {
      indexedDB.open("door", 1).onsuccess = (e) => {
        const store = e.target.result.transaction("plain", "readwrite").objectStore("plain");
        store.put({ at: Date.now() - 4 * 864e5, keep: 3 }, "contact").onsuccess = done;
      };
    })""")
    phone.cut()
    expect(phone.page.locator("#say")).to_contain_text("troppi giorni")


def test_a_call_for_help_without_a_network_waits_shows_other_ways_and_arrives(phone: Phone) -> None:
    page = phone.page
    phone.register()
    phone.context.set_offline(True)
    page.get_by_role("button", name="Pericolo").click()
    expect(page.locator("#alarm")).to_contain_text("parte appena c'è rete")
    expect(page.get_by_role("link", name="Chiama la centrale")).to_have_attribute("href", "tel:+390571000001")
    phone.context.set_offline(False)
    expect(page.locator("#alarm")).to_contain_text("Richiesta arrivata alla centrale")
    with phone.database.begin(Scope.of_contract(phone.cast.contract)) as session:
        alarm = session.scalars(select(FieldAlarm)).one()
        alarm.acknowledged_at, alarm.acknowledged_by, alarm.answer = clock.now(session), phone.cast.sara, "Arrivo"
    expect(page.locator("#alarm")).to_contain_text("Sara: Arrivo")


# -- the worker -------------------------------------------------------------------------------------------------------


class Releases:
    """A server of nothing but a shell, of which releases follow each other."""

    def __init__(self) -> None:
        self.version, self.worker, self.broken = "1", shell.worker("v1", ("/door", "/one.txt")), False
        releases = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path = self.path.split("?")[0]
                kind, body = releases.answer(path)
                self.send_response(200 if body is not None else 500)
                self.send_header("content-type", kind)
                self.send_header("service-worker-allowed", "/door")
                self.end_headers()
                self.wfile.write((body or "").encode())

            def log_message(self, *_: Any) -> None:
                """Nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_address[1]}"

    def answer(self, path: str) -> tuple[str, str | None]:
        if path == "/door/sw.js":
            return "text/javascript", self.worker
        if path == "/one.txt":
            return "text/plain", None if self.broken else self.version
        return "text/html", f"<!doctype html><title>{self.version}</title>"

    def release(self, version: str) -> None:
        self.version, self.worker = version, shell.worker(f"v{version}", ("/door", "/one.txt"))


@pytest.fixture
def releases(loopback: None) -> Iterator[Releases]:
    made = Releases()
    thread = threading.Thread(target=made.server.serve_forever)
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


REGISTER = 'navigator.serviceWorker.register("/door/sw.js", { scope: "/door", updateViaCache: "none" })'
UPDATE = """async () => {
  const registration = await navigator.serviceWorker.getRegistration("/door");
  await registration.update().catch(() => null);
  const next = registration.installing;
  if (next) await new Promise((done) => { next.onstatechange = () => next.state !== "installing" && done(); });
  return { waiting: Boolean(registration.waiting), active: Boolean(registration.active), caches: await caches.keys() };
}"""
TAKE_OVER = """() => new Promise(async (done) => {
  navigator.serviceWorker.addEventListener("controllerchange", () => done(true), { once: true });
  (await navigator.serviceWorker.getRegistration("/door")).waiting.postMessage("take-over");
})"""


def test_a_new_release_waits_a_broken_one_is_passed_over_and_one_goes_back(
    chromium: Chromium, releases: Releases
) -> None:
    with chromium.new_context() as context:
        page = context.new_page()
        shown: Callable[[], str] = lambda: (page.reload(), page.title())[1]  # noqa: E731
        page.goto(f"{releases.address}/door")
        page.evaluate(f"{REGISTER}.then(() => navigator.serviceWorker.ready)")
        page.reload()
        releases.release("2")
        assert page.evaluate(UPDATE)["waiting"]  # a visit may be open: nothing changes by itself
        assert shown() == "1"
        page.evaluate(TAKE_OVER)
        assert (shown(), page.evaluate("caches.keys()")) == ("2", ["door-v2"])
        releases.release("3")
        releases.broken = True
        after = page.evaluate(UPDATE)
        assert (after["waiting"], after["caches"]) == (False, ["door-v2"])
        context.set_offline(True)
        assert shown() == "2"
        context.set_offline(False)
        releases.broken = False
        releases.release("1")
        assert page.evaluate(UPDATE)["waiting"]
        page.evaluate(TAKE_OVER)
        assert shown() == "1"


def test_what_is_switched_off_leaves_no_worker_and_nothing_kept(chromium: Chromium, releases: Releases) -> None:
    with chromium.new_context() as context:
        page = context.new_page()
        page.goto(f"{releases.address}/door")
        page.evaluate(f"{REGISTER}.then(() => navigator.serviceWorker.ready)")
        releases.worker = shell.ending()
        page.evaluate(UPDATE)
        page.wait_for_function("caches.keys().then((all) => all.length === 0)")
        page.wait_for_function("navigator.serviceWorker.getRegistrations().then((all) => all.length === 0)")
        releases.version = "online"
        page.reload()
        assert page.title() == "online"

"""A visit from its beginning to its end: a campaign's step, the mandate, the round, the door without a network, the
report, the payment that the feed registers, the commission, its settlement.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, StorageState, expect
from sqlalchemy import text

from crm.core import clock
from crm.core.clock import business_day, start_of_day
from crm.core.db import Scope
from crm.enti.calendar import Hours, Timetable, next_opening
from outbound.field.closing import listening, settling
from outbound.field.closing.quarters import Quarter
from outbound.field.places import queries as places
from outbound.field.practices import opening, turns
from tests.journeys.conftest import PATIENCE_MS, Centre, Desk, eventually, give_credentials, running
from tests.journeys.test_files import is_read, payment
from tests.journeys.test_pages import assert_accessible

pytestmark = pytest.mark.journey
SitDown = Callable[..., Desk]
CAMPAIGN, CODE = "Chi non risponde al telefono", "284619"
DAYS = Timetable(
    tuple(Hours(day, time(9), time(10)) for day in range(6)), patron=(11, 30)
)  # on which Empoli is visited
DEBTORS = text(
    """
    SELECT c.id, c.ente_id, c.codice_fiscale, p.notice_number FROM contact c JOIN position p ON p.contact_id = c.id
    WHERE c.kind = 'natural' AND p.notice_number IS NOT NULL AND p.residual_cents BETWEEN 20000 AND 200000
      AND p.withdrawn_as_of IS NULL AND p.plan IS NULL
      AND NOT EXISTS (SELECT 1 FROM campaign_contact o WHERE o.contact_id = c.id)
    ORDER BY c.id
    """
)
PRACTICE = """
    SELECT 1 FROM field_practice p JOIN contact c ON c.id = p.contact_id
    WHERE c.ente_id = %s AND c.codice_fiscale = %s AND p.campaign_id IS NOT NULL
"""
TOLD_LATER = "UPDATE import_run SET as_of = %s WHERE id = (SELECT max(id) FROM import_run WHERE ente_id = %s)"


# What a browser was given to hear and to show while another window is in front. Chromium without a screen lets nobody
# notify: what stands in for that notes it.
HEARD = """
    window.heard = { tones: 0, shown: [], running: false };
    const start = OscillatorNode.prototype.start;
    OscillatorNode.prototype.start = function (...at) {
      heard.tones += 1;
      heard.running = this.context.state === "running";
      return start.apply(this, at);
    };
    if (localStorage.getItem("allowed")) {
      window.Notification = class extends EventTarget {
        static permission = "granted";
        constructor(title) { super(); heard.shown.push(title); }
      };
    }
"""


@dataclass(frozen=True)
class Debtor:
    """Somebody of Empoli of whom a practice may be opened, and where he lives."""

    ente: int
    name: str
    codice_fiscale: str
    notice: str
    at: tuple[float, float]


@pytest.fixture(scope="module")
def centre(tmp_path_factory: pytest.TempPathFactory, prepared: Path) -> Iterator[Centre]:
    """One of its own, whose quarter is settled before its time."""
    with running(tmp_path_factory, prepared) as found:
        yield found


@pytest.fixture(scope="module")
def signed_in() -> dict[str, StorageState]:
    """Sessions of this centre alone."""
    return {}


@pytest.fixture
def debtor(centre: Centre) -> Debtor:
    """The first who may be visited, and whose address the civic numbers know."""
    with centre.database() as connection:
        row = connection.execute("SELECT id FROM ente WHERE cadastral_code = 'D403'").fetchone()
    assert row is not None
    with centre.product() as product, product.begin(Scope.of_enti([row[0]])) as session:
        found = {one.id: one for one in session.execute(DEBTORS)}
        able = opening.candidates(session, ente_id=row[0], contact_ids=[*found][:40], at=clock.now(session))
        for one in able:
            where = (
                places.locate(session, {0: (one.door.street or "", one.door.town or "")})[0].at if one.door else None
            )
            if where is not None and not one.refused:
                his = found[one.contact_id]
                return Debtor(
                    row[0], one.name, his.codice_fiscale, his.notice_number, (where.latitude, where.longitude)
                )
    raise AssertionError("the demonstration has nobody to be visited")


@pytest.fixture
def phone(centre: Centre, chromium: Browser, debtor: Debtor, loopback: None) -> Iterator[Page]:
    """Fabio's telephone, at the debtor's door."""
    at = {"latitude": debtor.at[0], "longitude": debtor.at[1], "accuracy": 12}
    with chromium.new_context(
        base_url=centre.web, viewport={"width": 390, "height": 780}, locale="it-IT", timezone_id="Europe/Rome",
        has_touch=True, is_mobile=True, permissions=["geolocation"], geolocation=at, reduced_motion="reduce",
    ) as context:  # fmt: skip
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        wrong: list[str] = []
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto("/door")
        give_credentials(page, "fabio")
        yield page
        assert wrong == []


def test_a_visit_from_its_campaign_to_the_settled_commission(
    centre: Centre, sit_down: SitDown, phone: Page, debtor: Debtor, tmp_path: Path
) -> None:
    sara, ente = sit_down("sara").page, sit_down("dirigente-empoli").page
    begins(sara, ente, debtor)
    eventually(lambda: opened(centre, debtor), "a practice is opened")

    assigned(sara, debtor)
    accepted(phone, debtor)
    planned(sara, debtor)

    watching(sara)
    visited(phone, debtor)
    alarmed(sara, phone)
    number, report = seen(sara, debtor)
    ente.goto("/field/reports")
    expect(ente.locator(f'th a[href="{report}"]')).to_be_visible()

    admin = sit_down("admin", "/imports")
    is_read(admin, payment(centre, debtor.notice, tmp_path, "120.00"))
    expect(admin.page.locator(".run", has_text="payment.jsonl")).to_contain_text("Letto")
    commission = earned(centre, sara, debtor, number)
    sara.get_by_role("link", name=number, exact=True).click()
    expect(sara.locator(f'a[href="{report}"]')).to_be_visible()  # from the line to the practice, and to its report
    phone.goto("/field/commissions/mine")
    phone.get_by_role("link", name=str(Quarter.of(today())), exact=True).click()
    expect(phone.locator("tbody tr", has_text=commission).first).to_be_visible()


def begins(sara: Page, ente: Page, debtor: Debtor) -> None:
    """A campaign of one person, whose only means is a visit."""
    sara.goto("/lists/file")
    sara.fill("#name", CAMPAIGN)
    sara.select_option("#ente", label="Comune di Empoli")
    rows = f"codice fiscale\n{debtor.codice_fiscale}\n".encode()
    sara.locator("#file").set_input_files({"name": "elenco.csv", "mimeType": "text/csv", "buffer": rows})
    sara.keyboard.press("Alt+s")
    sara.get_by_role("button", name="Crea la lista").click()
    expect(sara.locator("#list")).to_contain_text("Pronta")
    sara.goto("/campaigns/new")
    sara.fill("#name", CAMPAIGN)
    sara.select_option("#list_id", label=f"{CAMPAIGN} (Comune di Empoli)")
    sara.keyboard.press("Alt+s")
    sara.wait_for_url(re.compile(r"/campaigns/\d+/edit$"))
    sara.select_option("#channel-0", "visit")
    sara.keyboard.press("Alt+s")
    sara.wait_for_url(re.compile(r"/campaigns/\d+$"))
    sara.get_by_role("button", name="Chiedi l'approvazione").click()
    expect(sara.locator("#campaign")).to_contain_text("In attesa dell'ente")
    ente.goto(sara.url)
    ente.get_by_role("button", name="Approva", exact=True).click()
    expect(ente.locator("#campaign")).to_contain_text("Approvata")
    sara.reload()
    sara.get_by_role("button", name="Avvia").click()
    expect(sara.locator("#campaign")).to_contain_text("In corso")


def opened(centre: Centre, debtor: Debtor) -> bool:
    """Once a worker has put who is on the list into the campaign. The product's own look is each thirty seconds."""
    his = (debtor.ente, debtor.codice_fiscale)
    with centre.product() as product:
        turns.open_all(product)
    with centre.database() as connection:
        return connection.execute(PRACTICE, his).fetchone() is not None


def assigned(sara: Page, debtor: Debtor) -> None:
    """What is to be done leads to sharing out: seen first, then confirmed."""
    sara.goto("/field")
    sara.get_by_role("link", name=re.compile("da affidare")).click()
    sara.wait_for_url("**/field/assignments")
    sara.get_by_label("Ente", exact=True).select_option(label="Comune di Empoli")
    sara.get_by_label("Al massimo quante pratiche per agente").fill("99")
    sara.get_by_role("button", name="Proponi").click()
    sara.wait_for_url(re.compile(r"/field/assignments/\d+$"))
    expect(sara.get_by_role("row", name=debtor.name)).to_contain_text("Fabio")
    sara.get_by_role("button", name="Conferma e offri").click()
    expect(sara.get_by_role("button", name="Annulla l'assegnazione")).to_be_visible()


def accepted(phone: Page, debtor: Debtor) -> None:
    """The telephone is registered; the mandate is accepted, with the declaration that nothing ties him."""
    phone.get_by_label("Come chiami questo telefono").fill("Il mio")
    phone.get_by_label("Codice, almeno 6 cifre").fill(CODE)
    phone.get_by_label("Di nuovo il codice").fill(CODE)
    phone.get_by_role("button", name="Registra").click()
    phone.get_by_role("link", name=re.compile("incarichi, da accettare")).click()
    phone.wait_for_url("**/field/mandates")
    his = phone.get_by_role("article", name=debtor.name)
    his.get_by_role("button", name="Accetto").click()
    expect(his.locator(".field-error:visible")).to_be_visible()
    his.get_by_label(re.compile("Dichiaro")).check()
    his.get_by_role("button", name="Accetto").click()
    expect(his.get_by_role("link", name="Stampa l'incarico")).to_be_visible()
    assert_accessible(phone)
    phone.get_by_role("link", name="Le tue visite").click()
    unlock(phone)


def planned(sara: Page, debtor: Debtor) -> None:
    """The next day's round has it, and is published."""
    sara.goto("/field/rounds")
    sara.get_by_label("Giorno").fill(next_day().isoformat())
    sara.get_by_role("button", name="Prepara").click()
    sara.wait_for_url(re.compile("/choose$"))  # until it is loaded: a page that is not yet there has no choices
    seconds = sara.get_by_label("Secondi per calcolare")
    if (his := sara.get_by_label(f"Scegli {debtor.name}")).count():  # the demonstration had planned that day
        his.check()
        sara.get_by_role("button", name="Aggiungi le scelte").click()
        expect(his).to_have_count(0)
    seconds.fill("1")
    sara.locator("form", has=seconds).get_by_role("button", name="Salva").click()
    expect(sara.locator("#notice")).to_contain_text("Salvato")
    sara.get_by_role("button", name="Calcola i giri").click()
    sara.get_by_role("button", name="Pubblica agli agenti").click()
    expect(sara.locator("#round-head")).to_contain_text("Pubblicato")
    expect(sara.get_by_role("row", name=debtor.name)).not_to_contain_text("manca l'incarico")


def visited(phone: Page, debtor: Debtor) -> None:
    """At the door, without a network, in the order that the page forces; told once there is one again."""
    press(phone, "Aggiorna e manda")
    his = phone.get_by_role("button", name=debtor.name)
    if next_day() == today() + timedelta(days=1):  # what goes beyond tomorrow comes later
        expect(his).to_contain_text("nel giro")
    phone.evaluate("navigator.serviceWorker.ready")
    phone.context.set_offline(True)
    phone.reload()
    unlock(phone)
    his.click()
    press(phone, "Sono arrivato")
    press(phone, "Mi sono presentato")
    expect(phone.get_by_text(debtor.notice)).to_have_count(0)
    phone.get_by_label("Chi è").select_option("himself")
    phone.get_by_label("Come lo hai visto").select_option("identity_card")
    press(phone, "Conferma chi è")
    expect(phone.get_by_role("img", name=debtor.notice)).to_be_visible()
    press(phone, "L'ho detto")
    assert_accessible(phone)
    phone.get_by_label("Esito").select_option("promise")
    in_five_days = today() + timedelta(days=5)
    phone.get_by_label("Paga entro il giorno").fill(in_five_days.isoformat())
    press(phone, "Conferma l'esito")
    phone.get_by_label("Nota: fatti, non giudizi").fill("Paga con lo stipendio")
    phone.get_by_text("Firma, solo per ricevuta").click()
    box = phone.locator("#signature").bounding_box()
    assert box
    phone.mouse.move(box["x"] + 20, box["y"] + 20)
    phone.mouse.down()
    phone.mouse.move(box["x"] + 90, box["y"] + 60)
    phone.mouse.up()
    press(phone, "Chiudi la visita")
    expect(phone.locator("#waits")).to_have_text("1")
    phone.context.set_offline(False)
    press(phone, "Aggiorna e manda")
    expect(phone.locator("#waits")).to_have_text("0")


def watching(sara: Page) -> None:
    """A browser that blocks notifications says so; one that allows them says that. It is touched once, to sound."""
    sara.add_init_script(HEARD)
    sara.goto("/field/visits")
    expect(sara.get_by_text("Il browser ha bloccato gli avvisi")).to_be_visible()
    sara.evaluate("localStorage.setItem('allowed', 'yes')")
    sara.reload()
    expect(sara.get_by_text("compare un avviso del browser")).to_be_visible()
    expect(sara.get_by_text("Il browser ha bloccato gli avvisi")).to_be_hidden()
    expect(sara.locator("[data-live]").first).to_have_attribute("data-live", "on")
    sara.get_by_role("button", name="Fai sentire l'allarme").click()
    sara.wait_for_function("() => heard.running && heard.tones === 4")


def alarmed(sara: Page, phone: Page) -> None:
    """Help is asked for: it sounds, a notification is shown, and it goes on from another page until she answers."""
    sara.evaluate("Object.defineProperty(document, 'hidden', { get: () => true })")
    press(phone, "Chiedi aiuto")
    expect(sara.locator("#field-alarms-open")).to_contain_text("Fabio")
    sara.wait_for_function("() => heard.tones >= 8")
    assert sara.evaluate("heard.shown") == ["1 chiede aiuto in visita"]
    sara.goto("/field/register")
    sara.evaluate("localStorage.removeItem('field-alarm-rung')")  # as after twenty seconds
    sara.keyboard.press("Shift")
    sara.wait_for_function("() => heard.running && heard.tones >= 4")
    sara.get_by_role("link", name="1 chiede aiuto in visita").click()
    sara.get_by_label("Che cosa gli dici").fill("Arrivo")
    press(sara, "Me ne occupo io")
    expect(phone.locator("#alarm")).to_contain_text("Arrivo")
    expect(sara.locator("#field-alarms")).to_be_hidden()


def seen(sara: Page, debtor: Debtor) -> tuple[str, str]:
    """It appears on the supervisor's page by itself; from it to the practice, whose number it is, and to its report."""
    row = sara.locator("#field-lately tbody tr").first
    expect(row).to_contain_text("Promette di pagare")
    expect(sara.locator("#field-odd")).not_to_contain_text("Promette di pagare")
    assert_accessible(sara)
    link = row.get_by_role("link")
    number = link.inner_text()
    link.click()
    expect(sara.locator("#who-head")).to_contain_text(debtor.name)
    expect(sara.locator("#who-head")).to_contain_text("ha promesso di pagare")
    expect(sara.locator("main")).to_contain_text("Paga con lo stipendio")
    signature = sara.get_by_role("link", name="Firma per ricevuta").get_attribute("href")
    assert sara.request.get(signature or "").headers["content-type"] == "image/png"
    sara.get_by_role("link", name="Leggi la relazione").click()
    expect(sara.get_by_role("heading", name="Visita 1: Promette di pagare")).to_be_visible()
    expect(sara.locator("main")).to_contain_text("come fu fatta")
    assert_accessible(sara)
    return number, urlsplit(sara.url).path


def earned(centre: Centre, sara: Page, debtor: Debtor, number: str) -> str:
    """The payment is in the open quarter, and then in the settled one; what it earned is the same."""
    quarter = Quarter.of(today())
    with centre.product() as product:
        listening.hear_all(product)
    commission = line(sara, debtor, quarter, number)
    assert commission != "0,00 €"
    later = start_of_day(quarter.last + timedelta(days=40))
    with centre.database() as connection:
        connection.execute(TOLD_LATER, [later, debtor.ente])
    with centre.product(lambda: later) as product:
        assert settling.close_all(product) > 0
    assert line(sara, debtor, quarter, number) == commission
    expect(sara.locator("main")).to_contain_text("liquidato il")
    assert_accessible(sara)
    return commission


def line(page: Page, debtor: Debtor, quarter: Quarter, number: str) -> str:
    """What the practice earned in a quarter, by its statement."""
    page.goto(f"/field/commissions?ente={debtor.ente}")
    page.get_by_role("link", name=str(quarter), exact=True).click()
    its = page.locator("tbody tr", has=page.get_by_role("link", name=number, exact=True))
    expect(its).to_contain_text("120,00")
    return its.locator("strong").inner_text()


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def unlock(page: Page) -> None:
    page.get_by_label("Il tuo codice").fill(CODE)
    press(page, "Apri")


def today() -> date:
    return business_day(datetime.now(UTC))


def next_day() -> date:
    """The first day after today on which people of Empoli are visited."""
    found = next_opening(DAYS, start_of_day(today() + timedelta(days=1)))
    assert found is not None
    return business_day(found)

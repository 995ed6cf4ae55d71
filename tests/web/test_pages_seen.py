"""Pages of what the demonstration has none of, in a real Chromium that asks the application in this process."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page, Route, expect
from sqlalchemy import select
from starlette.testclient import TestClient

from crm.contacts.models import Verification
from crm.core.db import Database, Scope
from crm.messages import service as messages
from crm.messages.models import MessageChannel
from crm.messages.service import Order
from outbound.cati import online
from outbound.field.visits.models import Visit
from telephony.quality import service
from telephony.quality.models import SampleDraw
from tests.cast import Cast
from tests.journeys.test_pages import assert_accessible_in_both_looks
from tests.outbound.field.test_agents import Field, badge_of, field, found_unfit
from tests.telephony.recording.test_recordings import sara as supervisor
from tests.web.conftest import PUBLIC, Desk, let_in
from tests.web.test_agenda_pages import post as sent
from tests.web.test_agenda_pages import the_one
from tests.web.test_agendas import day, office
from tests.web.test_consigning import Counter, counter
from tests.web.test_door import Telephone, telephone
from tests.web.test_messages import Agent, agent
from tests.web.test_privacy import admin, environ, work
from tests.web.test_privacy import post as asks
from tests.web.test_proposals import Browser
from tests.web.test_quality import ANSWERS, conversation, given
from tests.web.test_questionnaires import Survey
from tests.web.test_survey_pages import gives, running

__all__ = (
    "admin",
    "agent",
    "conversation",
    "counter",
    "day",
    "environ",
    "field",
    "office",
    "telephone",
)  # the fixtures
pytestmark = [pytest.mark.integration, pytest.mark.journey]


@pytest.fixture
def page(client: TestClient, chromium: Chromium) -> Iterator[Page]:
    """A page whose requests the test's own client makes, with its session."""

    def ask(route: Route) -> None:
        asked = route.request
        headers = {"content-type": asked.headers["content-type"]} if asked.post_data else {}
        answer = client.request(
            asked.method,
            asked.url.removeprefix(PUBLIC),
            content=asked.post_data_buffer,
            headers=headers,
            follow_redirects=asked.method == "POST",
        )
        route.fulfill(status=answer.status_code, headers=dict(answer.headers), body=answer.content)

    with chromium.new_context(viewport={"width": 1366, "height": 768}, locale="it-IT") as context:
        context.route("**/*", ask)
        yield context.new_page()


def see(page: Page, path: str) -> None:
    """A page that is there, in light and in dark."""
    answer = page.goto(f"{PUBLIC}{path}")
    assert answer is not None
    assert answer.status == 200, path
    page.locator("main details").evaluate_all("all => all.forEach(one => { one.open = true; })")
    assert_accessible_in_both_looks(page)


def test_an_evaluation_and_its_draw(desk: Desk, conversation: UUID, client: TestClient, page: Page) -> None:
    evaluation = given(desk)
    draw = desk.stage.work(lambda s: s.scalars(select(SampleDraw.id)).one())
    for username, path in (("sara", f"/quality/{evaluation}"), ("sara", f"/quality/draws/{draw}"),
                           ("anna", f"/quality/draws/{draw}")):  # fmt: skip
        Browser(client, username, path)
        see(page, path)
    sara, anna = supervisor(desk.stage), desk.stage.principal(desk.stage.cast.anna)
    desk.stage.work(lambda s: service.submit(s, sara, evaluation_id=evaluation, answers=ANSWERS, comment="Bene."))
    desk.stage.work(lambda s: service.reply(s, anna, evaluation_id=evaluation, words="Le domande le ho fatte."))
    Browser(client, "sara", "/quality")
    for path in ("/quality", f"/quality/{evaluation}"):
        see(page, path)
    Browser(client, "anna", "/me")
    for path in ("/me/quality", f"/me/quality/{evaluation}"):
        see(page, path)


def test_what_who_manages_the_visits_sees_of_them(telephone: Telephone, page: Page) -> None:
    (stop,) = telephone.packet().json()["stops"]
    for outcome, practice in (("promise", stop["practice"]), ("absent", 999)):
        telephone.sends(telephone.visit(stop | {"practice": practice}, outcome))
    alarm = {"id": str(uuid4()), "kind": "panic", "told": telephone.now(), "practice": None, "position": None}
    telephone.sends(alarms=[alarm])
    let_in(telephone.client, "sara")
    with telephone.database.begin(Scope.of_enti([telephone.cast.empoli])) as session:
        visit = session.scalars(select(Visit.id)).one()
    for path in ("/field/visits", f"/field/visits/{visit}", "/field/words", "/field/code"):
        see(page, path)


def test_a_booking_an_appointment_and_many_moved_together(
    client: TestClient, database: Database, cast: Cast, office: int, day: str, page: Page
) -> None:
    let_in(client, "sara")
    see(page, f"/agendas/appointments/{the_one(database, cast).id}?day={day}")
    times = client.get(f"/agendas/{office}/book?day={day}").text
    (service_id,) = set(re.findall(r'name="service" value="(\d+)"', times))
    at = re.findall(r'name="at" value="([^"]+)"', times)[0]
    held = sent(client, "/agendas/hold", at=at, service=service_id, channel="phone")
    see(page, held.headers["HX-Redirect"])
    proposed = sent(client, f"/agendas/{office}/bulk", kind="move", first=day, reason="Sciopero")
    see(page, proposed.headers["HX-Redirect"])


def test_an_interview(desk: Desk, database: Database, page: Page) -> None:
    survey = Survey(desk, database)
    one = survey.begun(survey.published())
    survey.get(one, "luca")
    see(page, one)  # a colleague conducts it
    survey.get(one, "anna")
    see(page, one)
    page.goto(f"{PUBLIC}{one}")
    page.keyboard.press("2")
    assert page.locator("input:checked").first.get_attribute("value") == "n"
    page.keyboard.press("Alt+x")
    assert page.locator("#disposition").evaluate("one => one === document.activeElement")
    for said in ({"said": "y"}, {"of": ["y", "n"], "rank": ["1", "2"]}):
        survey.says(one, **said)
        see(page, one)
    survey.says(one, deed="end", disposition="1.1", for_good="true")
    see(page, one)


def test_a_campaign_that_is_a_survey(desk: Desk, database: Database, page: Page) -> None:
    survey = Survey(desk, database)
    at, mario = running(survey, by_web=True), survey.cast.mario
    survey.get(at)
    for path in ("", "/survey", "/survey/quotas?first=ok", "/survey/sample?by=kind", "/board", "/results", "/messages"):
        see(page, f"{at}{path}")
    case = gives(survey, at, survey.cast.anna)
    survey.get(case, "anna")
    see(page, case)
    of = {"ente_id": survey.cast.empoli, "campaign_id": int(at.rsplit("/", 1)[1]), "contact_id": mario}
    with database.begin(Scope.of_contract(survey.cast.contract)) as session:
        link = online.address(session, **of, public_url=PUBLIC)
    page.set_viewport_size({"width": 390, "height": 780})
    see(page, link.removeprefix(PUBLIC))
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_an_agent_his_badge_and_a_finding(client: TestClient, field: Field, page: Page) -> None:
    field.at = datetime.now(UTC)
    field.active()
    let_in(client, "fabio")
    see(page, "/field/me")
    see(page, f"/badge?code={badge_of(field, 1)}")
    see(page, "/badge?code=1")
    found_unfit(field, 1)
    let_in(client, "sara")
    for path in ("/field", "/field/agents/1", "/field/accreditations/1"):
        see(page, path)


def test_no_more_emails(agent: Agent, database: Database, cast: Cast, page: Page) -> None:
    agent.reach("mario@example.it", Verification.VERIFIED)
    words = {"link": "https://cc.example.it/info/1"}
    order = Order(cast.empoli, "how_to_pay", words, contact_id=cast.mario, channel=MessageChannel.EMAIL)
    with database.begin(Scope.of_contract(cast.contract)) as session:
        message = messages.owe(session, None, order, cause="x")
    page.set_viewport_size({"width": 390, "height": 780})
    see(page, f"/messages/{cast.empoli}/{message}/stop")
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_what_was_handed_over_at_the_end_of_a_contract(
    admin: TestClient, database: Database, cast: Cast, page: Page
) -> None:
    assert asks(admin, "/privacy/ends", ente=str(cast.vinci), reason="scaduto").status_code == 204
    work(database, cast)
    see(page, "/privacy/ends/1")
    see(page, "/privacy")


def test_documents_that_a_code_opens(counter: Counter, page: Page) -> None:
    see(page, counter.hands_over())
    page.get_by_role("button", name="Manda il codice").click()
    (code,) = re.findall(r"\d{6}", counter.written("one_time_code").body)
    page.get_by_label("Codice").fill(code)
    page.get_by_role("button", name="Apri").click()
    expect(page.get_by_text("piano.pdf (")).to_be_visible()
    assert_accessible_in_both_looks(page)

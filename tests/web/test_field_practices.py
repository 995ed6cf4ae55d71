"""Practices in the browser: opened by the ente, shared out by the company, accepted on a telephone, placed, closed."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page, Route
from sqlalchemy import select, update
from starlette.testclient import TestClient

from crm.access.models import Role, RoleGrant, User
from crm.audit.models import AuditEntry
from crm.collection.models import ImportRun, ImportState
from crm.core import clock
from crm.core.configuration import changed
from crm.core.db import Scope
from outbound.field.agents.models import FieldAgent
from outbound.field.practices.models import FieldMandate, Practice
from outbound.lists.models import ContactList, ContactListMember, ListState, Origin
from tests.cast import Cast
from tests.journeys.test_pages import assert_accessible_in_both_looks
from tests.outbound.field.people import an_agent, approved
from tests.web.conftest import PUBLIC, csrf_of, let_in
from web.wiring import Runtime

pytestmark = pytest.mark.integration
FRAGMENT = {"hx-request": "true"}
CIVICS = b"VIA;CIVICO;LON;LAT\nVia Roma;1;10,9455;43,7189\nVia Romana;9;10,95;43,72\nVia Roma;x;1;1\n" + b"".join(
    b"Via della Ferrovia;%d;10,9500;43,7200\n" % number for number in range(1, 2_500)
)  # more than a form may send


class Centre:
    """Sara manages visits, Vera decides for Empoli, Luca visits; Mario is on a list."""

    def __init__(self, client: TestClient, runtime: Runtime, cast: Cast) -> None:
        self.client, self.runtime, self.cast = client, runtime, cast

    def work(self, do: Callable[..., Any]) -> Any:
        return self.runtime.database.transact(Scope.of_enti([self.cast.empoli], [self.cast.contract]), do)

    def settle(self) -> None:
        def make(session: Any) -> None:
            changed(session)
            luca = session.scalars(select(User.id).where(User.username == "luca")).one()
            session.execute(update(RoleGrant).where(RoleGrant.user_id == luca).values(role=Role.FIELD_AGENT))
            session.execute(
                update(RoleGrant).where(RoleGrant.user_id == self.cast.vera).values(role=Role.ENTE_APPROVER)
            )
            agent = an_agent(session, luca, self.cast.sara)
            approved(session, self.cast.empoli, agent, self.cast.sara)
            now, of = clock.now(session), {"ente_id": self.cast.empoli}
            year = clock.business_day(now) + timedelta(days=300)
            session.execute(update(FieldAgent).values(badge_until=year))
            heard = dict.fromkeys(("as_of", "started_at", "moved_at", "ended_at"), now - timedelta(hours=1))
            its = ContactList(
                **of, name="Da visitare", origin=Origin.FILE, state=ListState.READY, made_by=self.cast.sara,
                made_at=now, members=1,
            )  # fmt: skip
            session.add_all(
                [its, ImportRun(**of, file_name="f", file_bytes=1, totals=[], state=ImportState.DONE, **heard)]
            )
            session.flush()
            session.add(ContactListMember(**of, list_id=its.id, contact_id=self.cast.mario))

        self.work(make)

    def comes(self, username: str) -> None:
        self.client.cookies.clear()
        let_in(self.client, username)

    def sends(self, path: str, **data: Any) -> Any:
        return self.client.post(path, data={"csrf": csrf_of(self.client), **data}, headers=FRAGMENT)

    def days(self) -> dict[str, str]:
        day = self.work(lambda s: clock.business_day(clock.now(s)))
        return {"valid_from": day.isoformat(), "valid_to": (day + timedelta(days=30)).isoformat(), "most_visits": "3"}

    def opened(self) -> int:
        self.comes("vera")
        assert self.sends("/field/practices/open", ente_id=self.cast.empoli, who=self.cast.mario).status_code == 204
        return int(self.work(lambda s: s.scalars(select(Practice.id)).one()))


@pytest.fixture
def centre(client: TestClient, runtime: Runtime, cast: Cast) -> Centre:
    made = Centre(client, runtime, cast)
    made.settle()
    return made


def test_from_the_ente_s_wish_to_the_agent_s_yes(centre: Centre) -> None:
    centre.comes("vera")
    found = centre.sends("/field/practices/find", ente_id=centre.cast.empoli, typed_name="bianchi")
    assert "MARIO BIANCHI" in found.text
    assert "Apri le pratiche segnate" in found.text
    practice = centre.opened()
    again = centre.sends("/field/practices/find", ente_id=centre.cast.empoli, typed_name="bianchi")
    assert "ha già una pratica di visita aperta" in again.text
    assert centre.client.get("/field/practices/new").status_code == 200
    assert "Da affidare" in centre.client.get(f"/field/practices/{practice}").text

    centre.comes("sara")
    shown = centre.client.get(f"/field/practices/{practice}").text
    assert "Fabio Lotti" in shown
    agent = centre.work(lambda s: s.scalars(select(FieldAgent.id)).one())
    wrong = centre.sends(f"/field/practices/{practice}/offer", agent_id="", **centre.days())
    assert (wrong.status_code, list(wrong.json()["fields"])) == (422, ["agent_id"])
    offered = centre.sends(f"/field/practices/{practice}/offer", agent_id=agent, cents="812,00", **centre.days())
    assert offered.status_code == 204, offered.text

    centre.comes("luca")
    page = centre.client.get("/field/mandates").text
    assert "MARIO BIANCHI" in page
    assert "Via Roma" not in page, "before he accepts he reads only what a tie is known by"
    assert "812" not in page
    mandate = centre.work(lambda s: s.scalars(select(FieldMandate.id)).one())
    assert centre.client.get(f"/field/mandates/{mandate}/paper.pdf").status_code == 404
    assert centre.sends(f"/field/mandates/{mandate}/accept").json()["fields"].keys() == {"no_ties"}
    assert centre.sends(f"/field/mandates/{mandate}/accept", no_ties="1").status_code == 204
    page = centre.client.get("/field/mandates").text
    assert "Via Roma 1" in page
    paper = centre.client.get(f"/field/mandates/{mandate}/paper.pdf")
    assert paper.content.startswith(b"%PDF")
    assert centre.client.get("/field/practices").status_code == 403

    centre.comes("sara")
    assert "in mano a un agente" in centre.client.get("/field/practices?state=accepted").text.lower()
    assert centre.sends(f"/field/practices/{practice}/revoke", reason="").status_code == 422
    assert centre.sends(f"/field/practices/{practice}/revoke", reason="si cambia agente").status_code == 204
    assert centre.sends(f"/field/practices/{practice}/freeze", reason="si sente il legale").status_code == 204
    assert centre.sends(f"/field/practices/{practice}/release").status_code == 204
    assert centre.sends(f"/field/practices/{practice}/recall").status_code == 204
    assert "richiamata" in centre.client.get(f"/field/practices/{practice}").text
    kinds = centre.work(lambda s: set(s.scalars(select(AuditEntry.kind))))
    assert kinds >= {
        "field_practice.considered", "field_practice.opened", "field_practice.looked", "field_practice.listed",
        "field_mandate.offered", "field_mandate.accepted", "field_mandate.printed", "field_mandate.revoked",
        "field_practice.frozen", "field_practice.released", "field_practice.closed",
    }  # fmt: skip


def test_a_list_is_considered_opened_and_shared_out(centre: Centre) -> None:
    centre.comes("sara")
    list_id = centre.work(lambda s: s.scalars(select(ContactList.id)).one())
    assert "Apri 1 pratica" in centre.sends("/field/practices/consider", list_id=list_id).text
    assert centre.sends("/field/practices/consider", list_id="").status_code == 422
    assert centre.sends("/field/practices/open", list_id=list_id, priority="3").status_code == 204
    asked = centre.client.get("/field/assignments").text
    assert f'<option value="{centre.cast.empoli}" selected>' in asked, "of the others nothing is to be shared out"
    made = centre.sends("/field/assignments", ente_id=centre.cast.empoli, most="60", **centre.days())
    at = made.headers["HX-Redirect"]
    shown = centre.client.get(at).text
    assert "Conferma e offri" in shown
    assert "MARIO BIANCHI" in shown
    assert centre.sends(f"{at}/apply").status_code == 204
    assert centre.sends(f"{at}/apply").status_code == 409
    assert centre.sends(f"{at}/undo").status_code == 204
    assert "Annullata" in centre.client.get(at).text
    made = centre.sends("/field/assignments", ente_id=centre.cast.empoli, most="60", **centre.days())
    assert centre.sends(f"{made.headers['HX-Redirect']}/drop").status_code == 204


def test_civic_numbers_are_uploaded_and_what_they_do_not_have_is_placed_by_hand(centre: Centre) -> None:
    practice = centre.opened()
    centre.comes("sara")
    assert "Via Roma 1" in centre.client.get("/field/places").text
    lost = centre.client.post(
        "/field/places", data={"csrf": csrf_of(centre.client)}, files={"file": ("c.csv", CIVICS)}, headers=FRAGMENT
    )
    assert list(lost.json()["fields"]) == ["town"]
    sent = {"data": {"csrf": csrf_of(centre.client), "town": "Empoli"}, "files": {"file": ("c.csv", CIVICS)}}
    assert centre.client.post("/field/places", **sent).status_code == 204
    page = centre.client.get("/field/places").text
    assert "Il numero civico non si legge." in page
    assert "al numero civico" in centre.client.get(f"/field/practices/{practice}").text
    metres = b"COMUNE;VIA;CIVICO;LON;LAT\nEmpoli;Via Roma;1;1656789;4842345\n"
    sent["files"] = {"file": ("c.csv", metres)}
    assert "EPSG:4326" in centre.client.post("/field/places", **sent).text
    assert centre.sends(f"/field/practices/{practice}/place", latitude="7", longitude="8").status_code == 422
    assert centre.sends(f"/field/practices/{practice}/place", latitude="43,7", longitude="10,9").status_code == 204


def test_the_ente_sets_its_hours_and_who_wants_no_visits_is_left_alone(centre: Centre) -> None:
    practice = centre.opened()
    week = {f"day-{day}": "9:00-12:00" for day in range(6)} | {"day-6": ""}
    numbers = {"fresh_hours": "48", "mandate_days": "30", "most_visits": "2"}
    wrong = centre.sends(
        "/field/practices/settings", ente_id=centre.cast.empoli, **week, **numbers | {"most_visits": "0"}
    )
    assert list(wrong.json()["fields"]) == ["most_visits"]
    assert centre.sends("/field/practices/settings", ente_id=centre.cast.empoli, **week, **numbers).status_code == 204
    assert "9:00-12:00" in centre.client.get("/field/practices/settings").text
    assert centre.sends(f"/field/practices/{practice}/no-visits", reason="Lo ha detto").status_code == 204
    assert "non vuole visite" in centre.client.get(f"/field/practices/{practice}").text
    found = centre.sends("/field/practices/find", ente_id=centre.cast.empoli, typed_name="bianchi")
    assert "non vuole visite a casa" in found.text
    assert centre.sends(f"/field/practices/{practice}/visits-again").status_code == 204


def test_vinci_s_practices_are_not_empoli_s_to_see(centre: Centre) -> None:
    centre.opened()
    centre.work(
        lambda s: s.execute(
            update(RoleGrant).where(RoleGrant.user_id == centre.cast.vera).values(ente_id=centre.cast.vinci)
        )
    )
    centre.comes("vera")
    assert "MARIO" not in centre.client.get("/field/practices").text
    practice = centre.work(lambda s: s.scalars(select(Practice.id)).one())
    assert centre.client.get(f"/field/practices/{practice}").status_code == 404


@pytest.fixture
def page(client: TestClient, chromium: Chromium) -> Iterator[Page]:
    def ask(route: Route) -> None:
        answer = client.get(route.request.url.removeprefix(PUBLIC))
        route.fulfill(status=answer.status_code, headers=dict(answer.headers), body=answer.content)

    with chromium.new_context(viewport={"width": 1366, "height": 768}, locale="it-IT") as context:
        context.route("**/*", ask)
        yield context.new_page()


@pytest.mark.journey
def test_everybody_can_read_the_pages(centre: Centre, page: Page) -> None:
    practice = centre.opened()
    centre.comes("sara")
    agent = centre.work(lambda s: s.scalars(select(FieldAgent.id)).one())
    see(page, f"/field/practices/{practice}")
    made = centre.sends("/field/assignments", ente_id=centre.cast.empoli, most="60", **centre.days())
    see(page, made.headers["HX-Redirect"])
    centre.sends(f"/field/practices/{practice}/offer", agent_id=agent, **centre.days())
    for path in (
        "/field/practices", "/field/practices?late=1", f"/field/practices/{practice}", "/field/practices/new",
        "/field/practices/settings", "/field/assignments", "/field/places",
    ):  # fmt: skip
        see(page, path)
    centre.comes("luca")
    page.set_viewport_size({"width": 390, "height": 844})
    see(page, "/field/mandates")
    wide = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    assert not wide, "nothing of it is to be scrolled sideways on a telephone"


def see(page: Page, path: str) -> None:
    answer = page.goto(f"{PUBLIC}{path}")
    assert answer is not None
    assert answer.status == 200, path
    page.locator("main details").evaluate_all("all => all.forEach(one => { one.open = true; })")
    assert_accessible_in_both_looks(page)

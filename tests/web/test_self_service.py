"""The page on which an ente's self-service is switched, and the timeline of whoever used it."""

import json
from html import unescape

import pytest
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from crm.access.models import Role
from crm.access.permissions import Held, Principal
from crm.core.db import Database, Scope
from telephony.ivr import queries as flows
from telephony.ivr.definition import NodeKind
from telephony.selfservice import administration, queries
from telephony.selfservice.dialogue import Offers
from telephony.selfservice.queries import Setting
from tests.cast import EMPOLI_LINE, NOTICE, REGIONAL_LINE, STRANGER, Cast
from tests.web.conftest import Desk
from tests.web.test_proposals import Browser, becomes

pytestmark = pytest.mark.integration
CF = "BNCMRA62A01D403X"


@pytest.fixture
def admin(client: TestClient, cast: Cast, database: Database) -> Browser:
    becomes(database, cast.sara, Role.ADMINISTRATOR, contract_id=cast.contract)
    return Browser(client, "sara", "/enti")


def kinds(database: Database, cast: Cast, line: str) -> set[NodeKind]:
    with database.begin(Scope.of_contract(cast.contract)) as session:
        return {node.kind for node in flows.current(session, line).flow.nodes.values()}


def test_it_is_switched_on_and_the_next_call_offers_it(admin: Browser, cast: Cast, database: Database) -> None:
    at = f"/enti/{cast.empoli}/self-service"
    assert f'href="{at}"' in admin.get(f"/enti/{cast.empoli}")
    assert "Nessun contribuente ha un PIN" in admin.get(at)
    assert NodeKind.SELF_SERVICE not in kinds(database, cast, EMPOLI_LINE)
    assert admin.post(at, is_on="yes", pins="yes")[0] == 204
    with database.begin(Scope.of_contract(cast.contract)) as session:
        assert queries.offers(session, cast.contract, cast.empoli) == Offers(pins=True, codes=False)
    assert NodeKind.SELF_SERVICE in kinds(database, cast, EMPOLI_LINE)
    assert NodeKind.SELF_SERVICE not in kinds(database, cast, REGIONAL_LINE)  # Vinci does not
    assert admin.get(at).count(" checked") == 2


def test_pins_come_from_a_file(admin: Browser, client: TestClient, cast: Cast) -> None:
    at = f"/enti/{cast.empoli}/pins"
    content = f"codice fiscale;PIN\n{CF};907351\nRSSLGU70A01I726X;907351\n".encode()
    done = client.post(at, files={"file": ("pin.csv", content)}, headers=admin.headers)
    assert done.status_code == 204
    assert "1%20PIN%20caricato." in done.headers["HX-Notice"]
    assert "3." in done.headers["HX-Notice"]
    shown = admin.get(f"/enti/{cast.empoli}/self-service")
    assert "Ha un PIN 1 contribuente." in shown
    assert "907351" not in shown
    refused = client.post(at, files={"file": ("pin.csv", b"\xff")}, headers=admin.headers)
    assert json.loads(refused.text)["fields"]["file"]


def test_another_contracts_ente_is_not_there(admin: Browser, client: TestClient, cast: Cast) -> None:
    assert client.get(f"/enti/{cast.siena}/self-service").status_code == 404
    assert admin.post(f"/enti/{cast.siena}/self-service", is_on="yes")[0] in {403, 404}


def test_the_operator_sees_what_the_voice_menu_has_told(desk: Desk) -> None:
    stage, cast = desk.stage, desk.stage.cast
    by = Principal(cast.sara, "", "it", frozenset({Held(Role.ADMINISTRATOR, None, cast.contract)}))

    def switch_on(session: Session) -> None:
        for ente_id in (cast.empoli, cast.vinci):
            wanted = Setting(is_on=True, pins=True, codes=False)
            administration.save_setting(session, by, ente_id=ente_id, wanted=wanted)
        administration.set_pins(session, by, ente_id=cast.vinci, content=b"NREGNI50A41M059X;481632")

    stage.work(switch_on)
    stage.ready(cast.anna)
    call = stage.arrives(STRANGER, REGIONAL_LINE)
    for keys in ("2", NOTICE, "481632", "1", "4", "0"):
        stage.presses(call, keys)
    stage.talks(call)
    desk.sit_down()
    shown = unescape(desk.page("phone"))
    assert "Dal risponditore ha sentito" in shown
    assert "quanto c'è da pagare, notifica" in shown
    assert "Potrebbe essere" in desk.page("file")  # who calls is for her to establish
    assert "€" not in desk.page("file")

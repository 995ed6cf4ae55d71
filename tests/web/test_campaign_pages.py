"""Pages of campaigns: somebody of the list looked for in the dry run, who is put aside and why, which contract."""

from typing import Any

import pytest
from sqlalchemy import select, update
from starlette.testclient import TestClient

from crm.core.db import Database, Scope
from crm.enti.models import Contract, ContractEnte
from outbound.campaigns.models import Campaign, CampaignContact, ContactState
from outbound.compliance import windows
from outbound.compliance.rules import Reason
from outbound.lists.models import ContactListMember
from tests.outbound.dialing import Dialing
from tests.web.conftest import csrf_of, let_in

pytestmark = pytest.mark.integration


@pytest.fixture
def dialing(desk: Any, monkeypatch: pytest.MonkeyPatch) -> Dialing:
    """A campaign of three whom a list has, whatever the hour."""
    monkeypatch.setattr(windows, "opening", lambda _window, at: at)
    found = Dialing(desk.stage, others=2)

    def listed(session: Any) -> None:
        list_id = session.scalars(select(Campaign.list_id)).one()
        for row in session.scalars(select(CampaignContact)).all():
            session.add(ContactListMember(list_id=list_id, contact_id=row.contact_id, ente_id=row.ente_id))

    found.stage.work(listed)
    return found


def as_(client: TestClient, username: str) -> dict[str, str]:
    client.cookies.clear()
    let_in(client, username)
    return {"X-CSRF-Token": csrf_of(client), "HX-Request": "true"}


def test_anybody_of_the_list_is_looked_for_and_nobody_else(client: TestClient, dialing: Dialing) -> None:
    sara = as_(client, "sara")
    at = f"/campaigns/{dialing.campaign}/people"
    assert "Stima su" in client.get(at).text
    found = client.post(at, data={"typed": "bianchi mario"}, headers=sara).text
    assert "BIANCHI" in found.upper()
    assert "sì" in found
    assert "Nessuno della lista" in client.post(at, data={"typed": "verdi lucia"}, headers=sara).text
    as_(client, "anna")
    assert client.get(at).status_code in {403, 404}


def test_who_is_put_aside_is_paged_by_reason(client: TestClient, dialing: Dialing) -> None:
    out = update(CampaignContact).values(state=ContactState.OUT, why=Reason.PAID)
    dialing.stage.work(lambda s: s.execute(out))
    as_(client, "sara")
    at = f"/campaigns/{dialing.campaign}/people"
    page = client.get(f"{at}?why=paid").text
    assert "ha pagato" in page
    assert page.count('<th scope="row">') >= 3
    assert "Per questo motivo non è escluso nessuno" in client.get(f"{at}?why=stale").text
    assert client.get(f"{at}?why=x").status_code == 422
    assert client.get(f"{at}?why=paid&after={2**63}").status_code == 404


def test_an_ente_of_two_contracts_is_asked_for_which_one_it_calls(
    client: TestClient, dialing: Dialing, database: Database
) -> None:
    cast = dialing.stage.cast
    list_id = dialing.stage.work(lambda s: s.scalars(select(Campaign.list_id)).one())
    with database.begin(Scope.nothing()) as session:
        second = Contract(name="Solo solleciti")
        session.add(second)
        session.flush()
        session.add(ContractEnte(contract_id=second.id, ente_id=cast.empoli))
        contract = str(second.id)
    sara = as_(client, "sara")
    assert "Solo solleciti" in client.get("/campaigns/new").text
    form = {"name": "Altri", "list_id": str(list_id)}
    refused = client.post("/campaigns/new", data=form, headers=sara)
    assert refused.status_code == 422
    assert "scegli per quale" in refused.text
    wrong = client.post("/campaigns/new", data={**form, "contract": str(cast.other_contract)}, headers=sara)
    assert wrong.status_code == 404
    made = client.post("/campaigns/new", data={**form, "contract": contract}, headers=sara)
    assert made.status_code < 300
    made_for = select(Campaign.contract_id).where(Campaign.name == "Altri")
    assert dialing.stage.work(lambda s: s.scalars(made_for).one()) == int(contract)

"""The page of a campaign's messages: writing them, looking before they leave, following them, and who may not."""

from typing import Any

import pytest
from sqlalchemy import select, update
from starlette.testclient import TestClient

from crm.access.models import Role, RoleGrant
from crm.audit.models import AuditEntry
from crm.collection.models import ImportRun, ImportState
from crm.core import clock
from crm.core.db import Database, Scope
from outbound.campaigns import plan as plans
from outbound.campaigns import service
from outbound.campaigns.models import Campaign, CampaignVersion
from outbound.campaigns.plan import Channel, Phase, Plan, Step
from outbound.compliance.rules import Written
from outbound.lists.models import ContactList, ContactListMember, ListState, Origin
from tests.cast import Cast, principal_of
from tests.web.conftest import csrf_of, let_in

pytestmark = pytest.mark.integration
SMS = "{ente}: buongiorno {nome}, ci chiami al {telefono}."
FORM = {"sms-personal-body": SMS, "price-sms": "0,0365", "written_a_week": "2"}


@pytest.fixture
def sara(client: TestClient, cast: Cast) -> TestClient:
    let_in(client, "sara")
    client.headers.update({"X-CSRF-Token": csrf_of(client), "HX-Request": "true"})
    return client


def begin(database: Database, cast: Cast, *steps: Step) -> int:
    def make(session: Any) -> int:
        of = {"ente_id": cast.empoli}
        made = ContactList(
            **of, name="Chi deve", origin=Origin.FILE, state=ListState.READY, made_by=cast.sara,
            made_at=clock.now(session), members=1, rows=0, wrong=0, unknown=0, several=0, twice=0,
        )  # fmt: skip
        session.add(made)
        heard = dict.fromkeys(("as_of", "started_at", "moved_at", "ended_at"), clock.now(session))
        session.add(ImportRun(**of, file_name="x", file_bytes=1, totals=[], state=ImportState.DONE, **heard))
        session.flush()
        session.add(ContactListMember(list_id=made.id, contact_id=cast.mario, **of))
        return service.begin(
            session, sara, **of, contract_id=cast.contract, list_id=made.id, name="Promemoria",
            plan=Plan(steps=steps, hours=("",) * 7, fresh_hours=720),
        )  # fmt: skip

    with database.begin(Scope.nothing()) as session:
        sara = principal_of(session, cast.sara)
    return database.transact(Scope.of_enti([cast.empoli], [cast.contract]), make)


@pytest.fixture
def page(database: Database, cast: Cast) -> str:
    return f"/campaigns/{begin(database, cast, Step(Channel.SMS))}/messages"


def kept(database: Database, cast: Cast) -> Plan:
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        return plans.parsed(session.scalars(select(CampaignVersion.plan)).one())


def test_the_text_is_written_and_seen_on_a_real_contact(
    sara: TestClient, database: Database, cast: Cast, page: str
) -> None:
    assert "Non è ancora partito niente." in sara.get(page).text
    assert sara.post(page, data=FORM).status_code < 400
    plan = kept(database, cast)
    assert plan.words(Written.SMS, Phase.PERSONAL).body == SMS
    assert (plan.prices, plan.consent_to_messages) == ({Written.SMS: 365}, False)
    written = sara.get(page).text
    assert 'value="0,0365"' in written
    assert f"{page}/preview/sms/personal" in written
    seen = sara.get(f"{page}/preview/sms/personal").text
    assert "Comune di Empoli: buongiorno MARIO BIANCHI, ci chiami al +39 0571 000001." in seen
    assert "+39 348 000 0001" in seen
    assert "0,04" in seen  # a cent is the least that is shown
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        looked = select(AuditEntry.contact_id).where(AuditEntry.kind == "campaign.message_seen")
        assert session.scalars(looked).all() == [cast.mario]


def test_without_consent_he_is_left_out_and_it_says_why(sara: TestClient, page: str) -> None:
    sara.post(page, data={**FORM, "consent": "1"})
    seen = sara.get(f"{page}/preview/sms/personal").text
    assert "non ha dato il consenso" in seen
    assert "Nessuno riceverebbe questo messaggio." in seen


@pytest.mark.parametrize(
    ("changes", "field", "says"),
    [
        ({"sms-personal-body": "{ente} {nme}"}, "sms-personal-body", "Il campo «nme», al carattere 8, non c'è."),
        ({"sms-personal-body": "{ente} {importo}"}, "sms-personal-body", "direbbe del debito"),
        ({"sms-personal-body": "Ci chiami"}, "sms-personal-body", "Chi scrive deve dire chi è"),
        ({"sms-personal-body": "{ente} {prenota}"}, "sms-personal-body", "non ha niente da mettere"),
        ({"price-sms": "molto"}, "price-sms", "Scrivi il prezzo in euro"),
        ({"price-sms": "3"}, "price-sms", "Un prezzo da 0 a 1 euro."),
        ({"written_a_week": "9"}, "written_a_week", "Un numero da 1 a 7."),
    ],
)
def test_what_is_wrong_is_told_beside_the_field(
    sara: TestClient, page: str, changes: dict[str, str], field: str, says: str
) -> None:
    answer = sara.post(page, data={**FORM, **changes})
    assert answer.status_code == 422
    assert field in answer.text
    assert says in answer.text


def test_the_length_is_told_as_it_is_typed(sara: TestClient, page: str) -> None:
    short = sara.post(f"{page}/length/personal", data={"sms-personal-body": SMS}).text
    assert "1 SMS" in short
    costly = sara.post(f"{page}/length/personal", data={"sms-personal-body": SMS + " ж" * 20}).text
    assert "3 SMS" in costly
    assert "un SMS tiene 70 caratteri" in costly


def test_a_campaign_of_calls_alone_writes_nothing(sara: TestClient, database: Database, cast: Cast) -> None:
    campaign = begin(database, cast, Step(Channel.CALL))
    assert "non ha passi con SMS o e-mail" in sara.get(f"/campaigns/{campaign}/messages").text


def test_what_the_ente_has_to_approve_is_no_longer_written(
    sara: TestClient, database: Database, cast: Cast, page: str
) -> None:
    sara.post(page, data=FORM)
    assert sara.post(page.replace("messages", "submit")).status_code < 400
    assert "Salva e guarda" not in sara.get(page).text
    assert sara.post(page, data={**FORM, "price-sms": "0,01"}).status_code >= 400


def test_it_is_not_sent_to_the_ente_without_its_text(sara: TestClient, page: str) -> None:
    answer = sara.post(page.replace("messages", "submit"))
    assert answer.status_code == 422
    assert "Scrivi il testo del messaggio." in answer.text


def test_another_entes_people_and_agents_see_nothing(
    client: TestClient, database: Database, cast: Cast, page: str
) -> None:
    with database.begin(Scope.nothing()) as session:
        at = clock.now(session)
        session.execute(
            update(RoleGrant).where(RoleGrant.user_id == cast.vera)
            .values(role=Role.ENTE_APPROVER, ente_id=cast.siena, valid_from=at)
        )  # fmt: skip
    paths = (page, f"{page}/now", f"{page}/preview/sms/personal")
    for name, expected in (("anna", {403}), ("vera", {404})):
        client.cookies.clear()
        let_in(client, name)
        client.headers.update({"X-CSRF-Token": csrf_of(client), "HX-Request": "true"})
        assert {client.get(path).status_code for path in paths} == expected
        assert client.post(page, data=FORM).status_code in {403, 404}
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        assert session.scalars(select(Campaign.id)).one()
        assert not session.scalars(select(AuditEntry.id).where(AuditEntry.kind == "campaign.message_seen")).all()

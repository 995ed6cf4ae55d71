"""Anna hands Mario a document by a one-time code: the way by e-mail, the code to his mobile, each opening kept."""

import re
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from crm.agendas import sites
from crm.cases import service
from crm.cases.consigning import rules
from crm.cases.consigning.models import ConsignedDocument, Consignment
from crm.cases.lifecycle import Channel, Topic
from crm.cases.models import Case, CaseDocument, CaseStep
from crm.cases.saying import Request
from crm.contacts.models import ContactReach, ReachKind, Verification
from crm.core.db import Scope
from crm.documents.models import Scan
from crm.messages.models import Message, MessageChannel
from crm.messages.rules import Address
from tests.cast import Cast, principal_of
from tests.web.conftest import csrf_of, let_in
from web.wiring import Runtime

pytestmark = pytest.mark.integration
PDF = b"%PDF-1.7 il piano"


class Counter:
    """Anna's desk, and Mario's telephone."""

    def __init__(self, client: TestClient, runtime: Runtime, cast: Cast, case_id: int) -> None:
        self.client, self.runtime, self.cast, self.case_id = client, runtime, cast, case_id

    def work(self, do: Any) -> Any:
        return self.runtime.database.transact(Scope.of_enti([self.cast.empoli], [self.cast.contract]), do)

    def does(self, path: str, status: int = 204, **data: Any) -> str:
        files = data.pop("files", None)
        sent = {"csrf": csrf_of(self.client), **data}
        answer = self.client.post(
            f"/cases/{self.case_id}/{path}", data=sent, files=files, headers={"hx-request": "true"}
        )
        assert answer.status_code == status, answer.text
        return answer.text

    def written(self, template: str) -> Message:
        wanted = select(Message).where(Message.template == template).order_by(Message.made_at.desc()).limit(1)
        found: Message = self.work(lambda s: s.scalars(wanted).one())
        return found

    def hands_over(self) -> str:
        """The page that Mario is sent to."""
        self.does("documents", files={"file": ("piano.pdf", PDF)})
        document = self.work(lambda s: s.scalars(select(CaseDocument.id)).one())
        self.does("consign", document_ids=str(document))
        found = re.search(r"(/documenti/empoli/\S+)", self.written("case_documents").body)
        assert found is not None
        return found[1]

    def enters(self, at: str) -> str:
        assert self.client.post(f"{at}/codice", data={"do": "send"}).status_code == 303
        code = re.search(r"\d{6}", self.written("one_time_code").body)
        assert code is not None
        return self.client.post(f"{at}/codice", data={"code": code[0]}).text


@pytest.fixture
def counter(client: TestClient, runtime: Runtime, cast: Cast) -> Counter:
    def prepare(session: Session) -> int:
        sites.save(session, principal_of(session, cast.sara), ente_id=cast.empoli, slug="empoli")
        session.execute(update(ContactReach).values(verification=Verification.VERIFIED))
        session.add(
            ContactReach(
                ente_id=cast.empoli, contact_id=cast.mario, kind=ReachKind.EMAIL, value="mario@example.it",
                verification=Verification.VERIFIED,
            )
        )  # fmt: skip
        asked = Request(Topic.INSTALMENTS, Channel.PHONE, "Non riesce a pagare")
        return service.open_case(session, principal_of(session, cast.anna), request=asked, contact_id=cast.mario)

    case_id = runtime.database.transact(Scope.of_contract(cast.contract), prepare)
    let_in(client, "anna")
    return Counter(client, runtime, cast, case_id)


def test_a_code_to_his_mobile_opens_what_the_e_mail_leads_to(counter: Counter) -> None:
    at = counter.hands_over()
    way = counter.written("case_documents")
    assert way.channel is MessageChannel.EMAIL
    assert "piano" not in way.subject + way.body
    first = counter.client.get(at).text
    assert "piano.pdf" not in first
    assert "BIANCHI" not in first
    page = counter.enters(at)
    assert counter.written("one_time_code").channel is MessageChannel.SMS
    opens = re.search(rf'action="({at}/[^"]+)"><input type="hidden" name="given" value="([^"]+)"', page)
    assert opens is not None
    late = counter.client.post(opens[1], data={"given": "forged"})
    assert (late.status_code, f'href="{at}?lang=it"' in late.text) == (404, True)  # where he asks for another code
    assert counter.client.post(opens[1], data={"given": opens[2]}).content == PDF
    assert counter.work(lambda s: s.scalars(select(ConsignedDocument.opened_at)).one()) is not None
    deeds = counter.work(lambda s: [one.deed.value for one in s.scalars(select(CaseStep).order_by(CaseStep.id))])
    assert deeds == ["open", "attach", "consign", "read"]
    assert "Aperto dal cittadino" in counter.client.get(f"/cases/{counter.case_id}").text
    one = counter.work(lambda s: s.scalars(select(Consignment.id)).one())
    counter.does("recall", consignment_id=str(one))
    assert counter.client.post(opens[1], data={"given": opens[2]}).status_code == 404
    gone = counter.client.get(at)
    assert (gone.status_code, "Torna all" in gone.text) == (404, False)


def test_a_code_is_tried_five_times_used_once_and_goes_to_no_address_that_is_not_his_any_more(
    counter: Counter,
) -> None:
    at = counter.hands_over()
    counter.client.post(f"{at}/codice", data={"do": "send"})
    code = re.search(r"\d{6}", counter.written("one_time_code").body)
    assert code is not None
    for _ in range(rules.MOST_TRIES):
        assert counter.client.post(f"{at}/codice", data={"code": "x"}).status_code == 422
    assert counter.client.post(f"{at}/codice", data={"code": code[0]}).status_code == 422
    counter.work(lambda s: s.execute(update(ContactReach).values(verification=Verification.UNVERIFIED)))
    assert counter.client.post(f"{at}/codice", data={"do": "send"}).status_code == 409
    assert "non ha un" in counter.client.get(f"/cases/{counter.case_id}").text.lower()
    assert counter.work(lambda s: s.get_one(Case, counter.case_id).contact_id) == counter.cast.mario


def test_after_five_codes_of_a_day_the_page_says_so_and_offers_no_other_but_takes_the_last(counter: Counter) -> None:
    at = counter.hands_over()
    for _ in range(rules.MOST_CODES):
        assert "Manda" in counter.client.get(at).text
        assert counter.client.post(f"{at}/codice", data={"do": "send"}).status_code == 303
    page = counter.client.get(at).text
    assert "ultimo codice per oggi" in page
    assert 'value="send"' not in page
    assert counter.client.post(f"{at}/codice", data={"do": "send"}).status_code == 409
    last = re.search(r"\d{6}", counter.written("one_time_code").body)
    assert last is not None
    assert "piano.pdf" in counter.client.post(f"{at}/codice", data={"code": last[0]}).text


def test_a_document_with_a_virus_is_not_handed_over_and_what_was_is_opened_no_more(counter: Counter) -> None:
    at = counter.hands_over()
    assert "piano.pdf" in counter.enters(at)
    document = counter.work(lambda s: s.scalars(select(CaseDocument.id)).one())
    counter.work(lambda s: s.execute(update(CaseDocument).values(scan=Scan.INFECTED)))
    assert "piano.pdf" not in counter.enters(at)
    assert "document_ids" in counter.does("consign", 422, document_ids=str(document))
    assert 'name="document_ids"' not in counter.client.get(f"/cases/{counter.case_id}").text


def test_the_code_takes_another_channel_than_the_way_where_he_has_two() -> None:
    mobile, mail = Address(MessageChannel.SMS, "+393480000001", True), Address(MessageChannel.EMAIL, "m@x.it", True)
    assert rules.ways([mobile, mail]) == rules.Ways(mail, mobile)
    assert rules.ways([mobile]) == rules.Ways(mobile, mobile)
    assert rules.ways([Address(MessageChannel.EMAIL, "m@x.it")]) is None
    assert (rules.masked("mario@example.it"), rules.masked("+393480000567")) == ("m•••@example.it", "••• 567")

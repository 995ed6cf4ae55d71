"""Messages at the edge: the carrier's webhooks, opting out end to end over the simulator, and attacks on both."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, update
from starlette.testclient import TestClient

from crm.contacts.models import Contact, ContactReach, ReachKind, Verification
from crm.core import jobs
from crm.core.db import Database, Scope
from crm.messages import outbox, service
from crm.messages.models import Message, MessageChannel, MessageStop
from crm.messages.service import Order
from crm.positions.models import Position
from telephony.calls.addresses import Addresses
from telephony.carriers.twilio.carrier import TwilioCarrier
from telephony.carriers.twilio.signature import sign
from telephony.messages.delivery import Delivery
from tests.cast import EMPOLI_LINE, MARIO_MOBILE, NOTICE, REGIONAL_LINE, Cast
from tests.telephony.simulator import conftest as simulator
from tests.telephony.simulator.conftest import description, make_world, product
from tests.web.conftest import PUBLIC, TOKEN, csrf_of, let_in
from web.wiring import Runtime

pytestmark = pytest.mark.integration
__all__ = ["description", "make_world", "product"]  # fixtures
SMS = MessageChannel.SMS
LINK = {"link": "https://cc.example.it/info/1"}
Signed = Callable[..., Any]


@pytest.fixture
def hook(client: TestClient) -> Signed:
    """A webhook, signed."""

    def post(path: str, **fields: str) -> Any:
        return client.post(path, data=fields, headers={"X-Twilio-Signature": sign(TOKEN, PUBLIC + path, fields)})

    return post


def owe(database: Database, cast: Cast) -> UUID:
    order = Order(cast.empoli, "how_to_pay", LINK, contact_id=cast.mario, channel=SMS)
    with database.begin(Scope.of_contract(cast.contract)) as session:
        return service.owe(session, None, order, cause=str(uuid4()))


def send(database: Database, cast: Cast) -> UUID:
    """Owed, and handed to a carrier that answered."""
    made = owe(database, cast)
    with database.begin(Scope.of_contract(cast.contract)) as session:
        leased = outbox.lease(session, made)
        assert leased is not None
        outbox.sent(session, leased, external_id="SM1")
    return made


def state(database: Database, cast: Cast, message_id: UUID) -> tuple[str, str | None]:
    with database.begin(Scope.of_contract(cast.contract)) as session:
        row = session.get_one(Message, message_id)
        return row.state.value, row.reason.value if row.reason else None


def stops(database: Database, cast: Cast) -> set[tuple[int, str]]:
    with database.begin(Scope.of_enti([cast.empoli, cast.vinci, cast.siena])) as session:
        return {(ente, address) for ente, address in session.execute(select(MessageStop.ente_id, MessageStop.address))}


# -- receipts -------------------------------------------------------------------------------------------------------


def test_a_receipt_is_heard_once_and_in_any_order(hook: Signed, database: Database, cast: Cast) -> None:
    made = send(database, cast)
    path = f"/telephony/messages/{cast.empoli}/{made}"
    for told in ("delivered", "sent", "queued", "delivered", "undelivered", "nonsense", ""):
        assert hook(path, MessageSid="SM1", MessageStatus=told).status_code == 204
        assert state(database, cast, made) == ("delivered", None)


@pytest.mark.parametrize(
    ("code", "reason"), [("30003", "not_delivered"), ("30005", "bad_address"), ("", "not_delivered")]
)
def test_what_did_not_arrive_says_why(hook: Signed, database: Database, cast: Cast, code: str, reason: str) -> None:
    made = send(database, cast)
    path = f"/telephony/messages/{cast.empoli}/{made}"
    hook(path, MessageSid="SM1", MessageStatus="undelivered", ErrorCode=code)
    assert state(database, cast, made) == ("failed", reason)


def test_a_receipt_of_another_message_or_ente_changes_nothing(hook: Signed, database: Database, cast: Cast) -> None:
    made = send(database, cast)
    here = f"/telephony/messages/{cast.empoli}/{made}"
    hook(here, MessageSid="SM2", MessageStatus="delivered")
    hook(here, MessageSid="S" * 500, MessageStatus="delivered")
    hook(here, MessageSid="SM1", MessageStatus="\x00", ErrorCode="9" * 400)
    hook(f"/telephony/messages/{cast.siena}/{made}", MessageSid="SM1", MessageStatus="delivered")
    hook(f"/telephony/messages/{cast.empoli}/{uuid4()}", MessageSid="SM1", MessageStatus="delivered")
    assert state(database, cast, made) == ("sent", None)


@pytest.mark.parametrize("signature", ["", "x", sign("another token", "http://testserver/", {})])
def test_without_the_carriers_signature_nothing_is_heard(
    client: TestClient, database: Database, cast: Cast, signature: str
) -> None:
    made = send(database, cast)
    fields = {"MessageSid": "SM1", "MessageStatus": "delivered"}
    headers = {"X-Twilio-Signature": signature}
    path = f"/telephony/messages/{cast.empoli}/{made}"
    assert client.post(path, data=fields, headers=headers).status_code == 403
    stop = {"From": MARIO_MOBILE, "To": EMPOLI_LINE, "Body": "STOP"}
    assert client.post("/telephony/texts", data=stop, headers=headers).status_code == 403
    assert state(database, cast, made) == ("sent", None)
    assert stops(database, cast) == set()


# -- what people write ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("line", [EMPOLI_LINE, REGIONAL_LINE])
def test_stop_counts_for_every_ente_of_the_lines_contract(
    hook: Signed, database: Database, cast: Cast, line: str
) -> None:
    for _ in range(2):
        answered = hook("/telephony/texts", From=MARIO_MOBILE, To=line, Body=" Basta! ", MessageSid="SM9")
    assert "RIPRENDI" in answered.text
    assert stops(database, cast) == {(cast.empoli, MARIO_MOBILE), (cast.vinci, MARIO_MOBILE)}
    assert "answer STOP" in hook("/telephony/texts", From=MARIO_MOBILE, To=line, Body="start", MessageSid="SM8").text
    assert stops(database, cast) == set()


def test_anything_else_is_answered_and_changes_nothing(hook: Signed, database: Database, cast: Cast) -> None:
    answered = hook("/telephony/texts", From=MARIO_MOBILE, To=EMPOLI_LINE, Body="<b>Quanto devo?</b>", MessageSid="SM9")
    assert answered.status_code == 200
    assert "ci chiami" in answered.text
    assert "<b>" not in answered.text
    assert stops(database, cast) == set()


@pytest.mark.parametrize(
    ("speaks", "said", "answered"),
    [
        ("en", "STOP", "no more SMS from us"), ("de", "STOP", "keine SMS mehr"), ("de", "start", "SMS wieder"),
        ("fr", "STOP", "no more SMS from us"), ("de", "Wie viel?", "nicht gelesen"),
        ("it", "Abmelden", "keine SMS mehr"),
    ],
)  # fmt: skip
def test_he_is_answered_in_his_language(
    hook: Signed, database: Database, cast: Cast, speaks: str, said: str, answered: str
) -> None:
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        session.execute(update(Contact).where(Contact.id == cast.mario).values(language=speaks))
    assert answered in hook("/telephony/texts", From=MARIO_MOBILE, To=EMPOLI_LINE, Body=said, MessageSid="SM9").text


@pytest.mark.parametrize(
    "fields",
    [
        {"From": MARIO_MOBILE, "To": "+390000000000", "Body": "STOP"}, {"From": "", "To": EMPOLI_LINE, "Body": "STOP"},
        {"From": "x\x00", "To": EMPOLI_LINE, "Body": "STOP"}, {"From": "INPS", "To": EMPOLI_LINE, "Body": "STOP"},
        {"From": MARIO_MOBILE, "To": EMPOLI_LINE, "Body": "\x00" * 1_600},
    ],
)  # fmt: skip
def test_what_makes_no_sense_harms_nobody(hook: Signed, database: Database, cast: Cast, fields: dict[str, str]) -> None:
    assert hook("/telephony/texts", **fields).status_code == 200
    assert stops(database, cast) == set()


def test_where_the_carrier_has_answered_we_do_not(hook: Signed, database: Database, cast: Cast) -> None:
    fields = {"From": MARIO_MOBILE, "To": EMPOLI_LINE, "Body": "STOP", "OptOutType": "STOP"}
    assert "<Message>" not in hook("/telephony/texts", **fields).text
    assert len(stops(database, cast)) == 2


# -- end to end -------------------------------------------------------------------------------------------------------


def test_sent_delivered_answered_stop_and_written_to_no_more(
    hook: Signed, make_world: Callable[..., simulator.World], database: Database, cast: Cast
) -> None:
    """Over HTTP: the delivery asks the simulator, which tells the webhooks."""
    world = make_world()
    world.rest("POST", "/IncomingPhoneNumbers.json", 201, PhoneNumber=EMPOLI_LINE, SmsUrl=world.address("/texts"))
    carrier = TwilioCarrier(
        account_sid=simulator.ACCOUNT, auth_token=simulator.TOKEN, api_key=simulator.KEY, api_secret=simulator.SECRET,
        timeout_s=5, api_url=world.url, device_url=world.url,
    )  # fmt: skip
    delivery = Delivery(carrier, None, Addresses(world.product.url))

    def pass_on(path: str) -> Callable[[dict[str, str]], tuple[int, str, str]]:
        def answer(params: dict[str, str]) -> tuple[int, str, str]:
            reply = hook(path, **params)
            return reply.status_code, reply.headers.get("content-type", ""), reply.text

        return answer

    world.product.pages["/texts"] = pass_on("/telephony/texts")

    def deliver() -> UUID:
        made = owe(database, cast)
        world.product.pages[f"/telephony/messages/{cast.empoli}/{made}"] = pass_on(
            f"/telephony/messages/{cast.empoli}/{made}"
        )
        with database.begin(Scope.of_contract(cast.contract)) as session:
            due = [job for job, _ in jobs.due(session)]
        for job in due:
            jobs.run(database, {outbox.DELIVER: delivery.runner()}, job_id=job, ente_id=cast.empoli)
        return made

    first = deliver()
    world.product.wait(f"/telephony/messages/{cast.empoli}/{first}", MessageStatus="delivered")
    until(lambda: state(database, cast, first) == ("delivered", None))
    body = {"from": MARIO_MOBILE, "to": EMPOLI_LINE, "body": "BASTA"}
    assert "RIPRENDI" in world.http.post("/simulator/texts", json=body).json()["answers"][0]
    assert state(database, cast, deliver()) == ("withheld", "stopped")
    # One word that the carrier alone heard: its refusal is taken for the opt-out it is.
    world.http.post("/simulator/texts", json={**body, "body": "RIPRENDI"})
    world.product.pages["/texts"] = "<Response/>"
    world.http.post("/simulator/texts", json={**body, "body": "STOP"})
    assert state(database, cast, deliver()) == ("failed", "opted_out")
    assert (cast.empoli, MARIO_MOBILE) in stops(database, cast)


def until(true: Callable[[], bool]) -> None:
    for _ in range(200):
        if true():
            return
    raise AssertionError


# -- beside an open file ----------------------------------------------------------------------------------------------


@dataclass
class Agent:
    """Sara, who has a file open and sends what is asked for."""

    client: TestClient
    database: Database
    cast: Cast
    headers: dict[str, str] = field(default_factory=dict)

    def sit_down(self, username: str = "sara") -> "Agent":
        self.client.cookies.clear()
        let_in(self.client, username)
        self.headers = {"X-CSRF-Token": csrf_of(self.client), "HX-Request": "true"}
        return self

    def opens(self, contact: int) -> None:
        answer = self.press(f"/files/{contact}/open", purpose="case_check")
        assert answer.status_code == 204, answer.text

    def press(self, path: str, **fields: Any) -> Any:
        return self.client.post(path, data=fields, headers=self.headers)

    def messages(self) -> list[Message]:
        with self.database.begin(Scope.of_contract(self.cast.contract)) as session:
            return list(session.scalars(select(Message).order_by(Message.made_at)))

    def reach(self, value: str, verification: Verification = Verification.UNVERIFIED) -> None:
        with self.database.begin(Scope.of_enti([self.cast.empoli])) as session:
            session.add(
                ContactReach(
                    ente_id=self.cast.empoli, contact_id=self.cast.mario, kind=ReachKind.EMAIL, value=value,
                    verification=verification,
                )
            )  # fmt: skip

    def notice(self) -> None:
        with self.database.begin(Scope.of_enti([self.cast.empoli])) as session:
            session.execute(update(Position).where(Position.reference == "E-1").values(notice_number=NOTICE))


@pytest.fixture
def agent(client: TestClient, runtime: Runtime, database: Database, cast: Cast) -> Agent:
    return Agent(client, database, cast).sit_down()


def test_how_to_pay_is_looked_at_sent_once_and_taken_back(agent: Agent) -> None:
    mario, to = agent.cast.mario, f"sms:{MARIO_MOBILE}"
    agent.opens(mario)
    assert f"/messages/form/{mario}" in agent.client.get(f"/files/{mario}").text
    form = agent.client.get(f"/messages/form/{mario}").text
    assert f'value="{to}"' in form
    once = form.split('name="once" value="')[1].split('"')[0]
    words = agent.press(f"/messages/preview/{mario}", to=to, language="de").text
    assert "die am Telefon erbetenen Auskünfte" in words
    assert f"{PUBLIC}/info/{agent.cast.empoli}" in words
    assert agent.messages() == []
    for _ in range(2):
        sent = agent.press(f"/messages/send/{mario}", to=to, language="it", once=once)
        assert sent.status_code == 200, sent.text
    (made,) = agent.messages()
    assert (made.state.value, made.address, made.made_by) == ("owed", MARIO_MOBILE, agent.cast.sara)
    assert made.due_at - made.made_at == service.UNDO
    page = agent.client.get(f"/files/{mario}").text
    assert "come pagare" in page
    assert "in partenza" in page
    assert "Fermato" in agent.press(f"/messages/{made.id}/cancel").text
    assert "fermato prima che partisse" in agent.client.get(f"/files/{mario}").text


def test_number_and_sum_go_to_a_verified_address_alone(agent: Agent) -> None:
    agent.notice()
    agent.reach("mario@example.it", Verification.VERIFIED)
    agent.reach("forse@example.it")
    mario = agent.cast.mario
    agent.opens(mario)
    assert NOTICE in agent.client.get(f"/messages/form/{mario}").text

    def preview(to: str) -> str:
        text: str = agent.press(f"/messages/preview/{mario}", to=to, notice=NOTICE).text
        return text

    assert "812,00" in preview("email:mario@example.it")
    for to in ("email:forse@example.it", f"sms:{MARIO_MOBILE}"):
        assert "812" not in preview(to)
        assert NOTICE not in preview(to)


def test_without_an_open_file_nothing_is_shown_or_sent(agent: Agent) -> None:
    mario, to = agent.cast.mario, f"sms:{MARIO_MOBILE}"
    assert agent.client.get(f"/messages/form/{mario}").status_code == 403
    assert agent.press(f"/messages/preview/{mario}", to=to).status_code == 403
    assert agent.press(f"/messages/send/{mario}", to=to, once=str(uuid4())).status_code == 403
    assert agent.messages() == []


@pytest.mark.parametrize(
    "fields",
    [
        {"to": ""}, {"to": "sms:+393489999999"}, {"to": "email:altri@example.it"}, {"to": "pec:a@pec.it"},
        {"to": f"sms:{MARIO_MOBILE}\r\nBcc: x"}, {"to": "sms:" + "9" * 290}, {"to": f"sms:{MARIO_MOBILE}", "once": "x"},
        {"to": f"sms:{MARIO_MOBILE}", "language": "xx"}, {"to": f"sms:{MARIO_MOBILE}", "notice": "302000000000012373"},
        {"to": "sms:\x00"}, {"to": "x" * 10_000},
    ],
)  # fmt: skip
def test_what_the_form_never_offers_is_refused(agent: Agent, fields: dict[str, str]) -> None:
    agent.opens(agent.cast.mario)
    answer = agent.press(f"/messages/send/{agent.cast.mario}", **{"once": str(uuid4()), **fields})
    assert answer.status_code in {400, 422}, answer.text
    assert agent.messages() == []


def test_another_entes_taxpayer_and_message_do_not_exist(agent: Agent, database: Database, cast: Cast) -> None:
    to = {"to": "sms:+393480000003", "once": str(uuid4())}
    assert agent.press(f"/messages/send/{cast.stranger_in_siena}", **to).status_code in {403, 404}
    with database.begin(Scope.of_enti([cast.siena])) as session:
        order = Order(cast.siena, "how_to_pay", LINK, contact_id=cast.stranger_in_siena, channel=SMS)
        theirs = service.owe(session, None, order, cause="x")
    assert agent.press(f"/messages/{theirs}/cancel").status_code == 404


def test_html_on_file_stays_text(agent: Agent) -> None:
    agent.reach("<script>x</script>@example.it".replace("<", "&lt;")[:60])
    agent.opens(agent.cast.mario)
    assert "<script>x" not in agent.client.get(f"/messages/form/{agent.cast.mario}").text


# -- without signing in ---------------------------------------------------------------------------------------------


def test_how_an_ente_is_paid_is_for_everybody(client: TestClient, cast: Cast) -> None:
    answer = client.get(f"/info/{cast.empoli}")
    assert answer.status_code == 200
    assert "Comune di Empoli" in answer.text
    assert client.get("/info/999").status_code == 404
    assert "How a pagoPA notice is paid" in client.get(f"/info/{cast.empoli}", headers={"accept-language": "en"}).text


def test_no_more_emails_by_a_press_and_not_by_a_look(
    client: TestClient, agent: Agent, database: Database, cast: Cast
) -> None:
    agent.reach("mario@example.it", Verification.VERIFIED)
    client.cookies.clear()
    order = Order(cast.empoli, "how_to_pay", LINK, contact_id=cast.mario, channel=MessageChannel.EMAIL)
    with database.begin(Scope.of_contract(cast.contract)) as session:
        made = service.owe(session, None, order, cause="x")
    path = f"/messages/{cast.empoli}/{made}/stop"
    assert client.get(path).status_code == 200
    assert stops(database, cast) == set()
    one_click = client.post(path, data={"List-Unsubscribe": "One-Click"})
    assert one_click.status_code == 200
    assert stops(database, cast) == {(cast.empoli, "mario@example.it")}
    for wrong in (f"/messages/{cast.siena}/{made}/stop", f"/messages/{cast.empoli}/{uuid4()}/stop"):
        assert client.post(wrong).status_code == 404


def test_what_did_not_arrive_is_on_somebodys_list(agent: Agent, hook: Signed, database: Database, cast: Cast) -> None:
    made = send(database, cast)
    hook(f"/telephony/messages/{cast.empoli}/{made}", MessageSid="SM1", MessageStatus="undelivered", ErrorCode="30003")
    page = agent.client.get("/follow-ups/all").text
    assert "Un SMS non è arrivato" in page
    assert "dal sistema" in page
    agent.opens(cast.mario)
    file = agent.client.get(f"/files/{cast.mario}").text
    assert "non arrivato" in file
    assert "partito, ma non recapitato" in file

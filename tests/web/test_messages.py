"""Messages at the edge: the carrier's webhooks, opting out end to end over the simulator, and attacks on both."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from crm.core import jobs
from crm.core.db import Database, Scope
from crm.messages import outbox, service
from crm.messages.models import Message, MessageChannel, MessageStop
from crm.messages.service import Order
from telephony.calls.addresses import Addresses
from telephony.carriers.twilio.carrier import TwilioCarrier
from telephony.carriers.twilio.signature import sign
from telephony.messages.delivery import Delivery
from tests.cast import EMPOLI_LINE, MARIO_MOBILE, REGIONAL_LINE, Cast
from tests.telephony.simulator import conftest as simulator
from tests.telephony.simulator.conftest import description, make_world, product
from tests.web.conftest import PUBLIC, TOKEN

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


def test_what_did_not_arrive_says_why(hook: Signed, database: Database, cast: Cast) -> None:
    made = send(database, cast)
    path = f"/telephony/messages/{cast.empoli}/{made}"
    hook(path, MessageSid="SM1", MessageStatus="undelivered", ErrorCode="30003")
    assert state(database, cast, made) == ("failed", "bad_address")


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

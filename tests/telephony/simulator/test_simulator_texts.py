"""SMS at the simulator: Twilio's own client sends them, and the network does to them what it does."""

import smtplib
import socket
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from telephony.carriers.simulator.config import Faults
from tests.telephony.carriers.conftest import carrier_at

ACCOUNT = "AC" + "a" * 32
KEY, SECRET = "SK" + "b" * 32, "secret-of-the-key-long-enough-for-hs256"
LINE, CITIZEN = "+390550001111", "+393331234567"


class Rewritten(TwilioHttpClient):
    """Sends Twilio's requests to another server."""

    def __init__(self, base: str) -> None:
        super().__init__(timeout=5)
        self._base = base

    def request(self, method, url, *args, **kwargs):
        parts = urlsplit(url)
        target = self._base + parts.path + (f"?{parts.query}" if parts.query else "")
        return super().request(method, target, *args, **kwargs)


@pytest.fixture
def client(world):
    http_client = Rewritten(world.url)
    yield Client(KEY, SECRET, ACCOUNT, http_client=http_client)
    http_client.session.close()


def send(world, client, body="Ciao", **more):
    return client.messages.create(from_=LINE, to=CITIZEN, body=body, status_callback=world.address("/sms"), **more)


def test_a_message_is_told_step_by_step(world, client):
    made = send(world, client)
    assert (made.status, made.direction, made.num_segments) == ("queued", "outbound-api", "1")
    world.product.wait("/sms", MessageStatus="delivered", MessageSid=made.sid)
    assert [told.params["MessageStatus"] for told in world.product.all("/sms")] == ["queued", "sent", "delivered"]
    assert client.messages(made.sid).fetch().status == "delivered"
    assert [one.sid for one in client.messages.list(to=CITIZEN)] == [made.sid]
    assert client.messages.list(to="+393339999999") == []
    assert [one["body"] for one in world.http.get("/simulator/texts", params={"number": CITIZEN}).json()["texts"]] == [
        "Ciao"
    ]


@pytest.mark.parametrize(("fate", "code"), [("undelivered", "30003"), ("failed", "30006")])
def test_what_does_not_arrive_says_why(world, client, fate, code):
    world.http.put("/simulator/phones", json={"number": CITIZEN, "fate": fate})
    made = send(world, client)
    assert world.product.wait("/sms", MessageStatus=fate).params["ErrorCode"] == code
    assert client.messages(made.sid).fetch().error_code == int(code)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"From": LINE, "Body": "x"}, 21604), ({"To": CITIZEN, "Body": "x"}, 21603),
        ({"From": LINE, "To": CITIZEN}, 21602),
        ({"From": LINE, "To": "12", "Body": "x"}, 21211),
        ({"From": "+390559999999", "To": CITIZEN, "Body": "x"}, 21606),
        ({"From": LINE, "To": CITIZEN, "Body": "x" * 1601}, 21617),
    ],
)  # fmt: skip
def test_requests_that_are_refused(world, fields, code):
    assert world.rest("POST", "/Messages.json", 400, **fields)["code"] == code


def test_who_answers_stop_is_written_to_no_more_until_he_answers_start(world, client):
    world.rest("POST", "/IncomingPhoneNumbers.json", 201, PhoneNumber=LINE, SmsUrl=world.address("/texts"))
    world.product.pages["/texts"] = "<Response><Message>Va bene.</Message></Response>"

    def answer(body):
        return world.http.post("/simulator/texts", json={"from": CITIZEN, "to": LINE, "body": body}).json()

    assert answer("STOP")["answers"] == ["Va bene."]
    assert world.product.wait("/texts").params["Body"] == "STOP"
    with pytest.raises(TwilioRestException) as refused:
        send(world, client)
    assert refused.value.code == 21610
    answer("START")
    assert send(world, client).status == "queued"


def test_a_lost_reply_has_made_the_message(make_world):
    world = make_world(Faults(lose_reply=1.0))
    with pytest.raises(Exception, match=r"peer closed|Server disconnected|incomplete|EOF"):
        world.rest("POST", "/Messages.json", 201, From=LINE, To=CITIZEN, Body="x")
    assert [one["body"] for one in world.rest("GET", "/Messages.json")["messages"]] == ["x"]


def test_callbacks_are_lost_doubled_and_overtaken(make_world):
    world = make_world(Faults(drop=1.0))
    made = world.rest(
        "POST", "/Messages.json", 201, From=LINE, To=CITIZEN, Body="x", StatusCallback=world.address("/a")
    )
    world.http.put("/simulator/faults", json={"drop": 0.0, "duplicate": 1.0})
    world.rest("POST", "/Messages.json", 201, From=LINE, To=CITIZEN, Body="y", StatusCallback=world.address("/b"))
    world.product.wait("/b", count=2, MessageStatus="delivered")
    assert world.rest("GET", f"/Messages/{made['sid']}.json")["status"] == "delivered"
    assert not [told for told in world.product.all("/a") if told.params["MessageStatus"] == "queued"]


@pytest.mark.parametrize(
    ("fault", "told", "answered"),
    [({}, 1, ["Ricevuto."]), ({"duplicate": 1.0}, 2, ["Ricevuto.", "Ricevuto."]), ({"drop": 1.0}, 0, []),
     ({"delay": 1.0, "delay_s": 0.4}, 1, [])],
)  # fmt: skip
def test_what_a_citizen_writes_is_lost_doubled_and_late_like_any_webhook(make_world, fault, told, answered):
    world = make_world(Faults(**fault))
    world.rest("POST", "/IncomingPhoneNumbers.json", 201, PhoneNumber=LINE, SmsUrl=world.address("/sms-in"))
    world.product.pages["/sms-in"] = "<Response><Message>Ricevuto.</Message></Response>"
    made = world.http.post("/simulator/texts", json={"from": CITIZEN, "to": LINE, "body": "Buongiorno"}).json()
    assert made["answers"] == answered
    if told:
        world.product.wait("/sms-in", count=told, Body="Buongiorno")
    assert len({one.params["MessageSid"] for one in world.product.all("/sms-in")}) == min(told, 1)
    assert len(world.product.all("/sms-in")) == told


def test_too_many_requests(make_world):
    world = make_world(Faults(rate_limit=1.0))
    assert world.rest("POST", "/Messages.json", 429, From=LINE, To=CITIZEN, Body="x")["code"] == 20429


def test_the_mail_server_that_stands_in_shows_what_it_got(make_world):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    world = make_world(mail_port=port)
    with smtplib.SMTP("127.0.0.1", port, timeout=5) as server:
        server.sendmail(
            "a@example.it", ["mario@example.it"],
            "Subject: Ciao\r\nFrom: a@example.it\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nPerché\r\n".encode(),
        )  # fmt: skip
    (mail,) = world.http.get("/simulator/mail").json()["mails"]
    assert (mail["to"], mail["subject"], mail["body"].strip()) == ("mario@example.it", "Ciao", "Perché")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/simulator/texts", {"from": "x", "to": LINE, "body": "y"}),
        ("/simulator/phones", {"number": "x", "fate": "sent"}),
        ("/simulator/texts", {"from": CITIZEN, "to": LINE, "body": "x" * 2000}),
    ],
)  # fmt: skip
def test_nonsense_and_other_sites_are_refused(world, path, body):
    method = "PUT" if path.endswith("phones") else "POST"
    assert world.http.request(method, path, json=body).status_code == 422
    elsewhere = {"Origin": "https://evil.example"}
    assert world.http.request(method, path, json=body, headers=elsewhere).status_code == 403


def test_what_a_citizen_wrote_is_listed_though_nobody_was_told(make_world):
    world = make_world(Faults(drop=1.0))
    world.rest("POST", "/IncomingPhoneNumbers.json", 201, PhoneNumber=LINE, SmsUrl=world.address("/sms-in"))
    began = datetime.now(UTC) - timedelta(minutes=1)
    world.http.post("/simulator/texts", json={"from": CITIZEN, "to": LINE, "body": "Ciao"})
    world.rest("POST", "/Messages.json", 201, From=LINE, To=CITIZEN, Body="x")
    carrier = carrier_at(world.url)
    (found,) = carrier.written_to(LINE, since=began)
    assert (found.sender, found.body, found.media, found.at > began) == (CITIZEN, "Ciao", 0, True)
    assert carrier.written_to(LINE, since=datetime.now(UTC) + timedelta(minutes=1)) == []
    assert world.product.all("/sms-in") == []

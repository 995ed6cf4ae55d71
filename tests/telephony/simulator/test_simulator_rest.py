"""The REST API: Twilio's own client drives it, and its replies fit Twilio's own description."""

from urllib.parse import urlsplit

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

ACCOUNT, TOKEN = "AC" + "a" * 32, "token-of-the-account"
KEY, SECRET = "SK" + "b" * 32, "secret-of-the-key-long-enough-for-hs256"
LINE = "+390550001111"
HELLO = "<Response><Pause length='1'/><Dial><Conference>room</Conference></Dial></Response>"


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


def test_twilios_own_client_drives_it(world, client):
    line = client.incoming_phone_numbers.create(
        phone_number="+390550002222", voice_url=world.address("/voice"), friendly_name="Pisa"
    )
    assert [n.friendly_name for n in client.incoming_phone_numbers.list(phone_number=line.phone_number)] == ["Pisa"]

    phone = world.phone()
    leg = client.conferences("conf-7").participants.create(
        from_=LINE, to="client:agent1", label="agent", early_media=False, beep="false", timeout=20,
        status_callback=world.address("/leg"), status_callback_event=["ringing", "completed"],
    )  # fmt: skip
    phone.expect("incoming")
    phone.say("accept", leg.call_sid)
    phone.expect("connected")
    room = client.conferences(leg.conference_sid)
    assert [p.label for p in room.participants.list()] == ["agent"]
    assert room.participants("agent").update(muted=True).muted is True
    assert client.calls(leg.call_sid).fetch().status == "in-progress"
    assert [c.sid for c in client.calls.list(status="in-progress", to="client:agent1")] == [leg.call_sid]
    client.calls(leg.call_sid).update(status="completed")
    phone.expect("ended")
    with pytest.raises(TwilioRestException) as refused:
        client.calls(leg.call_sid).update(twiml=HELLO)
    assert (refused.value.status, refused.value.code) == (400, 21220)
    assert room.fetch().status == "completed"


def test_lists_are_paged(world, client):
    for _ in range(5):
        client.calls.create(to="client:nobody", from_=LINE, twiml=HELLO)
    assert len(client.calls.list(page_size=2)) == 5
    page = world.rest("GET", "/Calls.json", PageSize=2, Page=1)
    assert (page["start"], page["end"], len(page["calls"])) == (2, 3, 2)
    assert page["next_page_uri"].startswith("/2010-04-01/")


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"To": "client:a", "From": LINE}, 21205),
        ({"From": LINE, "Twiml": HELLO}, 21201),
        ({"To": "client:a", "Twiml": HELLO}, 21213),
        ({"To": "12", "From": LINE, "Twiml": HELLO}, 21211),
        ({"To": "+393331234567", "From": "+390559999999", "Twiml": HELLO}, 21210),
        ({"To": "client:a", "From": LINE, "Twiml": HELLO, "StatusCallback": "http://127.0.0.1/x",
          "StatusCallbackEvent": "initiated completed"}, 21626),
    ],
)  # fmt: skip
def test_requests_that_are_refused(world, fields, code):
    refused = world.rest("POST", "/Calls.json", 400, **fields)
    assert refused == {
        "code": code,
        "message": refused["message"],
        "more_info": f"https://www.twilio.com/docs/errors/{code}",
        "status": 400,
    }


def test_unknown_resources_and_credentials(world):
    assert world.rest("GET", f"/Calls/CA{'0' * 32}.json", 404)["code"] == 20404
    assert world.rest("GET", "/Nothing.json", 404)["code"] == 20404
    world.http.auth = ("someone", "else")
    assert world.rest("GET", "/Calls.json", 401)["code"] == 20003


def test_every_reply_fits_the_description(world, description):
    if description is None:
        pytest.skip("Twilio's description is not there; set FILODIRETTO_TWILIO_DESCRIPTION")
    made = world.rest("POST", "/Conferences/conf-9/Participants.json", 201, From=LINE, To="client:nobody")
    phone = world.phone()
    leg = world.rest("POST", "/Conferences/conf-8/Participants.json", 201, From=LINE, To="client:agent1")
    phone.expect("incoming")
    room = leg["conference_sid"]
    world.rest("GET", f"/Conferences/{made['conference_sid']}.json")
    world.rest("GET", "/Conferences.json", FriendlyName="conf-8", Status="init")
    world.rest("GET", f"/Conferences/{room}/Participants.json")
    world.rest("GET", f"/Conferences/{room}/Participants/{leg['call_sid']}.json")
    world.rest("GET", f"/Calls/{leg['call_sid']}.json")
    world.rest("GET", "/Calls.json", Status="ringing")
    world.rest("GET", "/IncomingPhoneNumbers.json")
    world.rest("POST", "/IncomingPhoneNumbers.json", 201, PhoneNumber=LINE, FriendlyName="Firenze")


def test_a_call_is_found_by_when_it_started(world):
    world.rest("POST", "/Calls.json", 201, To="client:nobody", From=LINE, Twiml=HELLO)
    assert world.rest("GET", "/Calls.json", **{"StartTime>": "2020-01-01T00:00:00Z"})["calls"]
    assert not world.rest("GET", "/Calls.json", **{"StartTime<": "2020-01-01T00:00:00Z"})["calls"]


def test_registered_numbers_survive_a_restart(make_world, tmp_path):
    kept = tmp_path / "numbers.json"
    make_world(numbers_file=kept).rest(
        "POST", "/IncomingPhoneNumbers.json", 201, PhoneNumber="+390550003333", VoiceUrl="http://127.0.0.1/v"
    )
    listed = make_world(numbers_file=kept).rest("GET", "/IncomingPhoneNumbers.json")
    assert "+390550003333" in [n["phone_number"] for n in listed["incoming_phone_numbers"]]

"""What we ask of Twilio, checked against Twilio's own description of its API."""

import base64
import json
import socket
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from openapi_core import OpenAPI
from openapi_core.testing import MockRequest

from telephony.calls.addresses import Addresses
from telephony.carriers.port import (
    CUSTOMER,
    CarrierCall,
    CarrierError,
    Dial,
    Ring,
    Room,
    Spoken,
    Standing,
    Taken,
    Taking,
    TextMessage,
)
from telephony.carriers.twilio.carrier import TwilioCarrier
from tests.telephony.carriers.conftest import (
    ACCOUNT,
    CALL,
    CONFERENCE,
    DESCRIPTION,
    NUMBER,
    ROOT,
    TOKEN,
    Asked,
    Twilio,
    carrier_at,
)

TO = Addresses("https://cc.example.it")
LEG = UUID(int=5)
RING = Ring(
    leg_id=LEG, conference=f"conf-{LEG}", agent="agent_7", caller_id="+390571000001", timeout_s=20,
    status_url=TO.leg(1, UUID(int=1), LEG), conference_url=TO.conference(1, UUID(int=1), LEG),
)  # fmt: skip
CITIZEN = replace(RING, agent="", number="+393480000001", citizen=True)
HELD = Room(
    RING.conference, {CUSTOMER: Standing(hold=True), str(LEG): Standing(coaches=CUSTOMER)}, TO.hold(1, UUID(int=1))
)
DIAL = Dial(
    "+393480000001", "+390571000001", 25, TO.line_answered(1, LEG), TO.line(1, LEG), TO.apology()
)  # fmt: skip
SINCE = datetime(2026, 11, 20, 9, 0, 30, tzinfo=UTC)
PARTICIPANTS = f"/Conferences/{CONFERENCE}/Participants.json"
RINGS = f"/Conferences/{RING.conference}/Participants.json"
MESSAGE, RECORDING = "SM" + "d" * 32, "RE" + "f" * 32
TEXT = TextMessage(UUID(int=7), "+390571000001", "+393480000001", "Ciao.", TO.message(1, UUID(int=7)))
SENT_AT = datetime(2026, 11, 21, 9, tzinfo=UTC)
CALLER = "CA" + "f" * 32
NUMBERS = "/IncomingPhoneNumbers.json"
FURTHER = "RE" + "8" * 32
TAKEN = Taken(CALL, Taking.ON, TO.taken(1, UUID(int=1)))
BEGUN = "Fri, 20 Nov 2026 09:00:3{} +0000"
RECORDINGS = [
    {
        "sid": sid,
        "status": "in-progress",
        "duration": "-1",
        **dict.fromkeys(("start_time", "date_created"), BEGUN.format(n)),
    }
    for sid, n in ((FURTHER, 1), (RECORDING, 0))
]


def the_call(status: str, **more: object) -> dict[str, object]:
    return {"sid": CALL, "status": status, "end_time": None} | more


def teach(twilio: Twilio) -> None:
    """The account has one conference with our leg in it, one call and one number."""
    conferences = [{"sid": CONFERENCE, "friendly_name": RING.conference, "status": "in-progress"}]
    plainly = {"hold": False, "muted": False, "coaching": False, "call_sid_to_coach": None}
    inside = [
        {"label": str(LEG), "call_sid": CALL, "status": "connected", **plainly},
        {"label": "rung", "call_sid": FURTHER, "status": "ringing", **plainly},
        {"label": CUSTOMER, "call_sid": CALLER, "status": "connected",
         "date_created": "Fri, 20 Nov 2026 09:00:30 +0000", **plainly},
    ]  # fmt: skip
    twilio.replies |= {
        ("POST", RINGS): (201, {"call_sid": CALL, "label": str(LEG)}),
        ("POST", f"/Calls/{CALL}.json"): (200, the_call("completed")),
        ("GET", f"/Calls/{CALL}.json"): (200, the_call("in-progress")),
        ("POST", "/Calls.json"): (201, the_call("queued")),
        ("GET", "/Calls.json"): (200, {"calls": [], "next_page_uri": None}),
        ("GET", "/Conferences.json"): (200, {"conferences": conferences, "next_page_uri": None}),
        ("GET", PARTICIPANTS): (200, {"participants": inside, "next_page_uri": None}),
        ("GET", NUMBERS): (200, {"incoming_phone_numbers": [{"sid": NUMBER}], "next_page_uri": None}),
        ("GET", f"/Calls/{CALL}/Recordings.json"): (200, {"recordings": [], "next_page_uri": None}),
        ("POST", f"/Calls/{CALL}/Recordings.json"): (201, {"sid": RECORDING}),
        ("GET", f"/Calls/{CALLER}/Recordings.json"): (200, {"recordings": RECORDINGS, "next_page_uri": None}),
        ("POST", f"/Calls/{CALLER}/Recordings/{RECORDING}.json"): (200, {"sid": RECORDING}),
        ("POST", f"/Calls/{CALLER}/Recordings/{FURTHER}.json"): (200, {"sid": FURTHER}),
        ("DELETE", f"/Recordings/{RECORDING}.json"): (204, None),
        ("POST", "/Messages.json"): (201, {"sid": MESSAGE, "status": "queued"}),
        ("GET", "/Messages.json"): (200, {"messages": [], "next_page_uri": None}),
        ("GET", f"/Messages/{MESSAGE}.json"): (200, {"sid": MESSAGE, "status": "delivered", "error_code": None}),
        ("POST", f"/Conferences/{CONFERENCE}/Participants/{CALL}.json"): (200, {"call_sid": CALL}),
        ("POST", f"/Conferences/{CONFERENCE}/Participants/{CALLER}.json"): (200, {"call_sid": CALLER}),
        ("POST", NUMBERS): (201, {"sid": NUMBER}),
        ("POST", f"/IncomingPhoneNumbers/{NUMBER}.json"): (200, {"sid": NUMBER}),
    }


def provision(carrier: TwilioCarrier) -> None:
    carrier.provision(
        "+390571000001",
        voice_url=TO.voice(),
        fallback_url=TO.apology(),
        status_url=TO.status(),
        message_url=TO.texts(),
        label="Verde Empoli",
    )


# -- conformance --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def description() -> dict[str, Any]:
    """Twilio's own description, trimmed to what we use."""
    if not DESCRIPTION.exists():
        pytest.skip(f"Twilio's description is not at {DESCRIPTION}; set FILODIRETTO_TWILIO_DESCRIPTION")
    whole: dict[str, Any] = json.loads(DESCRIPTION.read_text(encoding="utf-8"))
    wanted = (
        "/Calls.json",
        "/Calls/{Sid}.json",
        "/Calls/{CallSid}/Recordings",
        "/Conferences",
        "/IncomingPhoneNumbers",
        "/Messages.json",
        "/Messages/{Sid}.json",
        "/Accounts/{AccountSid}/Recordings/{Sid}.json",
    )
    whole["paths"] = {path: item for path, item in whole["paths"].items() if any(one in path for one in wanted)}
    return whole


@pytest.fixture(scope="session")
def api(description: dict[str, Any]) -> OpenAPI:
    return OpenAPI.from_dict(description)


def known_names(description: dict[str, Any], asked: Asked) -> set[str]:
    """The parameters that Twilio's description has for this request."""
    parts = asked.path.split("/")
    path = next(
        path
        for path in description["paths"]
        if len(path.split("/")) == len(parts)
        and all(mine == theirs or "{" in theirs for mine, theirs in zip(parts, path.split("/"), strict=True))
        and asked.method.lower() in description["paths"][path]
    )
    operation = description["paths"][path][asked.method.lower()]
    if asked.method in {"GET", "DELETE"}:
        return {one["name"] for one in operation.get("parameters", ())}
    content = operation["requestBody"]["content"]["application/x-www-form-urlencoded"]
    return set(content["schema"]["properties"])


def multi(pairs: list[tuple[str, str]]) -> dict[str, str | list[str]]:
    """Pairs as openapi-core wants them: a list where a name comes again."""
    names = dict.fromkeys(name for name, _ in pairs)
    values = {name: [value for key, value in pairs if key == name] for name in names}
    return {name: one[0] if len(one) == 1 else one for name, one in values.items()}


ASKS: dict[str, Callable[[TwilioCarrier], object]] = {
    "ring an agent": lambda carrier: carrier.ring(RING),
    "call a citizen": lambda carrier: carrier.ring(CITIZEN),
    "call ahead of operators": lambda carrier: carrier.dial(DIAL),
    "listen for a machine": lambda carrier: carrier.dial(replace(DIAL, machine_url=TO.machine(1, LEG))),
    "record a line": lambda carrier: carrier.record(replace(TAKEN, taking=Taking.ON)),
    "pause a recording": lambda carrier: carrier.record(replace(TAKEN, sid=CALLER, taking=Taking.PAUSED)),
    "list recordings": lambda carrier: carrier.recordings_of(CALLER),
    "delete a recording": lambda carrier: carrier.delete_recording(RECORDING),
    "move a caller": lambda carrier: carrier.redirect(CALL, TO.resume(1, UUID(int=1))),
    "ring an office": lambda carrier: carrier.ring(replace(RING, number="+390571757000", tones=True)),
    "ring a supervisor": lambda carrier: carrier.ring(replace(RING, heard=False)),
    "arrange a conversation": lambda carrier: carrier.arrange(HELD),
    "end a call": lambda carrier: carrier.end(CALL),
    "fetch a call": lambda carrier: carrier.fetch(CALL),
    "list live calls": lambda carrier: carrier.live_calls(),
    "see whether it answers": lambda carrier: carrier.probe(),
    "look into a conference": lambda carrier: carrier.labels_in(RING.conference),
    "find a ring": lambda carrier: carrier.find_ring(RING),
    "provision a number": provision,
    "send a message": lambda carrier: carrier.send_message(TEXT),
    "find a message": lambda carrier: carrier.find_message(TEXT, since=SENT_AT, known=frozenset()),
    "fetch a message": lambda carrier: carrier.fetch_message(MESSAGE),
    "list what was written": lambda carrier: carrier.written_to("+390571000001", since=SENT_AT),
}


@pytest.mark.parametrize("owned", [True, False], ids=["found", "not found"])
@pytest.mark.parametrize("ask", ASKS.values(), ids=ASKS)
def test_every_request_is_one_that_twilio_describes(
    twilio: Twilio, carrier: TwilioCarrier, api: OpenAPI, description: dict[str, Any],
    ask: Callable[[TwilioCarrier], object], owned: bool,
) -> None:  # fmt: skip
    teach(twilio)
    if not owned:
        carrier = carrier_at(twilio.url, device_url="http://127.0.0.1:9")  # a simulator's account
        twilio.replies["GET", NUMBERS] = (200, {"incoming_phone_numbers": [], "next_page_uri": None})
        twilio.replies["GET", "/Conferences.json"] = (200, {"conferences": [], "next_page_uri": None})
    misses = not owned and ask is ASKS["arrange a conversation"]  # a caller is to be on hold who is in none
    with pytest.raises(CarrierError) if misses else nullcontext():
        ask(carrier)
    assert twilio.asked
    for asked in twilio.asked:
        assert {name for name, _ in asked.query + asked.form} <= known_names(description, asked)
        api.validate_request(
            MockRequest(
                "https://api.twilio.com",
                asked.method.lower(),
                asked.path,
                args=multi(asked.query),
                headers=asked.headers,
                data=asked.body or None,
                content_type=asked.headers.get("content-type", "application/json"),
            )
        )


def test_the_check_itself_notices_a_wrong_request(api: OpenAPI) -> None:
    wrong = MockRequest(
        "https://api.twilio.com", "post", f"{ROOT}/Calls/{CALL}.json", data=b"Status=finished",
        content_type="application/x-www-form-urlencoded", headers={"authorization": "Basic eDp5"},
    )  # fmt: skip
    with pytest.raises(Exception, match=r"(?i)request body|validation|schema"):
        api.validate_request(wrong)


# -- what each request says -----------------------------------------------------------------------------------------


def test_an_agent_is_rung_into_a_conference_of_his_own(twilio: Twilio, carrier: TwilioCarrier) -> None:
    teach(twilio)
    assert carrier.ring(RING) == CALL
    (asked,) = twilio.asked
    assert (asked.method, asked.path) == ("POST", ROOT + RINGS)
    assert multi(asked.form) == {
        "From": "+390571000001", "To": "client:agent_7", "Label": str(LEG), "Timeout": "20", "EarlyMedia": "false",
        "Beep": "false", "StartConferenceOnEnter": "true", "EndConferenceOnExit": "false",
        "StatusCallback": RING.status_url, "StatusCallbackEvent": ["initiated", "ringing", "answered", "completed"],
        "ConferenceStatusCallback": RING.conference_url,
        "ConferenceStatusCallbackEvent": ["start", "end", "join", "leave"],
    }  # fmt: skip
    basic = base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()
    assert asked.headers["authorization"] == f"Basic {basic}"


def test_a_citizen_is_called_into_the_conference_of_his_operator(twilio: Twilio, carrier: TwilioCarrier) -> None:
    teach(twilio)
    assert carrier.ring(CITIZEN) == CALL
    (asked,) = twilio.asked
    assert asked.path == ROOT + RINGS
    said = multi(asked.form)
    assert (said["To"], said["Label"], said["From"]) == ("+393480000001", "customer", "+390571000001")
    assert said["EarlyMedia"] == "false"


def test_a_line_is_recorded_in_two_channels_unless_it_is_already(twilio: Twilio, carrier: TwilioCarrier) -> None:
    teach(twilio)
    carrier.record(TAKEN)
    _, made = twilio.asked
    assert multi(made.form) == {
        "RecordingChannels": "dual", "Trim": "do-not-trim", "RecordingStatusCallback": TAKEN.status_url,
        "RecordingStatusCallbackEvent": ["in-progress", "completed", "absent"], "RecordingStatusCallbackMethod": "POST",
    }  # fmt: skip
    twilio.asked.clear()
    carrier.record(replace(TAKEN, sid=CALLER))  # two processes have begun one each: the later one ends
    assert [(one.method, one.path.rpartition("/")[2], multi(one.form)) for one in twilio.asked] == [
        ("GET", "Recordings.json", {}), ("POST", f"{FURTHER}.json", {"Status": "stopped"}),
    ]  # fmt: skip
    twilio.asked.clear()
    carrier.record(replace(TAKEN, sid=CALLER, taking=Taking.PAUSED))
    assert multi(twilio.asked[1].form) == {"Status": "paused", "PauseBehavior": "skip"}


def test_the_sound_in_two_channels_is_asked_for_as_such(twilio: Twilio, carrier: TwilioCarrier) -> None:
    twilio.replies["GET", f"/Recordings/{RECORDING}.wav"] = (200, "sound")
    carrier.fetch_recording(RECORDING, channels=2)
    assert twilio.asked[0].query == [("RequestedChannels", "2")]


def test_the_sound_of_a_recording_is_fetched_as_the_account(twilio: Twilio, carrier: TwilioCarrier) -> None:
    twilio.replies["GET", f"/Recordings/{RECORDING}.wav"] = (200, "sound")
    assert carrier.fetch_recording(RECORDING) == b'"sound"'
    assert twilio.asked[0].headers["authorization"].startswith("Basic ")
    with pytest.raises(CarrierError):
        carrier.fetch_recording("RE" + "0" * 32)
    carrier.delete_recording("RE" + "0" * 32)  # it is not there: no error


def test_whoever_takes_part_otherwise_than_he_should_is_updated_and_nobody_else(
    twilio: Twilio, carrier: TwilioCarrier
) -> None:
    """The hold's document is asked for by GET unless told otherwise, which we would refuse."""
    teach(twilio)
    carrier.arrange(HELD)
    told = {asked.path.rpartition("/")[2]: multi(asked.form) for asked in twilio.asked if asked.method == "POST"}
    assert told == {
        f"{CALLER}.json": {"Hold": "true", "HoldUrl": HELD.hold_url, "HoldMethod": "POST"},
        f"{CALL}.json": {"Coaching": "true", "CallSidToCoach": CALLER},
    }
    twilio.asked.clear()
    carrier.arrange(replace(HELD, standing={CUSTOMER: Standing(), "watch-gone": Standing(muted=True)}))
    assert [asked.method for asked in twilio.asked] == ["GET", "GET"]  # all is as it should be


def test_one_who_has_just_left_keeps_nobody_else_from_being_arranged(twilio: Twilio, carrier: TwilioCarrier) -> None:
    teach(twilio)
    del twilio.replies["POST", f"/Conferences/{CONFERENCE}/Participants/{CALL}.json"]
    carrier.arrange(HELD)
    assert [asked.method for asked in twilio.asked] == ["GET", "GET", "POST", "POST"]


@pytest.mark.parametrize(("path", "name"), [(PARTICIPANTS, "participants"), ("/Conferences.json", "conferences")])
def test_a_caller_who_is_not_listed_yet_is_not_taken_to_be_on_hold(
    twilio: Twilio, carrier: TwilioCarrier, path: str, name: str
) -> None:
    """The agent would be shown that the caller does not hear him."""
    teach(twilio)
    twilio.replies["GET", path] = (200, {name: [], "next_page_uri": None})
    with pytest.raises(CarrierError) as caught:
        carrier.arrange(HELD)
    assert not caught.value.permanent
    carrier.arrange(replace(HELD, standing={CUSTOMER: Standing()}))  # taken up again he is let be


def test_moving_and_ending_a_call(twilio: Twilio, carrier: TwilioCarrier) -> None:
    teach(twilio)
    carrier.redirect(CALL, "https://cc.example.it/resume")
    carrier.end(CALL)
    assert [multi(asked.form) for asked in twilio.asked] == [
        {"Url": "https://cc.example.it/resume", "Method": "POST"}, {"Status": "completed"},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("status", "live"),
    [("queued", True), ("ringing", True), ("in-progress", True), ("completed", False), ("busy", False),
     ("no-answer", False), ("failed", False), ("canceled", False)],
)  # fmt: skip
def test_a_call_as_the_carrier_knows_it(twilio: Twilio, carrier: TwilioCarrier, status: str, live: bool) -> None:
    ended = None if live else "Fri, 20 Nov 2026 09:00:30 +0000"
    twilio.replies["GET", f"/Calls/{CALL}.json"] = (200, the_call(status, end_time=ended))
    assert carrier.fetch(CALL) == CarrierCall(CALL, live, status, None if live else SINCE)


def test_a_call_the_carrier_does_not_know(carrier: TwilioCarrier) -> None:
    assert carrier.fetch("CA" + "0" * 32) is None


def test_who_is_in_a_conference(twilio: Twilio, carrier: TwilioCarrier) -> None:
    """Whoever is being rung is listed as well, and is not in it."""
    teach(twilio)
    assert carrier.labels_in(RING.conference) == {str(LEG): None, "customer": SINCE}
    assert multi(twilio.asked[0].query)["FriendlyName"] == RING.conference


def test_whom_a_line_was_put_through_to_is_told_by_the_calls_that_were_dialled_for_it(
    twilio: Twilio, carrier: TwilioCarrier
) -> None:
    teach(twilio)
    assert carrier.put_through(CALLER) is None
    ends = ("Fri, 20 Nov 2026 09:00:10 +0000", "Fri, 20 Nov 2026 09:01:30 +0000")
    dialled = [the_call("completed", end_time=ended, duration="60") for ended in ends]
    twilio.replies["GET", "/Calls.json"] = (200, {"calls": dialled, "next_page_uri": None})
    assert carrier.put_through(CALLER) == Spoken(SINCE, 60)
    asked = multi(twilio.asked[-1].query)
    assert (asked["ParentCallSid"], asked["Status"]) == (CALLER, "completed")


def test_a_ring_is_found_in_its_conference(twilio: Twilio, carrier: TwilioCarrier) -> None:
    teach(twilio)
    assert carrier.find_ring(RING) == CALL


def test_a_ring_that_never_was_is_not_found(twilio: Twilio, carrier: TwilioCarrier) -> None:
    twilio.replies["GET", "/Conferences.json"] = (200, {"conferences": []})
    twilio.replies["GET", "/Calls.json"] = (200, {"calls": [the_call("completed")], "next_page_uri": None})
    assert carrier.find_ring(RING) is None


def test_provisioning_again_updates_the_number(twilio: Twilio, carrier: TwilioCarrier) -> None:
    teach(twilio)
    provision(carrier)
    assert [(asked.method, asked.path) for asked in twilio.asked] == [
        ("GET", ROOT + NUMBERS), ("POST", f"{ROOT}/IncomingPhoneNumbers/{NUMBER}.json"),
    ]  # fmt: skip
    said = multi(twilio.asked[-1].form)
    assert (said["VoiceUrl"], said["VoiceMethod"], said["StatusCallback"]) == (TO.voice(), "POST", TO.status())


def test_a_number_is_never_bought_by_mistake(twilio: Twilio, carrier: TwilioCarrier) -> None:
    twilio.replies["GET", NUMBERS] = (200, {"incoming_phone_numbers": [], "next_page_uri": None})
    with pytest.raises(CarrierError) as refusal:
        provision(carrier)
    assert refusal.value.permanent
    assert [asked.method for asked in twilio.asked] == ["GET"]


# -- failures -------------------------------------------------------------------------------------------------------

PASSING = {"permanent": False}


@pytest.mark.parametrize(
    ("status", "code", "flags"),
    [
        (400, 21220, {"permanent": True, "gone": True}),
        (400, 21211, {"permanent": True}),
        (401, 20003, {"permanent": True}),
        (404, 20404, {"permanent": True, "gone": True}),
        (429, 20429, PASSING),
        (500, 20500, PASSING | {"unknown": True}),
        (503, None, PASSING | {"unknown": True}),
    ],
)
def test_what_a_refusal_means(
    twilio: Twilio, carrier: TwilioCarrier, status: int, code: int | None, flags: dict[str, bool]
) -> None:
    twilio.fails(status, code)
    with pytest.raises(CarrierError) as refusal:
        carrier.redirect(CALL, "https://cc.example.it/")
    error = refusal.value
    expected = {"permanent": False, "unknown": False, "gone": False} | flags
    assert {name: getattr(error, name) for name in expected} == expected
    assert error.code == code
    assert len(twilio.asked) == 1  # nothing is asked twice behind our back


@pytest.mark.parametrize(("told", "waits"), [("3", 3), ("7200", 60), ("soon", None), (None, None)])
def test_how_long_it_asks_us_to_wait(
    twilio: Twilio, carrier: TwilioCarrier, told: str | None, waits: int | None
) -> None:
    twilio.fails(429, 20429)
    twilio.headers = {} if told is None else {"Retry-After": told}
    with pytest.raises(CarrierError) as refusal:
        carrier.redirect(CALL, "https://cc.example.it/")
    assert refusal.value.undone
    assert refusal.value.retry_after == (None if waits is None else timedelta(seconds=waits))


def test_ending_a_call_that_has_ended_is_success(twilio: Twilio, carrier: TwilioCarrier) -> None:
    twilio.fails(400, 21220)
    carrier.end(CALL)


def test_a_carrier_that_accepts_and_says_nothing_may_have_done_it(loopback: None) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        carrier = carrier_at(f"http://127.0.0.1:{silent.getsockname()[1]}", timeout_s=0.2)
        with pytest.raises(CarrierError) as timeout:
            carrier.ring(RING)
    assert (timeout.value.permanent, timeout.value.unknown) == (False, True)


def test_a_carrier_that_hangs_up_without_a_word_may_have_done_it(twilio: Twilio, carrier: TwilioCarrier) -> None:
    twilio.hangs_up = True
    with pytest.raises(CarrierError) as cut:
        carrier.ring(RING)
    assert (cut.value.permanent, cut.value.unknown) == (False, True)
    assert len(twilio.asked) == 1


def test_a_carrier_that_cannot_be_reached_has_done_nothing(loopback: None) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    with pytest.raises(CarrierError) as refusal:
        carrier_at(f"http://127.0.0.1:{port}").ring(RING)
    assert (refusal.value.permanent, refusal.value.unknown) == (False, False)

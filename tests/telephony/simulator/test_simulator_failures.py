"""The product fails, or the carrier does: retries, fallbacks, lost and repeated callbacks."""

import socket

import httpx
import pytest

from telephony.carriers.simulator.config import Faults, Number
from telephony.carriers.simulator.faults import Misfortune

LINE = "+390550001111"
APOLOGY = "We are sorry, an application error has occurred. Goodbye."


def heard(view):
    return [line["text"] for line in view["transcript"] if line["kind"] == "say"]


@pytest.mark.parametrize(
    "page",
    [
        (500, "text/plain", "oops"),
        "<Response><Say>unclosed</Response>",
        "<Response><Sing>la</Sing></Response>",
        "<Answer/>",
        (200, "application/json", "{}"),
    ],
    ids=["status 500", "not XML", "unknown verb", "not a Response", "not TwiML"],
)
def test_a_bad_document_ends_in_an_apology(world, page):
    world.product.pages["/voice"] = page
    sid = world.call_in()
    view = world.until(sid, lambda view: not view["live"])
    assert heard(view) == [APOLOGY]


def test_an_unknown_verb_fails_the_call(world):
    world.product.pages["/voice"] = "<Response><Sing>la</Sing></Response>"
    world.call_in()
    assert world.product.wait("/number-status").params["CallStatus"] == "failed"


def test_the_fallback_address_is_told_why(world):
    world.rest(
        "POST", "/IncomingPhoneNumbers.json", 201, PhoneNumber=LINE,
        VoiceFallbackUrl=world.address("/fallback"),
    )  # fmt: skip
    world.product.pages["/voice"] = (503, "text/plain", "")
    world.product.pages["/fallback"] = "<Response><Say>Scusate.</Say></Response>"
    sid = world.call_in()
    told = world.product.wait("/fallback").params
    assert told["ErrorCode"] == "11200"
    assert told["ErrorUrl"] == world.address("/voice")
    assert heard(world.until(sid, lambda view: not view["live"])) == ["Scusate."]


def test_server_errors_are_retried_only_when_the_address_asks(world):
    replies = iter([(500, "text/plain", ""), (500, "text/plain", ""), "<Response><Say>Eccomi.</Say></Response>"])
    world.product.pages["/voice"] = lambda _params: next(replies)
    world.rest(
        "POST", "/IncomingPhoneNumbers.json", 201, PhoneNumber=LINE,
        VoiceUrl=world.address("/voice#rc=2&rp=all"),
    )  # fmt: skip
    sid = world.call_in()
    assert heard(world.until(sid, lambda view: not view["live"])) == ["Eccomi."]
    tokens = {told.headers["i-twilio-idempotency-token"] for told in world.product.all("/voice")}
    assert len(tokens) == 1


def test_a_refused_connection_is_retried(make_world):
    """The product is down for a moment: the retries of the fragment outlast it."""
    with socket.create_server(("127.0.0.1", 0)) as spare:
        port = spare.getsockname()[1]
    dead = Number(LINE, f"http://127.0.0.1:{port}/voice#rc=3&rp=ct")
    world = make_world(numbers=(dead,))
    sid = world.call_in()
    view = world.until(sid, lambda view: not view["live"])
    assert heard(view) == [APOLOGY]
    assert any("11205" in line["text"] for line in view["transcript"] if line["kind"] == "error")


def statuses(world, path="/status"):
    return [told.params["CallStatus"] for told in world.product.all(path)]


def place(world, **more):
    fields = {
        "From": LINE, "To": "+393470000001", "Twiml": "<Response><Say>Ciao.</Say></Response>",
        "StatusCallback": world.address("/status"),
        "StatusCallbackEvent": ["initiated", "ringing", "answered", "completed"],
    }  # fmt: skip
    return world.rest("POST", "/Calls.json", 201, **(fields | more))


def test_an_outbound_call_reports_its_progress(world):
    sid = place(world)["sid"]
    world.product.wait("/status", CallStatus="completed")
    assert statuses(world) == ["initiated", "ringing", "in-progress", "completed"]
    assert world.rest("GET", f"/Calls/{sid}.json")["duration"] is not None


def test_a_busy_number(world):
    world.http.put("/simulator/callees", json={"number": "+393470000001", "outcome": "busy"})
    place(world)
    world.product.wait("/status", CallStatus="busy")


def test_duplicated_callbacks(make_world):
    world = make_world(Faults(duplicate=1.0))
    place(world)
    world.product.wait("/status", count=2, CallStatus="completed")
    assert statuses(world) == [s for s in ("initiated", "ringing", "in-progress", "completed") for _ in "ab"]


def test_dropped_callbacks(make_world):
    world = make_world(Faults(drop=1.0))
    sid = place(world)["sid"]
    world.until(sid, lambda view: not view["live"])
    assert statuses(world) == []


def test_reordered_callbacks(make_world):
    order = [True, False, False, False]
    seed = next(
        seed for seed in range(200)
        for dice in [Misfortune(Faults(seed=seed, reorder=0.5))]
        if [dice.fate("call-1").out_of_order for _ in order] == order
    )  # fmt: skip
    world = make_world(Faults(seed=seed, reorder=0.5))
    place(world)
    world.product.wait("/status", CallStatus="initiated")
    assert statuses(world)[0] == "ringing"
    told = world.product.wait("/status", CallStatus="initiated").params
    assert told["SequenceNumber"] == "0"


def test_calls_beyond_the_rate_stay_queued(make_world):
    world = make_world(Faults(calls_per_second=1))
    place(world)
    waiting = place(world)["sid"]
    world.product.wait("/status", CallStatus="completed")
    assert world.rest("GET", f"/Calls/{waiting}.json")["status"] == "queued"
    world.rest("POST", f"/Calls/{waiting}.json", Status="canceled")
    world.product.wait("/status", CallStatus="canceled")


def test_the_seed_decides_not_the_timing():
    faults = Faults(seed=7, drop=0.3, duplicate=0.3, reorder=0.3, delay=0.3)
    one, other = Misfortune(faults), Misfortune(faults)
    interleaved = [(one.fate("call-1"), one.fate("call-2")) for _ in range(20)]
    second = [other.fate("call-2") for _ in range(20)]
    first = [other.fate("call-1") for _ in range(20)]
    assert interleaved == list(zip(first, second, strict=True))
    assert {fate.copies for fate in first + second} == {0, 1, 2}
    assert [Misfortune(Faults(seed=8, drop=0.3)).fate("call-1") for _ in range(20)] != first


def test_a_callback_before_the_reply(make_world):
    world = make_world(Faults(callback_before_reply=1.0))
    sid = place(world)["sid"]
    assert world.product.all("/status")[0].params["CallSid"] == sid


def test_a_reply_lost_after_the_call_was_made(make_world):
    world = make_world(Faults(lose_reply=1.0))
    with pytest.raises(httpx.RemoteProtocolError):
        place(world)
    world.product.wait("/status", CallStatus="completed")
    assert len(world.rest("GET", "/Calls.json", To="+393470000001")["calls"]) == 1


def test_too_many_requests(make_world):
    world = make_world(Faults(rate_limit=1.0))
    assert world.rest("GET", "/Calls.json", 429)["code"] == 20429


def test_faults_can_be_set_while_it_runs(world):
    assert world.http.put("/simulator/faults", json={"rate_limit": 1}).json()["rate_limit"] == 1
    assert world.rest("GET", "/Calls.json", 429)["status"] == 429
    assert world.http.put("/simulator/faults", json={"rate_limit": 2}).status_code == 422

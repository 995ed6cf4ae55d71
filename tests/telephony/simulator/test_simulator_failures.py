"""The product fails, or the carrier does: retries, fallbacks, lost and repeated callbacks."""

import socket

import httpx
import pytest

from telephony.carriers.simulator.config import Faults, Number
from telephony.carriers.simulator.faults import About, Fate, Fault, Kind, Misfortune

LINE = "+390550001111"
ACCOUNT = "AC" + "a" * 32
APOLOGY = "We are sorry, an application error has occurred. Goodbye."


def fate(dice, subject) -> Fate:
    return dice.fate(About(Kind.CALL, subject))


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


def test_somebody_whose_telephone_rings_picks_up_when_he_is_told_to(world):
    world.http.put("/simulator/callees", json={"number": "+393470000001", "answer_after_s": 600})
    sid = place(world)["sid"]
    world.until(sid, lambda view: view["status"] == "ringing")
    world.http.post(f"/simulator/calls/{sid}/answer").raise_for_status()
    world.product.wait("/status", CallStatus="in-progress")
    assert world.http.post(f"/simulator/calls/{sid}/answer").status_code == 409


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
        if [fate(dice, "call-1").out_of_order for _ in order] == order
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
    interleaved = [(fate(one, "call-1"), fate(one, "call-2")) for _ in range(20)]
    second = [fate(other, "call-2") for _ in range(20)]
    first = [fate(other, "call-1") for _ in range(20)]
    assert interleaved == list(zip(first, second, strict=True))
    assert {fate.copies for fate in first + second} == {0, 1, 2}
    assert [fate(Misfortune(Faults(seed=8, drop=0.3)), "call-1") for _ in range(20)] != first


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


def inject(world, fault, **more):
    made = world.http.post("/simulator/injections", json={"fault": fault, **more})
    assert made.status_code == 201, made.text
    return made.json()["id"]


def test_too_many_requests_says_when_to_come_back(make_world):
    world = make_world(Faults(rate_limit=1.0, retry_after_s=3))
    answer = world.http.get(f"/2010-04-01/Accounts/{ACCOUNT}/Calls.json")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "3")


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [("server_error", 500, 20500), ("hang", 503, 20503), ("rate_limit", 429, 20429), ("down", 503, 20503)],
)
def test_a_request_that_fails_makes_nothing(world, fault, status, code):
    world.http.put("/simulator/faults", json={"hang_s": 0})
    inject(world, fault, kind="create", times=1)
    fields = {"From": LINE, "To": "+393470000001", "Twiml": "<Response/>"}
    assert world.rest("POST", "/Calls.json", status, **fields)["code"] == code
    assert world.rest("GET", "/Calls.json")["calls"] == []
    world.rest("POST", "/Calls.json", 201, **fields)


def test_a_call_that_is_gone_cannot_be_moved(world):
    world.product.pages["/voice"] = '<Response><Gather timeout="600"><Say>Premi.</Say></Gather></Response>'
    sid, other = world.call_in(), world.call_in()
    inject(world, "gone", call=sid, times=1)
    world.rest("POST", f"/Calls/{other}.json", 200, Status="completed")
    assert world.rest("POST", f"/Calls/{sid}.json", 400, Status="completed")["code"] == 21220
    world.rest("POST", f"/Calls/{sid}.json", 200, Status="completed")


def test_one_kind_of_callback_is_lost_once(world):
    inject(world, "drop", kind="call", event="ringing", times=1)
    place(world)
    world.product.wait("/status", CallStatus="completed")
    place(world)
    world.product.wait("/status", count=2, CallStatus="completed")
    assert statuses(world).count("ringing") == 1
    assert statuses(world).count("initiated") == 2
    assert world.http.get("/simulator/injections").json()["injections"][0]["struck"] == 1


def test_a_callback_that_somebody_else_signed(world):
    inject(world, "bad_signature", kind="call", times=1)
    place(world)
    world.product.wait("/status", CallStatus="completed")
    assert len(world.product.badly_signed) == 1
    world.product.badly_signed.clear()  # it was meant


def test_a_document_may_be_asked_for_twice_or_never(world):
    world.product.pages["/voice"] = "<Response><Say>Ciao.</Say></Response>"
    inject(world, "duplicate", kind="document", times=1)
    world.until(world.call_in(), lambda view: not view["live"])
    assert len(world.product.all("/voice")) == 2
    inject(world, "drop", kind="document", times=1)
    view = world.until(world.call_in(), lambda view: not view["live"])
    assert heard(view) == [APOLOGY]


def test_a_carrier_that_is_down_takes_no_calls_tells_nothing_and_comes_back(world):
    wanted = inject(world, "down")
    assert world.http.post("/simulator/calls", json={"from": "+393331234567", "to": LINE}).status_code == 503
    assert world.rest("GET", "/Calls.json", 503)["code"] == 20503
    assert world.http.delete(f"/simulator/injections/{wanted}").status_code == 204
    place(world)
    world.product.wait("/status", CallStatus="completed")


def test_what_is_injected_must_make_sense_and_can_be_taken_back(world):
    assert world.http.post("/simulator/injections", json={"fault": "gone", "kind": "read"}).status_code == 422
    assert world.http.post("/simulator/injections", json={"fault": "drop", "call": "CAnobody"}).status_code == 404
    assert world.http.delete("/simulator/injections/99").status_code == 404
    inject(world, "drop")
    world.http.put("/simulator/faults", json={"drop": 0.5})
    assert len(world.http.get("/simulator/injections").json()["injections"]) == 1
    assert world.http.delete("/simulator/injections").status_code == 204
    assert world.http.get("/simulator/faults").json()["drop"] == 0
    assert world.http.get("/simulator/injections").json()["injections"] == []


def test_every_fault_says_what_it_strikes():
    dice = Misfortune(Faults(seed=1))
    for fault in Fault:
        dice.inject(fault, times=1)
    struck = {fault for fault in Fault for kind in Kind if dice.strikes(fault, About(kind, "x"))}
    assert struck == set(Fault)

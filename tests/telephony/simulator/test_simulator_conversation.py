"""Our own carrier against the simulator, while people talk: on hold, with a third one, overheard."""

from uuid import UUID

from telephony.carriers.port import CUSTOMER, Dial, Ring, Room, Standing, watcher_label
from tests.telephony.carriers.conftest import carrier_at
from tests.telephony.simulator.conftest import LINE
from tests.telephony.simulator.test_simulator_inbound import ROOM, conversation

SARA = UUID(int=9)
HOLD = '<Response><Play>/hold.mp3</Play><Redirect method="POST">/hold</Redirect></Response>'


def room(world, **standing):
    return Room(ROOM, standing, world.address("/hold"))


def ring(world, **more):
    fields = {
        "leg_id": SARA, "conference": ROOM, "agent": "sara", "caller_id": LINE, "timeout_s": 20,
        "status_url": world.address("/sara"), "conference_url": world.address("/ignored"),
    }  # fmt: skip
    return Ring(**(fields | more))


def test_a_caller_on_hold_hears_the_music_again_and_again_until_he_is_taken_up(world):
    caller, _, _ = conversation(world)
    world.product.pages["/hold"] = HOLD
    carrier = carrier_at(world.url)
    carrier.arrange(room(world, **{CUSTOMER: Standing(hold=True)}))
    assert world.product.wait("/hold", 2).method == "POST"
    world.until(caller, lambda call: call["place"] == "hold")
    carrier.arrange(room(world, **{CUSTOMER: Standing(hold=True)}))  # told twice
    carrier.arrange(room(world, **{CUSTOMER: Standing()}))
    world.until(caller, lambda call: call["place"] == "conversation")
    told = [t.params["StatusCallbackEvent"] for t in world.product.all("/room")]
    assert (told.count("participant-hold"), told.count("participant-unhold")) == (1, 1)


def test_a_supervisor_comes_in_unheard_whispers_to_the_agent_and_is_heard_by_all(world):
    caller, leg, _ = conversation(world)
    phone = world.phone("sara")
    carrier = carrier_at(world.url)
    sid = carrier.ring(ring(world, heard=False))
    phone.expect("incoming")
    phone.say("accept", sid)
    phone.expect("connected")
    path = f"/Conferences/{leg['conference_sid']}/Participants/{sid}.json"

    def flags():
        seen = world.rest("GET", path)
        return seen["label"], seen["muted"], seen["coaching"], seen["call_sid_to_coach"]

    label = watcher_label(SARA)
    assert flags() == (label, True, False, None)
    carrier.arrange(room(world, **{label: Standing(coaches="agent")}))
    assert flags() == (label, False, True, leg["call_sid"])
    carrier.arrange(room(world, **{label: Standing()}))
    assert flags()[1:3] == (False, False)
    carrier.arrange(room(world, **{label: Standing(muted=True)}))
    assert flags()[1:3] == (True, False)
    carrier.end(sid)
    phone.expect("ended")
    assert world.see(caller)["place"] == "conversation"


def test_keys_that_the_agent_presses_are_heard_by_whom_he_talks_to(world):
    caller, leg, phone = conversation(world)
    phone.socket.send(f'{{"type": "digits", "call_sid": "{leg["call_sid"]}", "digits": "12#"}}')
    world.until(caller, lambda call: any(line["text"] == "tones 12#" for line in call["transcript"]))


def test_who_answered_is_told_while_the_call_goes_on(world):
    carrier = carrier_at(world.url)
    number = "+393480000077"
    world.http.put("/simulator/callees", json={"number": number, "machine": True}).raise_for_status()
    world.product.pages["/answered"] = "<Response><Say>Buongiorno.</Say></Response>"
    pages = {one: world.address(f"/{one}") for one in ("answered", "line", "sorry")}
    dial = Dial(number, LINE, 25, pages["answered"], pages["line"], pages["sorry"], world.address("/machine"))
    sid = carrier.dial(dial)
    assert world.product.wait("/answered").params["CallSid"] == sid, "the person first"
    told = world.product.wait("/machine").params
    assert told["CallSid"] == sid
    assert told["AnsweredBy"] in {"machine_start", "unknown"}
    assert {one.params["CallStatus"] for one in world.product.all("/line")} >= {"initiated", "ringing", "in-progress"}

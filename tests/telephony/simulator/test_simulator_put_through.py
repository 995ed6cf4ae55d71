"""Twilio's `<Dial><Number>`: another telephone rings for a call; its action hears what came of it."""

import pytest

from tests.telephony.simulator.conftest import CITIZEN, LINE

OFFICE = "+390571757999"


def dials(more: str = "", caller_id: str = LINE) -> str:
    return (
        f'<Response><Say>Un momento.</Say><Dial action="/after" callerId="{caller_id}" timeout="20"{more}>'
        f"<Number>{OFFICE}</Number></Dial><Say>Mai.</Say></Response>"
    )


def answers(world, **how: object) -> None:
    world.http.put("/simulator/callees", json={"number": OFFICE, **how}).raise_for_status()


def test_who_answers_is_spoken_with_until_he_hangs_up_and_the_caller_goes_on(world):
    answers(world, script=[{"talk_s": 2}])
    world.product.pages |= {"/voice": dials(), "/after": "<Response><Say>Arrivederci.</Say></Response>"}
    caller = world.call_in()
    world.until(caller, lambda call: call["place"] == "conversation")
    (other,) = world.rest("GET", "/Calls.json", ParentCallSid=caller)["calls"]
    told = (other["from"], other["to"], other["direction"], other["status"])
    assert told == (LINE, OFFICE, "outbound-dial", "in-progress")
    after = world.product.wait("/after")
    assert (after.params["DialCallStatus"], after.params["DialCallSid"]) == ("completed", other["sid"])
    assert (after.params["CallStatus"], after.params["DialBridged"]) == ("in-progress", "true")
    assert after.params["DialCallDuration"].isdigit()
    world.until(caller, lambda call: call["status"] == "completed")
    assert [one["text"] for one in world.see(caller)["transcript"] if one["kind"] == "say"][-1] == "Arrivederci."


@pytest.mark.parametrize("outcome", ["busy", "no-answer", "failed"])
def test_who_does_not_answer_is_told_to_the_action(world, outcome):
    answers(world, outcome=outcome)
    world.product.pages |= {"/voice": dials(), "/after": "<Response/>"}
    caller = world.call_in()
    after = world.product.wait("/after")
    assert (after.params["DialCallStatus"], after.params["DialBridged"]) == (outcome, "false")
    assert "DialCallDuration" not in after.params
    world.until(caller, lambda call: call["status"] == "completed")


def test_when_the_caller_hangs_up_the_other_line_ends_and_the_action_hears_it(world):
    world.product.pages["/voice"] = dials()
    caller = world.call_in()
    world.until(caller, lambda call: call["place"] == "conversation")
    world.hang_up(caller)
    after = world.product.wait("/after")
    assert (after.params["DialCallStatus"], after.params["CallStatus"]) == ("completed", "completed")
    assert world.rest("GET", "/Calls.json", Status="in-progress")["calls"] == []


def test_a_conversation_lasts_no_longer_than_it_may(world):
    world.product.pages |= {"/voice": dials(' timeLimit="3"'), "/after": "<Response/>"}
    world.call_in()
    assert world.product.wait("/after").params["DialCallStatus"] == "completed"


def test_a_number_that_is_not_ours_is_not_shown(world):
    world.product.pages["/voice"] = dials(caller_id="+390571000000")
    caller = world.call_in()
    view = world.until(caller, lambda call: call["status"] == "completed")
    assert any(one["text"].startswith("13214") for one in view["transcript"])


def test_the_caller_s_own_number_may_be_shown(world):
    world.product.pages["/voice"] = dials(caller_id=CITIZEN)
    world.until(world.call_in(), lambda call: call["place"] == "conversation")

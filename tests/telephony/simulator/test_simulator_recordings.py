"""Our own carrier records a call at the simulator: two channels, paused and resumed, told and fetched."""

import io
import wave
from datetime import timedelta

import httpx
import pytest

from telephony.carriers.port import CarrierError, Taken, Taking
from telephony.carriers.simulator import tapes
from tests.telephony.carriers.conftest import carrier_at
from tests.telephony.simulator.conftest import ACCOUNT
from tests.telephony.simulator.test_simulator_inbound import conversation


def taken(world, sid, taking):
    return Taken(sid, taking, world.address("/taken"))


def listed(world, sid):
    found = world.rest("GET", f"/Calls/{sid}/Recordings.json")["recordings"]
    return [(one["status"], one["channels"]) for one in found]


def test_a_call_is_recorded_in_two_channels_and_its_sound_fetched_once_it_is_over(world):
    caller, _, _ = conversation(world)
    carrier = carrier_at(world.url)
    for _ in range(2):  # told twice: the reply to the first may have been lost
        carrier.record(taken(world, caller, Taking.ON))
    assert listed(world, caller) == [("in-progress", 2)]
    sid = world.product.wait("/taken", RecordingStatus="in-progress").params["RecordingSid"]
    with pytest.raises(CarrierError) as early:
        carrier.fetch_recording(sid, channels=2)
    assert early.value.gone
    world.hang_up(caller)
    ready = world.product.wait("/taken", RecordingStatus="completed").params
    assert (ready["RecordingSid"], ready["RecordingChannels"], ready["CallSid"]) == (sid, "2", caller)
    (known,) = carrier.recordings_of(caller)
    assert (known.sid, known.ready, known.absent) == (sid, True, False)
    with wave.open(io.BytesIO(carrier.fetch_recording(sid, channels=2))) as sound:
        assert (sound.getnchannels(), sound.getframerate()) == (2, 8000)
        assert sound.getnframes() == max(int(ready["RecordingDuration"]), 1) * 8000
    carrier.delete_recording(sid)
    carrier.delete_recording(sid)  # it is not there: no error
    assert carrier.recordings_of(caller) == []


def test_what_is_paused_takes_no_time_in_it(world, monkeypatch):
    caller, _, _ = conversation(world)
    carrier = carrier_at(world.url)
    carrier.record(taken(world, caller, Taking.ON))
    carrier.record(taken(world, caller, Taking.PAUSED))
    carrier.record(taken(world, caller, Taking.PAUSED))
    assert listed(world, caller) == [("paused", 2)]
    paused_at = tapes.now
    monkeypatch.setattr(tapes, "now", lambda: paused_at() + timedelta(hours=1))
    carrier.record(taken(world, caller, Taking.ON))
    assert listed(world, caller) == [("in-progress", 2)]
    carrier.record(taken(world, caller, Taking.OFF))
    carrier.record(taken(world, caller, Taking.OFF))
    ready = world.product.wait("/taken", RecordingStatus="completed").params
    assert int(ready["RecordingDuration"]) < 3600
    carrier.record(taken(world, caller, Taking.ON))  # a further part
    assert len(listed(world, caller)) == 2


def test_before_anything_is_recorded_there_is_nothing_to_pause_and_of_a_call_that_is_over_nothing_is_wanted(world):
    caller, _, _ = conversation(world)
    carrier = carrier_at(world.url)
    carrier.record(taken(world, caller, Taking.PAUSED))
    assert listed(world, caller) == []
    world.hang_up(caller)
    world.until(caller, lambda call: call["status"] == "completed")
    for taking in Taking:
        carrier.record(taken(world, caller, taking))


def test_requests_that_are_refused(world):
    caller, _, _ = conversation(world)
    at = f"/Calls/{caller}/Recordings"
    made = world.rest("POST", f"{at}.json", 201, RecordingChannels="dual")["sid"]
    assert world.rest("POST", f"{at}.json", 400, RecordingChannels="three")["code"] == 20001
    assert world.rest("POST", f"{at}/{made}.json", 400, Status="completed")["code"] == 20001
    world.rest("POST", f"{at}/Twilio.CURRENT.json", Status="stopped")
    assert world.rest("POST", f"{at}/{made}.json", 400, Status="paused")["code"] == 21220
    assert world.rest("GET", f"{at}/RE{'0' * 32}.json", 404)["code"] == 20404
    assert world.rest("GET", f"{at}/{made}.json")["sid"] == made
    anybody = httpx.get(f"{world.url}/2010-04-01/Accounts/{ACCOUNT}{at}.json")
    assert anybody.status_code == 401

"""Softphones: who rings, who wins, and what survives a lost socket."""

import time

import pytest
from websockets.exceptions import ConnectionClosed

LINE = "+390550001111"


def ring(world, timeout="30"):
    return world.rest(
        "POST", "/Calls.json", 201, From=LINE, To="client:agent1", Timeout=timeout,
        Twiml='<Response><Pause length="10"/><Dial><Conference>room</Conference></Dial></Response>',
        StatusCallback=world.address("/status"),
    )["sid"]  # fmt: skip


def answered(world):
    phone = world.phone()
    sid = ring(world, timeout="600")  # long enough for a busy machine
    phone.expect("incoming")
    phone.say("accept", sid)
    phone.expect("connected")
    return sid, phone


def test_all_softphones_ring_and_the_first_wins(world):
    first, second = world.phone(), world.phone()
    sid = ring(world)
    first.expect("incoming")
    second.expect("incoming")
    second.say("accept", sid)
    second.expect("connected")
    first.expect("cancel")
    first.say("accept", sid)  # too late
    first.expect("cancel")
    second.say("hangup", sid)
    second.expect("ended")
    assert world.product.wait("/status").params["CallStatus"] == "completed"


def test_a_busy_softphone_ignores_the_invitation(world):
    _sid, phone = answered(world)
    ring(world, timeout="5")
    assert world.product.wait("/status").params["CallStatus"] == "no-answer"
    assert phone.silent()


def test_a_softphone_that_comes_back_keeps_its_call(make_world):
    world = make_world(device_grace_s=100.0)  # two seconds at the tests' pace
    sid, phone = answered(world)
    phone.socket.close()
    back = world.phone()
    assert back.expect("connected")["call_sid"] == sid
    back.say("hangup", sid)
    back.expect("ended")


def test_a_new_socket_inherits_before_the_old_one_is_known_dead(world):
    sid, phone = answered(world)
    back = world.phone()
    phone.socket.close()
    assert back.expect("connected")["call_sid"] == sid


def test_a_softphone_that_stays_away_ends_its_call(world):
    sid, phone = answered(world)
    phone.socket.close()
    assert world.product.wait("/status").params["CallStatus"] == "completed"
    assert not world.see(sid)["live"]


@pytest.mark.parametrize("fault", [{"secret": "x" * 32}, {"expires_in": -60}, {"cty": "other"}])
def test_a_bad_token_opens_nothing(world, fault):
    with pytest.raises(ConnectionClosed) as refused:
        world.phone(**fault)
    assert refused.value.rcvd.code == 4401


def test_an_expired_token_ends_the_registration(world):
    phone = world.phone(expires_in=1)
    began = time.monotonic()
    with pytest.raises(ConnectionClosed):
        phone.socket.recv(timeout=5)
    assert time.monotonic() - began < 3


def test_only_the_products_pages_may_open_a_device(make_world):
    world = make_world(allowed_origins=("https://cc.example.it",))
    refused = world.open("/device?token=x", origin="https://evil.example")
    with pytest.raises(ConnectionClosed) as closed:
        refused.recv(timeout=5)
    assert closed.value.rcvd.code == 4403
    allowed = world.open("/device?token=x", origin="https://cc.example.it")
    with pytest.raises(ConnectionClosed) as closed:
        allowed.recv(timeout=5)
    assert closed.value.rcvd.code == 4401  # the origin passed; the token does not

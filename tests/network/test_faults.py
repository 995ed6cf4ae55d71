"""The carrier may do anything: the call is answered or honestly ended, nobody is rung twice, and it counts once."""

from typing import Any

import pytest

from telephony.calls.models import Outcome, Phase
from tests.network.conftest import Network, Softphone

pytestmark = pytest.mark.integration


def talks(network: Network) -> tuple[str, Softphone]:
    """Mario asks for an operator and speaks with Anna, whatever it takes the engine."""
    phone = network.sits_down(network.cast.anna)
    sid = network.calls()
    network.until(lambda: network.phase(sid) is Phase.TALKING, looking=True)
    return sid, phone


def ends_well(network: Network, sid: str) -> None:
    """He hangs up; the product learns of it, and everything is counted once."""
    network.hangs_up(sid)
    network.until(lambda: network.phase(sid) is Phase.ENDED, looking=True)
    network.until(lambda: network.live() == [], looking=True)
    network.until(lambda: network.state(network.cast.anna) == "wrap_up", looking=True)
    call = network.call(sid)
    assert call is not None
    assert call.outcome is Outcome.ANSWERED
    counts = network.counted()
    assert (counts.received, counts.entered, counts.answered, counts.lost) == (1, 1, 1, 0)
    assert network.proof().differences == ()


CALLBACK_FAULTS: dict[str, dict[str, Any]] = {
    "everything is told twice": {"fault": "duplicate"},
    "everything is told out of order": {"fault": "reorder"},
    "everything is told late": {"fault": "delay"},
    "nothing is told": {"fault": "drop", "kind": "call"},
    "nothing is told of conferences": {"fault": "drop", "kind": "conference"},
    "nobody tells that she answered": {"fault": "drop", "kind": "call", "event": "in-progress"},
    "nobody tells that he joined": {"fault": "drop", "kind": "conference", "event": "participant-join"},
    "nobody tells that it ended": {"fault": "drop", "kind": "call", "event": "completed"},
    "the first callbacks are forged": {"fault": "bad_signature", "kind": "call", "times": 2},
    "half of what is told is lost": {"fault": "drop", "share": 0.5, "kind": "conference"},
    "callbacks come before the reply": {"fault": "callback_before_reply"},
    "every document is asked for twice": {"fault": "duplicate", "kind": "document"},
}


@pytest.mark.parametrize("fault", CALLBACK_FAULTS.values(), ids=CALLBACK_FAULTS)
def test_whatever_becomes_of_callbacks(network: Network, fault: dict[str, Any]) -> None:
    """Rule: told twice, done once.

    Duplicate webhooks are applied once, by SID, event and sequence; lost ones are looked for.
    """
    network.faults(seed=3, delay_s=0.6)
    network.inject(**fault)
    sid, phone = talks(network)
    ends_well(network, sid)
    assert len(phone.rung) == 1


REQUEST_FAULTS: dict[str, dict[str, Any]] = {
    "the reply to the ring is lost": {"fault": "lose_reply", "times": 1},
    "the ring is refused with 429": {"fault": "rate_limit", "kind": "create", "times": 1},
    "the ring meets a 500": {"fault": "server_error", "kind": "create", "times": 1},
    "the ring meets silence": {"fault": "hang", "kind": "create", "times": 1},
    "the caller cannot be moved at first": {"fault": "server_error", "kind": "update", "times": 1},
    "nobody answers about anything at first": {"fault": "server_error", "times": 2},
}


@pytest.mark.parametrize("fault", REQUEST_FAULTS.values(), ids=REQUEST_FAULTS)
def test_whatever_becomes_of_requests(network: Network, fault: dict[str, Any]) -> None:
    """Rule: unknown, not repeated.

    A lost reply is unknown, reconciled, never blindly repeated: no telephone rings twice for one leg.
    """
    network.faults(hang_s=2.0)
    network.inject(**fault)
    sid, phone = talks(network)
    ends_well(network, sid)
    assert len(phone.rung) == 1
    assert len({leg.carrier_sid for leg in network.legs() if leg.carrier_sid}) == 1


def test_he_hangs_up_in_the_instant_in_which_he_is_moved(network: Network) -> None:
    """21220: the order to move him was right, and comes too late."""
    network.inject("gone", kind="update", times=1)
    phone = network.sits_down(network.cast.anna)
    sid = network.calls()
    network.until(lambda: network.phase(sid) is Phase.JOINING)
    network.hangs_up(sid)
    network.until(lambda: network.phase(sid) is Phase.ENDED, looking=True)
    network.until(lambda: network.live() == [], looking=True)
    network.until(lambda: network.state(network.cast.anna) == "ready", looking=True)
    counts = network.counted()
    assert (counts.received, counts.entered, counts.answered, counts.lost) == (1, 1, 0, 1)
    assert len(phone.rung) == 1


def test_the_carrier_is_down_for_a_while_and_the_conversation_is_taken_up_again(network: Network) -> None:
    sid, _ = talks(network)
    down = network.inject("down")
    network.hangs_up(sid)
    for _ in range(2):
        network.looks()  # nobody can be asked: nothing is concluded
    assert network.phase(sid) is Phase.TALKING
    network.withdraw(down)
    ends_well(network, sid)

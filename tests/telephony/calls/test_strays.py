"""The carrier's live calls that are not ours to leave alone: unknown ones, and those that we hold as over."""

from datetime import UTC, datetime, timedelta

import pytest

from telephony.calls.events import LegEnd
from telephony.calls.strays import LAG, LONGEST_RING, Known, Strays, Verdict, judge
from telephony.carriers.port import LiveCall
from tests.cast import EMPOLI_LINE, STRANGER
from tests.telephony.stage import TO, Stage

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
KNOWN = Known({"CAlive": None, "CAover": NOON - LAG * 2, "CAjust": NOON}, {"CAleg": None, "CAgone": NOON - LAG * 2},
              frozenset({EMPOLI_LINE}))  # fmt: skip


def inbound(sid: str, *, to: str = EMPOLI_LINE, answered: bool = True, age: timedelta = LAG * 2) -> LiveCall:
    return LiveCall(sid, True, STRANGER, to, answered, NOON - age)


def ringing(
    sid: str, *, from_: str = EMPOLI_LINE, to: str = "client:agent_1", placed: bool = True, age: timedelta
) -> LiveCall:  # fmt: skip
    return LiveCall(sid, False, from_, to, False, NOON - age, placed)


@pytest.mark.parametrize(
    ("one", "verdict"),
    [
        (inbound("CAlive"), Verdict.LEAVE),
        (inbound("CAover"), Verdict.APOLOGISE),
        (inbound("CAover", answered=False), Verdict.END),
        (inbound("CAjust"), Verdict.LEAVE),  # the list lags behind
        (inbound("CAnew"), Verdict.ADOPT),
        (inbound("CAnew", age=LAG / 2), Verdict.LEAVE),
        (inbound("CAnew", answered=False), Verdict.LEAVE),  # it may still be announced
        (inbound("CAnew", to="+390999"), Verdict.LEAVE),  # somebody else's number on the same account
        (ringing("CAleg", age=LONGEST_RING * 2), Verdict.LEAVE),
        (ringing("CAgone", age=LAG), Verdict.END),
        (ringing("CAnobody", age=LONGEST_RING * 2), Verdict.END),
        (ringing("CAnobody", age=LONGEST_RING / 2), Verdict.LEAVE),  # whoever ordered it looks for it
        (ringing("CAnobody", from_="+390999", age=LONGEST_RING * 2), Verdict.LEAVE),
        (ringing("CAcitizen", to=STRANGER, age=LONGEST_RING * 2), Verdict.END),
        (ringing("CAdialledon", to=STRANGER, placed=False, age=LONGEST_RING * 2), Verdict.LEAVE),
    ],
)
def test_what_becomes_of_a_live_call(one: LiveCall, verdict: Verdict) -> None:
    assert judge(one, KNOWN, NOON) is verdict


@pytest.mark.integration
def test_a_caller_whom_we_hold_as_gone_hears_an_apology_and_a_telephone_that_rings_for_nobody_falls_silent(
    stage: Stage,
) -> None:
    """Rule: nobody is stuck. Stuck calls are found by comparing with the carrier, either way."""
    stage.ready(stage.cast.anna)
    call = stage.queues()
    leg = stage.talks(call)
    sid = str(stage.sid(leg))
    long_ago = stage.after(call, -600)
    stage.leg_ends(call, LegEnd.COMPLETED, leg, after=-300)
    stage.caller_leaves(call, after=-200)
    stage.carrier.hears_of("CAmario")  # he is there, after all
    stage.carrier.listed = [
        LiveCall("CAmario", True, STRANGER, EMPOLI_LINE, True, long_ago),
        LiveCall(sid, False, EMPOLI_LINE, "client:agent_1", True, long_ago, placed=True),
    ]
    assert Strays(stage.database, stage.carrier, TO).run() == 2
    assert stage.carrier.redirected[-1] == ("CAmario", TO.apology())
    assert stage.carrier.ended[-1] == sid


@pytest.mark.integration
def test_a_call_in_order_is_left_alone(stage: Stage) -> None:
    call = stage.queues()
    stage.carrier.listed = [LiveCall("CAmario", True, STRANGER, EMPOLI_LINE, True, stage.after(call, -600))]
    assert Strays(stage.database, stage.carrier, TO).run() == 0


@pytest.mark.integration
def test_a_stray_that_ends_in_that_instant_is_nobodys_trouble(stage: Stage) -> None:
    call = stage.queues()
    stage.carrier.hears_of("CAunknown")
    stage.carrier.loses("CAunknown")
    stage.carrier.listed = [LiveCall("CAunknown", True, STRANGER, EMPOLI_LINE, True, stage.after(call, -600))]
    assert Strays(stage.database, stage.carrier, TO).run() == 1
    assert stage.carrier.redirected == []

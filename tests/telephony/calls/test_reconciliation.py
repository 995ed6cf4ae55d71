"""A callback that is lost stays lost, so the carrier is asked."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from telephony.agents.models import AgentState
from telephony.calls import service
from telephony.calls.addresses import conference_name
from telephony.calls.events import LegEnd
from telephony.calls.models import Outcome, Phase
from telephony.calls.service import Heard
from telephony.carriers.port import CarrierCall, JoinConference
from tests.telephony.stage import Stage

pytestmark = pytest.mark.integration


def asks(stage: Stage) -> None:
    """Enough time passes without a word, and the carrier is asked."""
    stage.passes(20)
    stage.reconciler.run()
    stage.run()


def is_sent(stage: Stage, call: UUID) -> UUID:
    """His agent answers, and he is told to join the conference, four seconds after he asked for her; her leg."""
    stage.answers(call)
    stage.run()
    leg = stage.leg(call)
    stage.work(lambda s: service.note(s, call, "CallerSent", Heard(f"sent:{leg}", stage.after(call, 4))))
    assert isinstance(stage.hears(call)[0], JoinConference)
    return leg


def left_room(stage: Stage, call: UUID, leg: UUID, *, after: float) -> None:
    """The caller has left the conference of this leg."""
    heard = Heard(f"left-room:{leg}", stage.after(call, after))
    stage.work(lambda s: service.had_joined(s, call, leg, heard, "CAmario"))


def test_a_call_is_left_alone_while_it_may_still_be_heard_of(stage: Stage) -> None:
    stage.queues()
    assert stage.reconciler.run() == 0
    stage.passes(16)
    assert stage.reconciler.run() == 1
    assert stage.reconciler.run() == 0


def test_nobody_told_that_the_caller_hung_up(stage: Stage) -> None:
    call = stage.queues()
    stage.carrier.loses("CAmario", at=stage.after(call, 0))
    asks(stage)
    row = stage.call(call)
    assert (row.phase, row.outcome, row.waited_ms) == (Phase.ENDED, Outcome.ABANDONED, 0)


def test_a_call_of_which_the_carrier_knows_nothing_is_over(stage: Stage) -> None:
    call = stage.queues()
    stage.carrier.calls.clear()
    asks(stage)
    assert stage.call(call).phase is Phase.ENDED


def test_nobody_told_that_anna_answered(stage: Stage) -> None:
    stage.ready(stage.cast.anna)
    call = stage.queues()
    (assigned,) = stage.run()
    stage.carrier.picks_up(str(stage.sid(assigned.leg_id)))
    asks(stage)
    assert stage.call(call).phase is Phase.JOINING
    assert len(stage.carrier.redirected) == 1


def test_nobody_told_that_the_caller_joined(stage: Stage) -> None:
    stage.ready(stage.cast.anna)
    call = stage.queues()
    (assigned,) = stage.run()
    stage.answers(call)
    stage.run()
    stage.passes(7)  # sooner than elsewhere: two people are already speaking
    stage.reconciler.run()
    assert stage.call(call).phase is Phase.JOINING
    joined = stage.after(call, 0)
    stage.carrier.labels[conference_name(assigned.leg_id)] = dict.fromkeys(("customer", str(assigned.leg_id)), joined)
    stage.passes(7)
    stage.reconciler.run()
    assert stage.call(call).phase is Phase.TALKING
    assert stage.call(call).talking_since == joined  # not when it was found out
    assert stage.presence(stage.cast.anna).state is AgentState.TALKING


def test_who_leaves_a_conversation_had_joined_it_though_nobody_told(stage: Stage) -> None:
    stage.ready(stage.cast.anna)
    call = stage.queues()
    stage.run()
    leg = is_sent(stage, call)
    left_room(stage, call, leg, after=50)
    assert stage.call(call).phase is Phase.TALKING
    stage.caller_leaves(call, after=50)
    row = stage.call(call)
    assert (row.outcome, row.waited_ms, row.talked_ms) == (Outcome.ANSWERED, 4_000, 46_000)
    assert row.agent_id == stage.cast.anna
    assert stage.differences() == []


def test_the_same_when_the_end_of_his_line_is_heard_first(stage: Stage) -> None:
    stage.ready(stage.cast.anna)
    call = stage.queues()
    stage.run()
    leg = is_sent(stage, call)
    stage.caller_leaves(call, after=50)
    assert stage.call(call).outcome is Outcome.ABANDONED
    left_room(stage, call, leg, after=50)
    row = stage.call(call)
    assert (row.outcome, row.waited_ms, row.talked_ms) == (Outcome.ANSWERED, 4_000, 46_000)
    assert stage.differences() == []


def test_leaving_a_conversation_that_was_heard_of_changes_nothing(stage: Stage) -> None:
    stage.ready(stage.cast.anna)
    call = stage.queues()
    leg = stage.talks(call)
    before = stage.snapshot()
    left_room(stage, call, leg, after=50)
    assert stage.snapshot() == before


def test_nobody_told_that_annas_line_dropped(stage: Stage) -> None:
    """Rule: nobody is stuck."""
    stage.ready(stage.cast.anna)
    call = stage.queues()
    leg = stage.talks(call)
    stage.carrier.loses(str(stage.sid(leg)))
    asks(stage)
    assert stage.call(call).phase is Phase.WAITING  # at the head, until a telephone is there
    stage.ready(stage.cast.anna)
    stage.run()
    assert stage.call(call).phase is Phase.RINGING
    assert stage.call(call).leg_id != leg


def test_what_was_repaired_says_so_and_the_true_callback_changes_nothing_later(stage: Stage) -> None:
    call = stage.queues()
    stage.carrier.loses("CAmario", at=stage.after(call, 0))
    asks(stage)
    before = stage.snapshot()
    stage.caller_leaves(call)
    assert stage.snapshot() == before
    assert [fact.repaired for fact in before["service_fact"]] == [False, False, True]


def test_a_conversation_in_order_is_not_touched(stage: Stage) -> None:
    stage.ready(stage.cast.anna)
    call = stage.queues()
    leg = stage.talks(call)
    stage.carrier.picks_up(str(stage.sid(leg)))
    before = {name: rows for name, rows in stage.snapshot().items() if name != "call"}
    asks(stage)
    assert {name: rows for name, rows in stage.snapshot().items() if name != "call"} == before
    stage.leg_ends(call, LegEnd.COMPLETED, leg)
    assert stage.call(call).phase is Phase.WAITING


def test_a_caller_who_leaves_while_the_carrier_is_slow_to_say_so_left_when_he_did(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = stage.queues()
    fetch = stage.carrier.fetch

    def slowly(sid: str) -> CarrierCall | None:
        stage.carrier.loses(sid, at=datetime.now(UTC))  # after the reconciler has read its clock
        return fetch(sid)

    monkeypatch.setattr(stage.carrier, "fetch", slowly)
    asks(stage)
    assert stage.call(call).ended_at == stage.carrier.calls["CAmario"].ended_at

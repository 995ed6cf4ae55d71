"""What is owed to the carrier gets done, once, whatever dies or stays silent in between."""

from uuid import UUID

import pytest
import structlog
from structlog.testing import capture_logs

from telephony.agents.models import AgentState
from telephony.calls.addresses import conference_name
from telephony.calls.events import LegEnd
from telephony.calls.models import Phase
from telephony.commands.models import CommandKind, CommandState
from tests.cast import STRANGER
from tests.telephony.fake_carrier import no_answer, refused, unreachable
from tests.telephony.stage import Stage

pytestmark = pytest.mark.integration

RING = CommandKind.RING_AGENT


def offered(stage: Stage) -> tuple[UUID, UUID]:
    """A call that has been given to Anna; the ring is owed to the carrier. The call and the leg."""
    stage.ready(stage.cast.anna)
    stage.crash()  # nobody is waiting yet
    call = stage.queues()
    (due,) = stage.pending
    stage.crash()
    (assigned,) = stage.matcher.match_now(due.domain, found_by="event")
    return call, assigned.leg_id


def test_a_ring_without_an_answer_is_looked_for_and_found(stage: Stage) -> None:
    stage.carrier.loses_replies = True
    call, leg = offered(stage)
    stage.run()
    assert stage.commands() == [(RING, CommandState.UNKNOWN)]
    assert stage.dispatcher.sweep() == 0  # it is given time to show itself
    stage.passes(10)
    assert stage.dispatcher.sweep() == 1
    assert stage.commands() == [(RING, CommandState.DONE)]
    assert list(stage.carrier.rings) == [stage.sid(leg)]  # rung once
    assert stage.call(call).phase is Phase.RINGING


def test_a_ring_without_an_answer_that_never_happened_gives_the_call_to_somebody_again(stage: Stage) -> None:
    stage.carrier.ringing.append(no_answer())
    call, leg = offered(stage)
    stage.run()
    stage.passes(10)
    stage.dispatcher.sweep()
    assert stage.commands() == [(RING, CommandState.FAILED)]
    assert stage.presence(stage.cast.anna).state is AgentState.READY  # no fault of hers
    assert stage.timers() == 0
    (again,) = stage.run()
    assert (again.call_id, again.agent_id) == (call, stage.cast.anna)
    assert again.leg_id != leg
    assert [ring.leg_id for ring in stage.carrier.rings.values()] == [again.leg_id]


def test_a_ring_is_never_asked_for_twice_even_if_it_is_found_late(stage: Stage) -> None:
    """Rule: unknown, not repeated."""
    stage.carrier.loses_replies = True
    offered(stage)
    stage.run()
    for _ in range(3):
        stage.passes(10)
        stage.dispatcher.sweep()
    assert len(stage.carrier.rings) == 1


def test_the_carrier_refuses_to_ring_anna(stage: Stage) -> None:
    stage.carrier.ringing.append(refused())
    call, _ = offered(stage)
    stage.run()
    assert stage.commands()[0] == (RING, CommandState.FAILED)
    assert stage.call(call).phase is Phase.RINGING  # freed, she was offered it anew
    assert len(stage.carrier.rings) == 1


def test_a_carrier_that_refuses_everything_is_not_asked_as_fast_as_it_refuses(stage: Stage) -> None:
    """Rule: heartbeat and take-over. A lock-up on a carrier's errors; nothing turns without end."""
    stage.carrier.ringing.extend(refused() for _ in range(4))
    offered(stage)
    stage.run()
    waits = []
    for _ in range(3):
        assert len(stage.later) == 1
        waits += stage.waits()
        stage.run()
    assert 0.5 <= waits[0] <= 1 <= waits[1] <= 2 <= waits[2] <= 4
    assert len(stage.carrier.rings) == 1
    stage.waits()
    assert stage.later == []


def test_the_process_dies_before_it_rings_and_the_engine_takes_over(stage: Stage) -> None:
    call, leg = offered(stage)
    stage.crash()
    assert stage.dispatcher.sweep() == 0  # its lease still runs
    stage.passes(10)
    assert stage.dispatcher.sweep() == 1  # nobody knows whether it was rung; it was not
    assert stage.commands() == [(RING, CommandState.FAILED)]
    (again,) = stage.run()
    assert (again.call_id, again.leg_id != leg) == (call, True)
    assert len(stage.carrier.rings) == 1


def test_the_process_dies_before_it_brings_the_caller_to_his_agent(stage: Stage) -> None:
    call, _ = offered(stage)
    stage.run()
    stage.answers(call)
    stage.crash()
    stage.passes(10)
    assert stage.dispatcher.sweep() == 1
    assert [sid for sid, _ in stage.carrier.redirected] == ["CAmario"]
    assert stage.commands()[-1] == (CommandKind.CONNECT_CALLER, CommandState.DONE)
    stage.passes(60)
    assert stage.dispatcher.sweep() == 0


def test_a_caller_whom_a_process_connected_before_it_died_is_not_taken_out_and_put_in_again(stage: Stage) -> None:
    stage.ready(stage.cast.anna)
    call = stage.queues()
    (assigned,) = stage.run()
    stage.answers(call)
    stage.crash()
    joined = dict.fromkeys(("customer", str(assigned.leg_id)), stage.after(call, 0))
    stage.carrier.labels[conference_name(assigned.leg_id)] = joined
    stage.passes(10)
    assert stage.dispatcher.sweep() == 1
    assert stage.carrier.redirected == []
    assert stage.commands()[-1] == (CommandKind.CONNECT_CALLER, CommandState.DONE)


def test_two_engines_sweep_and_each_command_is_taken_by_one(stage: Stage) -> None:
    call, _ = offered(stage)
    stage.run()
    stage.answers(call)
    stage.crash()
    stage.passes(10)
    assert stage.dispatcher.sweep() + stage.dispatcher.sweep() == 1


def test_a_passing_trouble_is_tried_again(stage: Stage) -> None:
    call, _ = offered(stage)
    stage.run()
    stage.carrier.telling.extend([unreachable(), unreachable()])
    stage.answers(call)
    stage.run()
    assert stage.commands()[-1] == (CommandKind.CONNECT_CALLER, CommandState.OWED)
    for _ in range(2):
        stage.passes(10)
        stage.dispatcher.sweep()
    assert stage.commands()[-1] == (CommandKind.CONNECT_CALLER, CommandState.DONE)


def test_a_trouble_that_does_not_pass_is_given_up_visibly(stage: Stage) -> None:
    call, _ = offered(stage)
    stage.run()
    stage.carrier.telling.extend(unreachable() for _ in range(9))
    stage.answers(call)
    stage.run()
    for _ in range(6):
        stage.passes(10)
        stage.dispatcher.sweep()
    assert stage.commands()[-1] == (CommandKind.CONNECT_CALLER, CommandState.FAILED)


def test_moving_a_caller_who_has_just_hung_up_is_no_failure(stage: Stage) -> None:
    call, _ = offered(stage)
    stage.run()
    stage.carrier.loses("CAmario")
    stage.answers(call)
    stage.run()
    assert stage.commands()[-1] == (CommandKind.CONNECT_CALLER, CommandState.DONE)


def test_what_the_call_has_moved_past_is_not_told_any_more(stage: Stage) -> None:
    """A ring that was made ready with its match is looked at again when no thread was free for it at once."""
    call, leg = offered(stage)
    stage.caller_leaves(call, after=3)
    stage.run(waited_s=1)
    assert stage.commands() == [(RING, CommandState.DONE), (CommandKind.END_LEG, CommandState.DONE)]
    assert stage.carrier.rings == {}
    assert stage.sid(leg) is None


def test_the_caller_gives_up_while_the_ring_is_on_its_way_and_the_leg_is_ended_when_its_sid_comes(
    stage: Stage,
) -> None:
    """Rule: no ghost rings.

    The end of the leg is ordered before anybody knows its SID; the ring's reply comes after that.
    """
    call, leg = offered(stage)
    stage.carrier.loses_replies = True
    stage.run()
    stage.caller_leaves(call, after=3)
    stage.run()
    assert stage.carrier.ended == []  # nobody knows yet what to end
    stage.passes(10)
    stage.dispatcher.sweep()
    stage.run()
    assert stage.carrier.ended == [stage.sid(leg)]
    assert stage.presence(stage.cast.anna).state is AgentState.READY


def test_annas_time_is_up_while_the_ring_is_on_its_way_and_the_leg_is_ended_when_its_sid_comes(stage: Stage) -> None:
    call, leg = offered(stage)
    stage.carrier.loses_replies = True
    stage.run()
    stage.leg_ends(call, LegEnd.TIMED_OUT, after=25)
    stage.run()
    stage.passes(10)
    stage.dispatcher.sweep()
    stage.run()
    assert stage.carrier.ended == [stage.sid(leg)]


def test_annas_time_is_up_though_nobody_knows_whether_her_telephone_rang_and_it_is_no_fault_of_hers(
    stage: Stage,
) -> None:
    """Rule: nobody is stuck. Agents stuck as reserved are freed; a carrier's failure evicts nobody."""
    stage.carrier.ringing.append(no_answer())
    call, leg = offered(stage)
    stage.run()
    stage.passes(26)
    stage.engine.fire_timers()
    assert stage.presence(stage.cast.anna).state is AgentState.READY
    (again,) = stage.run()
    assert (again.call_id, again.leg_id != leg) == (call, True)


def test_a_slow_carrier_for_one_call_holds_up_no_other(stage: Stage) -> None:
    call, _ = offered(stage)
    stage.carrier.ringing.append(no_answer())
    stage.run()
    stage.ready(stage.cast.luca)
    other = stage.queues(STRANGER, sid="CAother")
    stage.run()
    assert stage.call(other).phase is Phase.RINGING
    assert stage.call(call).phase is Phase.RINGING
    assert [ring.agent for ring in stage.carrier.rings.values()] == [f"agent_{stage.cast.luca}"]


def test_what_breaks_says_of_which_call(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    call, _ = offered(stage)
    stage.crash()
    stage.passes(60)
    monkeypatch.setattr(stage.carrier, "find_ring", lambda _: 1 / 0)
    monkeypatch.setattr("telephony.engine.ring_timed_out", lambda *_, **__: 1 / 0)
    with capture_logs([structlog.contextvars.merge_contextvars]) as lines:
        stage.dispatcher.sweep()
        stage.engine.fire_timers()
    told = {line["event"]: line.get("call") for line in lines}
    assert told == {"command_failed": str(call), "timer_failed": str(call)}

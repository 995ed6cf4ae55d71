"""No more calls a second leave than the account may place, whatever number of processes place them."""

import random
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from crm.core.db import Database
from telephony.agents.models import AgentState
from telephony.calls.models import AgentLeg, Phase
from telephony.carriers.port import CarrierError
from telephony.commands.models import CommandState, Timer, TimerKind
from telephony.standing.pace import LONGEST_WAIT, back_off, take
from tests.cast import STRANGER, Cast
from tests.telephony.fake_carrier import unreachable
from tests.telephony.stage import Stage, build

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def slow_down(seconds: float | None = None) -> CarrierError:
    """429: nothing was done."""
    wait = None if seconds is None else timedelta(seconds=seconds)
    return CarrierError("slow down", permanent=False, answered=True, code=20429, retry_after=wait)


@given(
    st.floats(0.5, 20),
    st.lists(st.floats(0, 3), min_size=1, max_size=40),
)
def test_in_any_stretch_no_more_leave_than_it_may_hold(per_second: float, gaps: list[float]) -> None:
    now, full_at, left = NOON, None, []
    for gap in gaps:
        now += timedelta(seconds=gap)
        wait, full_at = take(full_at, now, per_second)
        left.append(now + wait)
    assert all(one <= next_ for one, next_ in pairwise(left))  # first come, first out
    bucket = max(1.0, per_second)
    for i, first in enumerate(left):
        for j, last in enumerate(left[i:], start=1):
            assert j <= (last - first).total_seconds() * per_second + bucket + 1e-3


def test_whoever_comes_while_there_are_tokens_does_not_wait() -> None:
    full_at = None
    for _ in range(5):
        wait, full_at = take(full_at, NOON, 5)
        assert wait == timedelta()
    assert take(full_at, NOON, 5)[0] == timedelta(seconds=0.2)


@given(st.integers(1, 30), st.integers())
def test_each_attempt_waits_longer_and_never_for_ever(attempt: int, seed: int) -> None:
    wait = back_off(attempt, random.Random(seed))
    assert timedelta(seconds=0.5) <= wait <= LONGEST_WAIT


@pytest.fixture
def slow(database: Database, cast: Cast) -> Stage:
    """An account that may place one call a second, as Twilio's are unless agreed otherwise."""
    return build(database, cast, per_second=1)


def two_calls(stage: Stage) -> tuple[UUID, UUID]:
    """Two callers, and an agent for each."""
    stage.ready(stage.cast.anna, stage.cast.luca)
    first = stage.queues()
    second = stage.queues(STRANGER, sid="CAother")
    stage.run()
    return first, second


@pytest.mark.integration
def test_the_second_ring_waits_its_turn_and_is_made_once(slow: Stage) -> None:
    two_calls(slow)
    assert len(slow.carrier.rings) == 1
    (wait,) = slow.waits()
    assert 0.5 < wait <= 1
    assert len(slow.carrier.rings) == 2
    assert {state for _, state in slow.commands()} == {CommandState.DONE}


@pytest.mark.integration
def test_two_processes_share_the_tokens(slow: Stage, database: Database, cast: Cast) -> None:
    """The second process knows of the first one's call by the database alone."""
    slow.ready(cast.anna)
    slow.queues()
    slow.run()
    other = build(database, cast, per_second=1)  # hears the signals from here on
    other.ready(cast.luca)
    other.queues(STRANGER, sid="CAother")
    other.run()
    assert (len(slow.carrier.rings), len(other.carrier.rings)) == (1, 0)
    assert len(other.waits()) == 1
    assert len(other.carrier.rings) == 1


@pytest.mark.integration
def test_the_agent_has_his_whole_time_to_answer_though_the_ring_left_late(slow: Stage) -> None:
    two_calls(slow)
    given = (
        select(Timer.due_at - AgentLeg.offered_at)
        .join(AgentLeg, AgentLeg.id == Timer.leg_id)
        .where(Timer.kind == TimerKind.RING)
    )
    first, second = slow.work(lambda session: sorted(session.execute(given).scalars()))  # whoever left first
    (wait,) = slow.waits()
    assert second - first == timedelta(seconds=wait)


@pytest.mark.integration
def test_whoever_hangs_up_while_his_ring_waits_is_not_rung_for(slow: Stage) -> None:
    _, second = two_calls(slow)
    slow.caller_leaves(second)
    slow.run()
    slow.waits()
    assert len(slow.carrier.rings) == 1


@pytest.mark.integration
def test_a_process_that_dies_while_a_ring_waits_leaves_it_to_the_engine(slow: Stage) -> None:
    """Rule: unknown, not repeated.

    A lost reply is reconciled, never blindly repeated. Nobody knows whether it left: it did not.
    """
    _, second = two_calls(slow)
    slow.crash()
    assert slow.dispatcher.sweep() == 0  # the lease covers the wait
    slow.passes(11)
    slow.dispatcher.sweep()
    slow.run()
    slow.waits()
    assert slow.call(second).phase is Phase.RINGING
    assert len(slow.carrier.rings) == 2


@pytest.mark.integration
def test_told_to_slow_down_it_waits_as_long_as_it_is_told_and_everybody_with_it(slow: Stage) -> None:
    slow.carrier.ringing.append(slow_down(7))
    slow.ready(slow.cast.anna, slow.cast.luca)
    slow.queues()
    slow.run()
    slow.queues(STRANGER, sid="CAother")
    slow.run()
    assert slow.carrier.rings == {}
    waits = slow.waits()
    assert waits[0] == 7.0
    assert waits[1] > 6  # the other one, which nobody refused
    slow.waits()
    assert len(slow.carrier.rings) == 2


@pytest.mark.integration
def test_a_carrier_that_does_nothing_is_asked_again_ever_later_and_the_agent_keeps_the_call(stage: Stage) -> None:
    stage.carrier.ringing.extend([slow_down(), unreachable(), unreachable()])
    stage.ready(stage.cast.anna)
    call = stage.queues()
    stage.run()
    waits = [stage.waits()[0] for _ in range(3)]
    assert 0.5 <= waits[0] <= 1 <= waits[1] <= 2 <= waits[2] <= 4
    assert stage.call(call).phase is Phase.RINGING
    assert len(stage.carrier.rings) == 1


@pytest.mark.integration
def test_a_carrier_that_never_does_it_gives_the_agent_back_without_fault(stage: Stage) -> None:
    stage.carrier.ringing.extend(unreachable() for _ in range(5))
    stage.ready(stage.cast.anna)
    call = stage.queues()
    stage.run()
    while stage.later:
        stage.waits()
    assert stage.presence(stage.cast.anna).state is AgentState.READY
    assert stage.call(call).phase is Phase.WAITING
    assert stage.commands()[0][1] is CommandState.FAILED

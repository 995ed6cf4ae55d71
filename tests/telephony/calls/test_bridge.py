"""Between an agent's answer and the caller's joining him: nothing is given up before both are there."""

import pytest

from crm.core.errors import ConflictError
from telephony.agents.models import AgentState
from telephony.calls import talk
from telephony.calls.events import AgentAnswered, LegEnd
from telephony.calls.models import Phase
from telephony.commands.models import CommandKind
from tests.cast import STRANGER
from tests.telephony.stage import Stage

pytestmark = pytest.mark.integration


def test_whoever_answers_and_drops_before_the_bridge_leaves_the_caller_his_place_and_the_next_agent(
    stage: Stage,
) -> None:
    """Rule: cancel after the bridge. The wait goes on, nobody overtakes him, and Luca was never taken from him."""
    cast = stage.cast
    stage.ready(cast.anna)
    call = stage.queues()
    stage.run()
    stage.answers(call, after=4)
    entered = stage.entry(call).entered_at
    behind = stage.queues(STRANGER, sid="CAbehind")
    stage.leg_ends(call, LegEnd.COMPLETED, after=5)
    row = stage.call(call)
    assert (row.phase, row.answered_at, row.waiting_since) == (Phase.WAITING, None, row.queued_at)
    assert stage.entry(call).entered_at == entered
    stage.ready(cast.luca)
    first, second = stage.run()
    assert {first.call_id, second.call_id} == {call, behind}
    assert first.call_id == call
    stage.answers(call, after=10)
    stage.joins(call, after=12)
    assert stage.facts(call)[-1] == ("served", 12_000)


def test_nobody_s_ring_is_cancelled_before_the_caller_is_with_his_agent(stage: Stage) -> None:
    """Rule: cancel after the bridge. One telephone rings at a time, so that there is nothing to cancel too early."""
    cast = stage.cast
    stage.ready(cast.anna, cast.luca)
    call = stage.queues()
    stage.run()
    assert [kind for kind, _ in stage.commands()] == [CommandKind.RING_AGENT]
    assert stage.presence(cast.luca).state is AgentState.READY
    stage.answers(call)
    stage.run()
    assert CommandKind.END_LEG not in [kind for kind, _ in stage.commands()]
    stage.joins(call)
    stage.run()
    assert stage.call(call).phase is Phase.TALKING


def test_a_caller_is_not_left_to_a_colleague_who_is_not_there_yet(stage: Stage) -> None:
    """Rule: cancel after the bridge. Anna's own line is ended only once Luca has answered."""
    cast = stage.cast
    stage.ready(cast.anna)
    call = stage.queues()
    stage.talks(call)
    stage.ready(cast.luca)
    anna = stage.principal(cast.anna)
    stage.work(lambda s: talk.consult(s, anna, call_id=call, agent_id=cast.luca))
    stage.run()
    with pytest.raises(ConflictError, match="non ha ancora risposto"):
        stage.work(lambda s: talk.pass_on(s, anna, call_id=call))
    assert (stage.call(call).agent_id, stage.presence(cast.anna).state) == (cast.anna, AgentState.TALKING)
    party = stage.call(call).party_leg_id
    assert party is not None
    stage.hear(call, AgentAnswered(stage.after(call, 20), party))
    stage.work(lambda s: talk.pass_on(s, anna, call_id=call))
    stage.run()
    assert stage.call(call).agent_id == cast.luca
    assert [kind for kind, _ in stage.commands()][-1] is CommandKind.END_LEG

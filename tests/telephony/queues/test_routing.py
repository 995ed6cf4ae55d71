"""Who takes which call."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from telephony.queues.routing import Assignment, FreeAgent, Waiting, match

START = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
NOTICES, OPERATOR = 1, 2
ANNA, LUCA, MARTA = 7, 8, 9
MARIO, GINA, UGO = UUID(int=1), UUID(int=2), UUID(int=3)


def at(seconds: int) -> datetime:
    return START + timedelta(seconds=seconds)


def waits(call: UUID, since: int, queue: int = NOTICES, priority: int = 0) -> Waiting:
    return Waiting(call, queue, priority, at(since))


def idle(agent: int, since: int, *queues: int) -> FreeAgent:
    return FreeAgent(agent, at(since), frozenset(queues or (NOTICES,)))


def test_the_longest_waiting_caller_gets_the_longest_idle_agent() -> None:
    free = [idle(LUCA, 20), idle(ANNA, 10)]
    assert match([waits(GINA, 5), waits(MARIO, 1)], free) == [Assignment(MARIO, ANNA), Assignment(GINA, LUCA)]


def test_who_was_cut_off_goes_first() -> None:
    assert match([waits(MARIO, 1), waits(GINA, 9, priority=10)], [idle(ANNA, 0)]) == [Assignment(GINA, ANNA)]


def test_a_caller_nobody_free_can_serve_holds_up_nobody_behind_him() -> None:
    calls = [waits(MARIO, 1, NOTICES), waits(GINA, 2, OPERATOR)]
    assert match(calls, [idle(ANNA, 0, OPERATOR)]) == [Assignment(GINA, ANNA)]


def test_the_idle_agent_is_kept_for_the_queue_only_he_serves_when_the_earlier_call_is_his() -> None:
    calls = [waits(MARIO, 1, NOTICES), waits(GINA, 2, OPERATOR)]
    free = [idle(ANNA, 0, NOTICES), idle(LUCA, 5, NOTICES, OPERATOR)]
    assert match(calls, free) == [Assignment(MARIO, ANNA), Assignment(GINA, LUCA)]


def test_no_call_goes_to_whom_its_ente_keeps_away() -> None:
    empoli = Waiting(MARIO, NOTICES, 0, at(1), ente_id=1)
    removed = FreeAgent(ANNA, at(0), frozenset({NOTICES}), not_for=frozenset({1}))
    assert match([empoli], [removed]) == []
    assert match([empoli, waits(GINA, 2)], [removed, idle(LUCA, 5)]) == [
        Assignment(MARIO, LUCA),
        Assignment(GINA, ANNA),
    ]


def test_nobody_waiting_or_nobody_free_is_no_match() -> None:
    assert match([], [idle(ANNA, 0)]) == []
    assert match([waits(MARIO, 0)], []) == []


seconds = st.integers(0, 5)  # few values: ties are the interesting case
queue_ids = st.integers(1, 3)
waiting = st.lists(
    st.builds(
        Waiting, st.integers(1, 99).map(lambda n: UUID(int=n)), queue_ids, st.sampled_from([0, 0, 10]), seconds.map(at)
    ),
    max_size=12, unique_by=lambda call: call.call_id,
)  # fmt: skip
agents = st.lists(
    st.builds(FreeAgent, st.integers(1, 99), seconds.map(at), st.frozensets(queue_ids, min_size=1)),
    max_size=8, unique_by=lambda agent: agent.agent_id,
)  # fmt: skip


@given(waiting, agents)
@settings(deadline=None)
def test_no_call_and_no_agent_is_given_away_twice(calls: list[Waiting], free: list[FreeAgent]) -> None:
    made = match(calls, free)
    assert len({one.call_id for one in made}) == len({one.agent_id for one in made}) == len(made)
    queue = {call.call_id: call.queue_id for call in calls}
    serves = {agent.agent_id: agent.queues for agent in free}
    assert all(queue[one.call_id] in serves[one.agent_id] for one in made)


@given(waiting, agents)
@settings(deadline=None)
def test_nobody_who_came_later_is_served_by_an_agent_that_an_earlier_caller_could_have_had(
    calls: list[Waiting], free: list[FreeAgent]
) -> None:
    served = {one.call_id: one.agent_id for one in match(calls, free)}
    serves = {agent.agent_id: agent.queues for agent in free}
    for left_behind in (call for call in calls if call.call_id not in served):
        for overtaker in (call for call in calls if call.call_id in served):
            later = (-overtaker.priority, overtaker.entered_at) > (-left_behind.priority, left_behind.entered_at)
            assert not (later and left_behind.queue_id in serves[served[overtaker.call_id]])


@given(waiting, agents)
@settings(deadline=None)
def test_each_call_goes_to_the_longest_idle_of_those_still_free_for_it(
    calls: list[Waiting], free: list[FreeAgent]
) -> None:
    queue = {call.call_id: call.queue_id for call in calls}
    left = {agent.agent_id: agent for agent in free}
    for one in match(calls, free):
        able = [agent for agent in left.values() if queue[one.call_id] in agent.queues]
        assert left.pop(one.agent_id).idle_since == min(agent.idle_since for agent in able)


@given(waiting, agents)
@settings(deadline=None)
def test_nobody_waits_while_somebody_free_could_answer_him(calls: list[Waiting], free: list[FreeAgent]) -> None:
    made = match(calls, free)
    busy, served = {one.agent_id for one in made}, {one.call_id for one in made}
    for call in calls:
        if call.call_id not in served:
            assert not any(call.queue_id in agent.queues for agent in free if agent.agent_id not in busy)


@given(waiting, agents, st.randoms(use_true_random=False))
@settings(deadline=None)
def test_the_order_in_which_rows_are_read_decides_nothing(
    calls: list[Waiting], free: list[FreeAgent], chance: object
) -> None:
    shuffled, mixed = list(calls), list(free)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    chance.shuffle(mixed)  # type: ignore[attr-defined]
    assert match(calls, free) == match(shuffled, mixed)
